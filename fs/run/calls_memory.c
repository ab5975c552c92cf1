/*
 * calls_memory.c - the system calls on memory: those of the ctl file, by number.
 */
#include "fs/run/calls.h"

#include <sys/mman.h>

int64_t sys_mmap(struct call *call)
{
	int flags = (int)call->arg[3], fd = (int)call->arg[4];
	struct vm_file *file = NULL;

	if (call->arg[5] % VM_PAGE_SIZE != 0)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		file = vm_process_file(call->process, fd);
		if (file == NULL)
			return -EBADF;
	}
	int64_t result = vm_mmap(call->process, call->arg[0], call->arg[1], (int)call->arg[2],
	                         flags, file, call->arg[5]);
	if (file != NULL)
		vm_file_unref(file);
	return result;
}

int64_t sys_mprotect(struct call *call)
{
	return vm_mprotect(call->process, call->arg[0], call->arg[1], (int)call->arg[2]);
}

int64_t sys_munmap(struct call *call)
{
	return vm_munmap(call->process, call->arg[0], call->arg[1]);
}

int64_t sys_brk(struct call *call)
{
	return vm_brk(call->process, call->arg[0]);
}

int64_t sys_mremap(struct call *call)
{
	return vm_mremap(call->process, call->arg[0], call->arg[1], call->arg[2], (int)call->arg[3],
	                 call->arg[4]);
}

int64_t sys_msync(struct call *call)
{
	return vm_msync(call->process, call->arg[0], call->arg[1], (int)call->arg[2]);
}

/* Pages whose state is copied to the program at once. */
enum { MINCORE_PIECE = 4096 };

int64_t sys_mincore(struct call *call)
{
	uint64_t addr = call->arg[0], vec = call->arg[2];
	uint64_t pages = call->arg[1] / VM_PAGE_SIZE + (call->arg[1] % VM_PAGE_SIZE != 0);
	uint8_t state[MINCORE_PIECE];

	if (addr % VM_PAGE_SIZE != 0)
		return -EINVAL;
	for (uint64_t done = 0; done < pages; done += MINCORE_PIECE) {
		size_t count = MIN(pages - done, MINCORE_PIECE);
		int error = vm_mincore(call->process, addr + done * VM_PAGE_SIZE,
		                       (uint64_t)count * VM_PAGE_SIZE, state);
		if (error != 0)
			return error;
		if (call_put(call, vec + done, state, count) != 0)
			return -EFAULT;
	}
	return 0;
}

int64_t sys_madvise(struct call *call)
{
	return vm_madvise(call->process, call->arg[0], call->arg[1], (int)call->arg[2]);
}

int64_t sys_mlock(struct call *call)
{
	return vm_mlock(call->process, call->arg[0], call->arg[1], 0);
}

int64_t sys_mlock2(struct call *call)
{
	return vm_mlock(call->process, call->arg[0], call->arg[1], (int)call->arg[2]);
}

int64_t sys_munlock(struct call *call)
{
	return vm_munlock(call->process, call->arg[0], call->arg[1]);
}

int64_t sys_mlockall(struct call *call)
{
	return vm_mlockall(call->process, (int)call->arg[0]);
}

int64_t sys_munlockall(struct call *call)
{
	return vm_munlockall(call->process);
}
