/*
 * calls_fd.c - system calls on descriptors: making, closing, flags, and what a file can do besides
 * being read and written.
 */
#include "fs/run/calls.h"
#include "fs/run/kind.h"
#include "fs/run/pipe.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Flags that F_SETFL changes. */
enum { SETTABLE = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME };

/* A call on the file of the first argument. */
typedef int64_t (*file_fn)(struct call *call, struct vm_file *file);

/* Call FN with the file of the first argument. PATH_ONLY: also for one that O_PATH opened. */
static int64_t with_file(struct call *call, file_fn fn, bool path_only)
{
	struct vm_file *file = vm_process_file(call->process, (int)call->arg[0]);
	int64_t result = -EBADF;

	if (file == NULL)
		return -EBADF;
	if (path_only || !kind_of(file)->path_only)
		result = fn(call, file);
	vm_file_unref(file);
	return result;
}

/* --- Descriptors ------------------------------------------------------------------------------ */

int64_t sys_close(struct call *call)
{
	return vm_process_close(call->process, (int)call->arg[0]);
}

int64_t sys_close_range(struct call *call)
{
	unsigned first = (unsigned)call->arg[0], last = (unsigned)call->arg[1];
	unsigned flags = (unsigned)call->arg[2];

	if (first > last || (flags & ~(unsigned)(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE)))
		return -EINVAL;
	for (unsigned fd = first; fd <= last && fd < VM_MAX_FDS; fd++) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			vm_process_set_cloexec(call->process, (int)fd, true);
		else
			vm_process_close(call->process, (int)fd);
	}
	return 0;
}

static int64_t duplicate(struct call *call, struct vm_file *file)
{
	return vm_process_open_from(call->process, file, 0, false);
}

int64_t sys_dup(struct call *call)
{
	return with_file(call, duplicate, true);
}

static int64_t duplicate_to(struct call *call, struct vm_file *file)
{
	return vm_process_open_at(call->process, file, (int)call->arg[1], false);
}

static int64_t duplicate_to_flags(struct call *call, struct vm_file *file)
{
	return vm_process_open_at(call->process, file, (int)call->arg[1], call->arg[2] & O_CLOEXEC);
}

int64_t sys_dup2(struct call *call)
{
	if ((int)call->arg[0] == (int)call->arg[1])
		return vm_process_cloexec(call->process, (int)call->arg[0]) < 0
		           ? -EBADF
		           : (int64_t)(int)call->arg[0];
	return with_file(call, duplicate_to, true);
}

int64_t sys_dup3(struct call *call)
{
	if (((int)call->arg[2] & ~O_CLOEXEC) || (int)call->arg[0] == (int)call->arg[1])
		return -EINVAL;
	return with_file(call, duplicate_to_flags, true);
}

/* Put the ends of a new pipe in descriptors and tell the program at VA. */
static int64_t enter_pipe(struct call *call, struct vm_file *ends[2], bool cloexec)
{
	int fds[2] = {-1, -1};
	int64_t error = fds[0] = vm_process_open_from(call->process, ends[0], 0, cloexec);

	if (fds[0] >= 0)
		error = fds[1] = vm_process_open_from(call->process, ends[1], 0, cloexec);
	if (error >= 0)
		error = call_put(call, call->arg[0], fds, sizeof fds);
	for (int i = 0; error < 0 && i < 2; i++)
		if (fds[i] >= 0)
			vm_process_close(call->process, fds[i]);
	return error;
}

static int64_t make_pipe(struct call *call, int flags)
{
	struct vm_file *ends[2];

	/* O_DIRECT, a pipe of packets, is not known. */
	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	int64_t result = pipe_new(call->run, call->program->place, ends);
	if (result < 0)
		return result;
	for (int i = 0; i < 2; i++)
		vm_file_set_flags(ends[i], (unsigned)(flags & O_NONBLOCK));
	result = enter_pipe(call, ends, flags & O_CLOEXEC);
	vm_file_unref(ends[0]);
	vm_file_unref(ends[1]);
	return result;
}

int64_t sys_pipe(struct call *call)
{
	return make_pipe(call, 0);
}

int64_t sys_pipe2(struct call *call)
{
	return make_pipe(call, (int)call->arg[1]);
}

/* The machine has no network. */
int64_t sys_socket(struct call *call)
{
	return -EAFNOSUPPORT;
}

int64_t sys_socketpair(struct call *call)
{
	return -EAFNOSUPPORT;
}

/* --- fcntl, ioctl ----------------------------------------------------------------------------- */

static int64_t set_status_flags(struct vm_file *file, unsigned flags)
{
	vm_file_set_flags(file, (vm_file_flags(file) & ~(unsigned)SETTABLE) | (flags & SETTABLE));
	return 0;
}

/* F_SETPIPE_SZ: the size is what it is. */
static int64_t pipe_size(const struct vm_file *file, uint64_t wanted)
{
	if (!pipe_is(file))
		return -EBADF;
	return wanted <= PIPE_ROOM ? PIPE_ROOM : -EPERM;
}

static int64_t do_fcntl(struct call *call, struct vm_file *file)
{
	uint64_t argument = call->arg[2];
	int fd = (int)call->arg[0], command = (int)call->arg[1];
	bool path_only = kind_of(file)->path_only;

	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return vm_process_open_from(call->process, file,
		                            argument < VM_MAX_FDS ? (int)argument : -1,
		                            command == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return vm_process_cloexec(call->process, fd);
	case F_SETFD:
		return vm_process_set_cloexec(call->process, fd, argument & FD_CLOEXEC);
	case F_GETFL:
		return path_only ? (int64_t)vm_file_flags(file)
		                 : (int64_t)vm_file_access(file) | vm_file_flags(file);
	}
	if (path_only)
		return -EBADF;
	switch (command) {
	case F_SETFL:
		return set_status_flags(file, (unsigned)argument);
	case F_GETPIPE_SZ:
		return pipe_size(file, 0);
	case F_SETPIPE_SZ:
		return pipe_size(file, argument);
	case F_GETOWN:
		return 0;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		/* A lock that nobody keeps would be worse than none. */
		return -ENOLCK;
	}
	return -EINVAL;
}

int64_t sys_fcntl(struct call *call)
{
	return with_file(call, do_fcntl, true);
}

static int64_t do_flock(struct call *call, struct vm_file *file)
{
	int operation = (int)call->arg[1] & ~LOCK_NB;

	return operation == LOCK_SH || operation == LOCK_EX || operation == LOCK_UN ? -ENOLCK
	                                                                            : -EINVAL;
}

int64_t sys_flock(struct call *call)
{
	return with_file(call, do_flock, false);
}

static int64_t put_readable(struct call *call, struct vm_file *file)
{
	int64_t bytes = kind_of(file)->readable(call, file);
	int number = (int)MIN(bytes, INT32_MAX);
	return bytes < 0 ? bytes : call_put(call, call->arg[2], &number, sizeof number);
}

static int64_t set_nonblock(struct call *call, struct vm_file *file)
{
	int on;

	if (call_get(call, call->arg[2], &on, sizeof on) != 0)
		return -EFAULT;
	unsigned others = vm_file_flags(file) & ~(unsigned)O_NONBLOCK;
	vm_file_set_flags(file, others | (on ? O_NONBLOCK : 0));
	return 0;
}

static int64_t do_ioctl(struct call *call, struct vm_file *file)
{
	switch ((unsigned)call->arg[1]) {
	case FIOCLEX:
	case FIONCLEX:
		return vm_process_set_cloexec(call->process, (int)call->arg[0],
		                              (unsigned)call->arg[1] == FIOCLEX);
	case FIONBIO:
		return set_nonblock(call, file);
	case FIONREAD:
		return put_readable(call, file);
	}
	/* Nothing is a terminal, and no device is controlled. */
	return -ENOTTY;
}

int64_t sys_ioctl(struct call *call)
{
	return with_file(call, do_ioctl, false);
}

/* --- Files ------------------------------------------------------------------------------------ */

static int64_t sync_file(struct call *call, struct vm_file *file)
{
	if (kind_of(file) == &kind_regular)
		return vm_file_sync(file);
	int fd = kind_host(file);
	return fd < 0 ? -EINVAL : fsync(fd) < 0 ? -errno : 0;
}

int64_t sys_fsync(struct call *call)
{
	return with_file(call, sync_file, false);
}

int64_t sys_fdatasync(struct call *call)
{
	return with_file(call, sync_file, false);
}

int64_t sys_sync(struct call *call)
{
	vm_machine_sync(run_machine(call->run));
	return 0;
}

static int64_t truncate_file(struct call *call, struct vm_file *file)
{
	return vm_file_truncate(file, call->arg[1]);
}

int64_t sys_ftruncate(struct call *call)
{
	if (call->arg[1] > INT64_MAX)
		return -EINVAL;
	return with_file(call, truncate_file, false);
}

static int64_t allocate(struct call *call, struct vm_file *file)
{
	if (vm_file_access(file) == O_RDONLY)
		return -EBADF;
	if (kind_of(file) != &kind_regular)
		return pipe_is(file) ? -ESPIPE : -ENODEV;
	return vm_file_allocate(file, (int)call->arg[1], call->arg[2], call->arg[3]);
}

int64_t sys_fallocate(struct call *call)
{
	return with_file(call, allocate, false);
}

/* Advice that changes nothing: there is no read-ahead. */
static int64_t advise(struct call *call, struct vm_file *file)
{
	if (!kind_of(file)->seekable)
		return -ESPIPE;
	return (int64_t)call->arg[2] < 0 || call->arg[3] > POSIX_FADV_NOREUSE ? -EINVAL : 0;
}

int64_t sys_fadvise64(struct call *call)
{
	return with_file(call, advise, false);
}
