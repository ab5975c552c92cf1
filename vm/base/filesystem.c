/*
 * filesystem.c - see filesystem.h.
 *
 * Whether files can be mapped is known from the kind of the file system. To try it would be
 * simpler, but mmap asks the file system while it keeps the whole address space locked. A network
 * or FUSE file system that does not answer would stop every thread of the daemon.
 */
#include "vm/base/filesystem.h"

#include <glib.h>
#include <linux/magic.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

/* Not in linux/magic.h. */
enum {
	CONFIGFS_TYPE = 0x62656570,
	FUSECTL_TYPE = 0x65735543,
	MQUEUE_TYPE = 0x19800202,
};

/*
 * The file systems whose files cannot be mapped: they have no mmap among their file operations.
 * NOEXEC: nothing there may be executed, however they are mounted (SB_I_NOEXEC). A few files of
 * devices in sysfs can be mapped in Linux; their contents are no memory.
 */
static const struct {
	uint32_t type; /* statfs(2) */
	bool noexec;
} kinds[] = {
    {BINFMTFS_MAGIC, true},       {BPF_FS_MAGIC, false},     {CGROUP_SUPER_MAGIC, true},
    {CGROUP2_SUPER_MAGIC, true},  {CONFIGFS_TYPE, false},    {DEBUGFS_MAGIC, false},
    {EFIVARFS_MAGIC, false},      {FUSECTL_TYPE, false},     {MQUEUE_TYPE, true},
    {NSFS_MAGIC, true},           {PROC_SUPER_MAGIC, true},  {PSTOREFS_MAGIC, false},
    {RDTGROUP_SUPER_MAGIC, true}, {SECURITYFS_MAGIC, false}, {SYSFS_MAGIC, true},
    {TRACEFS_MAGIC, false},
};

void filesystem_limits(int fd, bool *noexec, bool *unmappable)
{
	struct statfs status;

	*noexec = *unmappable = false;
	if (fstatfs(fd, &status) != 0)
		return;
	*noexec = (status.f_flags & ST_NOEXEC) != 0;
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if ((uint32_t)status.f_type == kinds[i].type) {
			*unmappable = true;
			*noexec |= kinds[i].noexec;
		}
}
