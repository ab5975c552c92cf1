/*
 * descriptors.c - the open files of a process by descriptor, a number from 0. vm.h documents the
 * calls.
 */
#include "vm/process/descriptors.h"
#include "vm/base/lock.h"
#include "vm/base/user.h"
#include "vm/cache/file.h"
#include "vm/space/limits.h"

#include <errno.h>
#include <string.h>

/* Where the reference to the file of descriptor FD, below fds->len, is stored. */
static struct vm_file **fd_at(const struct array *fds, size_t fd)
{
	return &ARRAY_AT(fds, struct vm_file *, fd);
}

/* The lowest free descriptor in FDS from FD on, or one at or behind FDS's end. */
static size_t lowest_free(const struct array *fds, size_t fd)
{

	while (fd < fds->len && *fd_at(fds, fd) != NULL)
		fd++;
	return fd;
}

/* Whether exec closes descriptor FD. */
static bool has_cloexec(const struct vm_process *process, size_t fd)
{
	return process->cloexec[fd / 64] >> fd % 64 & 1;
}

static void put_cloexec(struct vm_process *process, size_t fd, bool cloexec)
{
	uint64_t bit = UINT64_C(1) << fd % 64;

	if (cloexec)
		process->cloexec[fd / 64] |= bit;
	else
		process->cloexec[fd / 64] &= ~bit;
}

/* Make room for descriptor FD, which is charged if it is free. -ENFILE, -ENOMEM. */
static int make_room(struct vm_process *process, size_t fd)
{
	struct array *fds = &process->fds;

	while (fd >= fds->len)
		if (array_add(fds, sizeof(struct vm_file *)) == NULL)
			return -ENOMEM;
	return *fd_at(fds, fd) != NULL ? 0
	                               : user_charge(process->machine, process->user, VM_FDS, 1);
}

/* Make the lowest free descriptor from MIN on refer to FILE. PROCESS is write-locked. */
static int add_file(struct vm_process *process, struct vm_file *file, size_t min, bool cloexec)
{
	size_t fd = lowest_free(&process->fds, min);

	/* In Linux's order: alloc_fd, then alloc_empty_file. */
	if (fd >= limits_soft(process, VM_LIMIT_NOFILE))
		return -EMFILE;
	int error = make_room(process, fd);
	if (error != 0)
		return error;
	*fd_at(&process->fds, fd) = vm_file_ref(file);
	put_cloexec(process, fd, cloexec);
	return (int)fd;
}

int vm_process_open_from(struct vm_process *process, struct vm_file *file, int min, bool cloexec)
{
	process_write_lock(process);
	int result = -ESRCH;
	if (min < 0 || (uint64_t)min >= limits_soft(process, VM_LIMIT_NOFILE))
		result = min == 0 ? -EMFILE : -EINVAL;
	else if (process->space != NULL)
		result = add_file(process, file, (size_t)min, cloexec);
	process_unlock(process);
	return result;
}

int vm_process_open(struct vm_process *process, struct vm_file *file)
{
	return vm_process_open_from(process, file, 0, false);
}

int vm_process_open_at(struct vm_process *process, struct vm_file *file, int fd, bool cloexec)
{
	struct vm_file *old = NULL;

	process_write_lock(process);
	int error = -ESRCH;
	if (fd < 0 || (uint64_t)fd >= limits_soft(process, VM_LIMIT_NOFILE))
		error = -EBADF;
	else if (process->space != NULL)
		error = make_room(process, (size_t)fd);
	if (error == 0) {
		old = *fd_at(&process->fds, (size_t)fd);
		*fd_at(&process->fds, (size_t)fd) = vm_file_ref(file);
		put_cloexec(process, (size_t)fd, cloexec);
	}
	process_unlock(process);
	if (old != NULL)
		vm_file_unref(old);
	return error == 0 ? fd : error;
}

/* How many of FDS are open. */
static uint64_t count_open(const struct array *fds)
{
	uint64_t count = 0;

	for (size_t i = 0; i < fds->len; i++)
		count += *fd_at(fds, i) != NULL;
	return count;
}

int descriptors_copy(struct vm_process *child, const struct vm_process *parent)
{
	const struct array *fds = &parent->fds;
	uint64_t count = count_open(fds);

	if (fds->len == 0)
		return 0;
	int error = user_charge(child->machine, child->user, VM_FDS, count);
	if (error != 0)
		return error == -ENFILE ? -EAGAIN : error;
	void *items = g_try_malloc_n(fds->len, sizeof(struct vm_file *));
	if (items == NULL) {
		user_uncharge(child->machine, child->user, VM_FDS, count);
		return -ENOMEM;
	}
	memcpy(child->cloexec, parent->cloexec, sizeof child->cloexec);
	child->fds = (struct array){.items = items, .len = fds->len, .room = fds->len};
	for (size_t i = 0; i < fds->len; i++) {
		struct vm_file *file = *fd_at(fds, i);
		*fd_at(&child->fds, i) = file != NULL ? vm_file_ref(file) : NULL;
	}
	return 0;
}

void descriptors_close(struct vm_process *process, struct array *fds)
{
	if (fds->len == 0)
		return;
	user_uncharge(process->machine, process->user, VM_FDS, count_open(fds));
	for (size_t i = 0; i < fds->len; i++)
		if (*fd_at(fds, i) != NULL)
			vm_file_unref(*fd_at(fds, i));
	array_clear(fds);
}

/* Where PROCESS's reference to the file of descriptor FD is stored, or NULL. Process lock held. */
static struct vm_file **fd_slot(struct vm_process *process, int fd)
{
	if (fd < 0 || (size_t)fd >= process->fds.len || *fd_at(&process->fds, (size_t)fd) == NULL)
		return NULL;
	return fd_at(&process->fds, (size_t)fd);
}

int vm_process_close(struct vm_process *process, int fd)
{
	struct vm_file *file = NULL;

	process_write_lock(process);
	struct vm_file **slot = fd_slot(process, fd);
	bool alive = process->space != NULL;
	if (slot != NULL) {
		file = g_steal_pointer(slot);
		put_cloexec(process, (size_t)fd, false);
		user_uncharge(process->machine, process->user, VM_FDS, 1);
	}
	process_unlock(process);
	/* An ended process has no descriptors. */
	if (file == NULL)
		return alive ? -EBADF : -ESRCH;
	vm_file_unref(file);
	return 0;
}

int vm_process_cloexec(struct vm_process *process, int fd)
{
	process_read_lock(process);
	int result = fd_slot(process, fd) == NULL ? -EBADF : has_cloexec(process, (size_t)fd);
	process_unlock(process);
	return result;
}

int vm_process_set_cloexec(struct vm_process *process, int fd, bool cloexec)
{
	process_write_lock(process);
	bool open = fd_slot(process, fd) != NULL;
	if (open)
		put_cloexec(process, (size_t)fd, cloexec);
	process_unlock(process);
	return open ? 0 : -EBADF;
}

void descriptors_exec(struct vm_process *process)
{
	for (int fd = 0; fd < VM_MAX_FDS; fd++)
		if (vm_process_cloexec(process, fd) > 0)
			vm_process_close(process, fd);
}

struct vm_file *vm_process_file(struct vm_process *process, int fd)
{
	process_read_lock(process);
	struct vm_file **slot = fd_slot(process, fd);
	struct vm_file *file = slot != NULL ? vm_file_ref(*slot) : NULL;
	process_unlock(process);
	return file;
}
