/*
 * pipefile.c - reads and writes of a caller's own pipe. They are passed on to the pipe, which the
 * daemon opens as the kernel would: anew, for the access that is asked for.
 *
 * Rules: only pipes are opened, and only those whose inode the opener may open. Transfers are
 * calls (call.h), because they may wait for ever; the descriptor does not block, so that a wait
 * ends when nobody wants the answer any more.
 */
#include "fs/files/pipefile.h"

#include "fs/files/call.h"
#include "util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long one wait for the pipe lasts before the call looks whether it was interrupted, ms. */
enum { LOOK_EVERY_MS = 100 };

/* The rights that OPENER has to a file with STATUS: S_IROTH, S_IWOTH (generic_permission). */
static mode_t rights_to(const struct fs_caller *opener, const struct stat *status)
{
	if (opener->uid == 0)
		return S_IROTH | S_IWOTH;
	if (opener->uid == status->st_uid)
		return status->st_mode >> 6 & (S_IROTH | S_IWOTH);
	if (opener->gid == status->st_gid)
		return status->st_mode >> 3 & (S_IROTH | S_IWOTH);
	return status->st_mode & (S_IROTH | S_IWOTH);
}

static bool may_open(const struct fs_caller *opener, const struct stat *status, int access)
{
	mode_t rights = rights_to(opener, status);

	return S_ISFIFO(status->st_mode) && (access == O_WRONLY || (rights & S_IROTH)) &&
	       (access == O_RDONLY || (rights & S_IWOTH));
}

/* Open the pipe FD of OPENER. Returns a descriptor or a negative errno. */
static int open_pipe(const struct fs_mount *mount, const struct fs_caller *opener, unsigned fd,
                     int access)
{
	struct stat status;
	int looked = proc_open_file(mount->proc_pids, O_PATH, "%d/fd/%u", (int)opener->pid, fd);

	if (looked < 0)
		return errno == EMFILE || errno == ENFILE ? -errno : -ENOENT;
	bool may = fstat(looked, &status) == 0 && may_open(opener, &status, access);
	/* What was looked at is what is opened. */
	int opened =
	    may ? proc_open_file(mount->proc, access | O_NONBLOCK, "self/fd/%d", looked) : -1;
	int error = may ? -errno : -EACCES;
	close(looked);
	return opened >= 0 ? opened : error;
}

static int pipefile_open(struct fs_handle *handle)
{
	int fd = open_pipe(handle->mount, &handle->opener, handle->node.index,
	                   handle->flags & O_ACCMODE);

	if (fd < 0)
		return fd;
	handle->state = GINT_TO_POINTER(fd);
	return 0;
}

static void pipefile_release(struct fs_handle *handle)
{
	close(GPOINTER_TO_INT(handle->state));
}

/* Wait until FD is ready for EVENTS. False: nobody wants to know any more. */
static bool await(int fd, short events)
{
	struct pollfd wait = {.fd = fd, .events = events};

	while (poll(&wait, 1, LOOK_EVERY_MS) == 0)
		if (call_is_interrupted())
			return false;
	return true;
}

static void pipefile_read(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                          size_t size, off_t offset, int flags)
{
	int fd = GPOINTER_TO_INT(handle->state);
	g_autofree char *buf = g_try_malloc(size);
	ssize_t got = -1;

	errno = ENOMEM;
	while (buf != NULL && (got = read(fd, buf, size)) < 0 && errno == EAGAIN &&
	       !(flags & O_NONBLOCK))
		if (!await(fd, POLLIN)) {
			errno = EINTR;
			break;
		}
	int error = errno;
	if (!call_claim())
		return;
	if (got < 0)
		fuse_reply_err(req, error);
	else
		fuse_reply_buf(req, buf, (size_t)got);
}

static void pipefile_write(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                           const char *buf, size_t size, off_t offset)
{
	int fd = GPOINTER_TO_INT(handle->state);
	ssize_t put;

	while ((put = write(fd, buf, size)) < 0 && errno == EAGAIN && !(handle->flags & O_NONBLOCK))
		if (!await(fd, POLLOUT)) {
			errno = EINTR;
			break;
		}
	int error = errno;
	if (!call_claim())
		return;
	if (put < 0)
		fuse_reply_err(req, error);
	else
		fuse_reply_write(req, (size_t)put);
}

static bool pipefile_takes_long(const struct fs_handle *handle)
{
	return true;
}

const struct file_class pipefile_class = {
    .open = pipefile_open,
    .release = pipefile_release,
    .read = pipefile_read,
    .write = pipefile_write,
    .stream = true,
    .takes_long = pipefile_takes_long,
};
