/*
 * mru.c - most recently used: evict the page that was used last. Best where a program goes round in
 * a loop that does not fit (Chou and DeWitt, VLDB 1985); else as bad as can be.
 *
 * The first page of the one list is the one that was used last. The list of all pages (frame.h)
 * stays in the order of loading.
 *
 * With a processor: pages that it used since they were looked at last count as used in the order in
 * which they are looked at, once in a search. An instruction may need several pages at once, and
 * the one just loaded would go for the next. So the 16 that were loaded last wait in a list of
 * their own (a quarter of the pages, if they are few).
 */
#include "vm/memory/frame.h"
#include "vm/policy/lists.h"
#include "vm/policy/policy.h"

#include <errno.h>

enum { PAGES = LISTS_FIRST, YOUNG };
enum { MOST_YOUNG = 16 };

static const uint8_t order[] = {PAGES, YOUNG};
static const char *const names[] = {"mru", "new"};

static int init(struct vm_machine *machine)
{
	machine->policy_state = lists_new(machine, 0);
	return machine->policy_state != NULL ? 0 : -ENOMEM;
}

static void used(struct vm_machine *machine, vm_pfn pfn)
{
	struct lists *lists = machine->policy_state;

	frame_used_again_locked(machine, pfn);
	if (lists->node[pfn].list != YOUNG)
		lists_put_oldest_locked(lists, PAGES, pfn);
}

static void loaded(struct vm_machine *machine, vm_pfn pfn)
{
	struct lists *lists = machine->policy_state;
	uint64_t young = machine->cpu != NULL ? MIN(MOST_YOUNG, machine->listed / 4) : 0;

	if (lists->node[pfn].list != LISTS_OUT)
		return;
	lists_put_newest_locked(lists, YOUNG, pfn);
	while (lists_length(lists, YOUNG) > young)
		lists_put_oldest_locked(lists, PAGES, lists->list[YOUNG].oldest);
}

static void stayed(struct vm_machine *machine, vm_pfn pfn)
{
	lists_put_newest_locked(machine->policy_state, PAGES, pfn);
}

static vm_pfn choose(struct vm_machine *machine)
{
	return lists_choose_locked(machine, machine->policy_state, order, G_N_ELEMENTS(order));
}

static bool next(struct vm_machine *machine, struct vm_spot *spot)
{
	return lists_next(machine, machine->policy_state, order, names, G_N_ELEMENTS(order), spot);
}

static const char *check(const struct vm_machine *machine)
{
	return lists_check(machine, machine->policy_state);
}

const struct vm_policy policy_mru = {.name = "mru",
                                     .about =
                                         "the page that was used last: for loops that do not fit",
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
