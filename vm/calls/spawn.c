/*
 * spawn.c - a new process without a program. It has a stack and an empty heap, and no other area.
 */
#include "vm/calls/builder.h"

#include <sys/mman.h>

#define STACK_SIZE UINT64_C(0x21000)        /* bytes, as after exec */
#define HEAP_START UINT64_C(0x555555556000) /* where the heap of a small program would start */

/* Map the stack, and place the heap. 0, or an error of vm_mmap. */
static int add_stack_and_heap(struct builder *builder)
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
	*error = add_stack_and_heap(&builder);
	if (*error == 0)
		result = builder_publish(&builder, 0, name, error);
	builder_end(&builder);
	return result;
}
