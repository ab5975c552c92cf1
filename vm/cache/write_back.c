/*
 * write_back.c - dirty pages on their way to the host file (see object.h); flusher.c sees to it
 * that they go.
 */
#include "vm/base/io.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/handle.h"
#include "vm/cache/object.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable_range.h"
#include "vm/memory/rmap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- One page --------------------------------------------------------------------------------- */

/* A store into the page from now on is a write-notify fault, which makes it dirty again. */
static void protect_entries_locked(struct vm_machine *machine, const struct vm_frame *frame)
{
	for (vm_entry_id id = frame->rmap; id != 0; id = rmap_next_locked(machine, id))
		pte_change_locked(machine, id, 0, PTE_RW | PTE_D);
}

/*
 * Write page INDEX at BYTES, clipped to the file's present size. Our own write changes the file's
 * times: they are taken over only where they were as last seen before it, so that a change of
 * somebody else's is still found.
 */
static int write_page(struct vm_object *object, const struct vm_medium *medium, uint64_t index,
                      const uint8_t *bytes)
{
	struct vm_machine *machine = object->machine;
	uint64_t offset = index << VM_PAGE_SHIFT;
	struct stat before, after;

	if (fstat(medium->fd, &before) != 0)
		return -errno;
	if (offset >= (uint64_t)before.st_size)
		return 0;
	int error = io_write_inside(medium, bytes, VM_PAGE_SIZE, offset);
	if (fstat(medium->fd, &after) != 0)
		return error;
	machine_lock(machine);
	machine->count.file_writes++;
	if (object_stamp_equals_locked(object, &before) && after.st_size == before.st_size)
		object_set_stamp_locked(object, &after);
	machine_unlock(machine);
	return error;
}

static void begin_locked(struct vm_object *object, struct vm_frame *frame, vm_pfn pfn)
{
	struct vm_machine *machine = object->machine;

	protect_entries_locked(machine, frame);
	object_clean_locked(frame);
	frame->flags |= FRAME_WRITEBACK;
	frame_pin_locked(machine, pfn);
	object->writers++;
	machine->count.writeback++;
}

static void end_locked(struct vm_object *object, struct vm_frame *frame, vm_pfn pfn, int error)
{
	struct vm_machine *machine = object->machine;

	machine->count.writeback--;
	object->writers--;
	frame->flags &= (uint16_t)~FRAME_WRITEBACK;
	bool beyond = frame->object != NULL && frame->index >= object_size_pages(object);
	if (error != 0 && frame->object != NULL && !beyond)
		object_dirty_locked(frame);
	/* A page that the file lost meanwhile was left to us. */
	if (beyond) {
		pagetable_evict_frame_locked(machine, pfn);
		object_remove_locked(object, pfn);
	}
	if (error != 0)
		object->error = error;
	frame_unpin_locked(machine, pfn);
	pthread_cond_broadcast(&machine->io);
}

/* --- An object -------------------------------------------------------------------------------- */

/*
 * The next dirty page of [FIRST, LAST), for which *LEFT more members of the dirty list may be
 * looked at. Pages passed over go to the list's end, so that a call looks at each once.
 * VM_PFN_NONE: none is left.
 */
static vm_pfn next_dirty_locked(struct vm_object *object, uint64_t first, uint64_t last,
                                uint64_t *left)
{
	while (*left > 0 && !list_empty(&object->dirty)) {
		struct vm_frame *frame = LIST_ENTRY(object->dirty.next, struct vm_frame, link);
		--*left;
		if (frame->index >= first && frame->index < last &&
		    !(frame->flags & FRAME_WRITEBACK))
			return (vm_pfn)(frame - object->machine->frames);
		list_remove(&frame->link);
		list_append(&object->dirty, &frame->link);
	}
	return VM_PFN_NONE;
}

static int write_one_locked(struct vm_object *object, struct vm_handle *handle, vm_pfn pfn)
{
	struct vm_machine *machine = object->machine;
	struct vm_frame *frame = &machine->frames[pfn];

	begin_locked(object, frame, pfn);
	machine_unlock(machine);
	int error = write_page(object, &handle->medium, frame->index, machine_page(machine, pfn));
	machine_lock(machine);
	end_locked(object, frame, pfn, error);
	return error;
}

static int write_dirty_pages(struct vm_object *object, struct vm_handle *handle, uint64_t first,
                             uint64_t last)
{
	struct vm_machine *machine = object->machine;
	int result = 0;
	vm_pfn pfn;

	machine_lock(machine);
	uint64_t left = object->dirty_pages;
	while ((pfn = next_dirty_locked(object, first, last, &left)) != VM_PFN_NONE) {
		int error = write_one_locked(object, handle, pfn);
		if (result == 0)
			result = error;
	}
	while (object->writers > 0)
		machine_wait_io_locked(machine);
	machine_unlock(machine);
	return result;
}

int object_write_page_locked(struct vm_object *object, vm_pfn pfn)
{
	struct vm_handle *handle = handle_get_writer_locked(object);

	if (handle == NULL)
		return -EBADF;
	int error = write_one_locked(object, handle, pfn);
	machine_unlock(object->machine);
	handle_put(object, handle);
	machine_lock(object->machine);
	return error;
}

int object_write_back(struct vm_object *object, uint64_t first, uint64_t last)
{
	struct vm_machine *machine = object->machine;
	struct vm_handle *handle = NULL;

	machine_lock(machine);
	if (object->dirty_pages > 0 || object->writers > 0)
		handle = handle_get_writer_locked(object);
	machine_unlock(machine);
	if (handle == NULL)
		return 0;
	int error = write_dirty_pages(object, handle, first, last);
	handle_put(object, handle);
	return error;
}

int object_take_error(struct vm_object *object)
{
	machine_lock(object->machine);
	int error = object->error;
	object->error = 0;
	machine_unlock(object->machine);
	return error;
}
