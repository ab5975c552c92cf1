/*
 * hostlink.c - see hostlink.h.
 *
 * The text of such a link ends with " (deleted)", and there is nothing under that name. So the
 * kernel has to follow the link. It does so whatever the paths mean to the caller, because none is
 * walked.
 */
#include "fs/host/hostlink.h"

#include "util/number.h"
#include "util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_deleted(int dir, const char *name)
{
	static const char mark[] = " (deleted)";
	char text[PATH_MAX];
	ssize_t len = readlinkat(dir, name, text, sizeof text);
	size_t tail = sizeof mark - 1;

	return len > (ssize_t)tail && memcmp(text + len - tail, mark, tail) == 0;
}

/*
 * Whether DIR is a directory with links of a process that is not the daemon: PID or PID/fd, where
 * PID may be a thread's.
 */
static bool is_of_another_process(const struct fs_mount *mount, int dir)
{
	char path[PATH_MAX];
	uint64_t pid;

	if (!proc_read_link(mount->proc, path, sizeof path, "self/fd/%d", dir))
		return false;
	if (g_str_has_suffix(path, "/fd"))
		*strrchr(path, '/') = '\0';
	const char *last = strrchr(path, '/');
	if (last == NULL || !number_parse(last + 1, &pid) || pid > INT_MAX)
		return false;
	int own = proc_open_file(mount->proc_pids, O_PATH, "self/task/%d", (int)pid);
	if (own >= 0)
		close(own);
	return own < 0 && errno == ENOENT;
}

/* Whether DIR is in the proc file system that has callers under their pids. */
static bool is_in_proc_of_callers(const struct fs_mount *mount, int dir)
{
	struct stat here, there;

	return fstat(dir, &here) == 0 && fstat(mount->proc_pids, &there) == 0 &&
	       here.st_dev == there.st_dev;
}

int hostlink_open_nameless(const struct fs_mount *mount, int dir, const char *name)
{
	struct stat status;

	if (!is_in_proc_of_callers(mount, dir) || !is_deleted(dir, name) ||
	    !is_of_another_process(mount, dir))
		return -ENOENT;
	int fd = openat(dir, name, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	return -ENOENT;
}
