/*
 * lfu.c - least frequently used: the page with the fewest uses since it was loaded goes, among
 * equals the one that was loaded first.
 *
 * A page begins with 1. Its count ends when it goes (in-cache LFU). "Perfect" LFU remembers counts
 * of all pages ever seen; LFU with aging halves them now and then; textbooks break ties by the
 * order of loading, as here, or by the last use.
 *
 * The pages are a heap, by count and order of loading. A use only counts: a page's place in the
 * heap is put right when it gets to the top, so that a hit costs an addition. Counts only grow, so
 * until then the page is too high up, never too low. Pages at the top that cannot go (mlock) are
 * put aside, and looked at again, two at each search.
 *
 * With a processor: the uses since a page was looked at last are one. An instruction may need
 * several pages at once; each would be the one with the fewest uses when the next is loaded. So the
 * 16 that were loaded last are put aside, too (a quarter of the pages, if they are few).
 */
#include "vm/base/host.h"
#include "vm/base/lock.h"
#include "vm/memory/frame.h"
#include "vm/policy/lists.h"
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

#include <errno.h>

enum { ASIDE = LISTS_FIRST };

struct page {
	uint64_t loaded; /* a number that grows */
	uint32_t uses;
	uint32_t key; /* the uses by which it stands in the heap: at most USES */
	uint32_t at;  /* its place in the heap, plus one; 0: none */
};

struct lfu {
	struct page *page; /* by frame */
	uint32_t *heap;    /* frames; those at 2i+1 and 2i+2 are not before that at i */
	uint32_t length;
	uint64_t loads;
	struct lists *lists; /* of pages put aside */
};

static size_t page_bytes(const struct vm_machine *machine)
{
	return machine->nr_frames * sizeof(struct page);
}

static size_t heap_bytes(const struct vm_machine *machine)
{
	return machine->nr_frames * sizeof(uint32_t);
}

static void release(struct vm_machine *machine, void *state)
{
	struct lfu *lfu = state;

	machine_unreserve(lfu->page, page_bytes(machine));
	machine_unreserve(lfu->heap, heap_bytes(machine));
	lists_free(lfu->lists);
	g_free(lfu);
}

static int init(struct vm_machine *machine)
{
	struct lfu *lfu = g_new0(struct lfu, 1);

	lfu->page = machine_reserve(page_bytes(machine));
	lfu->heap = machine_reserve(heap_bytes(machine));
	lfu->lists = lists_new(machine, 0);
	machine->policy_state = lfu;
	if (lfu->page != NULL && lfu->heap != NULL && lfu->lists != NULL)
		return 0;
	release(machine, lfu);
	machine->policy_state = NULL;
	return -ENOMEM;
}

/* --- The heap --------------------------------------------------------------------------------- */

/* Whether page A goes before page B. */
static bool is_before(const struct page *a, const struct page *b)
{
	return a->key != b->key ? a->key < b->key : a->loaded < b->loaded;
}

static void set(struct lfu *lfu, uint32_t at, uint32_t pfn)
{
	lfu->heap[at] = pfn;
	lfu->page[pfn].at = at + 1;
}

/* Put PFN in the place AT, or further up. */
static void rise(struct lfu *lfu, uint32_t at, uint32_t pfn)
{
	while (at > 0) {
		uint32_t above = lfu->heap[(at - 1) / 2];
		if (!is_before(&lfu->page[pfn], &lfu->page[above]))
			break;
		set(lfu, at, above);
		at = (at - 1) / 2;
	}
	set(lfu, at, pfn);
}

/* Put PFN in the place AT, or further down. */
static void sink(struct lfu *lfu, uint32_t at, uint32_t pfn)
{
	for (;;) {
		uint64_t below = 2 * (uint64_t)at + 1;
		if (below >= lfu->length)
			break;
		if (below + 1 < lfu->length &&
		    is_before(&lfu->page[lfu->heap[below + 1]], &lfu->page[lfu->heap[below]]))
			below++;
		if (!is_before(&lfu->page[lfu->heap[below]], &lfu->page[pfn]))
			break;
		set(lfu, at, lfu->heap[below]);
		at = (uint32_t)below;
	}
	set(lfu, at, pfn);
}

static void heap_add(struct lfu *lfu, vm_pfn pfn)
{
	lfu->page[pfn].key = lfu->page[pfn].uses;
	rise(lfu, lfu->length++, pfn);
}

static void heap_remove(struct lfu *lfu, vm_pfn pfn)
{
	uint32_t at = lfu->page[pfn].at - 1, last = lfu->heap[--lfu->length];

	lfu->page[pfn].at = 0;
	if (last == pfn)
		return;
	rise(lfu, at, last);
	sink(lfu, lfu->page[last].at - 1, last);
}

/* --- What happens to pages -------------------------------------------------------------------- */

static bool is_known(const struct lfu *lfu, vm_pfn pfn)
{
	return lfu->page[pfn].at != 0 || lfu->lists->node[pfn].list != LISTS_OUT;
}

static void loaded(struct vm_machine *machine, vm_pfn pfn)
{
	struct lfu *lfu = machine->policy_state;

	if (is_known(lfu, pfn))
		return;
	lfu->page[pfn].uses = 1;
	lfu->page[pfn].loaded = ++lfu->loads;
	heap_add(lfu, pfn);
}

static void used(struct vm_machine *machine, vm_pfn pfn)
{
	struct lfu *lfu = machine->policy_state;
	struct page *page = &lfu->page[pfn];

	if (frame_used_again_locked(machine, pfn))
		page->uses += page->uses < UINT32_MAX;
}

static void gone(struct vm_machine *machine, vm_pfn pfn, bool evicted)
{
	struct lfu *lfu = machine->policy_state;

	if (lfu->page[pfn].at != 0)
		heap_remove(lfu, pfn);
	else
		lists_take_locked(lfu->lists, pfn);
}

static void put_aside(struct lfu *lfu, vm_pfn pfn)
{
	heap_remove(lfu, pfn);
	lists_put_newest_locked(lfu->lists, ASIDE, pfn);
}

static void stayed(struct vm_machine *machine, vm_pfn pfn)
{
	struct lfu *lfu = machine->policy_state;

	if (lfu->page[pfn].at != 0)
		put_aside(lfu, pfn);
}

/* --- Choosing --------------------------------------------------------------------------------- */

/* Whether PFN was loaded just now, for an instruction that may need more than it. */
static bool is_young(const struct vm_machine *machine, const struct lfu *lfu, vm_pfn pfn)
{
	enum { YOUNG = 16 };

	return machine->cpu != NULL &&
	       lfu->loads - lfu->page[pfn].loaded < MIN(YOUNG, machine->listed / 4);
}

/* Look at the page that was put aside first: can it go now? Returns it, or LISTS_NONE. */
static vm_pfn look_aside_locked(struct vm_machine *machine, struct lfu *lfu)
{
	vm_pfn pfn = lfu->lists->list[ASIDE].oldest;

	if (pfn == LISTS_NONE)
		return pfn;
	machine->count.scanned++;
	if (!is_young(machine, lfu, pfn) && evictable_locked(machine, pfn)) {
		lists_take_locked(lfu->lists, pfn);
		heap_add(lfu, pfn);
	} else {
		lists_put_newest_locked(lfu->lists, ASIDE, pfn);
	}
	return pfn;
}

/*
 * Look at the first page of the heap. True: it goes. False: it did not stand there by right, or
 * cannot go, and another one is the first now.
 */
static bool look_first_locked(struct vm_machine *machine, struct lfu *lfu)
{
	vm_pfn pfn = lfu->heap[0];
	struct page *page = &lfu->page[pfn];

	machine->count.scanned++;
	evictable_hear_locked(machine, pfn);
	if (page->key != page->uses) {
		page->key = page->uses;
		sink(lfu, 0, pfn);
		return false;
	}
	if (!is_young(machine, lfu, pfn) && evictable_locked(machine, pfn))
		return true;
	put_aside(lfu, pfn);
	return false;
}

/* Whether page A of LFU goes before page B, by their true counts. */
static bool goes_before(const struct lfu *lfu, vm_pfn a, vm_pfn b)
{
	const struct page *x = &lfu->page[a], *y = &lfu->page[b];

	return x->uses != y->uses ? x->uses < y->uses : x->loaded < y->loaded;
}

/*
 * The same among the pages of one process: look at all, and leave the heap alone. The page found
 * first may have been used, or have gone, while the lock was dropped.
 */
static vm_pfn choose_own_locked(struct vm_machine *machine)
{
	const struct lfu *lfu = machine->policy_state;
	uint64_t change = machine->policy_changes, spent = 0;
	vm_pfn found = VM_PFN_NONE;

	for (vm_pfn pfn = 0; pfn < machine->frame_pool.used; pfn++) {
		if ((machine->frames[pfn].flags & FRAME_LISTED) && is_known(lfu, pfn) &&
		    (found == VM_PFN_NONE || goes_before(lfu, pfn, found)) &&
		    !is_young(machine, lfu, pfn) && evictable_locked(machine, pfn))
			found = pfn;
		machine->count.scanned++;
		if (evictable_spend_locked(machine, &spent, 1 + machine->frames[pfn].mapped) &&
		    machine->policy_changes != change)
			return VM_PFN_NONE;
	}
	bool still = found != VM_PFN_NONE && (machine->frames[found].flags & FRAME_LISTED) &&
	             evictable_locked(machine, found);
	return still ? found : evictable_oldest_locked(machine);
}

static vm_pfn choose(struct vm_machine *machine)
{
	enum { LOOKS_ASIDE = 2 };
	struct lfu *lfu = machine->policy_state;
	uint64_t change = machine->policy_changes, spent = 0;
	uint64_t aside = lists_length(lfu->lists, ASIDE), looks = LOOKS_ASIDE;

	if (machine->want.process != NULL)
		return choose_own_locked(machine);
	/* Uses meanwhile are bounded by nothing: so is, without the second term, the search. */
	for (uint64_t steps = 4 * (machine->listed + 1); steps > 0; steps--) {
		vm_pfn looked = VM_PFN_NONE;
		if (looks > 0) {
			looked = look_aside_locked(machine, lfu);
			looks--;
			aside -= aside > 0;
		} else if (lfu->length > 0) {
			looked = lfu->heap[0];
			if (look_first_locked(machine, lfu))
				return looked;
		} else if (aside > 0) {
			/* Nothing else is left: look at all of them. */
			looks = aside;
		} else {
			break;
		}
		uint64_t mapped = looked != VM_PFN_NONE ? machine->frames[looked].mapped : 0;
		if (evictable_spend_locked(machine, &spent, 4 + mapped) &&
		    machine->policy_changes != change)
			return VM_PFN_NONE;
	}
	return VM_PFN_NONE;
}

/* --- Looking ---------------------------------------------------------------------------------- */

static bool holds(const struct vm_machine *machine, uint32_t node)
{
	return node < machine->nr_frames && is_known(machine->policy_state, node) &&
	       !(machine->frames[node].flags & FRAME_COLD);
}

/* Move the last page of SPOTS, a heap of COUNT pages of which the first goes last, to its place. */
static void spots_rise(const struct lfu *lfu, struct vm_spot *spots, unsigned count)
{
	for (unsigned at = count - 1; at > 0; at = (at - 1) / 2) {
		unsigned above = (at - 1) / 2;
		if (!goes_before(lfu, spots[above].node, spots[at].node))
			break;
		struct vm_spot spot = spots[above];
		spots[above] = spots[at];
		spots[at] = spot;
	}
}

/* The same for the first page. */
static void spots_sink(const struct lfu *lfu, struct vm_spot *spots, unsigned count)
{
	for (unsigned at = 0;;) {
		unsigned below = 2 * at + 1;
		if (below >= count)
			break;
		if (below + 1 < count && goes_before(lfu, spots[below].node, spots[below + 1].node))
			below++;
		if (!goes_before(lfu, spots[at].node, spots[below].node))
			break;
		struct vm_spot spot = spots[at];
		spots[at] = spots[below];
		spots[below] = spot;
		at = below;
	}
}

/*
 * The first ROOM pages after AFTER are found in one look at all frames. Where pages are used
 * meanwhile, some may be in the wrong place.
 */
static unsigned fill(struct vm_machine *machine, const struct vm_spot *after, struct vm_spot *spots,
                     unsigned room)
{
	const struct lfu *lfu = machine->policy_state;
	uint64_t change = machine->policy_changes, spent = 0;
	bool all = after->list == NULL;
	unsigned count = 0;

	for (vm_pfn pfn = 0; pfn < machine->frame_pool.used; pfn++) {
		if (holds(machine, pfn) && (all || goes_before(lfu, after->node, pfn))) {
			if (count < room) {
				spots[count++] = (struct vm_spot){"lfu", pfn, false};
				spots_rise(lfu, spots, count);
			} else if (goes_before(lfu, pfn, spots[0].node)) {
				spots[0].node = pfn;
				spots_sink(lfu, spots, count);
			}
		}
		if (machine_spend_locked(machine, &spent, 1) && machine->policy_changes != change)
			return 0;
	}
	/* Sort: the last one goes to the end, and so on. */
	for (unsigned left = count; left > 1; left--) {
		struct vm_spot last = spots[0];
		spots[0] = spots[left - 1];
		spots[left - 1] = last;
		spots_sink(lfu, spots, left - 1);
	}
	return count;
}

static const char *check(const struct vm_machine *machine)
{
	const struct lfu *lfu = machine->policy_state;
	uint64_t known = 0;

	for (vm_pfn pfn = 0; pfn < machine->frame_pool.used; pfn++) {
		const struct page *page = &lfu->page[pfn];
		bool listed = machine->frames[pfn].flags & FRAME_LISTED;
		bool aside = lfu->lists->node[pfn].list != LISTS_OUT;
		if (listed != is_known(lfu, pfn) || (aside && page->at != 0))
			return "lfu and the pages in frames differ";
		if (page->at != 0 && lfu->heap[page->at - 1] != pfn)
			return "the heap of lfu is broken";
		if (page->at > 1 && is_before(page, &lfu->page[lfu->heap[(page->at - 2) / 2]]))
			return "the heap of lfu is in disorder";
		if (page->at != 0 && page->key > page->uses)
			return "the heap of lfu has a page too low";
		known += page->at != 0;
	}
	return known == lfu->length ? NULL : "the heap of lfu is miscounted";
}

const struct vm_policy policy_lfu = {.name = "lfu",
                                     .about = "the page with the fewest uses since it was loaded",
                                     .own = true,
                                     .init = init,
                                     .free = release,
                                     .loaded = loaded,
                                     .used = used,
                                     .gone = gone,
                                     .stayed = stayed,
                                     .choose = choose,
                                     .fill = fill,
                                     .holds = holds,
                                     .check = check};
