/*
 * mountpoint.h - checks the directory to mount on, and finds the mount there. PROC is a descriptor
 * of the host's /proc (util/proc.h).
 */
#ifndef FS_DAEMON_MOUNTPOINT_H
#define FS_DAEMON_MOUNTPOINT_H

#include <glib.h>
#include <sys/types.h>

/*
 * Check the directory GIVEN. Returns its absolute path (free with g_free), or NULL with ERROR set
 * if it is missing, is no directory, is a dead mount, or has a FUSE mount already, which ours would
 * hide.
 */
char *mountpoint_check(int proc, const char *given, GError **error);

/*
 * The st_dev of what is mounted on PATH, which is absolute. 0 with errno set if nothing is, or if
 * that cannot be found out. It sends no request to that mount.
 */
dev_t mountpoint_dev(int proc, const char *path);

#endif
