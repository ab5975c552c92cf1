/*
 * hostlink.h - follows links of /proc to files that no path leads to: deleted files, those of
 * memfd_create, those opened with O_TMPFILE.
 */
#ifndef FS_HOST_HOSTLINK_H
#define FS_HOST_HOSTLINK_H

#include "fs/fs.h"

/*
 * Open the regular file without a name that the link NAME in DIR means. DIR is a directory of the
 * proc file system that has callers under their pids. This thread must have the rights of the
 * caller: Linux checks whether it may look into the process. Returns a descriptor opened with
 * O_PATH, or a negative errno:
 *
 *   -ENOENT  the link is no such link, or it is one of the daemon's own, which it would always be
 *            allowed to follow
 *
 * and those of open(2), such as -EACCES.
 */
int hostlink_open_nameless(const struct fs_mount *mount, int dir, const char *name);

#endif
