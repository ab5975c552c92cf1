/*
 * calls_stat.c - system calls that look at files: stat, statx, statfs, access. The numbers are the
 * host's.
 */
#include "fs/run/calls.h"
#include "fs/run/kind.h"
#include "fs/run/path.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

/* struct stat and struct statfs of the C library are those of the kernel. */
G_STATIC_ASSERT(sizeof(struct stat) == 144);
G_STATIC_ASSERT(sizeof(struct statfs) == 120);
G_STATIC_ASSERT(sizeof(struct statx) == 256);

/* --- What they ask ---------------------------------------------------------------------------- */

static int64_t look_stat(int fd, void *ctx)
{
	return fstat(fd, ctx) < 0 ? -errno : 0;
}

static int64_t look_statfs(int fd, void *ctx)
{
	return fstatfs(fd, ctx) < 0 ? -errno : 0;
}

struct statx_ask {
	unsigned mask;
	int sync; /* AT_STATX_ */
	struct statx result;
};

static int64_t look_statx(int fd, void *ctx)
{
	struct statx_ask *ask = ctx;

	return statx(fd, "", AT_EMPTY_PATH | ask->sync, ask->mask, &ask->result) < 0 ? -errno : 0;
}

/* --- Files that are none of the host ---------------------------------------------------------- */

static void statx_of(const struct stat *status, struct statx *x)
{
	*x = (struct statx){
	    .stx_mask = STATX_BASIC_STATS,
	    .stx_blksize = (uint32_t)status->st_blksize,
	    .stx_nlink = (uint32_t)status->st_nlink,
	    .stx_uid = status->st_uid,
	    .stx_gid = status->st_gid,
	    .stx_mode = (uint16_t)status->st_mode,
	    .stx_ino = status->st_ino,
	    .stx_size = (uint64_t)status->st_size,
	    .stx_blocks = (uint64_t)status->st_blocks,
	    .stx_dev_major = major(status->st_dev),
	    .stx_dev_minor = minor(status->st_dev),
	    .stx_rdev_major = major(status->st_rdev),
	    .stx_rdev_minor = minor(status->st_rdev),
	    .stx_mtime = {.tv_sec = status->st_mtim.tv_sec,
	                  .tv_nsec = (uint32_t)status->st_mtim.tv_nsec},
	};
	x->stx_atime = x->stx_ctime = x->stx_mtime;
}

/* As of the file system of pipes. */
static void statfs_of(struct statfs *fs)
{
	*fs = (struct statfs){.f_type = PIPEFS_MAGIC,
	                      .f_bsize = VM_PAGE_SIZE,
	                      .f_namelen = 255,
	                      .f_frsize = VM_PAGE_SIZE};
}

/* What LOOK stores for the file of descriptor FD in *RESULT. */
static int64_t look_at_descriptor(struct call *call, int fd, path_fn look, void *result)
{
	struct vm_file *file = vm_process_file(call->process, fd);
	struct stat status;
	int64_t error = 0;

	if (file == NULL)
		return -EBADF;
	int host = kind_host(file);
	if (host >= 0) {
		error = look(host, result);
	} else {
		kind_of(file)->stat(file, &status);
		if (look == look_stat)
			*(struct stat *)result = status;
		else if (look == look_statx)
			statx_of(&status, &((struct statx_ask *)result)->result);
		else
			statfs_of(result);
	}
	vm_file_unref(file);
	return error;
}

/* The same for a path. FLAGS are AT_ flags. */
static int64_t look_at(struct call *call, int dirfd, uint64_t va, int flags, path_fn look,
                       void *result)
{
	char first = 0;

	/* A path that is empty, or with AT_EMPTY_PATH none, is the descriptor. */
	if (flags & AT_EMPTY_PATH) {
		if (va != 0 && call_get(call, va, &first, 1) != 0)
			return -EFAULT;
		if (first == '\0' && dirfd != AT_FDCWD)
			return look_at_descriptor(call, dirfd, look, result);
	}
	unsigned how = (flags & AT_SYMLINK_NOFOLLOW ? HOSTPATH_NOFOLLOW : 0) |
	               (flags & AT_EMPTY_PATH ? PATH_EMPTY : 0);
	return path_call(call, dirfd, va, how, look, result);
}

/* --- The calls -------------------------------------------------------------------------------- */

static int64_t stat_at(struct call *call, int dirfd, uint64_t va, uint64_t out, int flags)
{
	struct stat status;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	int64_t result = look_at(call, dirfd, va, flags, look_stat, &status);
	return result != 0 ? result : call_put(call, out, &status, sizeof status);
}

int64_t sys_stat(struct call *call)
{
	return stat_at(call, AT_FDCWD, call->arg[0], call->arg[1], 0);
}

int64_t sys_lstat(struct call *call)
{
	return stat_at(call, AT_FDCWD, call->arg[0], call->arg[1], AT_SYMLINK_NOFOLLOW);
}

int64_t sys_newfstatat(struct call *call)
{
	return stat_at(call, (int)call->arg[0], call->arg[1], call->arg[2], (int)call->arg[3]);
}

int64_t sys_fstat(struct call *call)
{
	struct stat status;
	int64_t result = look_at_descriptor(call, (int)call->arg[0], look_stat, &status);

	return result != 0 ? result : call_put(call, call->arg[1], &status, sizeof status);
}

int64_t sys_statx(struct call *call)
{
	int flags = (int)call->arg[2];
	struct statx_ask ask = {.mask = (unsigned)call->arg[3], .sync = flags & AT_STATX_SYNC_TYPE};

	if ((flags &
	     ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) ||
	    ask.sync == AT_STATX_SYNC_TYPE || (ask.mask & STATX__RESERVED))
		return -EINVAL;
	int64_t result = look_at(call, (int)call->arg[0], call->arg[1], flags, look_statx, &ask);
	return result != 0 ? result : call_put(call, call->arg[4], &ask.result, sizeof ask.result);
}

int64_t sys_statfs(struct call *call)
{
	struct statfs fs;
	int64_t result = path_call(call, AT_FDCWD, call->arg[0], 0, look_statfs, &fs);

	return result != 0 ? result : call_put(call, call->arg[1], &fs, sizeof fs);
}

int64_t sys_fstatfs(struct call *call)
{
	struct statfs fs;
	int64_t result = look_at_descriptor(call, (int)call->arg[0], look_statfs, &fs);

	return result != 0 ? result : call_put(call, call->arg[1], &fs, sizeof fs);
}

/* The owner's rights to FD. Its real ids and its effective ones are the same. */
static int64_t check_access(int fd, void *ctx)
{
	const int *mode = ctx;

	return syscall(SYS_faccessat2, fd, "", *mode, AT_EMPTY_PATH | AT_EACCESS) < 0 ? -errno : 0;
}

static int64_t access_at(struct call *call, int dirfd, uint64_t va, int mode, int flags)
{
	if ((mode & ~(R_OK | W_OK | X_OK)) ||
	    (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	unsigned how = (flags & AT_SYMLINK_NOFOLLOW ? HOSTPATH_NOFOLLOW : 0) |
	               (flags & AT_EMPTY_PATH ? PATH_EMPTY : 0);
	return path_call(call, dirfd, va, how, check_access, &mode);
}

int64_t sys_access(struct call *call)
{
	return access_at(call, AT_FDCWD, call->arg[0], (int)call->arg[1], 0);
}

int64_t sys_faccessat(struct call *call)
{
	return access_at(call, (int)call->arg[0], call->arg[1], (int)call->arg[2], 0);
}

int64_t sys_faccessat2(struct call *call)
{
	return access_at(call, (int)call->arg[0], call->arg[1], (int)call->arg[2],
	                 (int)call->arg[3]);
}
