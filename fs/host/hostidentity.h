/*
 * hostidentity.h - does something with host files with the rights of a caller, never the daemon's.
 */
#ifndef FS_HOST_HOSTIDENTITY_H
#define FS_HOST_HOSTIDENTITY_H

#include "fs/fs.h"

/* For hostidentity_run: what FN makes gets the rights that the daemon's umask leaves. */
enum { HOSTIDENTITY_ANY_UMASK = -1 };

/*
 * Call FN (CTX) with the identity of CALLER and with UMASK, and return what it returns: in this
 * thread if the daemon has that identity, else on a thread made for it, while this one waits. What
 * FN returns is an int64_t, of which negative errnos are meant to be errors:
 *
 *   -EPERM   the caller is another user, and the daemon is not root
 *   -EAGAIN  the thread cannot be made
 *
 * and caller->lack.
 */
int64_t hostidentity_run(const struct fs_mount *mount, const struct fs_caller *caller, int umask,
                         int64_t (*fn)(void *ctx), void *ctx);

#endif
