/*
 * filesystem.c - see filesystem.h.
 *
 * Whether files can be mapped, and how, is known from the kind of the file system. To try it would
 * be simpler, but mmap asks the file system while it keeps the whole address space locked. A
 * network or FUSE file system that does not answer would stop every thread of the daemon.
 */
#include "vm/base/filesystem.h"

#include "util/proc.h"

#include <fcntl.h>
#include <glib.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

/* Not in linux/magic.h. */
enum {
	CONFIGFS_TYPE = 0x62656570,
	FUSECTL_TYPE = 0x65735543,
	MQUEUE_TYPE = 0x19800202,
};

/* What a kind of file system is like: bits. */
enum {
	/*
	 * Its files cannot be mapped: they have no mmap among their file operations. A few files of
	 * devices in sysfs can be mapped in Linux; their contents are no memory.
	 */
	UNMAPPABLE = 1 << 0,
	NOEXEC = 1 << 1,    /* however it is mounted: SB_I_NOEXEC */
	ALIGNED = 1 << 2,   /* thp_get_unmapped_area is among the file operations */
	SEPARATE = 1 << 3,  /* mmap replaces the file of the area by another one */
	RENUMBERS = 1 << 4, /* stat has device numbers of its own */
};

/* The kinds that are not like most. By statfs(2). */
static const struct {
	uint32_t type;
	unsigned traits;
} kinds[] = {
    {BINFMTFS_MAGIC, UNMAPPABLE | NOEXEC},
    {BPF_FS_MAGIC, UNMAPPABLE},
    {CGROUP_SUPER_MAGIC, UNMAPPABLE | NOEXEC},
    {CGROUP2_SUPER_MAGIC, UNMAPPABLE | NOEXEC},
    {CONFIGFS_TYPE, UNMAPPABLE},
    {DEBUGFS_MAGIC, UNMAPPABLE},
    {EFIVARFS_MAGIC, UNMAPPABLE},
    {FUSECTL_TYPE, UNMAPPABLE},
    {MQUEUE_TYPE, UNMAPPABLE | NOEXEC},
    {NSFS_MAGIC, UNMAPPABLE | NOEXEC},
    {PROC_SUPER_MAGIC, UNMAPPABLE | NOEXEC},
    {PSTOREFS_MAGIC, UNMAPPABLE},
    {RDTGROUP_SUPER_MAGIC, UNMAPPABLE | NOEXEC},
    {SECURITYFS_MAGIC, UNMAPPABLE},
    {SYSFS_MAGIC, UNMAPPABLE | NOEXEC},
    {TRACEFS_MAGIC, UNMAPPABLE},

    {BTRFS_SUPER_MAGIC, ALIGNED | RENUMBERS},
    {EROFS_SUPER_MAGIC_V1, ALIGNED},
    {EXT4_SUPER_MAGIC, ALIGNED}, /* ext2 and ext3, too */
    {FUSE_SUPER_MAGIC, ALIGNED},
    {OVERLAYFS_SUPER_MAGIC, SEPARATE | RENUMBERS},
    {XFS_SUPER_MAGIC, ALIGNED},
};

struct filesystem filesystem_of(int fd)
{
	struct statfs status;
	unsigned traits = 0;

	if (fstatfs(fd, &status) != 0)
		return (struct filesystem){0};
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if ((uint32_t)status.f_type == kinds[i].type)
			traits = kinds[i].traits;
	return (struct filesystem){
	    .noexec = (status.f_flags & ST_NOEXEC) || (traits & NOEXEC),
	    .nosuid = (status.f_flags & ST_NOSUID) != 0,
	    .unmappable = (traits & UNMAPPABLE) != 0,
	    .aligned = (traits & ALIGNED) != 0,
	    .separate = (traits & SEPARATE) != 0,
	    .renumbers = (traits & RENUMBERS) != 0,
	};
}

/* Find mount ID in TEXT, a mountinfo, and store its device number. False: it is not there. */
static bool find_mount(const char *text, uint64_t id, dev_t *dev)
{
	for (const char *line = text; line != NULL && *line != '\0';) {
		unsigned long mount, parent;
		unsigned first, second;

		if (sscanf(line, "%lu %lu %u:%u", &mount, &parent, &first, &second) == 4 &&
		    mount == id) {
			*dev = makedev(first, second);
			return true;
		}
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	return false;
}

dev_t filesystem_device(int proc, int fd, dev_t st_dev)
{
	struct statx status;
	dev_t dev = st_dev;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &status) != 0 ||
	    !(status.stx_mask & STATX_MNT_ID))
		return st_dev;
	g_autofree char *text = proc_read(proc, "self/mountinfo");
	return text != NULL && find_mount(text, status.stx_mnt_id, &dev) ? dev : st_dev;
}
