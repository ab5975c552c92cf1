/*
 * hold.c - those who open all they can, and never close.
 */
#include "storm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Open PATH and read a little. A descriptor, or -1 with errno. */
static int open_and_read(const char *path)
{
	char bytes[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) != 0)
		return -1;
	if (S_ISDIR(status.st_mode) ? getdents64(fd, bytes, sizeof bytes) < 0
	                            : read(fd, bytes, 16) < 0)
		return -1;
	return fd;
}

static int open_only(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Open PATH and begin a line that does not end. The line is a comment, so it does no harm later. */
static int open_and_begin(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	char line[4000];

	memset(line, '#', sizeof line);
	return fd < 0 || write(fd, line, sizeof line) < 0 ? -1 : fd;
}

/* What one process holds, and why not more: an errno, or 0 if it was enough. */
struct held {
	uint64_t count;
	int error;
};

/* Hold up to COUNT in this process until the end of standard input; tell REPORT how many. */
static _Noreturn void hold_some(uint64_t count, char **paths, int (*open_one)(const char *path),
                                int report)
{
	struct rlimit files;
	struct held held = {0};
	size_t kinds = 0;
	char byte;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	while (paths[kinds] != NULL)
		kinds++;
	while (held.count < count && open_one(paths[held.count % kinds]) >= 0)
		held.count++;
	held.error = held.count < count ? errno : 0;
	if (write(report, &held, sizeof held) != sizeof held)
		_exit(2);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	_exit(0);
}

/* As many processes as it takes: each may have only so many descriptors. */
static int hold(uint64_t count, char **paths, int (*open_one)(const char *path))
{
	struct held all = {.error = EMFILE}, one;
	int report[2];

	if (pipe2(report, O_CLOEXEC) != 0)
		die("pipe");
	while (all.error == EMFILE) {
		if (child_new() == 0)
			hold_some(count - all.count, paths, open_one, report[1]);
		if (read(report[0], &one, sizeof one) != sizeof one)
			die("report");
		all.count += one.count;
		all.error = one.error;
	}
	printf("%llu%s%s\n", (unsigned long long)all.count, all.error != 0 ? " " : "",
	       all.error != 0 ? strerrorname_np(all.error) : "");
	fflush(stdout);
	return wait_all() > 0;
}

int cmd_hold(char **arg)
{
	return hold(number(arg[0]), arg + 1, open_and_read);
}

int cmd_hold_only(char **arg)
{
	return hold(number(arg[0]), arg + 1, open_only);
}

int cmd_lines(char **arg)
{
	return hold(number(arg[0]), arg + 1, open_and_begin);
}
