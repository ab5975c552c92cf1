/*
 * ctl.h - the ctl files: a stream of commands in, result lines out. docs/semantics.md says what
 * users see.
 *
 *     open = fs_ctl_open(mount, process or NULL)   at open; NULL is the machine's ctl
 *       fs_ctl_write(open, caller, text, len)      runs each line that ends
 *       fs_ctl_read(open, caller, out, size)       gives result lines
 *       fs_ctl_close(open, caller)                 at flush: runs a last line without a newline
 *     fs_ctl_free(open)                            at release
 *
 * All of them may be called from any thread. None waits for another process or an event.
 */
#ifndef FS_CTL_CTL_H
#define FS_CTL_CTL_H

#include "fs/fs.h"

struct fs_ctl_open;

/*
 * An open of PROCESS's ctl file (a reference is taken), or the machine's with PROCESS NULL. Never
 * NULL.
 */
struct fs_ctl_open *fs_ctl_open(struct fs_mount *mount, struct vm_process *process);

/*
 * Take LEN bytes as CALLER. 0 (all were taken), or the negative errno of the command that failed.
 */
int fs_ctl_write(struct fs_ctl_open *open, const struct fs_caller *caller, const char *text,
                 size_t len);

/*
 * Move at most SIZE bytes of results into OUT (empty before): empty is the end of file. Runs a
 * pending line first.
 */
int fs_ctl_read(struct fs_ctl_open *open, const struct fs_caller *caller, GString *out,
                size_t size);

/*
 * Run a pending last line (at flush, so that close reports its error), if it was CALLER who wrote
 * it.
 */
int fs_ctl_close(struct fs_ctl_open *open, const struct fs_caller *caller);

/* Runs a line that is still pending, without its writer's working directory and groups. */
void fs_ctl_free(struct fs_ctl_open *open);

#endif
