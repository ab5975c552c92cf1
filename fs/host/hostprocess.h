/*
 * hostprocess.h - what the host's /proc says about the process of a caller.
 */
#ifndef FS_HOST_HOSTPROCESS_H
#define FS_HOST_HOSTPROCESS_H

#include <glib.h>
#include <sys/types.h>

/*
 * The numbers in the line KEY of the status file of PID: a GArray of uint32_t. It is empty if PID
 * is 0, or if its process or the line cannot be seen. Free it with g_array_unref.
 */
GArray *hostprocess_numbers(pid_t pid, const char *key);

#endif
