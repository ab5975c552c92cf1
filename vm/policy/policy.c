#include "vm/policy/policy.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/rmap.h"

#include <string.h>

static const struct vm_policy *const policies[] = {&policy_clock, &policy_lru, &policy_fifo,
                                                   &policy_random};

const struct vm_policy *policy_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(policies); i++)
		if (strcmp(policies[i]->name, name) == 0)
			return policies[i];
	return NULL;
}

void policy_enter_locked(struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_frame *frame = &machine->frames[pfn];

	frame->newer = VM_PFN_NONE;
	frame->older = machine->newest;
	*(frame->older != VM_PFN_NONE ? &machine->frames[frame->older].newer : &machine->oldest) =
	    pfn;
	machine->newest = pfn;
	machine->listed++;
}

void policy_leave_locked(struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_frame *frame = &machine->frames[pfn];

	*(frame->older != VM_PFN_NONE ? &machine->frames[frame->older].newer : &machine->oldest) =
	    frame->newer;
	*(frame->newer != VM_PFN_NONE ? &machine->frames[frame->newer].older : &machine->newest) =
	    frame->older;
	machine->listed--;
}

void policy_renew_locked(struct vm_machine *machine, vm_pfn pfn)
{
	if (machine->newest == pfn)
		return;
	policy_leave_locked(machine, pfn);
	policy_enter_locked(machine, pfn);
}

void policy_age_locked(struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_frame *frame = &machine->frames[pfn];

	frame->flags &= (uint16_t)~FRAME_REFERENCED;
	if (machine->oldest == pfn)
		return;
	policy_leave_locked(machine, pfn);
	frame->older = VM_PFN_NONE;
	frame->newer = machine->oldest;
	*(frame->newer != VM_PFN_NONE ? &machine->frames[frame->newer].older : &machine->newest) =
	    pfn;
	machine->oldest = pfn;
	machine->listed++;
}

bool policy_is_lazily_free_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	if (!(frame->flags & FRAME_LAZYFREE))
		return false;
	for (vm_entry_id id = frame->rmap; id != 0; id = rmap_next_locked(machine, id))
		if (*pagetable_entry(machine, id) & PTE_D)
			return false;
	return true;
}

bool policy_is_free_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	return frame->mapped == 0 && frame->pins == 0 && frame->object == NULL &&
	       !(frame->flags & FRAME_SWAPCACHE);
}

static bool is_locked(const struct vm_machine *machine, const struct vm_frame *frame)
{
	for (vm_entry_id id = frame->rmap; id != 0; id = rmap_next_locked(machine, id))
		if (*pagetable_entry(machine, id) & PTE_LOCKED)
			return true;
	return false;
}

bool policy_evictable_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];
	const struct vm_swap *swap = &machine->swap;
	bool to_swap = frame_kind(frame) != VM_FRAME_FILE && !(frame->flags & FRAME_SWAPCACHE);

	if (frame->pins > 0 || (frame->flags & (FRAME_BUSY | FRAME_WRITEBACK)))
		return false;
	if (to_swap && (!swap->on || swap->used == swap->total) &&
	    !policy_is_lazily_free_locked(machine, pfn))
		return false;
	/*
	 * Where one thread waits for a file already, a second one need not: the file system may
	 * hang.
	 */
	if (frame_kind(frame) == VM_FRAME_FILE && (frame->flags & FRAME_DIRTY) &&
	    frame->object->writers > 0)
		return false;
	return !is_locked(machine, frame);
}

vm_pfn policy_oldest_locked(struct vm_machine *machine)
{
	vm_pfn pfn = machine->oldest;

	while (pfn != VM_PFN_NONE && !policy_evictable_locked(machine, pfn))
		pfn = machine->frames[pfn].newer;
	return pfn;
}
