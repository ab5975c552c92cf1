/*
 * hostprocess.h - what the host's /proc says about the process of a caller.
 */
#ifndef FS_HOST_HOSTPROCESS_H
#define FS_HOST_HOSTPROCESS_H

#include "fs/fs.h"

/*
 * Read the numbers in the line KEY of /proc/PID/status. Returns a GArray of uint32_t; free it with
 * g_array_unref. It is empty if PID is 0, or if the process or the line cannot be seen.
 */
GArray *hostprocess_numbers(pid_t pid, const char *key);

/*
 * The supplementary groups of CALLER: a GArray of uint32_t, in the kernel's order; free it with
 * g_array_unref. NULL if they cannot be known: its process is not seen from here, or it has another
 * identity by now.
 */
GArray *hostprocess_groups(const struct fs_caller *caller);

#endif
