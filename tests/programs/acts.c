/*
 * acts.c - a program that runs in the machine, for mount/run.sh: its first argument says what it
 * does. Static and without PIE, so that its addresses are those of its file.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

extern char **environ;

static void put(const char *text)
{
	(void)!write(STDOUT_FILENO, text, strlen(text));
}

static void put_lines(char **lines)
{
	for (; *lines != NULL; lines++) {
		put(*lines);
		put("\n");
	}
}

static void copy(void)
{
	char buf[4096];
	ssize_t got;

	while ((got = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		(void)!write(STDOUT_FILENO, buf, (size_t)got);
}

static volatile long spins;
static int *volatile nowhere = (int *)0x10;

static void spin(void)
{
	for (;;)
		spins++;
}

/* An alarm every microsecond, and at last one without end; it is ignored if IGNORED. */
static void alarms(int ignored)
{
	struct itimerval often = {{0, 1}, {0, 1}}, late = {{9300000000, 0}, {0, 1}};

	signal(SIGALRM, ignored ? SIG_IGN : SIG_DFL);
	setitimer(ITIMER_REAL, ignored ? &often : &late, NULL);
	for (;;)
		pause();
}

static void on_signal(int number)
{
	put("caught\n");
	_exit(40 + number);
}

int main(int argc, char **argv)
{
	const char *act = argc > 1 ? argv[1] : "";

	if (strcmp(act, "args") == 0)
		put_lines(argv + 2);
	else if (strcmp(act, "env") == 0)
		put_lines(environ);
	else if (strcmp(act, "copy") == 0)
		copy();
	else if (strcmp(act, "exit") == 0)
		_exit(atoi(argv[2]));
	else if (strcmp(act, "alarm") == 0)
		alarms(strcmp(argv[2], "0") == 0);
	else if (strcmp(act, "spin") == 0)
		spin();
	else if (strcmp(act, "yes") == 0)
		for (;;)
			put("y\n");
	else if (strcmp(act, "segv") == 0)
		*nowhere = 1;
	else if (strcmp(act, "abort") == 0)
		abort();
	else if (strcmp(act, "catch") == 0) {
		signal(SIGINT, on_signal);
		put("ready\n");
		spin();
	} else if (strcmp(act, "both") == 0) {
		put("out\n");
		(void)!write(STDERR_FILENO, "err\n", 4);
		put("out\n");
	}
	return 0;
}
