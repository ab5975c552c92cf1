#include "vm/base/io.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Ask the test, if there is one, how much of a transfer the medium does: LEN bytes, fewer, or a
 * negative errno.
 */
static ssize_t allowed(const struct vm_machine *machine, bool write, int fd, size_t len,
                       uint64_t offset)
{
	const struct vm_config *config = &machine->config;

	return config->inject != NULL ? config->inject(config->inject_ctx, write, fd, len, offset)
	                              : (ssize_t)len;
}

ssize_t io_read(struct vm_machine *machine, int fd, void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	if (offset > INT64_MAX - len)
		return -EOVERFLOW;
	while (done < len) {
		ssize_t n = allowed(machine, false, fd, len - done, offset + done);
		if (n < 0)
			return n;
		n = pread(fd, (char *)buf + done, (size_t)n, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* How much of LEN bytes at OFFSET lies inside the file: 0 behind its end, or a negative errno. */
static ssize_t inside_file(int fd, size_t len, uint64_t offset)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return -errno;
	return offset < (uint64_t)status.st_size
	           ? (ssize_t)MIN(len, (uint64_t)status.st_size - offset)
	           : 0;
}

/*
 * One transfer, which may be short: the bytes written, 0 behind the end of a file that is to keep
 * its size, or a negative errno.
 */
static ssize_t write_some(struct vm_machine *machine, int fd, const void *buf, size_t len,
                          uint64_t offset, bool clip)
{
	ssize_t n = allowed(machine, true, fd, len, offset);

	if (n == 0)
		return -EIO;
	/* The last look before the write: what is left of the race is a few instructions. */
	if (n > 0 && clip)
		n = inside_file(fd, (size_t)n, offset);
	if (n <= 0)
		return n;
	n = pwrite(fd, buf, (size_t)n, (off_t)offset);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n > 0 ? n : -EIO;
}

int io_write(struct vm_machine *machine, int fd, const void *buf, size_t len, uint64_t offset)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write_some(machine, fd, (const char *)buf + done, len - done,
		                       offset + done, false);
		if (n < 0)
			return (int)n;
		done += (size_t)n;
	}
	return 0;
}

int io_write_inside(struct vm_machine *machine, int fd, const void *buf, size_t len,
                    uint64_t offset)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write_some(machine, fd, (const char *)buf + done, len - done,
		                       offset + done, true);
		if (n < 0)
			return (int)n;
		if (n == 0 && inside_file(fd, len - done, offset + done) <= 0)
			break;
		done += (size_t)n;
	}
	return 0;
}
