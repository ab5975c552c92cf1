/*
 * hostfile.h - host files opened as the caller, never as the daemon.
 */
#ifndef FS_HOST_HOSTFILE_H
#define FS_HOST_HOSTFILE_H

#include "fs/fs.h"

/*
 * Open PATH as CALLER with ACCESS (O_RDONLY, O_WRONLY or O_RDWR). A relative PATH starts at the
 * caller's working directory. Only regular files: -ENODEV for others, -ELOOP inside a mount of this
 * daemon, -EPERM for another user where the daemon is not root, -EINVAL for a relative path whose
 * start is unknown, and open(2)'s own. Returns a reference, or NULL with *ERROR.
 */
struct vm_file *hostfile_open(struct fs_mount *mount, const struct fs_caller *caller,
                              const char *path, int access, int *error);

/* The opener that exec uses; it refers to CONTEXT, which must live as long. */
struct hostfile_context {
	struct fs_mount *mount;
	const struct fs_caller *caller;
};
struct vm_opener hostfile_opener(struct hostfile_context *context);

#endif
