/*
 * random.c - any page, by the machine's seeded random numbers: what a policy must beat.
 */
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

static vm_pfn choose(struct vm_machine *machine)
{
	uint64_t used = MIN(machine->frames_used, (uint64_t)G_MAXINT32);

	/*
	 * Most frames are in use when one is wanted, so a few throws find one; the oldest is as
	 * good as any then.
	 */
	for (int throws = 0; used > 0 && throws < 64; throws++) {
		vm_pfn pfn = (vm_pfn)g_rand_int_range(machine->rand, 0, (gint32)used);
		machine->count.scanned++;
		if ((machine->frames[pfn].flags & FRAME_LISTED) && evictable_locked(machine, pfn))
			return pfn;
	}
	return evictable_oldest_locked(machine);
}

const struct vm_policy policy_random = {.name = "random", .choose = choose};
