#include "vm/base/give_back.h"
#include "vm/base/lock.h"
#include "vm/base/pool.h"

#include <malloc.h>

/* The heap is trimmed when so many bytes more are free in it than after the last time. */
enum { MUCH = 4 << 20 };

/* Only the thread that keeps time calls this, so heap_free needs no lock. None is held. */
static void trim_heap(struct vm_machine *machine)
{
	uint64_t now = mallinfo2().fordblks;

	/* What was given back counts as free, too, until it is used again. */
	machine->heap_free = MIN(machine->heap_free, now);
	if (now < machine->heap_free + MUCH)
		return;
	malloc_trim(0);
	machine->heap_free = mallinfo2().fordblks;
}

void give_back_locked(struct vm_machine *machine)
{
	pool_give_back_locked(machine, &machine->frame_pool);
	pool_give_back_locked(machine, &machine->table_pool);
	pool_give_back_locked(machine, &machine->twin_pool);
	machine_unlock(machine);
	trim_heap(machine);
	machine_lock(machine);
}
