/*
 * signals.c - what each signal does to the daemon.
 *
 * A daemon that dies or stops takes a mount with it: pages that are not written yet are lost, and
 * whoever uses the mount fails or hangs. So a signal ends it in order, or does nothing. What a
 * signal would report is found elsewhere: a write to a broken pipe or beyond the limit of a file's
 * size fails with an errno.
 *
 * What stays as it is: SIGKILL and SIGSTOP, which nobody can change, and the signals of a fault of
 * our own, after which nothing can be relied on.
 */
#include "fs/daemon/signals.h"

#include <stddef.h>

/* These write everything back, unmount, and exit. SIGXCPU: the kernel kills a while after it. */
static const int ending[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGXCPU, SIGPWR};

/*
 * These do what they do by default: faults of our own; to be waited for by those who start
 * fusermount3; to go on after SIGSTOP.
 */
static const int usual[] = {SIGILL, SIGABRT, SIGFPE,  SIGSEGV, SIGBUS,
                            SIGSYS, SIGTRAP, SIGCHLD, SIGCONT};

static bool has(const int *numbers, size_t count, int number)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}
#define HAS(numbers, number) has(numbers, sizeof(numbers) / sizeof(numbers[0]), number)

/* Ignore signal NUMBER, unless somebody handles it: a profiler, the runtime of a sanitizer. */
static void ignore(int number)
{
	struct sigaction old;

	if (sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		signal(number, SIG_IGN);
}

static bool is_ignored(int number)
{
	struct sigaction old;

	return sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

/* A handler that the runtime of a sanitizer has set for a fault stays. */
static void stop_ignoring(int number)
{
	if (is_ignored(number))
		signal(number, SIG_DFL);
}

void signals_settle(sigset_t *ends, bool foreground)
{
	sigemptyset(ends);
	for (int number = 1; number <= SIGRTMAX; number++) {
		bool nohup = number == SIGHUP && is_ignored(SIGHUP);

		/* A blocked signal would reach sigwait even if it is ignored. */
		if (HAS(ending, number) && !nohup) {
			stop_ignoring(number);
			sigaddset(ends, number);
		} else if (HAS(usual, number) || (foreground && number == SIGTSTP)) {
			stop_ignoring(number);
		} else {
			ignore(number);
		}
	}
	pthread_sigmask(SIG_SETMASK, ends, NULL);
}
