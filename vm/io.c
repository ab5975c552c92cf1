#include "vm/io.h"

#include <errno.h>
#include <unistd.h>

/* Ask the test, if there is one, how much of a transfer the medium does: LEN bytes, fewer, or a negative errno. */
static ssize_t allowed(const struct vm_machine *machine, bool write, int fd, size_t len, uint64_t offset)
{
	const struct vm_config *config = &machine->config;

	return config->inject != NULL ? config->inject(config->inject_ctx, write, fd, len, offset) : (ssize_t)len;
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

int io_write(struct vm_machine *machine, int fd, const void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = allowed(machine, true, fd, len - done, offset + done);
		if (n < 0)
			return (int)n;
		n = pwrite(fd, (const char *)buf + done, (size_t)n, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}
