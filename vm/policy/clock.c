/*
 * clock.c - the clock algorithm, or second chance. The pages form a circle in the order in which
 * they were loaded. Each has an accessed bit, which is set when the page is used. A hand moves
 * around the circle. It clears each bit that is set, and stops at the first page whose bit is
 * clear: that page is evicted.
 *
 * The list of pages (frame.h) is the circle, cut open just before the hand: the hand points to the
 * oldest page. The hand passes a page by moving it to the newest end.
 *
 * The bit is set by the load itself, as it is by a real MMU. clock0 begins with a clear one.
 */
#include "vm/base/lock.h"
#include "vm/memory/frame.h"
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

static void used(struct vm_machine *machine, vm_pfn pfn)
{
	machine->frames[pfn].flags |= FRAME_REFERENCED;
}

vm_pfn clock_choose_locked(struct vm_machine *machine)
{
	uint64_t pages = machine->listed, spent = 0;

	/*
	 * Two rounds suffice: the first clears all bits, so the second stops at the first page that
	 * can be evicted. If it finds none, there is none. The lock is dropped now and then, and
	 * pages may be used again: so the second round looks at no bits.
	 */
	for (uint64_t step = 0; step < 2 * pages && machine->oldest != VM_PFN_NONE; step++) {
		vm_pfn pfn = machine->oldest;
		struct vm_frame *frame = &machine->frames[pfn];
		machine->count.scanned++;
		bool wanted = evictable_is_wanted_locked(machine, pfn);
		bool used = wanted && evictable_was_used_locked(machine, pfn);
		if ((step >= pages || !used) && evictable_locked(machine, pfn))
			return pfn;
		frame_renew_locked(machine, pfn);
		evictable_spend_locked(machine, &spent, 1 + frame->mapped);
	}
	return VM_PFN_NONE;
}

const struct vm_policy policy_clock = {
    .name = "clock",
    .about = "second chance: a hand goes round and takes what was not used since",
    .hand = true,
    .bits = true,
    .used = used,
    .choose = clock_choose_locked};
