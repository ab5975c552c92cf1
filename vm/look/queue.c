/*
 * queue.c - the pages in frames in the order in which the policy would take them.
 *
 * All policies here keep that order in the list of pages (frame.h). It is read in pieces, and the
 * lock is dropped between: the order may change meanwhile, so a page may be seen twice, or not.
 */
#include "vm/base/lock.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/rmap.h"
#include "vm/reclaim/evictable.h"

/* Pages that are read in one hold of the machine lock. */
enum { PIECE = 64 };

/* A place is the position of a page and its frame, which leads back to it at once. */
enum { POSITION_SHIFT = 32 };

struct piece {
	struct vm_queue_info page[PIECE];
	int count;
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

static void describe_locked(struct vm_machine *machine, vm_pfn pfn, uint64_t position,
                            struct vm_queue_info *info)
{
	const struct vm_frame *frame = &machine->frames[pfn];
	const struct vm_space *space =
	    frame->rmap != 0 ? rmap_any_space_locked(machine, pagetable_of(frame->rmap)) : NULL;

	*info = (struct vm_queue_info){
	    .position = position,
	    .place = position << POSITION_SHIFT | pfn,
	    .pfn = pfn,
	    .referenced = machine->policy->hand && evictable_was_used_locked(machine, pfn, false),
	    .dirty = must_be_written_locked(machine, pfn),
	    .locked = evictable_is_mlocked(machine, frame),
	    .pinned = frame->pins > 0,
	    .list = machine->policy->name,
	};
	if (space == NULL)
		return;
	info->pid = space->process->pid;
	info->owner = space->process->cred;
	info->va = pagetable_entry_va(machine, frame->rmap);
}

/* Begin WALK after the page at *POSITION. It was in PFN, but may have left the list since. */
static void resume_locked(struct vm_machine *machine, struct frame_walk *walk, uint64_t position,
                          vm_pfn pfn)
{
	uint64_t spent = 0;

	if (position > 0 && pfn < machine->frame_pool.used &&
	    (machine->frames[pfn].flags & FRAME_LISTED)) {
		frame_walk_resume_locked(machine, walk, pfn);
		return;
	}
	frame_walk_begin_locked(machine, walk);
	for (uint64_t i = 0; i < position; i++) {
		if (frame_walk_step_locked(machine, walk) == VM_PFN_NONE)
			break;
		machine_spend_locked(machine, &spent, 1);
	}
}

/* Read the pages after PLACE. */
static void read_piece(struct vm_machine *machine, uint64_t place, struct piece *piece)
{
	uint64_t position = place >> POSITION_SHIFT;
	struct frame_walk walk;
	vm_pfn pfn;

	piece->count = 0;
	machine_lock(machine);
	resume_locked(machine, &walk, position, (vm_pfn)place);
	while (piece->count < PIECE &&
	       (pfn = frame_walk_step_locked(machine, &walk)) != VM_PFN_NONE)
		describe_locked(machine, pfn, ++position, &piece->page[piece->count++]);
	frame_walk_end_locked(machine, &walk);
	machine_unlock(machine);
}

void vm_machine_queue(struct vm_machine *machine, uint64_t from, vm_queue_fn fn, void *ctx)
{
	struct piece piece;

	do {
		read_piece(machine, from, &piece);
		for (int i = 0; i < piece.count; i++) {
			if (!fn(ctx, &piece.page[i]))
				return;
			from = piece.page[i].place;
		}
	} while (piece.count == PIECE);
}
