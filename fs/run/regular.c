/*
 * regular.c - open regular files of the host.
 */
#include "fs/run/kind.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

static int64_t regular_read(struct call *call, struct vm_file *file, void *buf, size_t len,
                            uint64_t *offset)
{
	/* At the largest offset a read ends. */
	if (*offset > (uint64_t)INT64_MAX - len)
		len = *offset > INT64_MAX ? 0 : (size_t)(INT64_MAX - *offset);
	return vm_file_read(file, buf, len, *offset);
}

static int64_t regular_write(struct call *call, struct vm_file *file, const void *buf, size_t len,
                             uint64_t *offset)
{
	if (*offset > (uint64_t)INT64_MAX - len)
		return -EFBIG;
	return vm_file_write(file, buf, len, offset, vm_file_flags(file) & O_APPEND);
}

/* The new offset, or a negative errno. */
static int64_t seek_to(const struct vm_file *file, uint64_t now, int64_t offset, int whence)
{
	struct stat status;
	int64_t base = 0, sum;

	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		/* The offset of the host's descriptor has no other use: transfers name theirs. */
		off_t found = lseek(vm_file_host(file), offset, whence);
		return found < 0 ? -errno : found;
	}
	if (whence == SEEK_END && fstat(vm_file_host(file), &status) != 0)
		return -errno;
	if (whence == SEEK_CUR)
		base = (int64_t)now;
	else if (whence == SEEK_END)
		base = status.st_size;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (__builtin_add_overflow(base, offset, &sum) || sum < 0)
		return -EINVAL;
	/* Its file system may have a lower limit. */
	return lseek(vm_file_host(file), sum, SEEK_SET) < 0 ? -errno : sum;
}

static int64_t regular_seek(struct vm_file *file, int64_t offset, int whence)
{
	uint64_t now = vm_file_seek_begin(file);
	int64_t result = seek_to(file, now, offset, whence);

	vm_file_seek_end(file, result < 0 ? now : (uint64_t)result);
	return result;
}

static short regular_poll(const struct vm_file *file)
{
	return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
}

static int64_t regular_readable(struct call *call, struct vm_file *file)
{
	struct stat status;

	if (fstat(vm_file_host(file), &status) != 0)
		return -errno;
	uint64_t now = vm_file_seek_begin(file);
	vm_file_seek_end(file, now);
	return status.st_size - (int64_t)now;
}

const struct file_kind kind_regular = {
    .seekable = true,
    .read = regular_read,
    .write = regular_write,
    .seek = regular_seek,
    .poll_locked = regular_poll,
    .readable = regular_readable,
};
