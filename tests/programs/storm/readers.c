/*
 * readers.c - readers of events that are stopped, continued and killed.
 */
#include "storm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The state of a reader, in memory that is shared with the parent. */
struct reader {
	pid_t pid;
	int opened;      /* atomic: 1, or a negative errno */
	uint64_t events; /* atomic: that it has got, or was told that it has lost */
	int wrong;       /* atomic: a line that is none */
};

/* Count the line TEXT, which came on events. */
static void reader_take(struct reader *reader, const char *text)
{
	unsigned long long lost;

	if (sscanf(text, "# %llu events lost", &lost) == 1)
		__atomic_fetch_add(&reader->events, lost, __ATOMIC_RELAXED);
	else if (text[0] >= '0' && text[0] <= '9')
		__atomic_fetch_add(&reader->events, 1, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&reader->wrong, 1, __ATOMIC_RELAXED);
}

static _Noreturn void reader_run(struct reader *reader, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[65536], line[1024];
	size_t len = 0;
	ssize_t got;

	__atomic_store_n(&reader->opened, fd < 0 ? -errno : 1, __ATOMIC_RELEASE);
	/* FUSE breaks off the read of a process that is stopped. */
	while (fd >= 0 && ((got = read(fd, text, sizeof text)) > 0 || errno == EINTR))
		for (ssize_t i = 0; i < got; i++) {
			if (len < sizeof line - 1)
				line[len++] = text[i];
			if (text[i] != '\n')
				continue;
			line[len] = '\0';
			reader_take(reader, line);
			len = 0;
		}
	_exit(0);
}

static uint64_t reader_events(const struct reader *reader)
{
	return __atomic_load_n(&reader->events, __ATOMIC_RELAXED);
}

/* Wait until every STEP-th reader has COUNT events. Prints "N readers have COUNT events". */
static void readers_await(const struct reader *readers, unsigned number, unsigned step,
                          uint64_t count)
{
	double deadline = now_ms() + PATIENCE_MS;
	unsigned have = 0;

	do {
		sleep_us(10000);
		have = 0;
		for (unsigned i = 0; i < number; i += step)
			have += reader_events(&readers[i]) == count;
	} while (have < (number + step - 1) / step && now_ms() < deadline);
	printf("%u readers have %llu events\n", have, (unsigned long long)count);
}

static void readers_signal(const struct reader *readers, unsigned first, unsigned number,
                           unsigned step, int signal)
{
	for (unsigned i = first; i < number; i += step) {
		kill(readers[i].pid, signal);
		if (signal == SIGSTOP)
			waitpid(readers[i].pid, NULL, WUNTRACED);
	}
}

static void readers_open(struct reader *readers, unsigned number, const char *path)
{
	for (unsigned i = 0; i < number; i++) {
		pid_t child = child_new();
		if (child == 0)
			reader_run(&readers[i], path);
		readers[i].pid = child;
	}
	for (unsigned i = 0; i < number; i++) {
		while (__atomic_load_n(&readers[i].opened, __ATOMIC_ACQUIRE) == 0)
			sleep_us(1000);
		errno = -readers[i].opened;
		if (readers[i].opened < 0)
			die(path);
	}
}

/*
 * COUNT readers of events. Standard input has one command on each line, and each is answered with
 * a line:
 *
 *     stop       stops every second reader
 *     running N  waits until those that were never stopped have N events
 *     all N      the same for all
 *     continue   those that are stopped go on
 *     kill       kills those that were stopped once
 *     wrong      how many have got a line that is none
 *
 * At the end of standard input all are killed.
 */
int cmd_readers(char **arg)
{
	unsigned count = (unsigned)number(arg[1]), wrong = 0;
	struct reader *readers = shared(count * sizeof *readers);
	unsigned long long events;
	char line[64];

	readers_open(readers, count, arg[0]);
	printf("%u readers\n", count);
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (strcmp(line, "stop\n") == 0) {
			readers_signal(readers, 1, count, 2, SIGSTOP);
			puts("stopped");
		} else if (strcmp(line, "continue\n") == 0) {
			readers_signal(readers, 1, count, 2, SIGCONT);
			puts("continued");
		} else if (strcmp(line, "kill\n") == 0) {
			readers_signal(readers, 1, count, 2, SIGKILL);
			for (unsigned i = 1; i < count; i += 2)
				waitpid(readers[i].pid, NULL, 0);
			puts("killed");
		} else if (sscanf(line, "running %llu", &events) == 1) {
			readers_await(readers, count, 2, events);
		} else if (sscanf(line, "all %llu", &events) == 1) {
			readers_await(readers, count, 1, events);
		} else {
			for (unsigned i = 0; i < count; i++)
				wrong += readers[i].wrong != 0;
			printf("%u\n", wrong);
		}
		fflush(stdout);
	}
	readers_signal(readers, 0, count, 1, SIGKILL);
	wait_all();
	return wrong > 0;
}
