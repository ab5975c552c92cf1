/*
 * descriptors.c - the open files of a process by descriptor, a number from 0. vm.h documents the
 * calls.
 */
#include "vm/base/lock.h"
#include "vm/cache/file.h"

#include <errno.h>

/* The lowest free descriptor in FDS, or FDS's length if all are in use. */
static guint lowest_free(const GPtrArray *fds)
{
	guint fd = 0;

	while (fd < fds->len && fds->pdata[fd] != NULL)
		fd++;
	return fd;
}

int vm_process_open(struct vm_process *process, struct vm_file *file)
{
	int result = -ESRCH;

	process_write_lock(process);
	if (process->space != NULL) {
		if (process->fds == NULL)
			process->fds = g_ptr_array_new();
		guint fd = lowest_free(process->fds);
		result = fd < VM_MAX_FDS ? (int)fd : -EMFILE;
		if (fd == process->fds->len && fd < VM_MAX_FDS)
			g_ptr_array_add(process->fds, NULL);
		if (fd < VM_MAX_FDS)
			process->fds->pdata[fd] = vm_file_ref(file);
	}
	process_unlock(process);
	return result;
}

/* Where PROCESS's reference to the file of descriptor FD is stored, or NULL. Process lock held. */
static struct vm_file **fd_slot(struct vm_process *process, int fd)
{
	if (process->fds == NULL || fd < 0 || (guint)fd >= process->fds->len ||
	    process->fds->pdata[fd] == NULL)
		return NULL;
	return (struct vm_file **)&process->fds->pdata[fd];
}

int vm_process_close(struct vm_process *process, int fd)
{
	struct vm_file *file = NULL;

	process_write_lock(process);
	struct vm_file **slot = fd_slot(process, fd);
	bool alive = process->space != NULL;
	if (slot != NULL)
		file = g_steal_pointer(slot);
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
