#include "vm/cache/swap_in.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/object.h"
#include "vm/memory/frame.h"
#include "vm/memory/swap.h"

#include <errno.h>

static void unpin_slot_locked(struct vm_machine *machine, uint32_t slot)
{
	machine->swap.slots[slot].pins--;
	swap_put_locked(machine, slot);
}

/*
 * A frame for slot NUMBER, busy, pinned and in the cache, where other threads find it and wait.
 * VM_PFN_NONE: no frame is free. The object, if any, has one more reference.
 */
static vm_pfn prepare_locked(struct vm_machine *machine, uint32_t number)
{
	const struct vm_slot *slot = &machine->swap.slots[number];
	vm_pfn pfn = slot->blank ? frame_alloc_blank_locked(machine, slot->object)
	                         : frame_alloc_locked(machine, slot->object, false);

	if (pfn == VM_PFN_NONE)
		return pfn;
	machine->frames[pfn].flags |= FRAME_BUSY;
	frame_pin_locked(machine, pfn);
	if (slot->object != NULL) {
		slot->object->files++; /* it must stay while we read */
		object_insert_locked(slot->object, slot->index, pfn);
	} else {
		swap_cache_enter_locked(machine, number, pfn);
	}
	return pfn;
}

/*
 * Frame PFN holds the page of slot NUMBER now, or ERROR is why not. OBJECT is the slot's object
 * when prepare_locked ran, or NULL. The lock was dropped meanwhile: the last entry of a private
 * page may have left the slot, and PFN the swap cache with it. The slot of an object stays, since
 * whoever drops its page waits while it is busy.
 */
static void finish_locked(struct vm_machine *machine, uint32_t number, vm_pfn pfn,
                          struct vm_object *object, int error)
{
	struct vm_slot *slot = &machine->swap.slots[number];
	struct vm_frame *frame = &machine->frames[pfn];

	frame->flags &= (uint16_t)~FRAME_BUSY;
	if (error != 0 && object != NULL)
		object_remove_locked(object, pfn);
	else if (error != 0 && slot->frame == pfn)
		swap_cache_leave_locked(machine, number);
	else if (object != NULL)
		swap_forget_locked(machine, number);
	if (object != NULL)
		object_put_locked(object);
	machine->count.swap_ins += error == 0;
	machine_wake_io_locked(machine);
}

/*
 * Read slot NUMBER, which the caller has pinned, and unpin it: swap_page_in. The lock is dropped
 * while the medium reads, so not if the page is known to be all zeros.
 */
static int page_in_locked(struct vm_machine *machine, uint32_t number, vm_pfn *pfn, bool *was_read)
{
	struct vm_slot *slot = &machine->swap.slots[number];
	int error = 0;

	*was_read = false;
	*pfn = VM_PFN_NONE;
	/* Look again: the caller pinned the slot some time ago. */
	bool held = slot->mapped > 0 || slot->object != NULL;
	bool cached = slot->object != NULL
	                  ? object_lookup_locked(slot->object, slot->index) != VM_PFN_NONE
	                  : slot->frame != VM_PFN_NONE;
	if (held && !cached) {
		struct vm_object *object = slot->object;
		*pfn = prepare_locked(machine, number);
		if (*pfn != VM_PFN_NONE) {
			if (!slot->blank) {
				machine_unlock(machine);
				error = swap_read(machine, number, machine_page(machine, *pfn));
				machine_lock(machine);
			}
			finish_locked(machine, number, *pfn, object, error);
			*was_read = error == 0;
		} else {
			error = -ENOMEM;
		}
	}
	if (error == -EIO) {
		frame_unpin_locked(machine, *pfn);
		*pfn = VM_PFN_NONE;
	}
	unpin_slot_locked(machine, number);
	return error;
}

int swap_page_in(struct vm_machine *machine, uint32_t number, vm_pfn *pfn, bool *was_read)
{
	const struct vm_slot *slot = &machine->swap.slots[number];

	machine_lock(machine);
	/* While its page is being removed it may not come back; then the slot is free. */
	while (slot->object != NULL && object_in_hole_locked(slot->object, slot->index))
		machine_wait_io_locked(machine);
	int error = page_in_locked(machine, number, pfn, was_read);
	machine_unlock(machine);
	return error;
}

bool swap_page_in_at_once_locked(struct vm_machine *machine, uint32_t number, vm_pfn *pfn,
                                 bool *was_read, int *error)
{
	const struct vm_slot *slot = &machine->swap.slots[number];

	if (!slot->blank ||
	    (slot->object != NULL && object_in_hole_locked(slot->object, slot->index)))
		return false;
	*error = page_in_locked(machine, number, pfn, was_read);
	return true;
}
