/*
 * spawn.c - a process with an empty address space.
 */
#include "vm/process/process.h"

#include <errno.h>
#include <sys/mman.h>

/* A stack as exec leaves it, and a heap of no bytes where a small program's would start. */
static int furnish(struct vm_process *process)
{
	struct vm_space *space = process->space;
	const uint64_t size = UINT64_C(0x21000);
	int64_t at = vm_mmap(process, VM_USER_END - size, size, PROT_READ | PROT_WRITE,
	                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, NULL, 0);

	space->start_stack = space->sp = VM_USER_END - 16;
	space->start_brk = space->brk = UINT64_C(0x555555556000);
	return at < 0 ? (int)at : 0;
}

struct vm_process *vm_process_spawn(struct vm_machine *machine, const struct vm_cred *cred,
                                    const char *name, int *error)
{
	struct vm_process *process = process_new_nascent(machine, cred);

	*error = process != NULL ? furnish(process) : -ENOMEM;
	if (*error == 0)
		*error = process_publish(process, 0, name);
	if (*error != 0)
		g_clear_pointer(&process, vm_process_unref);
	return process;
}
