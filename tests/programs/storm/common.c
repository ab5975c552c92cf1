/*
 * common.c - see storm.h.
 */
#include "storm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *mount_dir;

_Noreturn void die(const char *what)
{
	perror(what);
	exit(2);
}

uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (*end != '\0' || end == text) {
		fprintf(stderr, "storm: not a number: %s\n", text);
		exit(2);
	}
	return value;
}

uint64_t random_below(uint64_t *state, uint64_t limit)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*state >> 33) % limit;
}

double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void sleep_us(long us)
{
	nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

void *shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

pid_t child_new(void)
{
	pid_t parent = getpid();

	fflush(stdout);
	pid_t child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(2);
	}
	return child;
}

int wait_all(void)
{
	int status, wrong = 0;

	while (wait(&status) > 0)
		wrong += status != 0;
	return wrong;
}

/* --- Requests --------------------------------------------------------------------------------- */

int open_in(int flags, const char *format, ...)
{
	char path[4096];
	int len = snprintf(path, sizeof path, "%s/", mount_dir);
	va_list args;

	va_start(args, format);
	vsnprintf(path + len, sizeof path - (size_t)len, format, args);
	va_end(args);
	int fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int ctl(unsigned pid, char answer[static 256], const char *format, ...)
{
	char command[256];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	int fd = pid == 0 ? open_in(O_RDWR, "ctl") : open_in(O_RDWR, "%u/ctl", pid);
	if (fd < 0)
		return fd;
	ssize_t done = write(fd, command, strlen(command));
	if (done >= 0)
		done = read(fd, answer, 255);
	int error = done < 0 ? -errno : 0;
	answer[done < 0 ? 0 : done] = '\0';
	close(fd);
	return error;
}

int new_pid(unsigned pid, const char *command)
{
	char answer[256];
	int error = ctl(pid, answer, "%s\n", command);

	return error != 0 ? error : (int)strtol(answer, NULL, 10);
}

unsigned must_spawn(const char *mmap_command, uint64_t *address)
{
	char answer[256];
	int pid = new_pid(0, "spawn storm");

	errno = -pid;
	if (pid < 0)
		die("spawn");
	errno = -ctl((unsigned)pid, answer, "%s\n", mmap_command);
	if (errno != 0)
		die(mmap_command);
	*address = strtoull(answer, NULL, 0);
	return (unsigned)pid;
}

/* Read FD to its end. 0 or a negative errno. */
static int drain(int fd)
{
	char bytes[65536];
	ssize_t got;

	do
		got = read(fd, bytes, sizeof bytes);
	while (got > 0);
	return got < 0 ? -errno : 0;
}

int read_whole(const char *dir, const char *name)
{
	int fd = open_in(O_RDONLY, "%s/%s", dir, name);
	int error = fd < 0 ? fd : drain(fd);

	if (fd >= 0)
		close(fd);
	return error;
}

int list(bool details)
{
	DIR *dir = opendir(mount_dir);
	struct dirent *entry;
	struct stat status;
	int error = dir == NULL ? -errno : 0;

	while (error == 0 && (errno = 0, entry = readdir(dir)) != NULL)
		if (details &&
		    fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 &&
		    errno != ENOENT)
			error = -errno;
	if (error == 0)
		error = -errno * (entry == NULL && errno != ENOENT);
	if (dir != NULL)
		closedir(dir);
	return error;
}
