/*
 * hostprocess.h - what the host's /proc says about the process of a caller.
 */
#ifndef FS_HOST_HOSTPROCESS_H
#define FS_HOST_HOSTPROCESS_H

#include "fs/fs.h"

#include <stdbool.h>

/*
 * Read the numbers in the line KEY of /proc/PID/status. Returns a GArray of uint32_t; free it with
 * g_array_unref. It is empty if PID is 0, or if the process or the line cannot be seen. NULL, with
 * errno set, if the file cannot be opened for another reason: the daemon has no descriptor left.
 */
GArray *hostprocess_numbers(const struct fs_mount *mount, pid_t pid, const char *key);

/*
 * Whether ERROR, of an open in /proc, is about the daemon, which has no descriptor or memory left,
 * and says nothing of the process.
 */
bool hostprocess_is_our_lack(int error);

/*
 * The supplementary groups of CALLER: a GArray of uint32_t, in the kernel's order; free it with
 * g_array_unref. NULL if they cannot be known: its process is not seen from here, or it has another
 * identity by now. *LACK is 0, or why they are not known if it is our fault (-EMFILE, -ENFILE,
 * -ENOMEM).
 */
GArray *hostprocess_groups(const struct fs_mount *mount, const struct fs_caller *caller, int *lack);

/* The working directory of CALLER becomes that of PROCESS, as far as it can be seen from here. */
void hostprocess_give_cwd(const struct fs_mount *mount, const struct fs_caller *caller,
                          struct vm_process *process);

/*
 * Whether the thread PID, which waits for an answer of ours, moves bytes of a file within the
 * kernel (splice, sendfile), or asks for them to be read ahead. False if that cannot be seen: the
 * host's rules for ptrace apply.
 */
bool hostprocess_splices(const struct fs_mount *mount, pid_t pid);

#endif
