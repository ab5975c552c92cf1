/*
 * daemonize.c - going into the background.
 */
#include "fs/daemon/daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void daemonize_keep_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* In the parent: wait until CHILD is ready or ends, then exit with its status. */
static _Noreturn void await_ready(pid_t child, int fd)
{
	char byte;
	ssize_t got;
	int status;

	do
		got = read(fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got == 1)
		_exit(EXIT_SUCCESS);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFSIGNALED(status))
		fprintf(stderr, "vasfs: ended by signal %d (%s) while starting\n", WTERMSIG(status),
		        strsignal(WTERMSIG(status)));
	_exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EXIT_FAILURE);
}

void daemonize_close_inherited(void)
{
	close_range(STDERR_FILENO + 1, UINT_MAX, 0);
}

bool daemonize_start(struct daemonize *daemonize, bool foreground)
{
	int fds[2];
	pid_t child;

	daemonize->ready_fd = -1;
	umask(077);
	if (foreground)
		return chdir("/") == 0;
	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	/* Otherwise there would be no status to wait for, if the caller ignored the signal. */
	signal(SIGCHLD, SIG_DFL);
	child = fork();
	if (child < 0)
		return false;
	if (child > 0) {
		close(fds[1]);
		await_ready(child, fds[0]);
	}
	close(fds[0]);
	daemonize->ready_fd = fds[1];
	setsid();
	return chdir("/") == 0;
}

void daemonize_ready(struct daemonize *daemonize)
{
	int null;

	if (daemonize->ready_fd < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	close(null);
	/* Nobody needs the answer if the parent is gone. */
	if (write(daemonize->ready_fd, "r", 1) != 1)
		errno = 0;
	close(daemonize->ready_fd);
	daemonize->ready_fd = -1;
}
