/*
 * sieve.c - SIEVE: a clock whose hand moves from old pages to new ones, while pages stay where they
 * are. New pages come in behind all others, so the hand sifts out those that were used only once
 * (Zhang, Yang, Yue, Vigfusson and Rashmi, NSDI 2024, algorithm 1). There is nothing to set.
 *
 *     oldest  1  2  3* 4  5*  newest     * visited
 *                   ^ hand: clears 3, takes 4; next time it begins at 5
 *
 * As in the paper, and unlike a clock, a page that is passed keeps its place. The first use of a
 * page is the one that loaded it, and leaves it unvisited. Behind the newest page the hand is
 * nowhere, and begins at the oldest when it is needed: some versions let it wait for the next page
 * that comes instead.
 *
 * With a processor: its accessed bits are read when the hand comes by.
 */
#include "vm/memory/frame.h"
#include "vm/policy/lists.h"
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

#include <errno.h>

enum { PAGES = LISTS_FIRST };

static const char name[] = "sieve";

static int init(struct vm_machine *machine)
{
	machine->policy_state = lists_new(machine, 0);
	return machine->policy_state != NULL ? 0 : -ENOMEM;
}

static void loaded(struct vm_machine *machine, vm_pfn pfn)
{
	struct lists *lists = machine->policy_state;

	if (lists->node[pfn].list == LISTS_OUT)
		lists_put_newest_locked(lists, PAGES, pfn);
}

static void used(struct vm_machine *machine, vm_pfn pfn)
{
	if (frame_used_again_locked(machine, pfn))
		machine->frames[pfn].flags |= FRAME_REFERENCED;
}

/* Move the hand past PFN, if it stands there. */
static void stayed(struct vm_machine *machine, vm_pfn pfn)
{
	struct lists *lists = machine->policy_state;

	if (lists->hand == pfn)
		lists->hand = lists->node[pfn].newer;
}

static vm_pfn choose(struct vm_machine *machine)
{
	struct lists *lists = machine->policy_state;
	uint64_t pages = lists_length(lists, PAGES), spent = 0, change = machine->policy_changes;

	/*
	 * As in clock.c: two rounds, and the second looks at no bits. A page that stays in its
	 * place is seen once in a round.
	 */
	for (uint64_t step = 0; step < 2 * pages && lists_length(lists, PAGES) > 0; step++) {
		vm_pfn pfn = lists->hand != LISTS_NONE ? lists->hand : lists->list[PAGES].oldest;
		lists->hand = pfn;
		machine->count.scanned++;
		bool wanted = evictable_is_wanted_locked(machine, pfn);
		bool visited = wanted && evictable_was_used_locked(machine, pfn);
		if ((step >= pages || !visited) && evictable_locked(machine, pfn))
			return pfn;
		lists->hand = lists->node[pfn].newer;
		if (evictable_spend_locked(machine, &spent, 1 + machine->frames[pfn].mapped) &&
		    machine->policy_changes != change)
			return VM_PFN_NONE;
	}
	return VM_PFN_NONE;
}

/* From the hand to the newest page, and then from the oldest to the hand. */
static bool next(struct vm_machine *machine, struct vm_spot *spot)
{
	const struct lists *lists = machine->policy_state;
	uint32_t from = lists->hand != LISTS_NONE ? lists->hand : lists->list[PAGES].oldest;
	uint32_t node = spot->list == NULL ? from : lists->node[spot->node].newer;

	for (bool first = spot->list == NULL;; first = false) {
		if (node == LISTS_NONE)
			node = lists->list[PAGES].oldest;
		if (node == LISTS_NONE || (node == from && !first))
			return false;
		if (!(machine->frames[node].flags & FRAME_COLD))
			break;
		node = lists->node[node].newer;
	}
	*spot = (struct vm_spot){name, node, false};
	return true;
}

static const char *check(const struct vm_machine *machine)
{
	return lists_check(machine, machine->policy_state);
}

const struct vm_policy policy_sieve = {
    .name = "sieve",
    .about = "a hand sifts out pages that were used once; none is moved",
    .hand = true,
    .bits = true,
    .own = true,
    .init = init,
    .free = lists_policy_free,
    .loaded = loaded,
    .used = used,
    .gone = lists_policy_gone,
    .stayed = stayed,
    .choose = choose,
    .next = next,
    .holds = lists_policy_holds,
    .check = check};
