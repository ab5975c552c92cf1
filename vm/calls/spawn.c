/*
 * spawn.c - a process with an address space as empty as Linux can make one.
 */
#include "vm/calls/builder.h"

#include <sys/mman.h>

#define STACK_SIZE UINT64_C(0x21000)        /* as exec leaves it */
#define HEAP_START UINT64_C(0x555555556000) /* where a small program's would start */

/* A stack, and a heap of no bytes. */
static int furnish(struct builder *builder)
{
	int64_t at =
	    builder_map(builder, VM_USER_END - STACK_SIZE, STACK_SIZE, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, NULL, 0);
	struct vm_layout *layout = &builder->space->layout;

	layout->start_stack = layout->sp = VM_USER_END - 16;
	layout->start_brk = layout->brk = HEAP_START;
	return at < 0 ? (int)at : 0;
}

struct vm_process *vm_process_spawn(struct vm_machine *machine, const struct vm_cred *cred,
                                    const char *name, int *error)
{
	struct vm_process *result = NULL;
	struct builder builder;

	*error = builder_begin(&builder, machine, cred);
	if (*error != 0)
		return NULL;
	*error = furnish(&builder);
	if (*error == 0)
		result = builder_publish(&builder, 0, name, error);
	builder_end(&builder);
	return result;
}
