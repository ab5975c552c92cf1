/*
 * hostprocess.h - what the host's /proc says about the process of a caller.
 */
#ifndef FS_HOST_HOSTPROCESS_H
#define FS_HOST_HOSTPROCESS_H

#include <glib.h>
#include <sys/types.h>

/*
 * Read the numbers in the line KEY of /proc/PID/status. Returns a GArray of uint32_t; free it with
 * g_array_unref. It is empty if PID is 0, or if the process or the line cannot be seen.
 */
GArray *hostprocess_numbers(pid_t pid, const char *key);

#endif
