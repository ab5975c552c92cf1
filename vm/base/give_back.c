#include "vm/base/give_back.h"
#include "vm/base/lock.h"
#include "vm/base/pool.h"

#include <malloc.h>

/*
 * The heap is trimmed when so many bytes more are free in it than after the last time. What was
 * given back counts as free, too, until it is used again, and may be used and freed between two
 * looks. So now and then it is trimmed if so many bytes are free at all.
 */
enum { MUCH = 4 << 20, LOOKS = 8 };

/* No lock is held. */
static void trim_heap(struct vm_machine *machine)
{
	uint64_t now = mallinfo2().fordblks;
	uint64_t least = MIN(__atomic_load_n(&machine->heap_free, __ATOMIC_RELAXED), now);
	bool often = __atomic_add_fetch(&machine->heap_looks, 1, __ATOMIC_RELAXED) % LOOKS == 0;

	if (now >= (often ? MUCH : least + MUCH)) {
		malloc_trim(0);
		least = mallinfo2().fordblks;
	}
	__atomic_store_n(&machine->heap_free, least, __ATOMIC_RELAXED);
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
