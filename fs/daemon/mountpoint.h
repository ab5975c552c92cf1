/*
 * mountpoint.h - the directory to mount on: is it fit, and what became of it.
 */
#ifndef FS_DAEMON_MOUNTPOINT_H
#define FS_DAEMON_MOUNTPOINT_H

#include <glib.h>
#include <sys/types.h>

/*
 * The absolute path of the directory GIVEN, or NULL with ERROR: it is missing, not a directory, a
 * dead mount, or has a FUSE mount on it already, which a second one would only hide.
 */
char *mountpoint_check(const char *given, GError **error);

/* The st_dev of what is mounted on the absolute PATH, 0 if nothing is. Sends no request to it. */
dev_t mountpoint_dev(const char *path);

#endif
