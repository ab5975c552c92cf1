#include "vm/reclaim/evictable.h"
#include "vm/base/lock.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/pte.h"
#include "vm/memory/rmap.h"

bool evictable_without_swap_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	if (!(frame->flags & FRAME_LAZYFREE))
		return false;
	for (vm_entry_id id = frame->rmap; id != 0; id = rmap_frame_next_locked(machine, frame, id))
		if (pte_get(machine, id) & PTE_D)
			return false;
	return true;
}

bool evictable_is_mlocked(const struct vm_machine *machine, const struct vm_frame *frame)
{
	for (vm_entry_id id = frame->rmap; id != 0; id = rmap_frame_next_locked(machine, frame, id))
		if (pte_get(machine, id) & PTE_LOCKED)
			return true;
	return false;
}

/* Whether FRAME is in use at this moment, so that it cannot be evicted before that ends. */
static bool is_in_transit(const struct vm_frame *frame)
{
	if (frame->pins > 0 || (frame->flags & (FRAME_BUSY | FRAME_WRITEBACK)))
		return true;
	/*
	 * If one thread is writing to a file, no second one need wait for it: the file system may
	 * hang.
	 */
	return frame_kind(frame) == VM_FRAME_FILE && (frame->flags & FRAME_DIRTY) &&
	       (frame->object->writers > 0 || frame->object->changing);
}

/* Whether PROCESS maps the page in FRAME. */
static bool maps_locked(const struct vm_process *process, const struct vm_frame *frame)
{
	const struct vm_machine *machine = process->machine;
	const struct vm_space *space = process->oom_space;
	vm_entry_id id = space != NULL ? frame->rmap : 0;

	for (; id != 0; id = rmap_frame_next_locked(machine, frame, id)) {
		uint64_t va = pagetable_entry_va(machine, id);
		if (pagetable_entry_at_locked(space, va, VM_PTE) == id)
			return true;
	}
	return false;
}

bool evictable_is_wanted_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_process *process = machine->want.process;

	return process == NULL || maps_locked(process, &machine->frames[pfn]);
}

bool evictable_locked(struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];
	const struct vm_swap *swap = &machine->swap;
	bool to_swap = frame_kind(frame) != VM_FRAME_FILE && !(frame->flags & FRAME_SWAPCACHE);

	if (to_swap && (!swap->on || swap->used == swap->total) &&
	    !evictable_without_swap_locked(machine, pfn))
		return false;
	if (evictable_is_mlocked(machine, frame))
		return false;
	if (!evictable_is_wanted_locked(machine, pfn))
		return false;
	bool passed = is_in_transit(frame);
	machine->passed += passed;
	return !passed;
}

/* The oldest page that can be evicted, if CLEAN_ONLY one that is a clean page of a file. */
static vm_pfn oldest_locked(struct vm_machine *machine, bool clean_only)
{
	/*
	 * Where pages are used while the lock is dropped, the policy may put them before us again.
	 */
	uint64_t steps = 4 * machine->listed, spent = 0;
	struct frame_walk walk;
	vm_pfn pfn;

	frame_walk_begin_locked(machine, &walk);
	for (; (pfn = frame_walk_step_locked(machine, &walk)) != VM_PFN_NONE; steps--) {
		const struct vm_frame *frame = &machine->frames[pfn];
		bool fits = !clean_only || frame_is_clean_file_page(frame);
		machine->count.scanned += !clean_only;
		if (fits && evictable_locked(machine, pfn))
			break;
		if (steps == 0) {
			pfn = VM_PFN_NONE;
			break;
		}
		evictable_spend_locked(machine, &spent, 1 + frame->mapped);
	}
	frame_walk_end_locked(machine, &walk);
	return pfn;
}

/* Whether an entry that maps PFN has the accessed bit. FORGET: afterwards none has it. */
static bool is_accessed_locked(struct vm_machine *machine, vm_pfn pfn, bool forget)
{
	const struct vm_frame *frame = &machine->frames[pfn];
	bool accessed = false;

	for (vm_entry_id id = frame->rmap; id != 0;
	     id = rmap_frame_next_locked(machine, frame, id)) {
		if (!(pte_get(machine, id) & PTE_A))
			continue;
		accessed = true;
		if (forget)
			pte_change_locked(machine, id, 0, PTE_A);
	}
	return accessed;
}

bool evictable_hear_locked(struct vm_machine *machine, vm_pfn pfn)
{
	if (machine->cpu == NULL || machine->policy->used == NULL ||
	    !is_accessed_locked(machine, pfn, true))
		return false;
	machine->policy->used(machine, pfn);
	return true;
}

bool evictable_was_used_locked(struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_frame *frame = &machine->frames[pfn];

	evictable_hear_locked(machine, pfn);
	bool used = frame->flags & FRAME_REFERENCED;
	frame->flags &= (uint16_t)~FRAME_REFERENCED;
	return used;
}

bool evictable_looks_used_locked(struct vm_machine *machine, vm_pfn pfn)
{
	return (machine->frames[pfn].flags & FRAME_REFERENCED) ||
	       (machine->cpu != NULL && is_accessed_locked(machine, pfn, false));
}

bool evictable_spend_locked(struct vm_machine *machine, uint64_t *spent, uint64_t steps)
{
	if (*spent + steps < HOLD_STEPS) {
		*spent += steps;
		return false;
	}
	/* What others look at meanwhile is not for us. */
	struct vm_want want = machine->want;
	machine->want.process = NULL;
	machine_spend_locked(machine, spent, steps);
	machine->want = want;
	return true;
}

vm_pfn evictable_oldest_locked(struct vm_machine *machine)
{
	vm_pfn oldest = machine->oldest;

	/* Mostly it is the very first. */
	if (oldest != VM_PFN_NONE && evictable_locked(machine, oldest)) {
		machine->count.scanned++;
		return oldest;
	}
	return oldest_locked(machine, false);
}

vm_pfn evictable_oldest_clean_locked(struct vm_machine *machine)
{
	return oldest_locked(machine, true);
}
