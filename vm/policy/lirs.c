/*
 * lirs.c - LIRS: what counts is how many other pages were used between the last two uses of a page,
 * not how long ago the last one was (Jiang and Zhang, SIGMETRICS 2002).
 *
 *     S  the stack of recency: LIR pages, and HIR pages and ghosts above the lowest LIR page
 *     Q  HIR pages in frames: the front goes    Lhirs = max(1, c/100), Llirs = c - Lhirs
 *
 * A HIR page that is used while it is in S becomes LIR, and the lowest LIR page becomes HIR. The
 * bottom of S is always a LIR page: what is below is cut off (pruning).
 *
 * The paper lets S grow without bound; here it has at most 2c ghosts, and the one whose page went
 * first is forgotten (Caffeine's simulator has the same bound). The authors' program gives Q at
 * least 2 frames, and pages that come while frames are free become LIR in the order in which they
 * come, as here. LIR pages that are freed make room for new LIR pages.
 *
 * With a processor: the front of Q that was used since the last look is used now, and LIR pages are
 * asked when they are the lowest of S.
 *
 * A HIR page may be in S and in Q: so there are two sets of nodes. Those of ghosts are in Q's set
 * in a list by the time at which they went.
 */
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/memory/frame.h"
#include "vm/policy/lists.h"
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

#include <errno.h>

/* The lists of the first set, and of the second. */
enum { STACK = LISTS_FIRST };
enum { QUEUE = LISTS_FIRST, AWAY };

/* Marks of frames in the first set. */
enum { HIR, LIR };

struct lirs {
	struct lists *s, *q;
	uint64_t lirs; /* LIR pages */
};

static uint64_t most_lirs(const struct vm_machine *machine)
{
	return machine_ram_pages(machine) - MAX(machine_ram_pages(machine) / 100, 1);
}

static uint64_t most_ghosts(const struct vm_machine *machine)
{
	return MIN(2 * machine_ram_pages(machine), UINT32_MAX - machine->nr_frames);
}

static void release(struct vm_machine *machine, void *state)
{
	struct lirs *lirs = state;

	lists_free(lirs->s);
	lists_free(lirs->q);
	g_free(lirs);
}

static int init(struct vm_machine *machine)
{
	struct lirs *lirs = g_new0(struct lirs, 1);

	lirs->s = lists_new(machine, most_ghosts(machine));
	lirs->q = lists_new(machine, most_ghosts(machine));
	machine->policy_state = lirs;
	if (lirs->s != NULL && lirs->q != NULL)
		return 0;
	release(machine, lirs);
	machine->policy_state = NULL;
	return -ENOMEM;
}

/* --- The stack -------------------------------------------------------------------------------- */

static bool is_lir(const struct lirs *lirs, uint32_t node)
{
	return !lists_is_ghost(lirs->s, node) && lirs->s->node[node].mark == LIR;
}

static void forget(struct lirs *lirs, uint32_t ghost)
{
	lists_take_locked(lirs->q, ghost);
	lists_forget_locked(lirs->s, ghost);
}

/* Cut off what is below the lowest LIR page. */
static void prune(struct lirs *lirs)
{
	uint32_t node;

	while ((node = lirs->s->list[STACK].oldest) != LISTS_NONE && !is_lir(lirs, node)) {
		if (lists_is_ghost(lirs->s, node))
			forget(lirs, node);
		else
			lists_take_locked(lirs->s, node);
	}
}

/* There is one LIR page more: if that is too many, the lowest becomes HIR. Prune. */
static void demote(struct vm_machine *machine, struct lirs *lirs)
{
	prune(lirs);
	while (lirs->lirs > most_lirs(machine)) {
		uint32_t lowest = lirs->s->list[STACK].oldest;
		lirs->s->node[lowest].mark = HIR;
		lirs->lirs--;
		lists_take_locked(lirs->s, lowest);
		lists_put_newest_locked(lirs->q, QUEUE, lowest);
		prune(lirs);
	}
}

/* The page in PFN becomes LIR, at the top of the stack. */
static void promote(struct vm_machine *machine, struct lirs *lirs, vm_pfn pfn)
{
	lists_take_locked(lirs->q, pfn);
	lirs->s->node[pfn].mark = LIR;
	lirs->lirs++;
	lists_put_newest_locked(lirs->s, STACK, pfn);
	demote(machine, lirs);
}

/* The HIR page in PFN goes to the top of the stack and to the end of the queue. */
static void renew(struct lirs *lirs, vm_pfn pfn)
{
	lirs->s->node[pfn].mark = HIR;
	lists_put_newest_locked(lirs->s, STACK, pfn);
	lists_put_newest_locked(lirs->q, QUEUE, pfn);
	prune(lirs);
}

static bool is_known(const struct lirs *lirs, vm_pfn pfn)
{
	return lirs->s->node[pfn].list != LISTS_OUT || lirs->q->node[pfn].list != LISTS_OUT;
}

/* --- What happens to pages -------------------------------------------------------------------- */

/* KEY is wanted: its ghost leaves the stack, but is known until the page comes. */
static void expect(struct lirs *lirs, const struct vm_page_key *key)
{
	uint32_t ghost;

	if (lists_expect_locked(lirs->s, key, &ghost) != LISTS_OUT)
		lists_take_locked(lirs->q, ghost);
}

static void loaded(struct vm_machine *machine, vm_pfn pfn)
{
	struct lirs *lirs = machine->policy_state;
	bool back = false;

	if (is_known(lirs, pfn))
		return;
	if (frame_may_have_been_away(&machine->frames[pfn])) {
		struct vm_page_key key = frame_key_locked(machine, pfn);
		expect(lirs, &key);
		back = lists_loaded_locked(lirs->s, machine, pfn) != LISTS_OUT;
	}
	if (back || lirs->lirs < most_lirs(machine))
		promote(machine, lirs, pfn);
	else
		renew(lirs, pfn);
}

static void used(struct vm_machine *machine, vm_pfn pfn)
{
	struct lirs *lirs = machine->policy_state;

	if (!frame_used_again_locked(machine, pfn) || !is_known(lirs, pfn))
		return;
	if (is_lir(lirs, pfn)) {
		lists_put_newest_locked(lirs->s, STACK, pfn);
		prune(lirs);
	} else if (lirs->s->node[pfn].list == STACK) {
		promote(machine, lirs, pfn);
	} else {
		renew(lirs, pfn);
	}
}

static void gone(struct vm_machine *machine, vm_pfn pfn, bool evicted)
{
	struct lirs *lirs = machine->policy_state;

	if (is_lir(lirs, pfn) && lirs->s->node[pfn].list == STACK)
		lirs->lirs--;
	lirs->s->node[pfn].mark = HIR;
	lists_take_locked(lirs->q, pfn);
	if (evicted && lirs->s->node[pfn].list == STACK) {
		uint32_t ghost = lists_ghost_locked(lirs->s, machine, pfn);
		if (ghost != LISTS_NONE) {
			lists_replace_locked(lirs->s, pfn, ghost);
			lists_put_newest_locked(lirs->q, AWAY, ghost);
		}
		while (lists_length(lirs->q, AWAY) > most_ghosts(machine))
			forget(lirs, lirs->q->list[AWAY].oldest);
	}
	lists_take_locked(lirs->s, pfn);
	prune(lirs);
}

static void lost(struct vm_machine *machine, const struct vm_page_key *key)
{
	struct lirs *lirs = machine->policy_state;
	uint32_t ghost = lists_find(lirs->s, key);

	if (ghost != LISTS_NONE)
		forget(lirs, ghost);
}

static void cut(struct vm_machine *machine, uint64_t object, uint64_t first, uint64_t last)
{
	struct lirs *lirs = machine->policy_state;
	uint64_t change = machine->policy_changes;

	for (uint32_t at = 0; machine->policy_changes == change && at < lirs->s->touched;) {
		uint32_t ghost = lists_cut_step(lirs->s, object, first, last, &at);
		if (ghost != LISTS_NONE)
			forget(lirs, ghost);
		machine_unlock(machine);
		machine_lock(machine);
	}
}

static void stayed(struct vm_machine *machine, vm_pfn pfn)
{
	struct lirs *lirs = machine->policy_state;

	if (lirs->q->node[pfn].list == QUEUE)
		lists_put_newest_locked(lirs->q, QUEUE, pfn);
	else if (lirs->s->node[pfn].list == STACK)
		lists_put_newest_locked(lirs->s, STACK, pfn);
	prune(lirs);
}

static vm_pfn choose(struct vm_machine *machine)
{
	static const uint8_t queue[] = {QUEUE}, stack[] = {STACK};
	struct lirs *lirs = machine->policy_state;
	uint64_t change = machine->policy_changes;

	expect(lirs, &machine->want.key);
	vm_pfn pfn = lists_choose_locked(machine, lirs->q, queue, 1);
	if (pfn != VM_PFN_NONE || machine->policy_changes != change)
		return pfn;
	return lists_choose_locked(machine, lirs->s, stack, 1);
}

/* --- Looking ---------------------------------------------------------------------------------- */

/* The queue; then LIR pages from the lowest on; then ghosts, the one that went first first. */
static bool next(struct vm_machine *machine, struct vm_spot *spot)
{
	static const uint8_t queue[] = {QUEUE}, away[] = {AWAY};
	static const char *const queue_names[] = {"Q"}, *const away_names[] = {"S-ghost"};
	struct lirs *lirs = machine->policy_state;
	bool at_lir = spot->list != NULL && !spot->ghost && is_lir(lirs, spot->node);

	if (spot->list != NULL && spot->ghost)
		return lists_next(machine, lirs->q, away, away_names, 1, spot);
	if (!at_lir && lists_next(machine, lirs->q, queue, queue_names, 1, spot))
		return true;
	uint32_t node = at_lir ? lirs->s->node[spot->node].newer : lirs->s->list[STACK].oldest;
	while (node != LISTS_NONE &&
	       (!is_lir(lirs, node) || (machine->frames[node].flags & FRAME_COLD)))
		node = lirs->s->node[node].newer;
	if (node != LISTS_NONE) {
		*spot = (struct vm_spot){"LIR", node, false};
		return true;
	}
	spot->list = NULL;
	return lists_next(machine, lirs->q, away, away_names, 1, spot);
}

static bool holds(const struct vm_machine *machine, uint32_t node)
{
	const struct lirs *lirs = machine->policy_state;

	return lists_holds(lirs->s, node) || lists_holds(lirs->q, node);
}

static const char *check(const struct vm_machine *machine)
{
	const struct lirs *lirs = machine->policy_state;
	uint32_t bottom = lirs->s->list[STACK].oldest;
	uint64_t lir = 0;

	for (vm_pfn pfn = 0; pfn < machine->frame_pool.used; pfn++) {
		bool listed = machine->frames[pfn].flags & FRAME_LISTED;
		bool queued = lirs->q->node[pfn].list == QUEUE;
		if (listed != is_known(lirs, pfn) || (listed && queued == is_lir(lirs, pfn)))
			return "lirs and the pages in frames differ";
		lir += listed && is_lir(lirs, pfn);
	}
	if (lir != lirs->lirs || lir > most_lirs(machine))
		return "lirs has miscounted its pages";
	if (bottom != LISTS_NONE && !is_lir(lirs, bottom))
		return "the bottom of the stack of lirs is no LIR page";
	if (lists_length(lirs->q, AWAY) > most_ghosts(machine))
		return "lirs has too many ghosts";
	if (!lists_are_sound(lirs->s) || !lists_are_sound(lirs->q))
		return "the stack or the queue of lirs is not sound";
	for (uint32_t ghost = lirs->s->frames; ghost - lirs->s->frames < lirs->s->touched; ghost++)
		if ((lirs->s->node[ghost].list == STACK) != (lirs->q->node[ghost].list == AWAY))
			return "a ghost of lirs is in one list only";
	return lists_ghosts_are_away(machine, lirs->s) ? NULL : "a page in a frame has a ghost";
}

const struct vm_policy policy_lirs = {.name = "lirs",
                                      .about =
                                          "by the number of pages used between the last two uses",
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
