/*
 * proc.h - the host's /proc, through a descriptor of it.
 *
 * What /proc names may change: our own mount may be bound over it, or be mounted there. A look into
 * /proc would then be a request to ourselves. So a program opens /proc once, at its start, and
 * everything that it wants to know of the host later goes through that descriptor. Nothing else in
 * util/, vm/ or fs/ names /proc.
 *
 * PROC is such a descriptor. If it is negative, each function fails as if nothing were there.
 * PATH is a format for a path below /proc, without a slash before it: "self/fd/%d".
 */
#ifndef UTIL_PROC_H
#define UTIL_PROC_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Open /proc. Returns a descriptor, or -1 with errno set: ENODEV if it is no proc file system. */
int proc_open(void);

/*
 * Whether the numbers in PROC are the pids of this process's own pid namespace. They are those of
 * another one if the namespace is new and has no /proc of its own yet.
 */
bool proc_has_our_pids(int proc);

/* openat(2), with O_CLOEXEC. */
int proc_open_file(int proc, int flags, const char *path, ...) G_GNUC_PRINTF(3, 4);

/* The whole text of a file; free with g_free. NULL with errno set. */
char *proc_read(int proc, const char *path, ...) G_GNUC_PRINTF(2, 3);

/*
 * Store the target of a link in TARGET, at most SIZE - 1 bytes and a NUL. False with errno set:
 * ENAMETOOLONG if it is longer.
 */
bool proc_read_link(int proc, char *target, size_t size, const char *path, ...) G_GNUC_PRINTF(4, 5);

#endif
