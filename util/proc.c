/*
 * proc.c - the host's /proc. See proc.h.
 */
#include "util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

/* A path below /proc. The longest that is asked for is PID/task/TID/FILE. */
struct proc_path {
	char text[64];
};

static struct proc_path G_GNUC_PRINTF(1, 0) path_make(const char *format, va_list args)
{
	struct proc_path path;

	g_vsnprintf(path.text, sizeof path.text, format, args);
	return path;
}

int proc_open(void)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (proc >= 0 && (fstatfs(proc, &fs) != 0 || fs.f_type != PROC_SUPER_MAGIC)) {
		close(proc);
		errno = ENODEV;
		return -1;
	}
	return proc;
}

bool proc_has_our_pids(int proc)
{
	char self[16];

	return proc_read_link(proc, self, sizeof self, "self") && atoi(self) == getpid();
}

static int open_path(int proc, int flags, const struct proc_path *path)
{
	if (proc >= 0)
		return openat(proc, path->text, flags | O_CLOEXEC);
	errno = ENOENT;
	return -1;
}

int proc_open_file(int proc, int flags, const char *path, ...)
{
	va_list args;

	va_start(args, path);
	struct proc_path made = path_make(path, args);
	va_end(args);
	return open_path(proc, flags, &made);
}

/* All that FD still has to say. NULL with errno set. */
static char *read_all(int fd)
{
	GString *text = g_string_new(NULL);
	char piece[4096];
	ssize_t got;

	while ((got = read(fd, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR))
		g_string_append_len(text, piece, MAX(got, 0));
	return g_string_free(text, got < 0);
}

char *proc_read(int proc, const char *path, ...)
{
	va_list args;

	va_start(args, path);
	struct proc_path made = path_make(path, args);
	va_end(args);
	int fd = open_path(proc, O_RDONLY, &made);
	if (fd < 0)
		return NULL;
	char *text = read_all(fd);
	int error = errno;
	close(fd);
	errno = error;
	return text;
}

bool proc_read_link(int proc, char *target, size_t size, const char *path, ...)
{
	va_list args;

	va_start(args, path);
	struct proc_path made = path_make(path, args);
	va_end(args);
	errno = ENOENT;
	ssize_t len = proc >= 0 ? readlinkat(proc, made.text, target, size) : -1;
	if (len >= 0 && (size_t)len == size)
		errno = ENAMETOOLONG;
	if (len < 0 || (size_t)len == size)
		return false;
	target[len] = '\0';
	return true;
}
