/*
 * swapoff.c - read all pages back from swap and stop using it. Linux: try_to_unuse. vm.h documents
 * the call.
 *
 * First see whether there are enough frames: one for each slot in use whose page is in no frame, to
 * be taken from free frames and clean file pages. From then on no new slots are given out. The need
 * can still grow, because pages in the swap cache may be evicted to the slots that they have, and
 * so can the use of frames by others. Then swapoff may fail half-way.
 */
#include "vm/base/lock.h"
#include "vm/base/pool.h"
#include "vm/cache/object.h"
#include "vm/cache/swap_in.h"
#include "vm/memory/frame.h"
#include "vm/memory/pte.h"
#include "vm/memory/rmap.h"
#include "vm/memory/swap.h"
#include "vm/reclaim/evictable.h"
#include "vm/reclaim/reclaim.h"

#include <errno.h>

static bool in_use(const struct vm_slot *slot)
{
	return slot->mapped > 0 || slot->object != NULL;
}

/* How many slots in use have their page in no frame of the swap cache. */
static uint64_t frames_needed_locked(const struct vm_machine *machine)
{
	return machine->swap.used - machine->count.swap_cached;
}

/*
 * Whether there are as many frames as are needed, free or with clean file pages that can be
 * evicted. The lock is dropped meanwhile, so the answer may be outdated. Then swapoff fails later.
 */
static bool frames_suffice_locked(struct vm_machine *machine)
{
	uint64_t clean = 0;

	for (uint64_t pfn = 0; pfn < machine->frame_pool.used; pfn++) {
		if (frames_needed_locked(machine) <= pool_free(&machine->frame_pool) + clean)
			break;
		const struct vm_frame *frame = &machine->frames[pfn];
		clean += (frame->flags & FRAME_LISTED) && frame_is_clean_file_page(frame) &&
		         evictable_locked(machine, (vm_pfn)pfn);
		machine_yield_locked(machine, pfn);
	}
	return frames_needed_locked(machine) <= pool_free(&machine->frame_pool) + clean;
}

/*
 * Map the frame in the cache of slot NUMBER, which is not busy, in entries that hold the slot, at
 * most HOLD_STEPS. They get no RW: a fault finds out whether a store must copy. The last entry
 * frees the slot.
 */
static void map_locked(struct vm_machine *machine, uint32_t number)
{
	struct vm_slot *slot = &machine->swap.slots[number];
	vm_pfn pfn = slot->frame;
	vm_entry_id id;

	for (int i = 0; i < HOLD_STEPS && (id = slot->rmap) != 0; i++) {
		uint64_t rights =
		    pte_get(machine, id) & (PTE_US | PTE_NX | PTE_LOCKED | PTE_SOFT_CLEAN);
		pte_set_for_all_locked(machine, id, pte_make(pfn, PTE_P | rights));
	}
}

/* The frame in which the page of SLOT, in use, stands or is on its way; or VM_PFN_NONE. */
static vm_pfn frame_of_locked(const struct vm_slot *slot)
{
	return slot->object != NULL ? object_lookup_locked(slot->object, slot->index) : slot->frame;
}

/*
 * Do the next step that brings the page of slot NUMBER back. 0: look again, since the lock was
 * dropped. 1: nothing refers to the slot any more. -ENOMEM, -EIO. No lock is held.
 */
static int bring_back_step(struct vm_machine *machine, uint32_t number)
{
	struct vm_slot *slot = &machine->swap.slots[number];
	bool was_read;

	machine_lock(machine);
	bool is_used = in_use(slot);
	vm_pfn pfn = is_used ? frame_of_locked(slot) : VM_PFN_NONE;
	bool in_transit =
	    pfn != VM_PFN_NONE && (machine->frames[pfn].flags & (FRAME_BUSY | FRAME_WRITEBACK));
	/* A slot that nothing refers to yet is pinned while a page is written to it. */
	if (in_transit || (!is_used && slot->pins > 0)) {
		machine_wait_io_locked(machine);
		machine_unlock(machine);
		return 0;
	}
	if (is_used && slot->object == NULL && pfn != VM_PFN_NONE)
		map_locked(machine, number);
	if (!in_use(slot)) {
		machine_unlock(machine);
		return 1;
	}
	slot->pins++; /* swap_page_in drops it */
	machine_unlock(machine);
	int error = swap_page_in(machine, number, &pfn, &was_read);
	if (error == -ENOMEM)
		return reclaim_frame(machine, true, NULL);
	if (pfn != VM_PFN_NONE) {
		machine_lock(machine);
		frame_unpin_locked(machine, pfn);
		machine_unlock(machine);
	}
	return error;
}

/* Bring the page of slot NUMBER back, if it has one. 0, -ENOMEM, -EIO. */
static int bring_back(struct vm_machine *machine, uint32_t number)
{
	int result;

	do
		result = bring_back_step(machine, number);
	while (result == 0);
	return MIN(result, 0);
}

static void set_on(struct vm_machine *machine, bool on)
{
	machine_lock(machine);
	machine->swap.on = on;
	machine_wake_io_locked(machine);
	machine_unlock(machine);
}

int vm_machine_swapoff(struct vm_machine *machine)
{
	int error = 0;

	machine_lock(machine);
	if (!machine->swap.on)
		error = -EINVAL;
	else if (!frames_suffice_locked(machine))
		error = -ENOMEM;
	else if (!machine->swap.on)
		error = -EINVAL; /* by another thread meanwhile */
	else
		machine->swap.on = false;
	machine_unlock(machine);
	/* While swap is off, no slot is used for the first time: touched does not change. */
	for (uint32_t slot = 1; error == 0 && slot < machine->swap.touched; slot++)
		error = bring_back(machine, slot);
	if (error != 0 && error != -EINVAL)
		set_on(machine, true);
	return error;
}
