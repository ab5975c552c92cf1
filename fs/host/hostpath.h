/*
 * hostpath.h - the way from a caller's path to a host file, without a step into our own mount.
 */
#ifndef FS_HOST_HOSTPATH_H
#define FS_HOST_HOSTPATH_H

#include "fs/fs.h"

#include <stdbool.h>

/* From where a caller's paths start: descriptors of its root and working directory, or -1. */
struct hostpath_start {
	int root, cwd;
};

#define HOSTPATH_START_INIT ((struct hostpath_start){-1, -1})

/*
 * Open those that are not open yet, as far as this thread may look into the caller's process. A
 * caller whose process cannot be seen at all (pid 0) is taken to have our root.
 */
void hostpath_start_find(struct hostpath_start *start, const struct fs_caller *caller);
void hostpath_start_close(struct hostpath_start *start);

/*
 * Walk PATH with the rights of this thread. A descriptor opened with O_PATH, or a negative errno:
 * -ELOOP inside MOUNT or past 40 links, -EINVAL for a relative path without a working directory,
 * and those of open(2).
 */
int hostpath_walk(const struct fs_mount *mount, const struct fs_caller *caller,
                  const struct hostpath_start *start, const char *path);

/* Whether FD is on a proc file system. */
bool hostpath_is_proc(int fd);

#endif
