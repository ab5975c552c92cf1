/*
 * descriptors.c - the open files of a process by descriptor, a number from 0. vm.h documents the
 * calls.
 */
#include "vm/process/descriptors.h"
#include "vm/base/lock.h"
#include "vm/base/user.h"
#include "vm/cache/file.h"

#include <errno.h>

/* Where the reference to the file of descriptor FD, below fds->len, is stored. */
static struct vm_file **fd_at(const struct array *fds, size_t fd)
{
	return &ARRAY_AT(fds, struct vm_file *, fd);
}

/* The lowest free descriptor in FDS, or FDS's length if all are in use. */
static size_t lowest_free(const struct array *fds)
{
	size_t fd = 0;

	while (fd < fds->len && *fd_at(fds, fd) != NULL)
		fd++;
	return fd;
}

/* Make the lowest free descriptor of PROCESS, write-locked, refer to FILE. vm_process_open. */
static int add_file(struct vm_process *process, struct vm_file *file)
{
	struct array *fds = &process->fds;
	size_t fd = lowest_free(fds);

	/* In Linux's order: alloc_fd, then alloc_empty_file. */
	if (fd >= VM_MAX_FDS)
		return -EMFILE;
	if (fd == fds->len && array_add(fds, sizeof file) == NULL)
		return -ENOMEM;
	int error = user_charge(process->machine, process->user, VM_FDS, 1);
	if (error != 0)
		return error;
	*fd_at(fds, fd) = vm_file_ref(file);
	return (int)fd;
}

int vm_process_open(struct vm_process *process, struct vm_file *file)
{
	process_write_lock(process);
	int result = process->space != NULL ? add_file(process, file) : -ESRCH;
	process_unlock(process);
	return result;
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
		user_uncharge(process->machine, process->user, VM_FDS, 1);
	}
	process_unlock(process);
	/* An ended process has no descriptors. */
	if (file == NULL)
		return alive ? -EBADF : -ESRCH;
	vm_file_unref(file);
	return 0;
}

struct vm_file *vm_process_file(struct vm_process *process, int fd)
{
	process_read_lock(process);
	struct vm_file **slot = fd_slot(process, fd);
	struct vm_file *file = slot != NULL ? vm_file_ref(*slot) : NULL;
	process_unlock(process);
	return file;
}
