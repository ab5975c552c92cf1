#include "vm/reclaim/victim.h"
#include "util/refstring.h"
#include "vm/base/record.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/rmap.h"
#include "vm/process/event.h"

/* An entry that maps the page in PFN or, if it is in the swap cache, holds its slot; or 0. */
static vm_entry_id any_entry_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	if (frame->rmap == 0 && (frame->flags & FRAME_SWAPCACHE))
		return machine->swap.slots[frame->index].rmap;
	return frame->rmap;
}

/* Whether a store has reached the page in PFN: as the hardware noted it, or as we did. */
static bool is_dirty_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	for (vm_entry_id id = frame->rmap; id != 0; id = rmap_frame_next_locked(machine, frame, id))
		if (pte_get(machine, id) & PTE_D)
			return true;
	return frame->flags & FRAME_DIRTY;
}

/* Fill in the record of VICTIM, the page in PFN. ENTRY, which SPACE reaches, has it; or 0. */
static void fill_record_locked(struct vm_machine *machine, vm_pfn pfn, struct victim *victim,
                               vm_entry_id entry, const struct vm_space *space)
{
	const struct vm_frame *frame = &machine->frames[pfn];
	struct vm_fault *record = &victim->record;

	*record = record_unknown(0, VM_ACCESS_NONE);
	record->outcome = VM_EVICT;
	record->frame = pfn;
	record->users = rmap_frame_users_locked(machine, pfn);
	if (frame->flags & FRAME_SWAPCACHE)
		record->slot = frame->index;
	if (frame->object != NULL && !frame->object->shmem) {
		record->offset = frame->index << VM_PAGE_SHIFT;
		if (frame->object->name != NULL)
			victim->file = refstring_acquire(frame->object->name);
	}
	if (space == NULL)
		return;
	record->pid = space->process->pid;
	record->owner = space->process->cred;
	record->va = pagetable_entry_va(machine, entry);
}

void victim_describe_locked(struct vm_machine *machine, vm_pfn pfn, struct victim *victim)
{
	vm_entry_id entry = any_entry_locked(machine, pfn);
	const struct vm_space *space =
	    entry != 0 ? rmap_any_space_locked(machine, pagetable_of(entry)) : NULL;

	victim->dirty = is_dirty_locked(machine, pfn);
	victim->pid = space != NULL ? space->process->pid : 0;
	victim->seen = record_is_wanted_locked(machine);
	victim->file = NULL;
	if (victim->seen)
		fill_record_locked(machine, pfn, victim, entry, space);
}

void victim_forget(struct victim *victim)
{
	g_clear_pointer(&victim->file, refstring_release);
}

/* *PARTY becomes whose page VICTIM is. The name before is dropped. */
static void set_party(const struct victim *victim, struct vm_party *party)
{
	const struct vm_fault *record = &victim->record;

	record_drop_party(party);
	/* In place: a copy of what was just stored would wait for the stores. */
	*party = (struct vm_party){.there = true,
	                           .pid = record->pid,
	                           .owner = record->owner,
	                           .va = record->va,
	                           .offset = record->offset};
	if (record->pid == 0 && victim->file != NULL)
		party->file = refstring_acquire(victim->file);
}

void victim_report_locked(struct vm_machine *machine, struct victim *victim,
                          const struct vm_party *needs, struct vm_party *party)
{
	if (victim->seen && needs != NULL)
		victim->record.other = *needs;
	event_record_evict_locked(machine, victim->pid, victim->seen ? &victim->record : NULL,
	                          victim->file);
	if (victim->seen && party != NULL)
		set_party(victim, party);
	victim_forget(victim);
}
