/*
 * signals.c - sends itself and its children signals, and prints what comes of them. The output must
 * be the same wherever it runs.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t count, last_code, order[8];
static volatile pid_t last_pid;

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (count < 8)
		order[count] = number;
	count++;
	last_code = info->si_code;
	last_pid = info->si_pid;
}

static void handle(int number, int flags)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};

	sigaction(number, &action, NULL);
	count = 0;
}

static void mask(int how, int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(how, &set, NULL);
}

/* The name of errno if RESULT is -1. */
static const char *result_name(long result)
{
	return result == -1 ? strerrorname_np(errno) : "fine";
}

/* A child that runs FN and exits with what it returns. */
static pid_t child_new(int (*fn)(void))
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		int status = fn();

		fflush(stdout);
		_exit(status);
	}
	return child;
}

static const char *status_text(int status)
{
	static char text[64];

	if (WIFEXITED(status))
		snprintf(text, sizeof(text), "exit %d", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
	else if (WIFSTOPPED(status))
		snprintf(text, sizeof(text), "stopped %d", WSTOPSIG(status));
	else
		snprintf(text, sizeof(text), "continued");
	return text;
}

/* --- To itself -------------------------------------------------------------------------------- */

static void to_itself(void)
{
	const int numbers[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGTERM, SIGRTMIN};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		handle(numbers[i], 0);
		kill(getpid(), numbers[i]);
		printf("kill %d: %d times, code %d, from %s\n", numbers[i], count, last_code,
		       last_pid == getpid() ? "itself" : "another");
		count = 0;
		raise(numbers[i]);
		printf("raise: %d times, code %d\n", count, last_code);
		signal(numbers[i], SIG_DFL);
	}
	printf("kill with a bad number: %s\n", result_name(kill(getpid(), 99)));
	printf("kill of nobody: %s\n", result_name(kill(999999, 0)));
	printf("kill with 0: %s\n", result_name(kill(getpid(), 0)));
	printf("a handler for SIGKILL: %s\n",
	       result_name(sigaction(SIGKILL, &(struct sigaction){.sa_handler = SIG_IGN}, NULL)));
}

static void blocked(void)
{
	sigset_t pending;

	handle(SIGUSR1, 0);
	mask(SIG_BLOCK, SIGUSR1);
	for (int i = 0; i < 3; i++)
		kill(getpid(), SIGUSR1);
	sigpending(&pending);
	printf("blocked: %d times, pending %d\n", count, sigismember(&pending, SIGUSR1));
	mask(SIG_UNBLOCK, SIGUSR1);
	printf("unblocked: %d times\n", count);
	mask(SIG_BLOCK, SIGUSR1);
	kill(getpid(), SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	sigpending(&pending);
	printf("ignored: pending %d\n", sigismember(&pending, SIGUSR1));
	mask(SIG_UNBLOCK, SIGUSR1);
}

/* Several at once: the smallest number is delivered first, so its handler runs last. */
static void several(void)
{
	sigset_t both, old;

	sigemptyset(&both);
	sigaddset(&both, SIGUSR1);
	sigaddset(&both, SIGUSR2);
	sigprocmask(SIG_BLOCK, &both, &old);
	handle(SIGUSR1, 0);
	handle(SIGUSR2, 0);
	kill(getpid(), SIGUSR2);
	kill(getpid(), SIGUSR1);
	sigprocmask(SIG_SETMASK, &old, NULL);
	printf("several: %d, then %d\n", order[0], order[1]);
}

static void suspended(void)
{
	sigset_t none;
	long result;

	handle(SIGUSR1, 0);
	mask(SIG_BLOCK, SIGUSR1);
	kill(getpid(), SIGUSR1);
	sigemptyset(&none);
	result = sigsuspend(&none);
	printf("sigsuspend: %s, %d times\n", result_name(result), count);
	kill(getpid(), SIGUSR1);
	printf("blocked again: %d times\n", count);
	mask(SIG_UNBLOCK, SIGUSR1);
	printf("and not: %d times\n", count);
}

static void waited_for(void)
{
	struct timespec soon = {0, 1000000};
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	printf("sigtimedwait of nothing: %s\n", result_name(sigtimedwait(&set, &info, &soon)));
	kill(getpid(), SIGUSR1);
	last_code = sigwaitinfo(&set, &info);
	printf("sigwaitinfo: %d code %d\n", last_code, info.si_code);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* --- Time ------------------------------------------------------------------------------------- */

static void alarms(void)
{
	struct itimerval often = {{0, 2000}, {0, 2000}}, off = {{0, 0}, {0, 0}}, rest;
	struct timespec nap = {5, 0}, left;
	long result;

	handle(SIGALRM, 0);
	setitimer(ITIMER_REAL, &often, NULL);
	while (count < 3)
		pause();
	setitimer(ITIMER_REAL, &off, &rest);
	printf("itimer: three times, interval %ld\n", (long)rest.it_interval.tv_usec);
	printf("alarm before: %u\n", alarm(100));
	result = (long)alarm(0);
	printf("alarm left: %s\n", result > 90 && result <= 100 ? "some 100" : "other");
	/* On a busy machine the first one may come before the sleep. */
	setitimer(ITIMER_REAL, &often, NULL);
	result = nanosleep(&nap, &left);
	setitimer(ITIMER_REAL, &off, NULL);
	printf("nanosleep: %s, left %s\n", result_name(result), left.tv_sec == 4 ? "4 s" : "other");
}

/* A program that spins hears of its alarm, too. */
static void spinning(void)
{
	struct itimerval soon = {{0, 0}, {0, 3000}};

	handle(SIGALRM, 0);
	setitimer(ITIMER_REAL, &soon, NULL);
	while (count == 0)
		__asm__ volatile("pause");
	printf("spinning: %d times\n", count);
}

/* --- Interrupted calls ------------------------------------------------------------------------ */

static int pipe_end[2];
static pid_t parent;
static bool byte_comes;

/* Send the parent signals, one a millisecond, and after the tenth also a byte, if one comes. */
static int interrupt_parent(void)
{
	struct timespec nap = {0, 1000000};

	for (int i = 0; getppid() == parent; i++) {
		nanosleep(&nap, NULL);
		kill(parent, SIGUSR1);
		if (i == 10 && byte_comes && write(pipe_end[1], "x", 1) != 1)
			return 1;
	}
	return 0;
}

/* A read that waits is interrupted, or is made again until a byte comes. */
static void interrupted(int flags)
{
	char byte = '-';
	long result;
	pid_t child;

	if (pipe(pipe_end) != 0)
		return;
	parent = getpid();
	byte_comes = flags & SA_RESTART;
	handle(SIGUSR1, flags);
	child = child_new(interrupt_parent);
	result = read(pipe_end[0], &byte, 1);
	kill(child, SIGKILL);
	printf("read with flags %x: %s, %c\n", (unsigned)flags, result_name(result), byte);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	close(pipe_end[0]);
	close(pipe_end[1]);
}

static void broken_pipe(void)
{
	long result;

	if (pipe(pipe_end) != 0)
		return;
	close(pipe_end[0]);
	handle(SIGPIPE, 0);
	result = write(pipe_end[1], "x", 1);
	printf("write to nobody: %s, %d times\n", result_name(result), count);
	signal(SIGPIPE, SIG_IGN);
	result = write(pipe_end[1], "x", 1);
	printf("ignored: %s\n", result_name(result));
	close(pipe_end[1]);
	signal(SIGPIPE, SIG_DFL);
}

/* --- Children --------------------------------------------------------------------------------- */

static int exit_with_3(void)
{
	return 3;
}

static int wait_for_signal(void)
{
	while (pause() < 0)
		;
	return 0;
}

static int abort_now(void)
{
	abort();
	return 0;
}

static int divide(void)
{
	volatile int zero = 0;

	return 100 / zero;
}

static int write_to_nobody(void)
{
	int end[2];

	signal(SIGPIPE, SIG_DFL);
	if (pipe(end) != 0)
		return 1;
	close(end[0]);
	return (int)write(end[1], "x", 1);
}

static void children(void)
{
	int status = 0;
	pid_t child;

	handle(SIGCHLD, SA_RESTART);
	child = child_new(exit_with_3);
	waitpid(child, &status, 0);
	printf("child: %s, SIGCHLD %d times, code %d, from %s\n", status_text(status), count,
	       last_code, last_pid == child ? "it" : "another");
	count = 0;
	child = child_new(wait_for_signal);
	kill(child, SIGTERM);
	waitpid(child, &status, 0);
	printf("killed: %s, code %d\n", status_text(status), last_code);
	child = child_new(wait_for_signal);
	kill(child, SIGSTOP);
	waitpid(child, &status, WUNTRACED);
	printf("stopped: %s, code %d\n", status_text(status), last_code);
	kill(child, SIGCONT);
	waitpid(child, &status, WCONTINUED);
	printf("continued: %s\n", status_text(status));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	printf("killed: %s\n", status_text(status));
	waitpid(child_new(abort_now), &status, 0);
	printf("abort: %s\n", status_text(status & ~0x80));
	waitpid(child_new(divide), &status, 0);
	printf("divide: %s\n", status_text(status & ~0x80));
	waitpid(child_new(write_to_nobody), &status, 0);
	printf("pipe: %s\n", status_text(status));
	signal(SIGCHLD, SIG_DFL);
}

int main(void)
{
	to_itself();
	blocked();
	several();
	suspended();
	waited_for();
	alarms();
	spinning();
	interrupted(0);
	interrupted(SA_RESTART);
	broken_pipe();
	children();
	return 0;
}
