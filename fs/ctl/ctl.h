/*
 * ctl.h - the ctl files: a stream of commands in, result lines out. docs/semantics.md says what
 * users see.
 *
 *     open = fs_ctl_open(mount, process or NULL, uid)   at open; NULL is the machine's ctl
 *       fs_ctl_write(open, caller, text, len)      runs each line that ends
 *       fs_ctl_read(open, caller, out, size)       gives result lines
 *       fs_ctl_close(open, caller)                 at flush: runs a last line without a newline
 *     fs_ctl_free(open)                            at release
 *
 * All of them may be called from any thread. None waits for another process or an event.
 *
 * The callers of one open file must have the same identity: uid, gid and groups. What one of them
 * wrote may be run when another one ends the line.
 */
#ifndef FS_CTL_CTL_H
#define FS_CTL_CTL_H

#include "fs/fs.h"

struct fs_ctl_open;

/*
 * Open the ctl file of PROCESS (a reference is taken), or that of the machine if PROCESS is NULL,
 * for the user UID. NULL: no memory.
 */
struct fs_ctl_open *fs_ctl_open(struct fs_mount *mount, struct vm_process *process, uid_t uid);

/*
 * Take LEN bytes from CALLER, and run each line that ends in them. Returns how many bytes were
 * taken, or the negative errno of the first command that failed; the bytes after its line are
 * dropped.
 *
 * Less than LEN is taken if the results of this write would be too many to keep: it ends after a
 * line, so that the writer can read them and go on. That happens only to a writer who had read all
 * results before; who never reads finds the oldest gone.
 */
ssize_t fs_ctl_write(struct fs_ctl_open *open, const struct fs_caller *caller, const char *text,
                     size_t len);

/*
 * Run a line that has no newline yet. Then move at most SIZE bytes of results to OUT, which must be
 * empty; if it stays empty, that is the end of the file. Returns 0, or the negative errno of that
 * line.
 */
int fs_ctl_read(struct fs_ctl_open *open, const struct fs_caller *caller, GString *out,
                size_t size);

/*
 * Run a last line that has no newline, if it was written through the table of descriptors of
 * CALLER. It is called at flush, so that close(2) reports the error. Returns 0 or the negative
 * errno of that line.
 */
int fs_ctl_close(struct fs_ctl_open *open, const struct fs_caller *caller);

/* Release OPEN. A line that nobody ended is dropped. */
void fs_ctl_free(struct fs_ctl_open *open);

#endif
