/*
 * page_in.c - read pages of host files into the cache, and take over changes that others make to
 * the files (object.h).
 */
#include "vm/base/io.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/base/reason.h"
#include "vm/cache/handle.h"
#include "vm/cache/object.h"
#include "vm/cache/shrink.h"
#include "vm/cache/twin.h"
#include "vm/memory/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* --- Reading ---------------------------------------------------------------------------------- */

/* Fill BUF, one page, with page INDEX of the file, and with zeros past its end. 0 or -EIO. */
static int read_page(const struct vm_medium *medium, uint64_t index, uint8_t *buf)
{
	ssize_t n = io_read(medium, buf, VM_PAGE_SIZE, index << VM_PAGE_SHIFT);

	if (n < 0)
		return reason_set(-EIO, VM_WHY_FILE_READ, 0, (uint64_t)-n, 0);
	memset(buf + n, 0, VM_PAGE_SIZE - (size_t)n);
	return 0;
}

/*
 * Read page INDEX of FILE into frame PFN, which find_page_locked made for it: in the cache, busy
 * and pinned. No lock is held.
 *
 * => 0: the page is in the cache, no longer busy, still pinned
 * => -EIO: the page is not in the cache, and PFN is unpinned
 */
static int fill_page(struct vm_file *file, uint64_t index, vm_pfn pfn)
{
	const struct vm_medium *medium = &file->handle->medium;
	struct vm_object *object = file->object;
	struct vm_machine *machine = object->machine;
	struct stat status;
	int error = read_page(medium, index, machine_page(machine, pfn));
	/*
	 * The file may have shrunk since it was looked at, and then these are zeros from past its
	 * end.
	 */
	bool looked = !object->view && fstat(medium->fd, &status) == 0;

	machine_lock(machine);
	/* This may drop the lock: the page stays busy, so that nobody maps it. */
	object_await_size_locked(object);
	bool shrunk = looked && (uint64_t)status.st_size < object->size;
	if (shrunk)
		object_take_size_locked(object, medium->fd, &status);
	machine->frames[pfn].flags &= (uint16_t)~FRAME_BUSY;
	/* Another thread may have found that the file has shrunk, and left this page to us. */
	if (machine->frames[pfn].object == object && index == object->size >> VM_PAGE_SHIFT)
		object_clear_tail_locked(object);
	if (error == 0 && index >= object_size_pages(object))
		error = object_past_end(object, index);
	if (error != 0) {
		if (machine->frames[pfn].object == object)
			object_remove_locked(object, pfn);
		frame_unpin_locked(machine, pfn);
	} else {
		machine->count.file_reads++;
	}
	machine_wake_io_locked(machine);
	machine_unlock(machine);
	return error;
}

/*
 * Page PFN, pinned by the caller, is cached, but the file may have changed since: take over the
 * file's bytes in place. What was read is out of date if a write-back of the page began or ended
 * meanwhile, or another thread took over what it read: then the file may have newer bytes, and it
 * is read again.
 *
 * False: the page could not be read, or it is in use for a store or a write-back. It stays as it
 * is.
 */
static bool reread_page(struct vm_object *object, const struct vm_medium *medium, vm_pfn pfn)
{
	struct vm_machine *machine = object->machine;
	struct vm_frame *frame = &machine->frames[pfn];
	uint8_t bytes[VM_PAGE_SIZE];
	uint32_t version;
	int error = 0;

	machine_lock(machine);
	do {
		version = frame->version;
		if (frame->object != object || !twin_can_take_over_locked(machine, pfn))
			break;
		machine_unlock(machine);
		error = read_page(medium, frame->index, bytes);
		machine_lock(machine);
	} while (error == 0 && frame->version != version);
	bool gone = frame->object != object;
	bool can = !gone && error == 0 && twin_can_take_over_locked(machine, pfn);
	if (can)
		twin_take_over_locked(machine, pfn, bytes);
	machine_unlock(machine);
	return can || gone;
}

/*
 * Find page INDEX in the cache, or make a busy frame for it that the caller fills. Waits while
 * another thread reads the page; the lock is dropped meanwhile.
 *
 * => 0: *PFN is pinned. *SOURCE is OBJECT_CACHED (not busy) or OBJECT_READ (busy, to be filled)
 * => -ENOMEM: no frame is free
 */
static int find_page_locked(struct vm_object *object, uint64_t index, vm_pfn *pfn,
                            enum object_source *source)
{
	struct vm_machine *machine = object->machine;

	/* After each wait look the page up again: the other read may have failed. */
	for (;;) {
		*pfn = object_lookup_locked(object, index);
		if (!object_in_hole_locked(object, index) &&
		    (*pfn == VM_PFN_NONE || !(machine->frames[*pfn].flags & FRAME_BUSY)))
			break;
		machine_wait_io_locked(machine);
	}
	*source = *pfn != VM_PFN_NONE ? OBJECT_CACHED : OBJECT_READ;
	if (*pfn == VM_PFN_NONE) {
		*pfn = frame_alloc_locked(machine, object, false);
		if (*pfn == VM_PFN_NONE)
			return -ENOMEM;
		machine->frames[*pfn].flags |= FRAME_BUSY;
		object_insert_locked(object, index, *pfn);
	}
	frame_pin_locked(machine, *pfn);
	return 0;
}

int object_page_in(struct vm_file *file, uint64_t index, vm_pfn *pfn, enum object_source *source)
{
	struct vm_object *object = file->object;
	struct vm_machine *machine = object->machine;
	struct stat status;

	if (!object->view && fstat(file->handle->medium.fd, &status) != 0)
		return reason_set(-EIO, VM_WHY_FILE_READ, 0, (uint64_t)errno, 0);
	machine_lock(machine);
	/*
	 * The times are not taken over here, only the size. So the file's other pages stay stale
	 * until they fault or object_refresh reads them.
	 */
	bool stale = !object->view &&
	             (!object->settled || !object_stamp_equals_locked(object, &status));
	if (stale)
		object_take_size_locked(object, file->handle->medium.fd, &status);
	int error = index < object_size_pages(object) ? find_page_locked(object, index, pfn, source)
	                                              : object_past_end(object, index);
	machine_unlock(machine);
	if (error != 0)
		return error;
	if (*source == OBJECT_READ)
		return fill_page(file, index, *pfn);
	if (stale)
		reread_page(object, &file->handle->medium, *pfn);
	return 0;
}

/* --- Taking over changes ---------------------------------------------------------------------- */

/*
 * reread_page for page INDEX, if it is in the cache. A page that is being read stays as it is: its
 * reading may have begun before the file was looked at. No lock is held.
 */
static bool reread_cached(struct vm_object *object, const struct vm_medium *medium, uint64_t index)
{
	struct vm_machine *machine = object->machine;

	machine_lock(machine);
	vm_pfn pfn = object_lookup_locked(object, index);
	bool is_busy = pfn != VM_PFN_NONE && (machine->frames[pfn].flags & FRAME_BUSY);
	if (pfn != VM_PFN_NONE && !is_busy)
		frame_pin_locked(machine, pfn);
	machine_unlock(machine);
	if (pfn == VM_PFN_NONE || is_busy)
		return !is_busy;
	bool done = reread_page(object, medium, pfn);
	machine_lock(machine);
	frame_unpin_locked(machine, pfn);
	machine_unlock(machine);
	return done;
}

/*
 * Read PAGES, page numbers, again, one after the other: while the file hangs, only one frame is
 * pinned. False: some stay as they are. No lock is held.
 */
static bool reread_pages(struct vm_object *object, const struct vm_medium *medium,
                         const struct page_list *pages)
{
	bool all = !pages->cut;

	for (uint64_t i = 0; i < page_list_length(pages); i++)
		all &= reread_cached(object, medium, page_list_at(pages, i));
	return all;
}

void object_refresh(struct vm_object *object, bool bytes_too)
{
	struct vm_machine *machine = object->machine;
	struct page_list pages = {0};
	struct stat status;
	bool settled = false, look = false;

	machine_lock(machine);
	struct vm_handle *handle =
	    object->shmem || object->view ? NULL : handle_get_locked(object, true);
	machine_unlock(machine);
	if (handle == NULL)
		return;
	if (fstat(handle->medium.fd, &status) == 0) {
		settled = object_is_settled(&status);
		machine_lock(machine);
		if (bytes_too || !object->settled || !object_stamp_equals_locked(object, &status)) {
			object_take_size_locked(object, handle->medium.fd, &status);
			look = true;
			object_list_pages_locked(object, &object->clean, 0, 0, UINT64_MAX, &pages);
			object_list_pages_locked(object, &object->dirty, 0, 0, UINT64_MAX, &pages);
		}
		machine_unlock(machine);
	}
	if (look && reread_pages(object, &handle->medium, &pages)) {
		/*
		 * What changed after the look above has newer times, if they were settled, and is
		 * found at the next one. A newer size may have been found meanwhile, and stays.
		 */
		machine_lock(machine);
		object_set_times_locked(object, &status);
		object->settled = settled;
		machine_unlock(machine);
	}
	page_list_clear(&pages);
	handle_put(object, handle);
}
