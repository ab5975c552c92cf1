/*
 * loop.c - libfuse's loop in a thread of its own, signals in the thread that waits for it.
 */
#include "fs/daemon/loop.h"

#include "util/nanoseconds.h"

#include <glib.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>

enum {
	LOOP_DONE = SIGUSR1, /* from the loop's thread: it ends */
	LOOP_KICK = SIGUSR2, /* to the loop's thread: look whether the session is over */
	PATIENCE_MS = 2000,
	KICK_MS = 10,
};

struct loop {
	struct fuse_session *session;
	const struct fuse_cmdline_opts *opts;
	pthread_t waiter;
	int result;
};

static void kicked(int number)
{
}

static sigset_t awaited_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, LOOP_DONE);
	return set;
}

void loop_block_signals(void)
{
	struct sigaction kick = {.sa_handler = kicked}; /* without SA_RESTART: waiting ends */
	sigset_t set = awaited_signals();

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(LOOP_DONE, SIG_DFL);
	sigaction(LOOP_KICK, &kick, NULL);
	sigaddset(&set, LOOP_KICK);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int serve_threads(struct fuse_session *session, const struct fuse_cmdline_opts *opts)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int result;

	fuse_loop_cfg_set_clone_fd(config, (unsigned)opts->clone_fd);
	if (opts->max_idle_threads != UINT_MAX) /* not given: libfuse has its own */
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
	pthread_kill(loop->waiter, LOOP_DONE);
	return NULL;
}

/*
 * Wait for the end of THREAD. A kick that comes just before it goes to sleep is lost, so it gets
 * more than one.
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

enum loop_end loop_run(struct fuse_session *session, const struct fuse_cmdline_opts *opts)
{
	struct loop *loop = g_new0(struct loop, 1);
	enum loop_end end = LOOP_FAILED;
	sigset_t set = awaited_signals();
	pthread_t thread;
	int number;

	*loop = (struct loop){.session = session, .opts = opts, .waiter = pthread_self()};
	if (pthread_create(&thread, NULL, loop_thread, loop) == 0) {
		sigwait(&set, &number);
		fuse_session_exit(session);
		if (!join_in_time(thread))
			return LOOP_HANGS; /* and LOOP is still in use */
		/* A loop that a signal broke off may call that an error. */
		end = number == LOOP_DONE && loop->result < 0 ? LOOP_FAILED : LOOP_ENDED;
	}
	g_free(loop);
	return end;
}
