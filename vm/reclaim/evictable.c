#include "vm/reclaim/evictable.h"
#include "vm/memory/frame.h"
#include "vm/memory/pte.h"
#include "vm/memory/rmap.h"

bool evictable_without_swap_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	if (!(frame->flags & FRAME_LAZYFREE))
		return false;
	for (vm_entry_id id = frame->rmap; id != 0; id = rmap_next_locked(machine, id))
		if (pte_get(machine, id) & PTE_D)
			return false;
	return true;
}

/* Whether a locked area maps FRAME. */
static bool is_locked(const struct vm_machine *machine, const struct vm_frame *frame)
{
	for (vm_entry_id id = frame->rmap; id != 0; id = rmap_next_locked(machine, id))
		if (pte_get(machine, id) & PTE_LOCKED)
			return true;
	return false;
}

bool evictable_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];
	const struct vm_swap *swap = &machine->swap;
	bool to_swap = frame_kind(frame) != VM_FRAME_FILE && !(frame->flags & FRAME_SWAPCACHE);

	if (frame->pins > 0 || (frame->flags & (FRAME_BUSY | FRAME_WRITEBACK)))
		return false;
	if (to_swap && (!swap->on || swap->used == swap->total) &&
	    !evictable_without_swap_locked(machine, pfn))
		return false;
	/*
	 * If one thread is writing to a file, no second one need wait for it: the file system may
	 * hang.
	 */
	if (frame_kind(frame) == VM_FRAME_FILE && (frame->flags & FRAME_DIRTY) &&
	    frame->object->writers > 0)
		return false;
	return !is_locked(machine, frame);
}

vm_pfn evictable_oldest_locked(struct vm_machine *machine)
{
	vm_pfn pfn = machine->oldest;

	for (; pfn != VM_PFN_NONE; pfn = machine->frames[pfn].newer) {
		machine->count.scanned++;
		if (evictable_locked(machine, pfn))
			break;
	}
	return pfn;
}
