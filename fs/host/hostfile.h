/*
 * hostfile.h - opens host files as the caller, never as the daemon.
 */
#ifndef FS_HOST_HOSTFILE_H
#define FS_HOST_HOSTFILE_H

#include "fs/fs.h"

struct hostpath_start;

/* For whom host files are opened. */
struct hostfile_context {
	struct fs_mount *mount;
	const struct fs_caller *caller;
	/* of the last open: a static sentence that says more than the errno; or NULL */
	const char *why;
	/* where paths start, if that is not where the caller's process is; or NULL */
	const struct hostpath_start *start;
};

/*
 * Open the host file PATH as the caller in CONTEXT, with the groups that the caller says. ACCESS is
 * O_RDONLY, O_WRONLY or O_RDWR. PATH is what it is to the caller, whose root and working directory
 * may be others than ours. Returns a reference, or NULL with *ERROR set:
 *
 *   -EINVAL  it is not known what PATH is to the caller
 *   -ELOOP   the file is inside a mount of this daemon, or there are too many links
 *   -ENODEV  not a regular file, or a file of /proc
 *   -EPERM   the caller is another user, and the daemon is not root
 *   -EAGAIN  the thread that opens it as another user cannot be made
 *
 * and those of open(2) and vm_file_new. -EACCES also if the file is in a FUSE file system that lets
 * in only the user who mounted it, even if that is the caller: then CONTEXT->why says so.
 */
struct vm_file *hostfile_open(struct hostfile_context *context, const char *path, int access,
                              int *error);

/* An opener for vm_exec. It points to CONTEXT, which must live as long as the opener. */
struct vm_opener hostfile_opener(struct hostfile_context *context);

#endif
