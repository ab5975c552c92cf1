#include "vm/base/give_back.h"
#include "vm/base/lock.h"
#include "vm/base/pool.h"
#include "vm/base/user.h"

#include <malloc.h>

/* The heap is trimmed when so many bytes fewer are in use. */
#define MUCH (UINT64_C(4) << 20)

/* Whether much less of the heap is in use than once was. If so, what is in use now is the peak. */
static bool has_fallen(struct vm_machine *machine)
{
	uint64_t fallen = 0;

	for (enum vm_resource what = 0; what < VM_RESOURCES; what++) {
		uint64_t now = user_total(machine, what);
		uint64_t peak = __atomic_load_n(&machine->peak[what], __ATOMIC_RELAXED);
		fallen += peak > now ? (peak - now) * user_unit_bytes(what) : 0;
	}
	for (enum vm_resource what = 0; fallen >= MUCH && what < VM_RESOURCES; what++)
		__atomic_store_n(&machine->peak[what], user_total(machine, what), __ATOMIC_RELAXED);
	return fallen >= MUCH;
}

void give_back_locked(struct vm_machine *machine)
{
	pool_give_back_locked(machine, &machine->frame_pool);
	pool_give_back_locked(machine, &machine->table_pool);
	pool_give_back_locked(machine, &machine->twin_pool);
	if (!has_fallen(machine))
		return;
	machine_unlock(machine);
	malloc_trim(0);
	machine_lock(machine);
}
