/*
 * loop.h - serves requests until the mount is gone or a signal arrives.
 *
 * A worker can hang in a host file forever, and libfuse waits for all its workers. So libfuse's
 * loop has a thread of its own, and loop_run waits only a short time for the end of that thread.
 */
#ifndef FS_DAEMON_LOOP_H
#define FS_DAEMON_LOOP_H

#include <fuse3/fuse_lowlevel.h>
#include <stdbool.h>

enum loop_end {
	LOOP_ENDED, /* unmounted, or stopped by a signal; no request is running */
	LOOP_HANGS, /* stopped by a signal, but a request does not end */
	LOOP_FAILED /* the loop could not start or broke off; no request is running */
};

/*
 * Block SIGTERM, SIGINT and SIGHUP in this thread and in all that it will make, so that only
 * loop_run takes them. Call it before the first thread is made. A SIGHUP that is ignored (nohup)
 * stays ignored. A SIGINT does not, although a shell ignores it for `&`.
 */
void loop_block_signals(void);

/*
 * Serve SESSION until it is unmounted or a signal arrives. Returns how that ended. After LOOP_HANGS
 * a thread still uses SESSION and OPTS.
 */
enum loop_end loop_run(struct fuse_session *session, const struct fuse_cmdline_opts *opts);

#endif
