/*
 * s3fifo.c - S3-FIFO: three queues, first in, first out. A small one that most pages leave after
 * one round, a main one, and ghosts of what left the small one (Yang, Zhang, Qiu, Yue and
 * Rashmi, SOSP 2023, algorithm 1).
 *
 *     S  new pages                  a tenth of the frames, Smax = max(1, c/10)
 *     M  pages that were used more  the rest
 *     G  ghosts of pages from S     at most c - Smax
 *
 * Each page has a frequency of 0 to 3, 0 when it is loaded. Two uses besides the one that loaded it
 * take a page from S to M, with frequency 0. In M each round costs one. The paper's evictS may
 * evict a page of M and go on to evict one of S, too; here one page goes for one frame. libCacheSim
 * has more to set: sizes, the threshold, and ghosts by bytes.
 *
 * With a processor: the uses since the queues were looked at last are one.
 */
#include "vm/base/memory.h"
#include "vm/memory/frame.h"
#include "vm/policy/lists.h"
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

#include <errno.h>

enum { SMALL = LISTS_FIRST, MAIN, GHOSTS };
enum { MOST_USES = 3, PROMOTED = 2 };

static const uint8_t small_first[] = {SMALL, MAIN, GHOSTS}, main_first[] = {MAIN, SMALL, GHOSTS};
static const char *const small_first_names[] = {"S", "M", "G"};
static const char *const main_first_names[] = {"M", "S", "G"};

static uint64_t small_size(const struct vm_machine *machine)
{
	return MAX(machine_ram_pages(machine) / 10, 1);
}

static uint64_t most_ghosts(const struct vm_machine *machine)
{
	return machine_ram_pages(machine) - small_size(machine);
}

static int init(struct vm_machine *machine)
{
	machine->policy_state = lists_new(machine, most_ghosts(machine));
	return machine->policy_state != NULL ? 0 : -ENOMEM;
}

/* The queue shows pages with a frequency above 0 as used. */
static void set_uses(struct vm_machine *machine, vm_pfn pfn, unsigned uses)
{
	struct lists *lists = machine->policy_state;
	struct vm_frame *frame = &machine->frames[pfn];

	lists->node[pfn].mark = (uint8_t)uses;
	frame->flags &= (uint16_t)~FRAME_REFERENCED;
	frame->flags = (uint16_t)(frame->flags | (uses > 0 ? FRAME_REFERENCED : 0));
}

static void loaded(struct vm_machine *machine, vm_pfn pfn)
{
	struct lists *lists = machine->policy_state;

	if (lists->node[pfn].list != LISTS_OUT)
		return;
	bool back = lists_loaded_locked(lists, machine, pfn) != LISTS_OUT;
	lists_put_newest_locked(lists, back ? MAIN : SMALL, pfn);
	set_uses(machine, pfn, 0);
}

static void used(struct vm_machine *machine, vm_pfn pfn)
{
	struct lists *lists = machine->policy_state;
	unsigned uses = lists->node[pfn].mark;

	if (frame_used_again_locked(machine, pfn) && uses < MOST_USES)
		set_uses(machine, pfn, uses + 1);
}

static void gone(struct vm_machine *machine, vm_pfn pfn, bool evicted)
{
	struct lists *lists = machine->policy_state;
	bool remember = evicted && lists->node[pfn].list == SMALL;

	lists_take_locked(lists, pfn);
	if (remember)
		lists_remember_locked(lists, machine, pfn, GHOSTS, most_ghosts(machine));
}

/* --- Choosing --------------------------------------------------------------------------------- */

/* A search: a walk through each queue, which passes pages that cannot go. */
struct search {
	struct lists *lists;
	struct lists_walk small, main;
	bool small_ended, main_ended; /* the walk has met the newest page */
};

static bool small_is_due(const struct vm_machine *machine, const struct lists *lists)
{
	return lists_length(lists, SMALL) >= small_size(machine) || lists_length(lists, MAIN) == 0;
}

/* The page to look at next, or LISTS_NONE at the end of a queue. *SMALL: of which one it is. */
static uint32_t look(const struct vm_machine *machine, struct search *search, bool *small)
{
	bool due = small_is_due(machine, search->lists);

	*small = search->main_ended || (due && !search->small_ended);
	uint32_t node = *small ? lists_walk_step_locked(search->lists, &search->small, SMALL)
	                       : lists_walk_step_locked(search->lists, &search->main, MAIN);
	if (node == LISTS_NONE)
		*(*small ? &search->small_ended : &search->main_ended) = true;
	return node;
}

/* Whether PFN, at which the search looks, is the page that goes. If not, it may move. */
static bool is_found(struct vm_machine *machine, struct search *search, vm_pfn pfn, bool small)
{
	struct lists *lists = search->lists;

	machine->count.scanned++;
	if (!evictable_is_wanted_locked(machine, pfn))
		return false;
	evictable_hear_locked(machine, pfn);
	unsigned uses = lists->node[pfn].mark;
	if (small ? uses < PROMOTED : uses == 0)
		return evictable_locked(machine, pfn);
	set_uses(machine, pfn, small ? 0 : uses - 1);
	lists_put_newest_locked(lists, MAIN, pfn);
	/* Where the walk had met the newest page, there is a newer one. */
	search->main_ended = false;
	return false;
}

static vm_pfn choose(struct vm_machine *machine)
{
	struct search search = {.lists = machine->policy_state};
	struct lists *lists = search.lists;
	uint64_t change = machine->policy_changes, spent = 0;
	/* Each page goes round at most once for each use, and from S to M. */
	uint64_t steps = (MOST_USES + 3) * (machine->listed + 1);
	vm_pfn found = VM_PFN_NONE;
	bool small;

	lists_expect_locked(lists, &machine->want.key, NULL);
	lists_walk_begin_locked(lists, &search.small);
	lists_walk_begin_locked(lists, &search.main);
	for (; found == VM_PFN_NONE && steps > 0; steps--) {
		uint32_t node = look(machine, &search, &small);
		if (node == LISTS_NONE && search.small_ended && search.main_ended)
			break;
		if (node == LISTS_NONE)
			continue;
		if (is_found(machine, &search, node, small))
			found = node;
		else if (evictable_spend_locked(machine, &spent,
		                                1 + machine->frames[node].mapped) &&
		         machine->policy_changes != change)
			return VM_PFN_NONE;
	}
	lists_walk_end_locked(lists, &search.small);
	lists_walk_end_locked(lists, &search.main);
	return found;
}

/* --- Looking ---------------------------------------------------------------------------------- */

static bool next(struct vm_machine *machine, struct vm_spot *spot)
{
	const struct lists *lists = machine->policy_state;
	bool small = small_is_due(machine, lists);

	return lists_next(machine, lists, small ? small_first : main_first,
	                  small ? small_first_names : main_first_names, G_N_ELEMENTS(small_first),
	                  spot);
}

static const char *check(const struct vm_machine *machine)
{
	const struct lists *lists = machine->policy_state;

	if (lists_length(lists, GHOSTS) > most_ghosts(machine))
		return "too many ghosts in G";
	return lists_check(machine, lists);
}

const struct vm_policy policy_s3fifo = {.name = "s3fifo",
                                        .about =
                                            "a small queue for new pages, a main one, and ghosts",
                                        .bits = true,
                                        .own = true,
                                        .init = init,
                                        .free = lists_policy_free,
                                        .loaded = loaded,
                                        .used = used,
                                        .gone = gone,
                                        .lost = lists_policy_lost,
                                        .cut = lists_policy_cut,
                                        .stayed = lists_policy_stayed,
                                        .choose = choose,
                                        .next = next,
                                        .holds = lists_policy_holds,
                                        .check = check};
