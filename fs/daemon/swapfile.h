/*
 * swapfile.h - the swap file of a machine.
 *
 *     0                          SIZE              SIZE + 4096
 *     +--------------------------+-------------------+
 *     | slots, one page each     | signature         |
 *     +--------------------------+-------------------+
 *
 * A file with a name is ours if it ends in the signature. It is locked while a machine uses it, and
 * stays when the machine ends, but then its contents mean nothing. A file without a name has no
 * signature, and is gone when the machine ends.
 */
#ifndef FS_DAEMON_SWAPFILE_H
#define FS_DAEMON_SWAPFILE_H

#include <glib.h>
#include <stdint.h>

/*
 * Open the file PATH, or make one without a name in $TMPDIR or /var/tmp if PATH is NULL. SIZE bytes
 * for slots are reserved on its disk; SIZE must be a multiple of the page size. Returns a
 * descriptor. On failure returns -1 with ERROR set, and a file that existed is as before.
 */
int swapfile_open(const char *path, uint64_t size, GError **error);

/* The path of the file FD, to show to people; PROC: see util/proc.h. Free it with g_free. */
char *swapfile_name(int proc, int fd);

#endif
