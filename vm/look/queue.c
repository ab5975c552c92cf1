/*
 * queue.c - the pages in frames in the order in which the policy would take them.
 *
 *     pages that are FRAME_COLD     if the policy has an order of its own; they go first
 *     the policy's order            its own, or the list of pages (frame.h)
 *
 * It is read in pieces, and the lock is dropped between: the order may change meanwhile, so a page
 * may be seen twice, or not.
 */
#include "vm/base/lock.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/rmap.h"
#include "vm/reclaim/evictable.h"

#include <errno.h>

/*
 * Places that are read in one hold of the machine lock, and those for which a policy looks at once
 * if its order must be looked for.
 */
enum { PIECE = 64, LOOKED_FOR = 1024 };

/* The number of a place is its position and its node, which leads back to it at once. */
enum { POSITION_SHIFT = 32 };

static const char cold[] = "cold";

/* A reader: what was read last, and places that follow it. */
struct reader {
	struct vm_spot spot;
	uint64_t position;     /* of SPOT, from 1; 0: before the first */
	struct vm_spot *spots; /* room for as many as FILL wants */
	unsigned room, count, at;
	bool ended;
	struct vm_queue_info page[PIECE];
	int pages;
};

static bool must_be_written_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	if (frame_kind(frame) == VM_FRAME_FILE)
		return frame->flags & FRAME_DIRTY;
	if (evictable_without_swap_locked(machine, pfn))
		return false;
	return !(frame->flags & FRAME_SWAPCACHE) || (frame->flags & FRAME_DIRTY);
}

static void describe_locked(struct vm_machine *machine, vm_pfn pfn, const char *list,
                            uint64_t position, struct vm_queue_info *info)
{
	const struct vm_frame *frame = &machine->frames[pfn];
	const struct vm_space *space =
	    frame->rmap != 0 ? rmap_any_space_locked(machine, pagetable_of(frame->rmap)) : NULL;

	*info = (struct vm_queue_info){
	    .position = position,
	    .place = position << POSITION_SHIFT | pfn,
	    .pfn = pfn,
	    .referenced = machine->policy->bits && evictable_looks_used_locked(machine, pfn),
	    .dirty = must_be_written_locked(machine, pfn),
	    .locked = evictable_is_mlocked(machine, frame),
	    .pinned = frame->pins > 0,
	    .list = list,
	};
	if (space == NULL)
		return;
	info->pid = space->process->pid;
	info->owner = space->process->cred;
	info->va = pagetable_entry_va(machine, frame->rmap);
}

/* --- The order -------------------------------------------------------------------------------- */

/* The next page of the list of pages after SPOT. ONLY_COLD: no other. */
static bool next_in_list_locked(const struct vm_machine *machine, struct vm_spot *spot,
                                bool only_cold)
{
	vm_pfn pfn = spot->list == NULL ? machine->oldest : machine->order[spot->node].newer;

	if (pfn == VM_PFN_NONE || (only_cold && !(machine->frames[pfn].flags & FRAME_COLD)))
		return false;
	*spot = (struct vm_spot){only_cold ? cold : machine->policy->name, pfn, false};
	return true;
}

/* The next place after SPOT in the policy's own order, among those looked for. */
static bool next_looked_for_locked(struct vm_machine *machine, struct reader *reader)
{
	if (reader->at == reader->count && !reader->ended) {
		reader->count =
		    machine->policy->fill(machine, &reader->spot, reader->spots, reader->room);
		reader->ended = reader->count < reader->room;
		reader->at = 0;
	}
	while (reader->at < reader->count) {
		reader->spot = reader->spots[reader->at++];
		if (machine->policy->holds(machine, reader->spot.node))
			return true;
	}
	return false;
}

/* Whether SPOT is still what it was: the policy's own place, or a page in the list. */
static bool is_still_there_locked(const struct vm_machine *machine, const struct vm_spot *spot)
{
	const struct vm_policy *policy = machine->policy;
	bool in_list = spot->node < machine->frame_pool.used &&
	               (machine->frames[spot->node].flags & FRAME_LISTED);

	if (!policy->own || spot->list == cold)
		return in_list;
	return policy->holds(machine, spot->node);
}

/* Move READER on. False: it is at the end. */
static bool step_locked(struct vm_machine *machine, struct reader *reader)
{
	const struct vm_policy *policy = machine->policy;
	struct vm_spot *spot = &reader->spot;

	if (spot->list != NULL && !is_still_there_locked(machine, spot) &&
	    (!policy->own || policy->fill == NULL))
		return false;
	if (!policy->own)
		return next_in_list_locked(machine, spot, false);
	if ((spot->list == NULL || spot->list == cold) && next_in_list_locked(machine, spot, true))
		return true;
	if (spot->list == cold)
		spot->list = NULL;
	return policy->fill != NULL ? next_looked_for_locked(machine, reader)
	                            : policy->next(machine, spot);
}

/*
 * Set READER to the place at POSITION, which NODE had when it was read. If that has left since,
 * count from the first one on. The lock may be dropped.
 */
static void resume_locked(struct vm_machine *machine, struct reader *reader, uint64_t position,
                          uint32_t node)
{
	const struct vm_policy *policy = machine->policy;
	uint64_t spent = 0;
	bool is_page =
	    node < machine->frame_pool.used && (machine->frames[node].flags & FRAME_LISTED);
	bool is_cold = policy->own && is_page && (machine->frames[node].flags & FRAME_COLD);

	reader->spot = (struct vm_spot){
	    .list = is_cold ? cold : policy->name, .node = node, .ghost = !is_page};
	reader->count = reader->at = 0;
	reader->ended = false;
	reader->position = position;
	if (position > 0 && is_still_there_locked(machine, &reader->spot))
		return;
	reader->spot.list = NULL;
	reader->position = 0;
	while (reader->position < position && step_locked(machine, reader)) {
		reader->position++;
		machine_spend_locked(machine, &spent, 1);
	}
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* Read the next places. */
static void read_piece(struct vm_machine *machine, struct reader *reader)
{
	reader->pages = 0;
	machine_lock(machine);
	/* Between two pieces the policy may have changed, and the place may have gone. */
	if (reader->at == reader->count)
		resume_locked(machine, reader, reader->position, reader->spot.node);
	while (reader->pages < PIECE && step_locked(machine, reader)) {
		struct vm_queue_info *info = &reader->page[reader->pages++];
		uint64_t position = ++reader->position;
		if (reader->spot.ghost)
			*info = (struct vm_queue_info){
			    .position = position, .pfn = VM_NO_FRAME, .list = reader->spot.list};
		else
			describe_locked(machine, reader->spot.node, reader->spot.list, position,
			                info);
		info->place = position << POSITION_SHIFT | reader->spot.node;
	}
	machine_unlock(machine);
}

int vm_machine_queue(struct vm_machine *machine, uint64_t from, vm_queue_fn fn, void *ctx)
{
	g_autofree struct reader *reader = g_try_new0(struct reader, 1);
	g_autofree struct vm_spot *spots = g_try_new(struct vm_spot, LOOKED_FOR);

	if (reader == NULL || spots == NULL)
		return -ENOMEM;
	reader->spots = spots;
	reader->room = LOOKED_FOR;
	reader->position = from >> POSITION_SHIFT;
	reader->spot.node = (uint32_t)from;
	do {
		read_piece(machine, reader);
		for (int i = 0; i < reader->pages; i++)
			if (!fn(ctx, &reader->page[i]))
				return 0;
	} while (reader->pages == PIECE);
	return 0;
}
