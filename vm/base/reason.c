/*
 * reason.c - why the last call of this thread failed. See reason.h.
 */
#include "vm/base/reason.h"

static __thread struct vm_reason last;

void vm_reason_clear(void)
{
	last = (struct vm_reason){.why = VM_WHY_UNKNOWN};
}

bool vm_reason(int error, struct vm_reason *reason)
{
	*reason = last;
	return last.why != VM_WHY_UNKNOWN && last.error == error;
}

int reason_set(int error, enum vm_why why, uint64_t asked, uint64_t used, uint64_t limit)
{
	last = (struct vm_reason){why, error, asked, used, limit};
	return error;
}

int reason_turn(int from, int to)
{
	if (last.error == from)
		last.error = to;
	return to;
}
