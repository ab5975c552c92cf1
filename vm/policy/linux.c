/*
 * linux.c - what Linux does without MGLRU: for anonymous pages and for pages of files a list of
 * active and one of inactive pages, and ghosts that tell whether a page that comes back would have
 * stayed if the inactive list had been longer (mm/vmscan.c, mm/workingset.c of Linux 6; shared
 * anonymous memory counts as anonymous, as there).
 *
 *     a new page        newest inactive; its accessed bit is set
 *     oldest inactive   was used, for the second time or through several entries: active
 *                       was used for the first time: newest inactive (a page of a program: active)
 *                       was not used: it goes, and leaves a ghost with the age at which it went
 *     oldest active     while the inactive list is low: newest inactive (a page of a program that
 *                       was used: newest active)
 *     a page comes back the age has grown since by less than the pages that it competes with:
 *                       active. Else as a new page
 *
 * The age (nonresident_age) grows with each page that goes and each that is made active. The
 * inactive list is low if active > inactive x ratio; ratio is 1 below 1 GiB, else the root of 10 x
 * GiB (inactive_is_low). Whether anonymous pages or those of files are looked at is a matter of
 * swappiness and of what the last ones cost: 32 for a page that came back or must be written to
 * swap, 1 for one that went round; both are halved when their sum passes a quarter of the pages
 * (lru_note_cost, get_scan_count). While there are 4096 inactive pages of files and the list is not
 * low, only those are looked at.
 *
 * Different from Linux: one page is chosen at a time, not 32, and only when no frame is free (no
 * kswapd, no priorities); the two kinds take turns by their shares instead of at random; there is
 * one list for all processes (no memcg, no nodes); read(2) does not count as a use. Ghosts are at
 * most as many as frames; Linux has them as long as the file is open.
 */
#include "vm/base/memory.h"
#include "vm/memory/frame.h"
#include "vm/memory/pte.h"
#include "vm/memory/rmap.h"
#include "vm/policy/lists.h"
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

#include <errno.h>

/* By kind: anonymous, file. */
enum { ANON, FILES, KINDS };
enum { INACTIVE = LISTS_FIRST, ACTIVE = INACTIVE + KINDS, GHOSTS = ACTIVE + KINDS };

/* Marks of pages. */
enum {
	LOOKED = 1 << 0,  /* seen used once (PG_referenced) */
	WORKING = 1 << 1, /* was active once (PG_workingset) */
};

enum { COST_IO = 32, MANY_INACTIVE = 4096, MOST_IDLE = 16 };

struct lru {
	struct lists *lists;
	uint64_t age;
	double cost[KINDS];
	double turn[KINDS]; /* how much is owed to each kind */
};

static const uint8_t order[] = {INACTIVE + FILES, INACTIVE + ANON, ACTIVE + FILES, ACTIVE + ANON,
                                GHOSTS};
static const char *const names[] = {"inactive-file", "inactive-anon", "active-file", "active-anon",
                                    "ghosts"};

static int init(struct vm_machine *machine)
{
	struct lists *lists = lists_new(machine, machine_ram_pages(machine));

	if (lists == NULL)
		return -ENOMEM;
	struct lru *lru = g_new0(struct lru, 1);
	lru->lists = lists;
	machine->policy_state = lru;
	return 0;
}

static void release(struct vm_machine *machine, void *state)
{
	struct lru *lru = state;

	lists_free(lru->lists);
	g_free(lru);
}

static unsigned kind_of(const struct vm_machine *machine, vm_pfn pfn)
{
	return frame_kind(&machine->frames[pfn]) == VM_FRAME_FILE ? FILES : ANON;
}

/* Pages of KIND in frames. */
static uint64_t pages_of(const struct lru *lru, unsigned kind)
{
	return (uint64_t)lists_length(lru->lists, INACTIVE + kind) +
	       lists_length(lru->lists, ACTIVE + kind);
}

static bool has_swap(const struct vm_machine *machine)
{
	return machine->swap.on && machine->swap.used < machine->swap.total;
}

/* lru_note_cost */
static void note_cost(struct lru *lru, unsigned kind, double cost)
{
	lru->cost[kind] += cost;
	if (lru->cost[ANON] + lru->cost[FILES] >
	    (double)(pages_of(lru, ANON) + pages_of(lru, FILES)) / 4) {
		lru->cost[ANON] /= 2;
		lru->cost[FILES] /= 2;
	}
}

/* --- What happens to pages -------------------------------------------------------------------- */

static void activate(struct lru *lru, vm_pfn pfn, unsigned kind)
{
	lists_put_newest_locked(lru->lists, ACTIVE + kind, pfn);
	lru->age++;
}

/*
 * Whether a page of KIND that comes back DISTANCE after it went would have stayed, had the active
 * pages, and those of the other kind, made room for it (workingset_test_recent).
 */
static bool is_recent(const struct vm_machine *machine, const struct lru *lru, unsigned kind,
                      uint64_t distance)
{
	const struct lists *lists = lru->lists;
	uint64_t size = lists_length(lists, ACTIVE + FILES);

	if (kind == ANON)
		size += lists_length(lists, INACTIVE + FILES);
	if (has_swap(machine))
		size += lists_length(lists, ACTIVE + ANON);
	if (has_swap(machine) && kind == FILES)
		size += lists_length(lists, INACTIVE + ANON);
	return distance <= size;
}

/* workingset_refault: the page in PFN, in no list, has GHOST. True: it is active now. */
static bool refault(struct vm_machine *machine, struct lru *lru, vm_pfn pfn, uint32_t ghost)
{
	const struct lists *lists = lru->lists;
	bool was_working = lists->node[ghost].mark & WORKING;
	uint64_t went = lists->ghost[ghost - lists->frames].stamp;
	unsigned kind = kind_of(machine, pfn);

	if (!is_recent(machine, lru, kind, lru->age - went))
		return false;
	activate(lru, pfn, kind);
	if (was_working) {
		lru->lists->node[pfn].mark |= WORKING;
		note_cost(lru, kind, COST_IO);
	}
	return true;
}

static void loaded(struct vm_machine *machine, vm_pfn pfn)
{
	struct lru *lru = machine->policy_state;
	struct lists *lists = lru->lists;
	uint32_t ghost = LISTS_NONE;

	if (lists->node[pfn].list != LISTS_OUT)
		return;
	lists->node[pfn].mark = 0;
	if (frame_may_have_been_away(&machine->frames[pfn])) {
		struct vm_page_key key = frame_key_locked(machine, pfn);
		ghost = lists_find(lists, &key);
	}
	if (ghost == LISTS_NONE || !refault(machine, lru, pfn, ghost))
		lists_put_newest_locked(lists, INACTIVE + kind_of(machine, pfn), pfn);
	if (ghost != LISTS_NONE)
		lists_forget_locked(lists, ghost);
}

static void used(struct vm_machine *machine, vm_pfn pfn)
{
	frame_used_again_locked(machine, pfn);
	machine->frames[pfn].flags |= FRAME_REFERENCED;
}

/* workingset_eviction */
static void gone(struct vm_machine *machine, vm_pfn pfn, bool evicted)
{
	struct lru *lru = machine->policy_state;
	struct lists *lists = lru->lists;
	uint8_t working = lists->node[pfn].mark & WORKING;

	lists_take_locked(lists, pfn);
	uint32_t ghost = evicted ? lists_ghost_locked(lists, machine, pfn) : LISTS_NONE;
	if (ghost == LISTS_NONE)
		return;
	lists->ghost[ghost - lists->frames].stamp = lru->age++;
	lists->node[ghost].mark = working;
	lists_put_newest_locked(lists, GHOSTS, ghost);
	lists_trim_locked(lists, GHOSTS, machine_ram_pages(machine));
}

static void lost(struct vm_machine *machine, const struct vm_page_key *key)
{
	struct lru *lru = machine->policy_state;

	lists_lost_locked(lru->lists, key);
}

static void cut(struct vm_machine *machine, uint64_t object, uint64_t first, uint64_t last)
{
	struct lru *lru = machine->policy_state;

	lists_cut_locked(machine, lru->lists, object, first, last);
}

static void stayed(struct vm_machine *machine, vm_pfn pfn)
{
	struct lru *lru = machine->policy_state;

	lists_renew_locked(lru->lists, pfn);
}

/* --- Choosing --------------------------------------------------------------------------------- */

static bool inactive_is_low(const struct lru *lru, unsigned kind)
{
	uint64_t inactive = lists_length(lru->lists, INACTIVE + kind);
	uint64_t active = lists_length(lru->lists, ACTIVE + kind);
	uint64_t gb = (inactive + active) >> (30 - VM_PAGE_SHIFT);
	uint64_t ratio = 1;

	/* int_sqrt(10 * gb) */
	while (gb > 0 && (ratio + 1) * (ratio + 1) <= 10 * gb)
		ratio++;
	return inactive * ratio < active;
}

/* Which kind is looked at now (get_scan_count). */
static unsigned choose_kind(const struct vm_machine *machine, struct lru *lru)
{
	double swappiness = machine->config.swappiness, share[KINDS];
	uint64_t anon = pages_of(lru, ANON), files = pages_of(lru, FILES);

	if (anon == 0 || (files > 0 && (!has_swap(machine) || swappiness == 0)))
		return FILES;
	if (files == 0)
		return ANON;
	if (lists_length(lru->lists, INACTIVE + FILES) >= MANY_INACTIVE &&
	    !inactive_is_low(lru, FILES))
		return FILES;
	double both = lru->cost[ANON] + lru->cost[FILES];
	share[ANON] = swappiness / (both + lru->cost[ANON] + 1) * (double)anon;
	share[FILES] = (200 - swappiness) / (both + lru->cost[FILES] + 1) * (double)files;
	double all = share[ANON] + share[FILES];
	for (unsigned kind = 0; kind < KINDS; kind++)
		lru->turn[kind] += share[kind] / all;
	unsigned kind = lru->turn[ANON] > lru->turn[FILES] ? ANON : FILES;
	lru->turn[kind] -= 1;
	return kind;
}

/* Whether an area maps the page in PFN, of a file, that may be executed. */
static bool is_program_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	vm_entry_id id = machine->frames[pfn].rmap;

	if (kind_of(machine, pfn) != FILES)
		return false;
	for (; id != 0; id = rmap_next_locked(machine, id))
		if (!(pte_get(machine, id) & PTE_NX))
			return true;
	return false;
}

/*
 * Look at the oldest active page of KIND (shrink_active_list), of which there is one. Returns it.
 */
static vm_pfn deactivate_locked(struct vm_machine *machine, struct lru *lru, unsigned kind)
{
	vm_pfn pfn = lru->lists->list[ACTIVE + kind].oldest;
	bool used = evictable_was_used_locked(machine, pfn);

	machine->count.scanned++;
	if (used && is_program_locked(machine, pfn)) {
		lists_put_newest_locked(lru->lists, ACTIVE + kind, pfn);
		note_cost(lru, kind, 1);
		return pfn;
	}
	lru->lists->node[pfn].mark |= WORKING;
	lists_put_newest_locked(lru->lists, INACTIVE + kind, pfn);
	return pfn;
}

/*
 * Look at PFN, an inactive page of KIND (folio_check_references). True: it goes. False: it was used
 * and is in another place now, or it cannot go and stays.
 */
static bool look_locked(struct vm_machine *machine, struct lru *lru, vm_pfn pfn, unsigned kind)
{
	struct lists_node *node = &lru->lists->node[pfn];
	bool looked = node->mark & LOOKED;

	machine->count.scanned++;
	if (!evictable_was_used_locked(machine, pfn)) {
		node->mark &= (uint8_t)~LOOKED;
		if (!evictable_locked(machine, pfn))
			return false;
		if (kind == ANON && !(machine->frames[pfn].flags & FRAME_SWAPCACHE))
			note_cost(lru, kind, COST_IO);
		return true;
	}
	note_cost(lru, kind, 1);
	node->mark |= LOOKED;
	if (looked || machine->frames[pfn].mapped > 1 || is_program_locked(machine, pfn))
		activate(lru, pfn, kind);
	else
		lists_put_newest_locked(lru->lists, INACTIVE + kind, pfn);
	return false;
}

/* The search by the rules, at most STEPS long. *CHANGED: the policy is another one. */
static vm_pfn search_locked(struct vm_machine *machine, struct lru *lru, uint64_t steps,
                            bool *changed)
{
	uint64_t change = machine->policy_changes, spent = 0;
	struct lists_walk walk[KINDS];
	vm_pfn found = VM_PFN_NONE;
	int idle = 0; /* steps since the last that met a page */

	for (unsigned kind = 0; kind < KINDS; kind++)
		lists_walk_begin_locked(lru->lists, &walk[kind]);
	for (; found == VM_PFN_NONE && steps > 0 && idle < MOST_IDLE; steps--) {
		unsigned kind = choose_kind(machine, lru);
		uint32_t node = LISTS_NONE, active = LISTS_NONE;
		idle++;
		if (inactive_is_low(lru, kind))
			active = deactivate_locked(machine, lru, kind);
		else
			node = lists_walk_step_locked(lru->lists, &walk[kind], INACTIVE + kind);
		if (node != LISTS_NONE || inactive_is_low(lru, kind))
			idle = 0;
		uint32_t looked = node != LISTS_NONE ? node : active;
		uint64_t mapped = looked != LISTS_NONE ? machine->frames[looked].mapped : 0;
		if (node != LISTS_NONE && look_locked(machine, lru, node, kind))
			found = node;
		else if (evictable_spend_locked(machine, &spent, 2 + mapped) &&
		         machine->policy_changes != change) {
			*changed = true;
			return VM_PFN_NONE;
		}
	}
	for (unsigned kind = 0; kind < KINDS; kind++)
		lists_walk_end_locked(lru->lists, &walk[kind]);
	return found;
}

/*
 * Where the rules find none, because most pages cannot go, any page does, the oldest inactive ones
 * first. So it is for one process, too: the rules would move the pages of others.
 */
static vm_pfn choose(struct vm_machine *machine)
{
	struct lru *lru = machine->policy_state;
	bool changed = false;
	vm_pfn pfn = VM_PFN_NONE;

	if (machine->want.process == NULL)
		pfn = search_locked(machine, lru, 4 * (machine->listed + 1), &changed);

	if (pfn != VM_PFN_NONE || changed)
		return pfn;
	return lists_choose_locked(machine, lru->lists, order, 2 * KINDS);
}

/* --- Looking ---------------------------------------------------------------------------------- */

static bool next(struct vm_machine *machine, struct vm_spot *spot)
{
	const struct lru *lru = machine->policy_state;

	return lists_next(machine, lru->lists, order, names, G_N_ELEMENTS(order), spot);
}

static bool holds(const struct vm_machine *machine, uint32_t node)
{
	const struct lru *lru = machine->policy_state;

	return lists_holds(lru->lists, node);
}

static const char *check(const struct vm_machine *machine)
{
	const struct lru *lru = machine->policy_state;

	for (vm_pfn pfn = 0; pfn < machine->frame_pool.used; pfn++) {
		unsigned list = lru->lists->node[pfn].list;
		if (list != LISTS_OUT && (list - INACTIVE) % KINDS != kind_of(machine, pfn))
			return "a page is in a list of the wrong kind";
	}
	if (lists_length(lru->lists, GHOSTS) > machine_ram_pages(machine))
		return "linux has too many ghosts";
	return lists_check(machine, lru->lists);
}

static uint64_t active(const struct vm_machine *machine, bool files)
{
	const struct lru *lru = machine->policy_state;

	return lists_length(lru->lists, ACTIVE + (files ? FILES : ANON));
}

const struct vm_policy policy_linux = {
    .name = "linux",
    .about = "active and inactive lists, anonymous and file, with refault distances",
    .bits = true,
    .own = true,
    .init = init,
    .free = release,
    .loaded = loaded,
    .used = used,
    .gone = gone,
    .lost = lost,
    .cut = cut,
    .stayed = stayed,
    .choose = choose,
    .next = next,
    .active = active,
    .holds = holds,
    .check = check};
