/*
 * hostpath.h - walks from a caller's path to a host file without a step into our own mount.
 */
#ifndef FS_HOST_HOSTPATH_H
#define FS_HOST_HOSTPATH_H

#include "fs/fs.h"

#include <limits.h>
#include <stdbool.h>

/* Where the paths of a caller start: descriptors of its root and working directory, or -1. */
struct hostpath_start {
	int root, cwd;
	int lack; /* why one is missing if it is our fault (-EMFILE, -ENFILE, -ENOMEM), or 0 */
};

#define HOSTPATH_START_INIT ((struct hostpath_start){-1, -1, 0})

/*
 * Open what is still -1 in START, as far as this thread may look into the caller's process: through
 * /proc, so they are those of the caller's mount namespace. If the process is unknown (pid 0, or
 * /proc is another pid namespace's), so are both.
 */
void hostpath_start_find(const struct fs_mount *mount, struct hostpath_start *start,
                         const struct fs_caller *caller);

/* Close both descriptors, if open. */
void hostpath_start_close(struct hostpath_start *start);

/* How hostpath_walk walks: bits. */
enum {
	HOSTPATH_NOFOLLOW = 1 << 0, /* do not follow a link that is the last component */
	/* the last component is not looked at: the directory that it is in is found */
	HOSTPATH_PARENT = 1 << 1,
	/* the same if there is nothing with its name; links are followed to a name that is free */
	HOSTPATH_CREATE = 1 << 2,
	/* for a simulated program: nothing is found below a proc file system, -ENOENT */
	HOSTPATH_PROGRAM = 1 << 3,
};

/*
 * Where the directory of the last component was found: its name there, with a slash if one
 * followed. Empty: the file itself was found. "/": PATH is the root itself.
 */
struct hostpath_last {
	char name[NAME_MAX + 2];
};

/*
 * Walk PATH with the rights of this thread. Returns a descriptor opened with O_PATH, or a negative
 * errno. *CLOSED says whether that is the -EACCES of a FUSE file system that lets in only the user
 * who mounted it (fuse_allow_current_process). *LAST is stored if it is not NULL.
 *
 *   -EINVAL        it is not known what PATH is to the caller: its root is unknown, or its working
 *                  directory and PATH is relative, or PATH leads over a link of a /proc whose
 *                  processes or paths are not as we see them
 *   -ELOOP         PATH leads into MOUNT, or there are more than 40 links
 *   -ENAMETOOLONG  a component or a link is too long
 *   -ENOENT        PATH is empty
 *
 * and those of open(2).
 */
int hostpath_walk(const struct fs_mount *mount, const struct fs_caller *caller,
                  const struct hostpath_start *start, const char *path, unsigned how,
                  struct hostpath_last *last, bool *closed);

/* Whether FD is in MOUNT. No request is sent to find that out. */
bool hostpath_is_ours(const struct fs_mount *mount, int fd);

/* Whether FD is on a proc file system. */
bool hostpath_is_proc(int fd);

#endif
