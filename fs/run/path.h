/*
 * path.h - from the path that a system call names to the host file.
 *
 * All functions that look at the host run with the identity of the program's owner. The file is
 * found as an O_PATH descriptor, so that nothing of it is opened, and what is done to it afterwards
 * is done to what was found.
 */
#ifndef FS_RUN_PATH_H
#define FS_RUN_PATH_H

#include "fs/host/hostpath.h"
#include "fs/run/syscall.h"

/* A path of a system call. */
struct path {
	const struct place *place;
	char *text;
	struct hostpath_start start; /* its descriptors are borrowed */
	struct vm_file *base;        /* the file of the descriptor of the directory, or NULL */
	int host;                    /* the host's descriptor of BASE, or -1 */
	int error;                   /* of that descriptor, if the path needs it */
};

/* How the last component is treated: HOSTPATH_NOFOLLOW, and this. */
enum { PATH_EMPTY = 1 << 16 }; /* AT_EMPTY_PATH: an empty path is the descriptor itself */

/*
 * Fetch the path at VA, relative to DIRFD (a descriptor or AT_FDCWD). 0, or -EFAULT, -ENAMETOOLONG,
 * -ENOENT: nothing is to be cleared. That DIRFD is wrong is found when it is needed.
 */
int path_get(struct call *call, struct path *path, int dirfd, uint64_t va, unsigned how);
void path_clear(struct path *path);

/* Whether PATH is the descriptor DIRFD itself. */
bool path_is_base(const struct path *path);

/*
 * With the owner's identity already: find PATH. Returns a descriptor of its own, or a negative
 * errno. LAST may be NULL (hostpath.h).
 */
int path_walk(const struct path *path, unsigned how, struct hostpath_last *last);

/* Called with the owner's identity and the host's file FD. */
typedef int64_t (*path_fn)(int fd, void *ctx);
/*
 * Call FN for the file that DIRFD and the path at VA name. Returns what FN returns, or an error of
 * the walk. A descriptor without host file is refused with -EBADF.
 */
int64_t path_call(struct call *call, int dirfd, uint64_t va, unsigned how, path_fn fn, void *ctx);

/* Called with the owner's identity: the directory PARENT, and a name in it. */
typedef int64_t (*name_fn)(int parent, const char *name, void *ctx);
/* The same for the last name of the path, which is not looked at. FN makes files with the umask. */
int64_t path_name_call(struct call *call, int dirfd, uint64_t va, name_fn fn, void *ctx);

#endif
