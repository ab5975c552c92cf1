/*
 * clock0.c - the clock of clock.c, but the bit of a page is clear when it is loaded. Only a use
 * besides the one that loaded it sets the bit. So a page that was used once goes at the first
 * visit of the hand, as in SIEVE, but the pages move by in a circle (second chance of some
 * textbooks; Corbato 1968 leaves it open).
 *
 * With a processor: the first accessed bit that is found set is that of the access that faulted.
 */
#include "vm/memory/frame.h"
#include "vm/policy/policy.h"

static void used(struct vm_machine *machine, vm_pfn pfn)
{
	if (frame_used_again_locked(machine, pfn))
		machine->frames[pfn].flags |= FRAME_REFERENCED;
}

const struct vm_policy policy_clock0 = {
    .name = "clock0",
    .about = "clock, but a page is loaded with a clear bit: only a second use counts",
    .hand = true,
    .bits = true,
    .used = used,
    .choose = clock_choose_locked};
