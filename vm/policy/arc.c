/*
 * arc.c - ARC, adaptive replacement: a list of pages used once and one of pages used more often,
 * each with the ghosts of as many that went, and a target between the two that moves to the side
 * whose ghosts are wanted (Megiddo and Modha, FAST 2003, figure 4). There is nothing to set.
 *
 *     B1 . . . . | T1 1 2 3      used once        |T1| + |B1| <= c
 *     B2 . . . . | T2 1 2 3      more often       all four <= 2c
 *
 * The target p of |T1| is a real number, as in the figure; many versions round the steps down.
 * It moves when the page is known that is wanted: with that ghost still in its list, before room is
 * made. The figure deletes ghosts before it replaces, this after the page has come, which gives the
 * same lists when all frames are in use. Where fewer pages are in frames, ghosts are not more than
 * c all the same.
 *
 * With a processor: a page at the end of T1 or T2 that was used since the last look moves to T2, so
 * this is rather CAR (Bansal and Modha, FAST 2004) then.
 */
#include "vm/base/memory.h"
#include "vm/memory/frame.h"
#include "vm/policy/lists.h"
#include "vm/policy/policy.h"

#include <errno.h>

enum { T1 = LISTS_FIRST, T2, B1, B2 };

struct arc {
	struct lists *lists;
	double p; /* the target for |T1| */
};

static const uint8_t t1_first[] = {T1, T2, B1, B2}, t2_first[] = {T2, T1, B1, B2};
static const char *const t1_first_names[] = {"T1", "T2", "B1", "B2"};
static const char *const t2_first_names[] = {"T2", "T1", "B1", "B2"};

static int init(struct vm_machine *machine)
{
	struct lists *lists = lists_new(machine, machine_ram_pages(machine));

	if (lists == NULL)
		return -ENOMEM;
	struct arc *arc = g_new0(struct arc, 1);
	arc->lists = lists;
	machine->policy_state = arc;
	return 0;
}

static void release(struct vm_machine *machine, void *state)
{
	struct arc *arc = state;

	lists_free(arc->lists);
	g_free(arc);
}

/* The page KEY is wanted: if it has a ghost in B1 or B2, move the target. */
static void adapt(struct vm_machine *machine, const struct vm_page_key *key)
{
	struct arc *arc = machine->policy_state;
	double b1 = lists_length(arc->lists, B1), b2 = lists_length(arc->lists, B2);
	unsigned from = lists_expect_locked(arc->lists, key, NULL);

	if (from == B1)
		arc->p = MIN(arc->p + (b1 >= b2 ? 1 : b2 / b1), (double)machine_ram_pages(machine));
	else if (from == B2)
		arc->p = MAX(arc->p - (b2 >= b1 ? 1 : b1 / b2), 0);
}

/* Forget ghosts beyond what the lists may have. */
static void trim(const struct vm_machine *machine, struct lists *lists)
{
	uint64_t c = machine_ram_pages(machine), t1 = lists_length(lists, T1);
	uint64_t most = t1 < c ? c - t1 : 0;

	lists_trim_locked(lists, B1, most);
	uint64_t in_frames = t1 + lists_length(lists, T2), b1 = lists_length(lists, B1);
	most = MIN(c, 2 * c - MIN(in_frames, 2 * c));
	lists_trim_locked(lists, B2, most > b1 ? most - b1 : 0);
}

static void loaded(struct vm_machine *machine, vm_pfn pfn)
{
	struct arc *arc = machine->policy_state;
	struct lists *lists = arc->lists;
	unsigned from = LISTS_OUT;

	if (lists->node[pfn].list != LISTS_OUT)
		return;
	if (frame_may_have_been_away(&machine->frames[pfn])) {
		struct vm_page_key key = frame_key_locked(machine, pfn);
		adapt(machine, &key);
		from = lists_loaded_locked(lists, machine, pfn);
	}
	lists_put_newest_locked(lists, from != LISTS_OUT ? T2 : T1, pfn);
	trim(machine, lists);
}

static void used(struct vm_machine *machine, vm_pfn pfn)
{
	struct arc *arc = machine->policy_state;

	if (frame_used_again_locked(machine, pfn))
		lists_put_newest_locked(arc->lists, T2, pfn);
}

static void gone(struct vm_machine *machine, vm_pfn pfn, bool evicted)
{
	struct arc *arc = machine->policy_state;
	struct lists *lists = arc->lists;
	unsigned list = lists->node[pfn].list;

	lists_take_locked(lists, pfn);
	if (evicted && list != LISTS_OUT)
		lists_remember_locked(lists, machine, pfn, list == T1 ? B1 : B2,
		                      machine_ram_pages(machine));
	/* Ghosts beyond c are those of an earlier time, when more pages were in frames. */
	uint64_t b1 = lists_length(lists, B1), c = machine_ram_pages(machine);
	if (b1 + lists_length(lists, B2) > c + 1)
		lists_trim_locked(lists, B2, b1 <= c ? c - b1 : 0);
}

static void lost(struct vm_machine *machine, const struct vm_page_key *key)
{
	struct arc *arc = machine->policy_state;

	lists_lost_locked(arc->lists, key);
}

static void cut(struct vm_machine *machine, uint64_t object, uint64_t first, uint64_t last)
{
	struct arc *arc = machine->policy_state;

	lists_cut_locked(machine, arc->lists, object, first, last);
}

static void stayed(struct vm_machine *machine, vm_pfn pfn)
{
	struct arc *arc = machine->policy_state;

	lists_renew_locked(arc->lists, pfn);
}

/* REPLACE of the figure. WAS_IN_B2: the page that is wanted had its ghost there. */
static bool takes_from_t1(const struct arc *arc, bool was_in_b2)
{
	double t1 = lists_length(arc->lists, T1);

	return (t1 >= 1 && (t1 > arc->p || (was_in_b2 && t1 == arc->p))) ||
	       lists_length(arc->lists, T2) == 0;
}

static vm_pfn choose(struct vm_machine *machine)
{
	struct arc *arc = machine->policy_state;

	adapt(machine, &machine->want.key);
	bool was_in_b2 = lists_coming_from(arc->lists, &machine->want.key) == B2;
	return lists_choose_locked(machine, arc->lists,
	                           takes_from_t1(arc, was_in_b2) ? t1_first : t2_first, 2);
}

/* In which order a page without a ghost would find them. */
static bool next(struct vm_machine *machine, struct vm_spot *spot)
{
	const struct arc *arc = machine->policy_state;
	bool t1 = takes_from_t1(arc, false);

	return lists_next(machine, arc->lists, t1 ? t1_first : t2_first,
	                  t1 ? t1_first_names : t2_first_names, G_N_ELEMENTS(t1_first), spot);
}

static bool holds(const struct vm_machine *machine, uint32_t node)
{
	const struct arc *arc = machine->policy_state;

	return lists_holds(arc->lists, node);
}

static const char *check(const struct vm_machine *machine)
{
	const struct arc *arc = machine->policy_state;
	const struct lists *lists = arc->lists;
	uint64_t c = machine_ram_pages(machine);

	if (arc->p < 0 || arc->p > (double)c)
		return "the target of arc is out of range";
	if ((uint64_t)lists_length(lists, B1) + lists_length(lists, B2) > c + 1)
		return "arc has too many ghosts";
	return lists_check(machine, lists);
}

const struct vm_policy policy_arc = {
    .name = "arc",
    .about = "recent pages and frequent ones share the frames as their ghosts tell",
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
    .holds = holds,
    .check = check};
