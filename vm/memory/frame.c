#include "vm/memory/frame.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/base/pool.h"
#include "vm/memory/rmap.h"
#include "vm/memory/table.h"

#include <string.h>

/* --- In use or free --------------------------------------------------------------------------- */

/* Take a free frame for OBJECT, or VM_PFN_NONE. ZERO: its bytes are zeros. */
static vm_pfn take_locked(struct vm_machine *machine, struct vm_object *object, bool zero)
{
	struct vm_frame *frame;
	bool cleared;
	vm_pfn pfn = pool_take_locked(&machine->frame_pool, &cleared);

	if (pfn == VM_POOL_NONE)
		return VM_PFN_NONE;
	/* Its descriptor is still that of its last use. */
	if (zero && !cleared && !frame_is_blank(machine, pfn))
		memset(machine_page(machine, pfn), 0, VM_PAGE_SIZE);
	frame = &machine->frames[pfn];
	*frame = (struct vm_frame){
	    .object = object, .next = VM_PFN_NONE, .flags = zero ? FRAME_BLANK : 0};
	list_init(&frame->link);
	machine->count.frames[frame_kind(frame)]++;
	machine->count.taken++;
	return pfn;
}

vm_pfn frame_alloc_locked(struct vm_machine *machine, struct vm_object *object, bool zero)
{
	vm_pfn pfn = take_locked(machine, object, zero);

	machine->count.zeroed += zero && pfn != VM_PFN_NONE;
	return pfn;
}

vm_pfn frame_alloc_blank_locked(struct vm_machine *machine, struct vm_object *object)
{
	return take_locked(machine, object, true);
}

void frame_pin_locked(struct vm_machine *machine, vm_pfn pfn)
{
	if (machine->frames[pfn].pins++ == 0)
		machine->pinned++;
}

void frame_unpin_locked(struct vm_machine *machine, vm_pfn pfn)
{
	if (--machine->frames[pfn].pins == 0) {
		machine->pinned--;
		/* A thread may wait for a frame that can be evicted. */
		machine_wake_io_locked(machine);
	}
	frame_put_locked(machine, pfn);
}

/* --- The list --------------------------------------------------------------------------------- */

/* Add PFN, not in the list, at the newest end. */
static void list_newest_locked(struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_neighbours *at = &machine->order[pfn];

	*at = (struct vm_neighbours){.older = machine->newest, .newer = VM_PFN_NONE};
	*(at->older != VM_PFN_NONE ? &machine->order[at->older].newer : &machine->oldest) = pfn;
	machine->newest = pfn;
	machine->listed++;
}

static void unlist_locked(struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_neighbours at = machine->order[pfn];

	for (struct frame_walk *walk = machine->frame_walks; walk != NULL; walk = walk->other)
		if (walk->last == pfn)
			walk->last = at.older;
	*(at.older != VM_PFN_NONE ? &machine->order[at.older].newer : &machine->oldest) = at.newer;
	*(at.newer != VM_PFN_NONE ? &machine->order[at.newer].older : &machine->newest) = at.older;
	machine->listed--;
}

void frame_renew_locked(struct vm_machine *machine, vm_pfn pfn)
{
	if (machine->newest == pfn)
		return;
	unlist_locked(machine, pfn);
	list_newest_locked(machine, pfn);
}

void frame_age_locked(struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_frame *frame = &machine->frames[pfn];

	frame->flags &= (uint16_t)~FRAME_REFERENCED;
	if (machine->policy->own)
		frame->flags |= FRAME_COLD;
	machine->may_evict++;
	if (machine->oldest == pfn)
		return;
	unlist_locked(machine, pfn);
	struct vm_neighbours *at = &machine->order[pfn];
	*at = (struct vm_neighbours){.older = VM_PFN_NONE, .newer = machine->oldest};
	*(at->newer != VM_PFN_NONE ? &machine->order[at->newer].older : &machine->newest) = pfn;
	machine->oldest = pfn;
	machine->listed++;
}

void frame_walk_begin_locked(struct vm_machine *machine, struct frame_walk *walk)
{
	walk->last = VM_PFN_NONE;
	walk->other = machine->frame_walks;
	machine->frame_walks = walk;
}

void frame_walk_resume_locked(struct vm_machine *machine, struct frame_walk *walk, vm_pfn pfn)
{
	frame_walk_begin_locked(machine, walk);
	walk->last = pfn;
}

vm_pfn frame_walk_step_locked(struct vm_machine *machine, struct frame_walk *walk)
{
	vm_pfn pfn = walk->last != VM_PFN_NONE ? machine->order[walk->last].newer : machine->oldest;

	if (pfn != VM_PFN_NONE)
		walk->last = pfn;
	return pfn;
}

void frame_walk_end_locked(struct vm_machine *machine, struct frame_walk *walk)
{
	struct frame_walk **at = &machine->frame_walks;

	while (*at != walk)
		at = &(*at)->other;
	*at = walk->other;
}

/* --- Pages ------------------------------------------------------------------------------------ */

struct vm_page_key frame_key_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	if (frame->object != NULL)
		return (struct vm_page_key){VM_KEY_OBJECT, frame->object->number, frame->index};
	if (frame->flags & FRAME_SWAPCACHE)
		return (struct vm_page_key){VM_KEY_SLOT, 0, frame->index};
	const struct vm_space *space = rmap_any_space_locked(machine, pagetable_of(frame->rmap));
	return (struct vm_page_key){VM_KEY_PLACE, space->number,
	                            pagetable_entry_va(machine, frame->rmap) >> VM_PAGE_SHIFT};
}

void frame_loaded_locked(struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_frame *frame = &machine->frames[pfn];

	frame->flags = (uint16_t)((frame->flags | FRAME_LISTED) & ~(FRAME_MET | FRAME_COLD));
	machine->may_evict++;
	list_newest_locked(machine, pfn);
	if (machine->policy->loaded != NULL)
		machine->policy->loaded(machine, pfn);
}

/* Take the page in PFN out of page replacement. EVICTED: it may be loaded again. */
static void leave_locked(struct vm_machine *machine, vm_pfn pfn, bool evicted)
{
	machine->frames[pfn].flags &= (uint16_t)~FRAME_LISTED;
	unlist_locked(machine, pfn);
	if (machine->policy->gone != NULL)
		machine->policy->gone(machine, pfn, evicted);
}

void frame_evicted_locked(struct vm_machine *machine, vm_pfn pfn)
{
	leave_locked(machine, pfn, true);
}

bool frame_meet_locked(struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_frame *frame = &machine->frames[pfn];
	bool met = frame->flags & FRAME_MET;

	if (frame->flags & FRAME_COLD)
		frame_renew_locked(machine, pfn);
	frame->flags = (uint16_t)((frame->flags | FRAME_MET) & ~FRAME_COLD);
	return met;
}

void frame_put_locked(struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_frame *frame = &machine->frames[pfn];

	if (frame_has_identity(frame))
		return;
	/* The page is gone, even if a transfer still uses the frame. */
	if (frame->flags & FRAME_LISTED)
		leave_locked(machine, pfn, false);
	if (frame->pins > 0)
		return;
	/* Without an object, it was counted as anonymous. */
	machine->count.frames[VM_FRAME_ANON]--;
	pool_put_locked(&machine->frame_pool, pfn);
	machine->count.put++;
	machine_wake_io_locked(machine);
}
