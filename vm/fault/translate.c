/*
 * translate.c - where a page is, without an access: the walk of the tables, and what a read would
 * find. Nothing here changes anything.
 */
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/object.h"
#include "vm/fault/fault.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/swap.h"
#include "vm/space/area.h"

#include <errno.h>
#include <string.h>

/* --- Looking, not touching -------------------------------------------------------------------- */

/* Find from the entries of a walk whether the page at VA is present, and its physical address. */
static void find_page(struct vm_translation *translation, uint64_t va)
{
	uint64_t rights = PTE_US;

	for (int i = 0; i < translation->levels; i++)
		rights &= translation->entry[i];
	uint64_t last = translation->entry[translation->levels - 1];
	translation->present = (last & PTE_P) && (rights & PTE_US) && va < VM_USER_END;
	if (translation->present)
		translation->pa = (last & PTE_PFN_MASK) | (va & (VM_PAGE_SIZE - 1));
}

/* Page INDEX of OBJECT has no entry: say in *TRANSLATION where its bytes are. */
static void find_in_object_locked(struct vm_translation *translation,
                                  const struct vm_object *object, uint64_t index)
{
	const struct vm_machine *machine = object->machine;
	vm_pfn pfn = object->shmem ? object_lookup_locked(object, index) : VM_PFN_NONE;
	uint32_t slot = object->shmem && pfn == VM_PFN_NONE
	                    ? swap_find_locked(machine, object, index)
	                    : VM_SLOT_NONE;

	if (index >= object_size_pages(object)) {
		translation->place = VM_PLACE_NOWHERE;
	} else if (object->special != 0) {
		translation->place = VM_PLACE_FRAME;
		translation->place_number = machine->nr_frames + object->special + index;
	} else if (pfn != VM_PFN_NONE) {
		translation->place = VM_PLACE_FRAME;
		translation->place_number = pfn;
	} else if (slot != VM_SLOT_NONE) {
		translation->place = VM_PLACE_SLOT;
		translation->place_number = slot;
	} else {
		translation->place = object->shmem ? VM_PLACE_UNTOUCHED : VM_PLACE_FILE;
	}
}

/* Say in *TRANSLATION where the bytes of the page at VA are. LEAF: its last-level entry, or 0. */
static void find_place_locked(struct vm_translation *translation, const struct vm_process *process,
                              uint64_t va, uint64_t leaf)
{
	const struct vm_area *area = va < VM_USER_END ? area_at(process->space, va) : NULL;
	uint64_t number = pte_pfn(leaf);

	if (area == NULL) {
		translation->place = VM_PLACE_NONE;
	} else if (pte_is_guard(leaf)) {
		translation->place = VM_PLACE_GUARD;
	} else if (leaf != 0) {
		bool zero = (leaf & PTE_P) && number == machine_zero_pfn(process->machine);
		translation->place = zero                ? VM_PLACE_ZERO
		                     : pte_is_swap(leaf) ? VM_PLACE_SLOT
		                                         : VM_PLACE_FRAME;
		translation->place_number = number;
	} else if (area->object != NULL) {
		find_in_object_locked(translation, area->object, area_index(area, va));
	} else {
		translation->place = area_is_device(area) ? VM_PLACE_NOWHERE : VM_PLACE_UNTOUCHED;
	}
}

int vm_translate(struct vm_process *process, uint64_t va, struct vm_translation *translation)
{
	struct vm_machine *machine = process->machine;
	struct vm_fault record = {.outcome = VM_HIT};
	vm_entry_id ids[4];
	int error = process_enter(process);

	if (error != 0)
		return error;
	*translation = (struct vm_translation){.levels = 0};
	machine_lock(machine);
	translation->levels = pagetable_walk_locked(process->space, va, ids);
	for (int i = 0; i < translation->levels; i++) {
		translation->entry[i] = pte_get(machine, ids[i]);
		/* The tables lie above RAM, in the order of their numbers. */
		translation->at[i] =
		    (machine->nr_frames << VM_PAGE_SHIFT) + ids[i] * sizeof(uint64_t);
	}
	find_place_locked(translation, process, va,
	                  translation->levels == 4 ? translation->entry[3] : 0);
	machine_unlock(machine);
	/* Other faults may change the entries now; the prediction below reads them again. */
	find_page(translation, va);
	if (!translation->present)
		fault_predict(process, va, &record);
	translation->outcome = record.outcome;
	translation->kind = record.kind;
	process_unlock(process);
	return 0;
}

/* Copy LEN bytes at VA, which lie in one page: zeros if it is not present. */
static void peek_piece_locked(const struct vm_space *space, uint64_t va, uint8_t *to, size_t len)
{
	const struct vm_machine *machine = space->process->machine;
	vm_entry_id ids[4];

	uint64_t entry = pagetable_walk_locked(space, va, ids) == 4 ? pte_get(machine, ids[3]) : 0;
	if (entry & PTE_P)
		memcpy(to,
		       (uint8_t *)machine_page(machine, pte_pfn(entry)) + (va & (VM_PAGE_SIZE - 1)),
		       len);
	else
		memset(to, 0, len);
}

size_t vm_peek(struct vm_process *process, uint64_t va, void *buf, size_t len)
{
	size_t done = 0;

	if (process_enter(process) != 0)
		return 0;
	const struct vm_area *area = va < VM_USER_END ? area_at(process->space, va) : NULL;
	len = area != NULL ? MIN(len, area->end - va) : 0;
	while (done < len) {
		uint64_t at = va + done;
		size_t piece = MIN(len - done, VM_PAGE_SIZE - (at & (VM_PAGE_SIZE - 1)));
		machine_lock(process->machine);
		peek_piece_locked(process->space, at, (uint8_t *)buf + done, piece);
		machine_unlock(process->machine);
		done += piece;
	}
	process_unlock(process);
	return done;
}
