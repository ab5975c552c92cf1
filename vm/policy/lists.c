#include "vm/policy/lists.h"
#include "vm/base/host.h"
#include "vm/base/lock.h"
#include "vm/memory/frame.h"
#include "vm/reclaim/evictable.h"

/* Ghosts of pages that are about to be loaded: more faults at once are not remembered. */
enum { MOST_COMING = 64 };

/* --- Life ------------------------------------------------------------------------------------- */

static size_t hash_size(const struct lists *lists)
{
	return ((size_t)lists->mask + 1) * sizeof *lists->hash;
}

void lists_free(struct lists *lists)
{
	if (lists == NULL)
		return;
	machine_unreserve(lists->node,
	                  ((size_t)lists->frames + lists->ghosts) * sizeof *lists->node);
	machine_unreserve(lists->ghost, (size_t)lists->ghosts * sizeof *lists->ghost);
	machine_unreserve(lists->hash, hash_size(lists));
	g_free(lists);
}

struct lists *lists_new(const struct vm_machine *machine, uint64_t ghosts)
{
	struct lists *lists = g_new0(struct lists, 1);

	/* One more than is kept, because a list is cut to its size after the new one came. */
	lists->frames = (uint32_t)machine->nr_frames;
	lists->ghosts = (uint32_t)MIN(ghosts + 1 + MOST_COMING, UINT32_MAX - lists->frames);
	/* Most chains of the hash are empty: each look at one costs a miss of the host's cache. */
	while (lists->mask / 2 < lists->ghosts && lists->mask < UINT32_MAX)
		lists->mask = lists->mask << 1 | 1;
	for (unsigned i = 0; i < LISTS_MOST; i++)
		lists->list[i] = (struct lists_ends){LISTS_NONE, LISTS_NONE, 0};
	lists->hand = LISTS_NONE;
	lists->node =
	    machine_reserve(((size_t)lists->frames + lists->ghosts) * sizeof *lists->node);
	lists->ghost = machine_reserve((size_t)lists->ghosts * sizeof *lists->ghost);
	lists->hash = machine_reserve(hash_size(lists));
	if (lists->node != NULL && lists->ghost != NULL && lists->hash != NULL)
		return lists;
	lists_free(lists);
	return NULL;
}

/* --- Nodes ------------------------------------------------------------------------------------ */

/* What leads to NODE from its older and its newer side. */
static void join(struct lists *lists, struct lists_ends *ends, uint32_t older, uint32_t newer)
{
	*(older != LISTS_NONE ? &lists->node[older].newer : &ends->oldest) = newer;
	*(newer != LISTS_NONE ? &lists->node[newer].older : &ends->newest) = older;
}

void lists_take_locked(struct lists *lists, uint32_t number)
{
	struct lists_node *node = &lists->node[number];
	struct lists_ends *ends = &lists->list[node->list];

	if (node->list == LISTS_OUT)
		return;
	for (struct lists_walk *walk = lists->walks; walk != NULL; walk = walk->other)
		if (walk->last == number)
			walk->last = node->older;
	if (lists->hand == number)
		lists->hand = node->newer;
	join(lists, ends, node->older, node->newer);
	ends->length--;
	node->list = LISTS_OUT;
}

void lists_put_newest_locked(struct lists *lists, unsigned list, uint32_t number)
{
	struct lists_node *node = &lists->node[number];
	struct lists_ends *ends = &lists->list[list];

	if (ends->newest == number)
		return;
	lists_take_locked(lists, number);
	node->list = (uint8_t)list;
	node->older = ends->newest;
	node->newer = LISTS_NONE;
	*(node->older != LISTS_NONE ? &lists->node[node->older].newer : &ends->oldest) = number;
	ends->newest = number;
	ends->length++;
}

void lists_put_oldest_locked(struct lists *lists, unsigned list, uint32_t number)
{
	struct lists_node *node = &lists->node[number];
	struct lists_ends *ends = &lists->list[list];

	if (ends->oldest == number)
		return;
	lists_take_locked(lists, number);
	node->list = (uint8_t)list;
	node->newer = ends->oldest;
	node->older = LISTS_NONE;
	*(node->newer != LISTS_NONE ? &lists->node[node->newer].older : &ends->newest) = number;
	ends->oldest = number;
	ends->length++;
}

void lists_renew_locked(struct lists *lists, uint32_t node)
{
	if (lists->node[node].list != LISTS_OUT)
		lists_put_newest_locked(lists, lists->node[node].list, node);
}

void lists_replace_locked(struct lists *lists, uint32_t other, uint32_t number)
{
	struct lists_node *old = &lists->node[other], *node = &lists->node[number];
	struct lists_ends *ends = &lists->list[old->list];
	uint8_t list = old->list;
	uint32_t older = old->older, newer = old->newer;

	lists_take_locked(lists, other);
	node->list = list;
	node->older = older;
	node->newer = newer;
	*(older != LISTS_NONE ? &lists->node[older].newer : &ends->oldest) = number;
	*(newer != LISTS_NONE ? &lists->node[newer].older : &ends->newest) = number;
	ends->length++;
}

/* --- Ghosts ----------------------------------------------------------------------------------- */

static uint32_t *bucket(const struct lists *lists, const struct vm_page_key *key)
{
	uint64_t hash = (key->index + key->owner * UINT64_C(0x9e3779b97f4a7c15) + key->kind) *
	                UINT64_C(0xd6e8feb86659fd93);

	return &lists->hash[(uint32_t)(hash >> 32) & lists->mask];
}

static bool same_key(const struct vm_page_key *a, const struct vm_page_key *b)
{
	return a->index == b->index && a->owner == b->owner && a->kind == b->kind;
}

uint32_t lists_find(const struct lists *lists, const struct vm_page_key *key)
{
	for (uint32_t next = *bucket(lists, key); next != 0; next = lists->ghost[next - 1].next)
		if (same_key(&lists->ghost[next - 1].key, key))
			return lists->frames + next - 1;
	return LISTS_NONE;
}

void lists_forget_locked(struct lists *lists, uint32_t node)
{
	uint32_t ghost = node - lists->frames;
	uint32_t *next = bucket(lists, &lists->ghost[ghost].key);

	lists_take_locked(lists, node);
	while (*next != ghost + 1)
		next = &lists->ghost[*next - 1].next;
	*next = lists->ghost[ghost].next;
	lists->node[node].newer = lists->free;
	lists->free = ghost + 1;
}

void lists_trim_locked(struct lists *lists, unsigned list, uint64_t most)
{
	while (lists->list[list].length > most)
		lists_forget_locked(lists, lists->list[list].oldest);
}

/* A ghost that is not in use, or LISTS_NONE. */
static uint32_t take_free(struct lists *lists)
{
	uint32_t ghost = lists->free;

	if (ghost != 0) {
		lists->free = lists->node[lists->frames + ghost - 1].newer;
		return ghost - 1;
	}
	return lists->touched < lists->ghosts ? lists->touched++ : LISTS_NONE;
}

uint32_t lists_ghost_locked(struct lists *lists, const struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_page_key key = frame_key_locked(machine, pfn);
	uint32_t old = lists_find(lists, &key);

	if (old != LISTS_NONE)
		lists_forget_locked(lists, old);
	uint32_t ghost = take_free(lists);
	if (ghost == LISTS_NONE)
		return LISTS_NONE;
	uint32_t *head = bucket(lists, &key);
	lists->ghost[ghost] = (struct lists_ghost){.key = key, .next = *head};
	*head = ghost + 1;
	lists->node[lists->frames + ghost] = (struct lists_node){.list = LISTS_OUT};
	return lists->frames + ghost;
}

void lists_remember_locked(struct lists *lists, const struct vm_machine *machine, vm_pfn pfn,
                           unsigned list, uint64_t most)
{
	uint32_t node = lists_ghost_locked(lists, machine, pfn);

	if (node != LISTS_NONE)
		lists_put_newest_locked(lists, list, node);
	lists_trim_locked(lists, list, most);
}

unsigned lists_expect_locked(struct lists *lists, const struct vm_page_key *key, uint32_t *ghost)
{
	uint32_t node = key->kind != VM_KEY_PLACE ? lists_find(lists, key) : LISTS_NONE;
	unsigned from = node != LISTS_NONE ? lists->node[node].list : LISTS_OUT;

	if (ghost != NULL)
		*ghost = node;
	if (from == LISTS_OUT || from == LISTS_COMING)
		return LISTS_OUT;
	lists->ghost[node - lists->frames].from = (uint8_t)from;
	lists_put_newest_locked(lists, LISTS_COMING, node);
	lists_trim_locked(lists, LISTS_COMING, MOST_COMING);
	return from;
}

unsigned lists_coming_from(const struct lists *lists, const struct vm_page_key *key)
{
	uint32_t node = key->kind != VM_KEY_PLACE ? lists_find(lists, key) : LISTS_NONE;

	return node != LISTS_NONE && lists->node[node].list == LISTS_COMING
	           ? lists->ghost[node - lists->frames].from
	           : LISTS_OUT;
}

unsigned lists_loaded_locked(struct lists *lists, const struct vm_machine *machine, vm_pfn pfn)
{
	if (!frame_may_have_been_away(&machine->frames[pfn]))
		return LISTS_OUT;
	struct vm_page_key key = frame_key_locked(machine, pfn);
	uint32_t node = lists_find(lists, &key);
	if (node == LISTS_NONE)
		return LISTS_OUT;
	unsigned from = lists->node[node].list == LISTS_COMING
	                    ? lists->ghost[node - lists->frames].from
	                    : lists->node[node].list;
	lists_forget_locked(lists, node);
	return from;
}

void lists_lost_locked(struct lists *lists, const struct vm_page_key *key)
{
	uint32_t node = lists_find(lists, key);

	if (node != LISTS_NONE)
		lists_forget_locked(lists, node);
}

uint32_t lists_cut_step(const struct lists *lists, uint64_t object, uint64_t first, uint64_t last,
                        uint32_t *at)
{
	enum { LOOKS = 64 };

	for (int i = 0; i < LOOKS && *at < lists->touched; i++) {
		uint32_t ghost = (*at)++;
		const struct vm_page_key *key = &lists->ghost[ghost].key;
		if (lists->node[lists->frames + ghost].list != LISTS_OUT &&
		    key->kind == VM_KEY_OBJECT && key->owner == object && key->index >= first &&
		    key->index < last)
			return lists->frames + ghost;
	}
	return LISTS_NONE;
}

void lists_cut_locked(struct vm_machine *machine, struct lists *lists, uint64_t object,
                      uint64_t first, uint64_t last)
{
	uint64_t change = machine->policy_changes;

	for (uint32_t at = 0; machine->policy_changes == change && at < lists->touched;) {
		uint32_t ghost = lists_cut_step(lists, object, first, last, &at);
		if (ghost != LISTS_NONE)
			lists_forget_locked(lists, ghost);
		machine_unlock(machine);
		machine_lock(machine);
	}
}

/* --- Walks ------------------------------------------------------------------------------------ */

void lists_walk_begin_locked(struct lists *lists, struct lists_walk *walk)
{
	walk->last = LISTS_NONE;
	walk->other = lists->walks;
	lists->walks = walk;
}

uint32_t lists_walk_step_locked(const struct lists *lists, struct lists_walk *walk, unsigned list)
{
	uint32_t node =
	    walk->last != LISTS_NONE ? lists->node[walk->last].newer : lists->list[list].oldest;

	if (node != LISTS_NONE)
		walk->last = node;
	return node;
}

void lists_walk_end_locked(struct lists *lists, struct lists_walk *walk)
{
	struct lists_walk **at = &lists->walks;

	while (*at != walk)
		at = &(*at)->other;
	*at = walk->other;
}

/* lists_choose_locked for one list. *CHANGED: the policy is another one, and LISTS may be gone. */
static vm_pfn choose_in_locked(struct vm_machine *machine, struct lists *lists, unsigned list,
                               bool *changed)
{
	uint64_t length = lists_length(lists, list), spent = 0, change = machine->policy_changes;
	struct lists_walk walk;
	uint32_t node;

	lists_walk_begin_locked(lists, &walk);
	/* Pages that are used may be put before us again, so the number of steps is bounded. */
	for (uint64_t step = 0; step <= 2 * length; step++) {
		node = lists_walk_step_locked(lists, &walk, list);
		if (node == LISTS_NONE)
			break;
		uint32_t mapped = 0;
		if (!lists_is_ghost(lists, node)) {
			machine->count.scanned++;
			mapped = machine->frames[node].mapped;
			bool heard = step < length && evictable_is_wanted_locked(machine, node) &&
			             evictable_hear_locked(machine, node);
			if (!heard && evictable_locked(machine, node))
				break;
		}
		node = LISTS_NONE;
		if (evictable_spend_locked(machine, &spent, 1 + mapped) &&
		    machine->policy_changes != change) {
			*changed = true;
			return VM_PFN_NONE;
		}
	}
	lists_walk_end_locked(lists, &walk);
	return node;
}

vm_pfn lists_choose_locked(struct vm_machine *machine, struct lists *lists, const uint8_t *order,
                           unsigned count)
{
	vm_pfn pfn = VM_PFN_NONE;
	bool changed = false;

	for (unsigned i = 0; i < count && pfn == VM_PFN_NONE && !changed; i++)
		pfn = choose_in_locked(machine, lists, order[i], &changed);
	return pfn;
}

/* --- Looking ---------------------------------------------------------------------------------- */

/* Whether NODE is to be shown in the queue of the policy's own lists. */
static bool is_shown(const struct vm_machine *machine, const struct lists *lists, uint32_t node)
{
	return lists_is_ghost(lists, node) || !(machine->frames[node].flags & FRAME_COLD);
}

bool lists_next(const struct vm_machine *machine, const struct lists *lists, const uint8_t *order,
                const char *const *names, unsigned count, struct vm_spot *spot)
{
	unsigned i = 0;
	uint32_t node;

	if (spot->list != NULL) {
		while (i < count && order[i] != lists->node[spot->node].list)
			i++;
		if (i == count)
			return false;
		node = lists->node[spot->node].newer;
	} else {
		node = lists->list[order[0]].oldest;
	}
	while (node == LISTS_NONE || !is_shown(machine, lists, node)) {
		if (node != LISTS_NONE) {
			node = lists->node[node].newer;
			continue;
		}
		if (++i == count)
			return false;
		node = lists->list[order[i]].oldest;
	}
	*spot = (struct vm_spot){names[i], node, lists_is_ghost(lists, node)};
	return true;
}

/* Whether LIST is sound: its nodes know it, and its length is right. */
static bool list_is_sound(const struct lists *lists, unsigned list)
{
	const struct lists_ends *ends = &lists->list[list];
	uint32_t older = LISTS_NONE, length = 0;

	for (uint32_t node = ends->oldest; node != LISTS_NONE; node = lists->node[node].newer) {
		if (lists->node[node].list != list || lists->node[node].older != older ||
		    length++ == ends->length)
			return false;
		older = node;
	}
	return ends->newest == older && length == ends->length;
}

bool lists_are_sound(const struct lists *lists)
{
	bool sound = true;

	for (unsigned list = LISTS_OUT + 1; list < LISTS_MOST; list++)
		sound = sound && list_is_sound(lists, list);
	return sound;
}

bool lists_ghosts_are_away(const struct vm_machine *machine, const struct lists *lists)
{
	for (vm_pfn pfn = 0; pfn < machine->frame_pool.used; pfn++) {
		const struct vm_frame *frame = &machine->frames[pfn];
		if (!(frame->flags & FRAME_LISTED) || !frame_may_have_been_away(frame))
			continue;
		struct vm_page_key key = frame_key_locked(machine, pfn);
		if (lists_find(lists, &key) != LISTS_NONE)
			return false;
	}
	return true;
}

const char *lists_check(const struct vm_machine *machine, const struct lists *lists)
{
	uint64_t pages = 0, ghosts = 0, in_lists = 0, unused = 0;

	if (!lists_are_sound(lists))
		return "a list of the policy is not sound";
	for (unsigned list = LISTS_OUT + 1; list < LISTS_MOST; list++)
		in_lists += lists_length(lists, list);
	for (vm_pfn pfn = 0; pfn < machine->frame_pool.used; pfn++) {
		bool listed = machine->frames[pfn].flags & FRAME_LISTED;
		if (listed != (lists->node[pfn].list != LISTS_OUT))
			return "the policy's lists and the pages in frames differ";
		pages += listed;
	}
	for (uint32_t i = 0; i < lists->touched; i++)
		ghosts += lists->node[lists->frames + i].list != LISTS_OUT;
	for (uint32_t next = lists->free; next != 0; unused++)
		next = lists->node[lists->frames + next - 1].newer;
	if (pages + ghosts != in_lists || ghosts + unused != lists->touched)
		return "the policy's nodes are miscounted";
	return lists_ghosts_are_away(machine, lists) ? NULL : "a page in a frame has a ghost";
}

/* --- Functions of policies whose state is the lists ------------------------------------------- */

void lists_policy_free(struct vm_machine *machine, void *state)
{
	lists_free(state);
}

void lists_policy_gone(struct vm_machine *machine, vm_pfn pfn, bool evicted)
{
	lists_take_locked(machine->policy_state, pfn);
}

void lists_policy_lost(struct vm_machine *machine, const struct vm_page_key *key)
{
	lists_lost_locked(machine->policy_state, key);
}

void lists_policy_cut(struct vm_machine *machine, uint64_t object, uint64_t first, uint64_t last)
{
	lists_cut_locked(machine, machine->policy_state, object, first, last);
}

void lists_policy_stayed(struct vm_machine *machine, vm_pfn pfn)
{
	lists_renew_locked(machine->policy_state, pfn);
}

bool lists_policy_holds(const struct vm_machine *machine, uint32_t node)
{
	return lists_holds(machine->policy_state, node);
}
