/*
 * device.c - the few device files that programs may open. They are served here: those of the host
 * are never opened.
 */
#include "fs/run/kind.h"

#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sysmacros.h>

/* Minor numbers of major 1 (drivers/char/mem.c). */
enum device_minor {
	DEVICE_NULL = 3,
	DEVICE_ZERO = 5,
	DEVICE_FULL = 7,
	DEVICE_RANDOM,
	DEVICE_URANDOM
};

struct device {
	struct special special;
	enum device_minor minor;
	struct stat status; /* of the host's device file */
};

static const struct device *device_of(const struct vm_file *file);

static int64_t device_read(struct call *call, struct vm_file *file, void *buf, size_t len,
                           uint64_t *offset)
{
	const struct device *device = device_of(file);

	if (device->minor == DEVICE_NULL)
		return 0;
	if (device->minor == DEVICE_ZERO || device->minor == DEVICE_FULL) {
		memset(buf, 0, len);
		return (int64_t)len;
	}
	ssize_t n = getrandom(buf, len, 0);
	return n < 0 ? -errno : n;
}

static int64_t device_write(struct call *call, struct vm_file *file, const void *buf, size_t len,
                            uint64_t *offset)
{
	return device_of(file)->minor == DEVICE_FULL && len > 0 ? -ENOSPC : (int64_t)len;
}

static int64_t device_seek(struct vm_file *file, int64_t offset, int whence)
{
	return 0;
}

static short device_poll(const struct vm_file *file)
{
	return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
}

static void device_stat(const struct vm_file *file, struct stat *status)
{
	*status = device_of(file)->status;
}

static int64_t device_readable(struct call *call, struct vm_file *file)
{
	return -ENOTTY;
}

static void device_release(struct special *special)
{
	g_free(special);
}

static char *device_name(const struct special *special)
{
	static const char *const names[] = {
	    [DEVICE_NULL] = "/dev/null",       [DEVICE_ZERO] = "/dev/zero",
	    [DEVICE_FULL] = "/dev/full",       [DEVICE_RANDOM] = "/dev/random",
	    [DEVICE_URANDOM] = "/dev/urandom",
	};

	return g_strdup(names[((const struct device *)special)->minor]);
}

static const struct file_kind kind_device = {
    .seekable = true,
    .read = device_read,
    .write = device_write,
    .seek = device_seek,
    .poll_locked = device_poll,
    .stat = device_stat,
    .readable = device_readable,
    .release = device_release,
    .name = device_name,
};

static const struct device *device_of(const struct vm_file *file)
{
	return (const struct device *)kind_special(file, &kind_device);
}

static bool is_served(const struct stat *status)
{
	unsigned number = minor(status->st_rdev);

	return S_ISCHR(status->st_mode) && major(status->st_rdev) == 1 &&
	       (number == DEVICE_NULL || number == DEVICE_ZERO || number == DEVICE_FULL ||
	        number == DEVICE_RANDOM || number == DEVICE_URANDOM);
}

struct vm_file *device_new(const struct place *place, const struct stat *status, int access,
                           int *error)
{
	*error = is_served(status) ? 0 : -EACCES;
	if (*error != 0)
		return NULL;
	struct device *device = g_try_new0(struct device, 1);
	if (device == NULL) {
		*error = -ENOMEM;
		return NULL;
	}
	*device =
	    (struct device){{&kind_device, -1}, (enum device_minor)minor(status->st_rdev), *status};
	return kind_new_file(place, &device->special, access, 0, error);
}
