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

/* The page of slot NUMBER gets frame PFN, in the cache of its object or of swap. */
static void enter_locked(struct vm_machine *machine, uint32_t number, vm_pfn pfn)
{
	const struct vm_slot *slot = &machine->swap.slots[number];

	if (slot->object != NULL)
		object_insert_locked(slot->object, slot->index, pfn);
	else
		swap_cache_enter_locked(machine, number, pfn);
}

/*
 * A frame for slot NUMBER, busy, pinned and in the cache, where other threads find it and wait.
 * VM_PFN_NONE: no frame is free. The object, if any, has one more reference.
 */
static vm_pfn prepare_locked(struct vm_machine *machine, uint32_t number)
{
	struct vm_object *object = machine->swap.slots[number].object;
	vm_pfn pfn = frame_alloc_locked(machine, object, false);

	if (pfn == VM_PFN_NONE)
		return pfn;
	machine->frames[pfn].flags |= FRAME_BUSY;
	frame_pin_locked(machine, pfn);
	if (object != NULL)
		object->files++; /* it must stay while we read */
	enter_locked(machine, number, pfn);
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

vm_pfn swap_page_in_at_once_locked(struct vm_machine *machine, uint32_t number)
{
	struct vm_object *object = machine->swap.slots[number].object;
	vm_pfn pfn = frame_alloc_blank_locked(machine, object);

	if (pfn == VM_PFN_NONE)
		return pfn;
	enter_locked(machine, number, pfn);
	if (object != NULL)
		swap_forget_locked(machine, number);
	machine->count.swap_ins++;
	return pfn;
}

/*
 * Read slot NUMBER, which is in use, into a frame: swap_page_in. The lock is dropped while the
 * medium reads, so not if the page is known to be all zeros.
 */
static int read_locked(struct vm_machine *machine, uint32_t number, vm_pfn *pfn)
{
	struct vm_slot *slot = &machine->swap.slots[number];
	struct vm_object *object = slot->object;

	if (slot->blank) {
		*pfn = swap_page_in_at_once_locked(machine, number);
		if (*pfn == VM_PFN_NONE)
			return -ENOMEM;
		frame_pin_locked(machine, *pfn);
		return 0;
	}
	*pfn = prepare_locked(machine, number);
	if (*pfn == VM_PFN_NONE)
		return -ENOMEM;
	machine_unlock(machine);
	int error = swap_read(machine, number, machine_page(machine, *pfn));
	machine_lock(machine);
	finish_locked(machine, number, *pfn, object, error);
	if (error == 0)
		return 0;
	frame_unpin_locked(machine, *pfn);
	*pfn = VM_PFN_NONE;
	return error;
}

bool swap_comes_at_once_locked(const struct vm_machine *machine, uint32_t number)
{
	const struct vm_slot *slot = &machine->swap.slots[number];

	return slot->blank &&
	       (slot->object == NULL || !object_in_hole_locked(slot->object, slot->index));
}

int swap_page_in(struct vm_machine *machine, uint32_t number, vm_pfn *pfn, bool *was_read)
{
	const struct vm_slot *slot = &machine->swap.slots[number];
	int error = 0;

	*was_read = false;
	*pfn = VM_PFN_NONE;
	machine_lock(machine);
	/* While its page is being removed it may not come back; then the slot is free. */
	while (slot->object != NULL && object_in_hole_locked(slot->object, slot->index))
		machine_wait_io_locked(machine);
	/* Look again: the caller pinned the slot some time ago. */
	bool held = slot->mapped > 0 || slot->object != NULL;
	bool cached = slot->object != NULL
	                  ? object_lookup_locked(slot->object, slot->index) != VM_PFN_NONE
	                  : slot->frame != VM_PFN_NONE;
	if (held && !cached) {
		error = read_locked(machine, number, pfn);
		*was_read = error == 0;
	}
	unpin_slot_locked(machine, number);
	machine_unlock(machine);
	return error;
}
