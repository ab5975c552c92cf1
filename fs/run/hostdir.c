/*
 * hostdir.c - open directories, and files opened with O_PATH: a host descriptor each.
 */
#include "fs/run/kind.h"
#include "util/proc.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

struct hostdir {
	struct special special;
	int proc; /* the mount's (util/proc.h) */
};

struct vm_file *hostdir_new(const struct place *place, const struct file_kind *kind, int fd,
                            int *error)
{
	struct hostdir *dir = g_try_new0(struct hostdir, 1);

	if (dir == NULL) {
		close(fd);
		*error = -ENOMEM;
		return NULL;
	}
	*dir = (struct hostdir){{kind, fd}, place->mount->proc};
	return kind_new_file(place, &dir->special, O_RDONLY, 0, error);
}

static int64_t directory_read(struct call *call, struct vm_file *file, void *buf, size_t len,
                              uint64_t *offset)
{
	/* -EISDIR or -EINVAL, as its file system has it. */
	return read(kind_host(file), buf, len) < 0 ? -errno : -EISDIR;
}

static int64_t directory_write(struct call *call, struct vm_file *file, const void *buf, size_t len,
                               uint64_t *offset)
{
	return -EBADF;
}

static int64_t directory_seek(struct vm_file *file, int64_t offset, int whence)
{
	off_t result = lseek(kind_host(file), offset, whence);

	return result < 0 ? -errno : result;
}

static short directory_poll(const struct vm_file *file)
{
	return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
}

static int64_t directory_readable(struct call *call, struct vm_file *file)
{
	return -ENOTTY;
}

static void directory_release(struct special *special)
{
	struct hostdir *dir = (struct hostdir *)special;

	close(dir->special.host);
	g_free(dir);
}

static char *directory_name(const struct special *special)
{
	const struct hostdir *dir = (const struct hostdir *)special;
	char name[PATH_MAX + 16];

	return g_strdup(
	    proc_read_link(dir->proc, name, sizeof name, "self/fd/%d", dir->special.host) ? name
	                                                                                  : "");
}

const struct file_kind kind_directory = {
    .seekable = true,
    .read = directory_read,
    .write = directory_write,
    .seek = directory_seek,
    .poll_locked = directory_poll,
    .readable = directory_readable,
    .release = directory_release,
    .name = directory_name,
};

const struct file_kind kind_path = {
    .path_only = true,
    .release = directory_release,
    .name = directory_name,
};
