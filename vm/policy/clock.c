/*
 * clock.c - the clock, or second chance: the pages stand in a circle in the order in which they
 * were loaded, and each has a bit that is set when it is used. The hand clears set bits as it
 * passes, and stops at the first that is clear.
 *
 * The list is the circle, cut before the hand: its oldest page is the one that the hand points to,
 * and passing a page puts it at the other end.
 */
#include "vm/memory/frame.h"
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

static void used(struct vm_machine *machine, vm_pfn pfn)
{
	machine->frames[pfn].flags |= FRAME_REFERENCED;
}

static vm_pfn choose(struct vm_machine *machine)
{
	/* Twice around at most: the first round clears the bits of all that could go. */
	for (uint64_t steps = 2 * machine->listed; steps > 0; steps--) {
		vm_pfn pfn = machine->oldest;
		struct vm_frame *frame = &machine->frames[pfn];
		machine->count.scanned++;
		if (!(frame->flags & FRAME_REFERENCED) && evictable_locked(machine, pfn))
			return pfn;
		frame->flags &= (uint16_t)~FRAME_REFERENCED;
		frame_renew_locked(machine, pfn);
	}
	return VM_PFN_NONE;
}

const struct vm_policy policy_clock = {.name = "clock", .used = used, .choose = choose};
