/*
 * 2q.c - 2Q, the full version: pages that were used once pass through a short queue, and only those
 * that are wanted again soon after they went get into the list of the good ones (Johnson and
 * Shasha, VLDB 1994, figure 3).
 *
 *     A1in   pages, first in, first out     Kin = c/4
 *     A1out  ghosts of pages from A1in      Kout = c/2
 *     Am     pages that came back, LRU
 *
 * Kin and Kout are those that the paper recommends, rounded down, at least 1. A use of a page in
 * A1in changes nothing: it is correlated with the first. The simplified version of the paper
 * (figure 1) has no A1out; that of Linux, PostgreSQL and many libraries promotes at the second use.
 * The ghost of a page that comes leaves A1out before room is made for the page.
 *
 * With a processor: a page at the end of Am that was used since the last look goes round again.
 */
#include "vm/base/memory.h"
#include "vm/memory/frame.h"
#include "vm/policy/lists.h"
#include "vm/policy/policy.h"

#include <errno.h>

enum { AM = LISTS_FIRST, A1IN, A1OUT };

static const uint8_t in_first[] = {A1IN, AM, A1OUT}, am_first[] = {AM, A1IN, A1OUT};
static const char *const in_first_names[] = {"A1in", "Am", "A1out"};
static const char *const am_first_names[] = {"Am", "A1in", "A1out"};

static uint64_t kin(const struct vm_machine *machine)
{
	return MAX(machine_ram_pages(machine) / 4, 1);
}

static uint64_t kout(const struct vm_machine *machine)
{
	return MAX(machine_ram_pages(machine) / 2, 1);
}

static int init(struct vm_machine *machine)
{
	machine->policy_state = lists_new(machine, kout(machine));
	return machine->policy_state != NULL ? 0 : -ENOMEM;
}

static void loaded(struct vm_machine *machine, vm_pfn pfn)
{
	struct lists *lists = machine->policy_state;

	if (lists->node[pfn].list != LISTS_OUT)
		return;
	bool back = lists_loaded_locked(lists, machine, pfn) != LISTS_OUT;
	lists_put_newest_locked(lists, back ? AM : A1IN, pfn);
}

static void used(struct vm_machine *machine, vm_pfn pfn)
{
	struct lists *lists = machine->policy_state;

	if (frame_used_again_locked(machine, pfn) && lists->node[pfn].list == AM)
		lists_put_newest_locked(lists, AM, pfn);
}

static void gone(struct vm_machine *machine, vm_pfn pfn, bool evicted)
{
	struct lists *lists = machine->policy_state;
	bool remember = evicted && lists->node[pfn].list == A1IN;

	lists_take_locked(lists, pfn);
	if (remember)
		lists_remember_locked(lists, machine, pfn, A1OUT, kout(machine));
}

static bool takes_from_a1in(const struct vm_machine *machine)
{
	const struct lists *lists = machine->policy_state;

	return lists_length(lists, A1IN) > kin(machine) || lists_length(lists, AM) == 0;
}

static vm_pfn choose(struct vm_machine *machine)
{
	struct lists *lists = machine->policy_state;

	lists_expect_locked(lists, &machine->want.key, NULL);
	return lists_choose_locked(machine, lists, takes_from_a1in(machine) ? in_first : am_first,
	                           2);
}

static bool next(struct vm_machine *machine, struct vm_spot *spot)
{
	bool in = takes_from_a1in(machine);

	return lists_next(machine, machine->policy_state, in ? in_first : am_first,
	                  in ? in_first_names : am_first_names, G_N_ELEMENTS(in_first), spot);
}

static const char *check(const struct vm_machine *machine)
{
	const struct lists *lists = machine->policy_state;

	if (lists_length(lists, A1OUT) > kout(machine))
		return "too many ghosts in A1out";
	return lists_check(machine, lists);
}

const struct vm_policy policy_2q = {
    .name = "2q",
    .about = "pages wanted again soon after they went get a list of their own",
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
