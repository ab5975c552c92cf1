/*
 * loop.h - serves requests until the mount is gone or a signal arrives.
 *
 * A worker can hang in a host file forever, and libfuse waits for all its workers. So libfuse's
 * loop has a thread of its own, and loop_run waits only a short time for the end of that thread.
 */
#ifndef FS_DAEMON_LOOP_H
#define FS_DAEMON_LOOP_H

#include <fuse3/fuse_lowlevel.h>
#include <signal.h>

enum loop_end {
	LOOP_ENDED, /* unmounted, or stopped by a signal; no request is running */
	LOOP_HANGS, /* stopped by a signal, but a request does not end */
	LOOP_FAILED /* the loop could not start or broke off, and said so; no request is running */
};

/*
 * Set up the two signals that loop_run uses itself, SIGUSR1 and SIGSTKFLT, and block them. Call it
 * after signals_settle (signals.h), before the first thread is made.
 */
void loop_block_signals(void);

/*
 * Serve SESSION until it is unmounted or one of the signals ENDS arrives, which are blocked.
 * Returns how that ended. After LOOP_HANGS a thread still uses SESSION and OPTS.
 */
enum loop_end loop_run(struct fuse_session *session, const struct fuse_cmdline_opts *opts,
                       const sigset_t *ends);

#endif
