#include "vm/base/io.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Whole transfers -------------------------------------------------------------------------- */

/*
 * Signals interrupt a transfer seldom. A file system that answers so without end shall not keep
 * its thread for ever.
 */
enum { MAX_INTERRUPTIONS = 100 };

/*
 * A transfer answered ERROR, a negative errno. Returns 0 if it is to be repeated, or the error of
 * the whole. COUNT: how often it was interrupted.
 */
static int check_interruption(ssize_t error, unsigned *count)
{
	if (error != -EINTR)
		return (int)error;
	return ++*count < MAX_INTERRUPTIONS ? 0 : -EIO;
}

ssize_t io_read(const struct vm_medium *medium, void *buf, size_t len, uint64_t offset)
{
	unsigned interruptions = 0;
	size_t done = 0;
	int error;

	if (offset > INT64_MAX - len)
		return -EOVERFLOW;
	while (done < len) {
		ssize_t n =
		    medium->ops->read(medium, (char *)buf + done, len - done, offset + done);
		if (n == 0)
			break;
		if (n > 0)
			done += (size_t)n;
		else if ((error = check_interruption(n, &interruptions)) != 0)
			return error;
	}
	return (ssize_t)done;
}

static int write_all(const struct vm_medium *medium, const void *buf, size_t len, uint64_t offset,
                     bool inside)
{
	unsigned interruptions = 0;
	size_t done = 0;
	int error;

	while (done < len) {
		ssize_t n = medium->ops->write(medium, (const char *)buf + done, len - done,
		                               offset + done, inside);
		if (n == 0)
			return inside ? 0 : -EIO;
		if (n > 0)
			done += (size_t)n;
		else if ((error = check_interruption(n, &interruptions)) != 0)
			return error;
	}
	return 0;
}

int io_write(const struct vm_medium *medium, const void *buf, size_t len, uint64_t offset)
{
	return write_all(medium, buf, len, offset, false);
}

int io_write_inside(const struct vm_medium *medium, const void *buf, size_t len, uint64_t offset)
{
	return write_all(medium, buf, len, offset, true);
}

/* --- Files of the host ------------------------------------------------------------------------ */

static ssize_t host_read(const struct vm_medium *medium, void *buf, size_t len, uint64_t offset)
{
	ssize_t n = pread(medium->fd, buf, len, (off_t)offset);

	return n >= 0 ? n : -errno;
}

/*
 * How many of the LEN bytes at OFFSET lie before the end of the file, or a negative errno of fstat.
 */
static ssize_t inside_file(int fd, size_t len, uint64_t offset)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return -errno;
	return offset < (uint64_t)status.st_size
	           ? (ssize_t)MIN(len, (uint64_t)status.st_size - offset)
	           : 0;
}

static ssize_t host_write(const struct vm_medium *medium, const void *buf, size_t len,
                          uint64_t offset, bool inside)
{
	ssize_t n = (ssize_t)len;

	/*
	 * Ask for the size just before the write. Somebody may still shorten the file in between;
	 * then the write makes it longer again.
	 */
	if (inside)
		n = inside_file(medium->fd, len, offset);
	if (n <= 0)
		return n;
	n = pwrite(medium->fd, buf, (size_t)n, (off_t)offset);
	if (n == 0)
		return -EIO;
	return n > 0 ? n : -errno;
}

static int host_sync(const struct vm_medium *medium)
{
	return fdatasync(medium->fd) == 0 ? 0 : -errno;
}

static void host_close(const struct vm_medium *medium)
{
	close(medium->fd);
}

const struct vm_medium_ops vm_host_ops = {
    .read = host_read, .write = host_write, .sync = host_sync, .close = host_close};
