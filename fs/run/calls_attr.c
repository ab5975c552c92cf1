/*
 * calls_attr.c - system calls that change mode, owner and times of files, and extended attributes.
 */
#include "fs/run/calls.h"
#include "fs/run/kind.h"
#include "fs/run/path.h"
#include "util/nanoseconds.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

/* What is to be changed. */
struct change {
	const struct place *place;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	bool now; /* both times are the present one */
	struct timespec times[2];
};

/* A call of PATH_FN for the host file of a descriptor. */
struct by_descriptor {
	int fd;
	path_fn fn;
	void *ctx;
};

static int64_t run_by_descriptor(void *ctx)
{
	const struct by_descriptor *job = ctx;

	return job->fn(job->fd, job->ctx);
}

/* Call FN with the owner's identity for the file of descriptor FD. NONE: it has no host file. */
static int64_t with_descriptor(struct call *call, int fd, path_fn fn, void *ctx, int none)
{
	struct vm_file *file = vm_process_file(call->process, fd);
	struct by_descriptor job = {.fn = fn, .ctx = ctx};
	int64_t result = none;

	if (file == NULL)
		return -EBADF;
	job.fd = kind_host(file);
	if (kind_of(file)->path_only)
		result = -EBADF;
	else if (job.fd >= 0)
		result = place_as_owner(call->program->place, run_by_descriptor, &job);
	vm_file_unref(file);
	return result;
}

/* How the last component is treated, from AT_ flags. */
static unsigned how_of(int flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? HOSTPATH_NOFOLLOW : 0) |
	       (flags & AT_EMPTY_PATH ? PATH_EMPTY : 0);
}

/* --- Mode ------------------------------------------------------------------------------------- */

/* A descriptor of O_PATH has no fchmod: go through its name in /proc. */
static int64_t change_mode(int fd, void *ctx)
{
	const struct change *change = ctx;
	char name[64];
	struct stat status;

	if (fstat(fd, &status) == 0 && S_ISLNK(status.st_mode))
		return -EOPNOTSUPP;
	g_snprintf(name, sizeof name, "self/fd/%d", fd);
	return fchmodat(change->place->mount->proc, name, change->mode & 07777, 0) < 0 ? -errno : 0;
}

static int64_t chmod_at(struct call *call, int dirfd, uint64_t va, mode_t mode, int flags)
{
	struct change change = {.place = call->program->place, .mode = mode};

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return path_call(call, dirfd, va, how_of(flags), change_mode, &change);
}

int64_t sys_chmod(struct call *call)
{
	return chmod_at(call, AT_FDCWD, call->arg[0], (mode_t)call->arg[1], 0);
}

int64_t sys_fchmodat(struct call *call)
{
	return chmod_at(call, (int)call->arg[0], call->arg[1], (mode_t)call->arg[2], 0);
}

int64_t sys_fchmodat2(struct call *call)
{
	return chmod_at(call, (int)call->arg[0], call->arg[1], (mode_t)call->arg[2],
	                (int)call->arg[3]);
}

int64_t sys_fchmod(struct call *call)
{
	struct change change = {.place = call->program->place, .mode = (mode_t)call->arg[1]};

	return with_descriptor(call, (int)call->arg[0], change_mode, &change, 0);
}

/* --- Owner ------------------------------------------------------------------------------------ */

static int64_t change_owner(int fd, void *ctx)
{
	const struct change *change = ctx;

	return fchownat(fd, "", change->uid, change->gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int64_t chown_at(struct call *call, int dirfd, uint64_t va, const uint64_t ids[2], int flags)
{
	struct change change = {.uid = (uid_t)ids[0], .gid = (gid_t)ids[1]};

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return path_call(call, dirfd, va, how_of(flags), change_owner, &change);
}

int64_t sys_chown(struct call *call)
{
	return chown_at(call, AT_FDCWD, call->arg[0], &call->arg[1], 0);
}

int64_t sys_lchown(struct call *call)
{
	return chown_at(call, AT_FDCWD, call->arg[0], &call->arg[1], AT_SYMLINK_NOFOLLOW);
}

int64_t sys_fchownat(struct call *call)
{
	return chown_at(call, (int)call->arg[0], call->arg[1], &call->arg[2], (int)call->arg[4]);
}

int64_t sys_fchown(struct call *call)
{
	struct change change = {.uid = (uid_t)call->arg[1], .gid = (gid_t)call->arg[2]};

	return with_descriptor(call, (int)call->arg[0], change_owner, &change, 0);
}

/* --- Times ------------------------------------------------------------------------------------ */

static int64_t change_times(int fd, void *ctx)
{
	const struct change *change = ctx;

	/* Raw: the C library refuses an empty path. */
	return syscall(SYS_utimensat, fd, "", change->now ? NULL : change->times, AT_EMPTY_PATH) < 0
	           ? -errno
	           : 0;
}

int64_t sys_utimensat(struct call *call)
{
	struct change change = {.now = call->arg[2] == 0};
	int flags = (int)call->arg[3];

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!change.now && call_get(call, call->arg[2], change.times, sizeof change.times) != 0)
		return -EFAULT;
	/* No path at all: the descriptor (futimens). */
	if (call->arg[1] == 0)
		return (int)call->arg[0] == AT_FDCWD
		           ? -EFAULT
		           : with_descriptor(call, (int)call->arg[0], change_times, &change, 0);
	return path_call(call, (int)call->arg[0], call->arg[1], how_of(flags), change_times,
	                 &change);
}

/* Times in microseconds, or the present ones. */
static int64_t utimes_at(struct call *call, int dirfd, uint64_t va, uint64_t times)
{
	struct change change = {.now = times == 0};
	struct timeval values[2];

	if (!change.now && call_get(call, times, values, sizeof values) != 0)
		return -EFAULT;
	for (int i = 0; !change.now && i < 2; i++) {
		if (values[i].tv_usec < 0 || values[i].tv_usec >= NS_PER_SEC / NS_PER_US)
			return -EINVAL;
		change.times[i].tv_sec = values[i].tv_sec;
		change.times[i].tv_nsec = values[i].tv_usec * NS_PER_US;
	}
	return va == 0 ? with_descriptor(call, dirfd, change_times, &change, 0)
	               : path_call(call, dirfd, va, 0, change_times, &change);
}

int64_t sys_utimes(struct call *call)
{
	return utimes_at(call, AT_FDCWD, call->arg[0], call->arg[1]);
}

int64_t sys_futimesat(struct call *call)
{
	return utimes_at(call, (int)call->arg[0], call->arg[1], call->arg[2]);
}

int64_t sys_utime(struct call *call)
{
	struct change change = {.now = call->arg[1] == 0};
	struct utimbuf values;

	if (!change.now && call_get(call, call->arg[1], &values, sizeof values) != 0)
		return -EFAULT;
	if (!change.now) {
		change.times[0].tv_sec = values.actime;
		change.times[1].tv_sec = values.modtime;
	}
	return path_call(call, AT_FDCWD, call->arg[0], 0, change_times, &change);
}

/* --- Extended attributes ---------------------------------------------------------------------- */

/*
 * They are only read. A descriptor of O_PATH cannot be asked for them, so the file is opened for
 * reading, if it is one that can be opened without harm; of another, or without the right to read
 * it, they are not known.
 */
struct attribute {
	const struct place *place;
	const char *name; /* NULL: the list of all names */
	size_t size;
	uint8_t *value;
};

static int64_t ask_attribute(int fd, void *ctx)
{
	struct attribute *attribute = ctx;
	ssize_t n = attribute->name != NULL
	                ? fgetxattr(fd, attribute->name, attribute->value, attribute->size)
	                : flistxattr(fd, (char *)attribute->value, attribute->size);

	return n < 0 ? -errno : n;
}

static int64_t ask_found(int fd, void *ctx)
{
	struct attribute *attribute = ctx;
	struct stat status;
	char name[64];

	if (fstat(fd, &status) < 0)
		return -errno;
	g_snprintf(name, sizeof name, "self/fd/%d", fd);
	int file = S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)
	               ? openat(attribute->place->mount->proc, name,
	                        O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
	               : -1;
	if (file < 0)
		return -EOPNOTSUPP;
	int64_t result = ask_attribute(file, ctx);
	close(file);
	return result;
}

/* Ask with FD, or with a path: arguments FIRST (a name, if NAMED), a buffer, and its size. */
static int64_t attribute_call(struct call *call, bool by_fd, bool named, unsigned how)
{
	unsigned at = 1 + named;
	struct attribute attribute = {.place = call->program->place,
	                              .size = MIN(call->arg[at + 1], XATTR_SIZE_MAX)};
	g_autofree char *name = NULL;
	g_autofree uint8_t *value = g_malloc(MAX(attribute.size, 1));
	int error;

	if (named && (name = call_string(call, call->arg[1], XATTR_NAME_MAX + 1, &error)) == NULL)
		return error == -ENAMETOOLONG ? -ERANGE : error;
	attribute.name = name;
	attribute.value = value;
	int64_t n =
	    by_fd ? with_descriptor(call, (int)call->arg[0], ask_attribute, &attribute, -EOPNOTSUPP)
	          : path_call(call, AT_FDCWD, call->arg[0], how, ask_found, &attribute);
	if (n <= 0 || attribute.size == 0)
		return n;
	return call_put(call, call->arg[at], value, (size_t)n) == 0 ? n : -EFAULT;
}

int64_t sys_getxattr(struct call *call)
{
	return attribute_call(call, false, true, 0);
}

int64_t sys_lgetxattr(struct call *call)
{
	return attribute_call(call, false, true, HOSTPATH_NOFOLLOW);
}

int64_t sys_fgetxattr(struct call *call)
{
	return attribute_call(call, true, true, 0);
}

int64_t sys_listxattr(struct call *call)
{
	return attribute_call(call, false, false, 0);
}

int64_t sys_llistxattr(struct call *call)
{
	return attribute_call(call, false, false, HOSTPATH_NOFOLLOW);
}

int64_t sys_flistxattr(struct call *call)
{
	return attribute_call(call, true, false, 0);
}
