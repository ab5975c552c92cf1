#include "vm/space/protect.h"
#include "vm/base/lock.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable_range.h"
#include "vm/memory/tlb.h"
#include "vm/space/area.h"

/*
 * Whether the entry for page PFN of AREA may get RW at once, without a fault
 * (can_change_pte_writable). True for an anonymous frame that no other entry or swap slot shares,
 * and for a page of a shared mapping unless it is a clean page of a host file.
 */
static bool writable_at_once(const struct vm_machine *machine, const struct vm_area *area,
                             uint64_t pfn)
{
	if (!(area->flags & AREA_WRITE) || !frame_is_ram(machine, pfn))
		return false;
	const struct vm_frame *frame = &machine->frames[pfn];
	if (frame->object == NULL)
		return frame->mapped == 1 && !(frame->flags & FRAME_SWAPCACHE);
	return (area->flags & AREA_SHARED) &&
	       (frame->object->shmem || (frame->flags & FRAME_DIRTY));
}

/* ENTRY, a page, a swap slot or a guard marker, with the rights that AREA has now. */
static uint64_t entry_with_rights(const struct vm_area *area, uint64_t entry)
{
	const struct vm_machine *machine = area->space->process->machine;
	uint64_t flags = area_entry_flags(area);

	if (pte_is_guard(entry))
		return entry;
	if (pte_is_swap(entry))
		return pte_make_swap(pte_slot(entry), flags | (entry & PTE_SOFT_CLEAN));
	if (writable_at_once(machine, area, pte_pfn(entry)) && !area_waits_for_store(area, entry))
		flags |= PTE_RW;
	return (entry & (PTE_PFN_MASK | PTE_A | PTE_D | PTE_SOFT_CLEAN)) | flags;
}

static bool protect_leaf(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                         enum vm_level level)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t old = pte_get(machine, id);

	if (old != 0) {
		uint64_t new = entry_with_rights(ctx, old);
		pte_change_locked(machine, id, new & ~old, old & ~new);
		/* Linux flushes also when rights are only added (pte_needs_flush). */
		tlb_flush_page_locked(space, va);
	}
	return true;
}

void protect_entries(struct vm_area *area)
{
	struct vm_machine *machine = area->space->process->machine;

	pagetable_each_leaf(area->space, area->start, area->end, protect_leaf, area);
	/* Pages that are no longer locked can be evicted. */
	machine_lock(machine);
	machine_wake_io_locked(machine);
	machine_unlock(machine);
}

int protect_area(struct vm_area *area, uint64_t start, uint64_t end, unsigned flags)
{
	struct vm_space *space = area->space;
	int error;

	if (flags == area->flags)
		return 0;
	area = area_carve(area, start, end, flags, &error);
	if (area == NULL)
		return error;
	/* The last step that can fail. The merge below undoes the splits if it does. */
	error = pagetable_own_range(space, start, end, VM_PTE);
	if (error == 0) {
		area_set_flags(area, flags);
		protect_entries(area);
	}
	area_merge(space, start, end);
	return error;
}
