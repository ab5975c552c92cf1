/*
 * random.c - evict a random page, chosen by the machine's seeded random numbers. A good policy must
 * do better.
 */
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

static vm_pfn choose(struct vm_machine *machine)
{
	uint64_t used = MIN(machine->frame_pool.used, (uint64_t)G_MAXINT32), spent = 0;

	/*
	 * When a frame is wanted, most frames hold a page, so a few tries find one. If 64 tries
	 * fail, take the oldest page that can be evicted.
	 */
	for (int tries = 0; used > 0 && tries < 64; tries++) {
		vm_pfn pfn = (vm_pfn)g_rand_int_range(machine->rand, 0, (gint32)used);
		machine->count.scanned++;
		if ((machine->frames[pfn].flags & FRAME_LISTED) && evictable_locked(machine, pfn))
			return pfn;
		evictable_spend_locked(machine, &spent, machine->frames[pfn].mapped);
	}
	return evictable_oldest_locked(machine);
}

const struct vm_policy policy_random = {
    .name = "random", .about = "any page; the option seed makes runs equal", .choose = choose};
