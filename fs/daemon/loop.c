/*
 * loop.c - runs libfuse's loop in a thread of its own. The thread that waits for it takes the
 * signals.
 */
#include "fs/daemon/loop.h"

#include "util/nanoseconds.h"

#include <errno.h>
#include <glib.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Real-time signals would not do: they can be lost, when the user has as many of them pending as a
 * limit allows. The kick interrupts whatever system call it meets, so it is a signal that nobody
 * sends: Linux has no use for SIGSTKFLT.
 */
enum {
	LOOP_DONE = SIGUSR1,   /* from the loop's thread: it ends. From others it means nothing */
	LOOP_KICK = SIGSTKFLT, /* to the loop's thread: check whether the session is over */
	PATIENCE_MS = 2000,
	KICK_MS = 10,
};

struct loop {
	struct fuse_session *session;
	const struct fuse_cmdline_opts *opts;
	pthread_t waiter;
	int done;   /* atomic: the loop has ended */
	int result; /* once done */
};

static void kicked(int number)
{
}

void loop_block_signals(void)
{
	struct sigaction kick = {.sa_handler = kicked}; /* no SA_RESTART, so that waiting ends */
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, LOOP_DONE);
	sigaddset(&set, LOOP_KICK);
	sigaction(LOOP_KICK, &kick, NULL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int serve_threads(struct fuse_session *session, const struct fuse_cmdline_opts *opts)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int result;

	fuse_loop_cfg_set_clone_fd(config, (unsigned)opts->clone_fd);
	if (opts->max_idle_threads !=
	    UINT_MAX) /* otherwise it was not given, and libfuse has a default */
		fuse_loop_cfg_set_idle_threads(config, opts->max_idle_threads);
	fuse_loop_cfg_set_max_threads(config, opts->max_threads);
	result = fuse_session_loop_mt(session, config);
	fuse_loop_cfg_destroy(config);
	return result;
}

static void *loop_thread(void *data)
{
	struct loop *loop = data;
	sigset_t kick;

	sigemptyset(&kick);
	sigaddset(&kick, LOOP_KICK);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	loop->result = loop->opts->singlethread ? fuse_session_loop(loop->session)
	                                        : serve_threads(loop->session, loop->opts);
	g_atomic_int_set(&loop->done, 1);
	pthread_kill(loop->waiter, LOOP_DONE);
	return NULL;
}

/*
 * Wait until THREAD ends. A kick that arrives just before the thread goes to sleep is lost, so send
 * one every KICK_MS. False if it takes too long.
 */
static bool join_in_time(pthread_t thread)
{
	for (long waited = 0; waited < PATIENCE_MS; waited += KICK_MS) {
		struct timespec when = ns_to_timespec(ns_now(CLOCK_REALTIME) + KICK_MS * NS_PER_MS);

		pthread_kill(thread, LOOP_KICK);
		if (pthread_timedjoin_np(thread, NULL, &when) == 0)
			return true;
	}
	return false;
}

/* Wait until the loop ends or one of the signals ENDS arrives. Returns the number of the signal. */
static int await_end(struct loop *loop, const sigset_t *ends)
{
	sigset_t set = *ends;
	int number;

	sigaddset(&set, LOOP_DONE);
	do
		sigwait(&set, &number);
	while (number == LOOP_DONE && !g_atomic_int_get(&loop->done));
	return number;
}

enum loop_end loop_run(struct fuse_session *session, const struct fuse_cmdline_opts *opts,
                       const sigset_t *ends)
{
	struct loop *loop = g_new0(struct loop, 1);
	enum loop_end end = LOOP_FAILED;
	pthread_t thread;
	int error;

	*loop = (struct loop){.session = session, .opts = opts, .waiter = pthread_self()};
	error = pthread_create(&thread, NULL, loop_thread, loop);
	if (error == 0) {
		int number = await_end(loop, ends);

		fuse_session_exit(session);
		if (!join_in_time(thread))
			return LOOP_HANGS; /* the thread still uses LOOP */
		/*
		 * After a signal of ours, a loop that was broken off may return an error. So it
		 * does if the kernel gives the connection up while requests are under way.
		 */
		end = number == LOOP_DONE && loop->result < 0 && loop->result != -ECONNABORTED
		          ? LOOP_FAILED
		          : LOOP_ENDED;
	} else {
		fprintf(stderr, "vasfs: cannot start a thread: %s\n", g_strerror(error));
	}
	g_free(loop);
	return end;
}
