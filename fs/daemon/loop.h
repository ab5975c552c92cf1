/*
 * loop.h - serving requests until the mount is gone or a signal asks to stop.
 *
 * A worker may hang in a host file for ever, and libfuse joins all of its workers. So libfuse's
 * loop has a thread of its own, and whoever asked for it waits for the end of that thread no longer
 * than is decent.
 */
#ifndef FS_DAEMON_LOOP_H
#define FS_DAEMON_LOOP_H

#include <fuse3/fuse_lowlevel.h>
#include <stdbool.h>

enum loop_end {
	LOOP_ENDED, /* unmounted, or stopped by a signal: no request runs any more */
	LOOP_HANGS, /* stopped by a signal, but a request does not end */
	LOOP_FAILED /* the loop could not start or broke off; no request runs any more */
};

/*
 * Make the calling thread, and all that it makes from now on, leave SIGTERM, SIGINT and SIGHUP to
 * loop_run. Call it before the first thread is made. SIGHUP stays ignored if it is (nohup); SIGINT
 * does not, though a shell ignores it for `&`.
 */
void loop_block_signals(void);

enum loop_end loop_run(struct fuse_session *session, const struct fuse_cmdline_opts *opts);

#endif
