#include "vm/cache/dirty.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/object.h"
#include "vm/memory/frame.h"

/* Machines of a few frames may have half of them dirty, or the first store would have to wait. */
enum { SMALL_LIMIT = 64 };

bool dirty_is_full_locked(const struct vm_machine *machine)
{
	uint64_t percent = machine_knob(machine, dirty_ratio);
	uint64_t limit = MAX(machine_ram_pages(machine) * percent / 100,
	                     MIN(SMALL_LIMIT, machine_ram_pages(machine) / 2));

	return machine->count.dirty + machine->count.writeback >= limit;
}

/* The page that is dirty for the longest time and that nobody is writing, or VM_PFN_NONE. */
static vm_pfn oldest_locked(const struct vm_object *object)
{
	for (const struct list_link *l = object->dirty.next; l != &object->dirty; l = l->next) {
		const struct vm_frame *frame = LIST_ENTRY(l, struct vm_frame, link);
		if (!(frame->flags & FRAME_WRITEBACK))
			return (vm_pfn)(frame - object->machine->frames);
	}
	return VM_PFN_NONE;
}

int dirty_write_one(struct vm_object *object, bool *written)
{
	struct vm_machine *machine = object->machine;
	int error = 0;
	vm_pfn pfn;

	*written = false;
	machine_lock(machine);
	/* A page that could not be written becomes the last of the list. */
	for (uint64_t tries = object->dirty_pages;
	     tries > 0 && !*written && (pfn = oldest_locked(object)) != VM_PFN_NONE; tries--) {
		frame_pin_locked(machine, pfn);
		error = object_write_page_locked(object, pfn);
		frame_unpin_locked(machine, pfn);
		*written = error == 0;
	}
	if (!*written && error == 0 && object->writers > 0)
		machine_wait_io_locked(machine);
	machine_unlock(machine);
	return error;
}
