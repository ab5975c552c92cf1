/*
 * interrupt.c - whether the work of this thread is still wanted. Loops that may take long ask
 * between two pieces. Linux: fatal_signal_pending.
 */
#include "vm/vm.h"

static __thread vm_interrupt_fn interrupt;
static __thread void *interrupt_ctx;

void vm_interrupt(vm_interrupt_fn fn, void *ctx)
{
	interrupt = fn;
	interrupt_ctx = ctx;
}

bool vm_interrupted(void)
{
	return interrupt != NULL && interrupt(interrupt_ctx);
}
