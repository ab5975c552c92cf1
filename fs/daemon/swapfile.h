/*
 * swapfile.h - the file behind a machine's swap.
 *
 *     0                          SIZE              SIZE + 4096
 *     +--------------------------+-------------------+
 *     | slots, one page each     | signature         |
 *     +--------------------------+-------------------+
 *
 * A file with a name is ours if it ends in the signature, and is locked while a machine uses it. It
 * stays when the machine ends; its contents mean nothing then. Without a name the file has none,
 * and goes with the machine.
 */
#ifndef FS_DAEMON_SWAPFILE_H
#define FS_DAEMON_SWAPFILE_H

#include <glib.h>
#include <stdint.h>

/*
 * A descriptor of the file PATH, or with NULL of one without a name in $TMPDIR or /var/tmp, that
 * has SIZE bytes of slots on its disk for sure. SIZE is a multiple of the page size. -1 with ERROR
 * set, and an existing file as it was.
 */
int swapfile_open(const char *path, uint64_t size, GError **error);

/* Where the file of FD is, for people; g_free it. */
char *swapfile_name(int fd);

#endif
