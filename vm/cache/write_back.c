/*
 * write_back.c - write dirty pages to their host file (object.h). flusher.c calls it regularly,
 * msync, reclaim and the release of a file when they need it.
 *
 * No page is written while a call changes the file (read_write.c), and no file is changed while a
 * page is written: else older bytes could come after newer ones.
 *
 * A page under write-back becomes clean, is pinned and FRAME_WRITEBACK, and its entries lose RW. So
 * a store during the write faults and makes the page dirty again.
 */
#include "vm/base/io.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/handle.h"
#include "vm/cache/object.h"
#include "vm/cache/shrink.h"
#include "vm/cache/twin.h"
#include "vm/memory/frame.h"
#include "vm/memory/pte.h"
#include "vm/memory/rmap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- One page --------------------------------------------------------------------------------- */

/*
 * Take RW and D from all entries of the page. The next store is then a write-notify fault, which
 * makes the page dirty again (Linux: page_mkclean).
 */
static void protect_entries_locked(struct vm_machine *machine, const struct vm_frame *frame)
{
	for (vm_entry_id id = frame->rmap; id != 0;
	     id = rmap_frame_next_locked(machine, frame, id))
		pte_change_locked(machine, id, 0, PTE_RW | PTE_D);
}

/* A copy of a page whose write-back has begun, and which of its bytes are to be written. */
struct copy {
	uint8_t bytes[VM_PAGE_SIZE];
	struct twin_map stored;
	unsigned pieces;     /* of bytes that are to be written */
	unsigned first, end; /* the first of them, and the byte behind the last */
};

/* With more pieces than this in a page, the bytes between them are written too. */
enum { MAX_PIECES = 64 };

/* Write COPY to the page of the file that begins at OFFSET, piece by piece. No lock is held. */
static int write_pieces(const struct vm_medium *medium, struct copy *copy, uint64_t offset)
{
	unsigned start, end = copy->first;
	int error = 0;

	while (error == 0 && twin_next_piece(&copy->stored, end, &start, &end))
		error = io_write_inside(medium, copy->bytes + start, end - start, offset + start);
	return error;
}

/*
 * Write COPY, which has many pieces, in one: the bytes between them are the file's as it is now. No
 * lock is held.
 */
static int write_filled(const struct vm_medium *medium, struct copy *copy, uint64_t offset)
{
	uint8_t file[VM_PAGE_SIZE];
	ssize_t n = io_read(medium, file, VM_PAGE_SIZE, offset);

	if (n < 0)
		return (int)n;
	memset(file + n, 0, VM_PAGE_SIZE - (size_t)n);
	twin_fill(&copy->stored, copy->bytes, file);
	return io_write_inside(medium, copy->bytes + copy->first, copy->end - copy->first,
	                       offset + copy->first);
}

/*
 * Write COPY to the file as its page INDEX, but no byte past the file's present end. Our own write
 * changes the file's times. Take over the new times only if the old ones were as last seen and the
 * size is the same, so that changes by others are still found. No lock is held.
 */
static int write_page(struct vm_object *object, const struct vm_handle *handle, uint64_t index,
                      struct copy *copy)
{
	const struct vm_medium *medium = &handle->medium;
	struct vm_machine *machine = object->machine;
	uint64_t offset = index << VM_PAGE_SHIFT;
	struct stat before, after;

	/* Nothing but the bytes that were there was stored. */
	if (copy->pieces == 0)
		return 0;
	if (fstat(medium->fd, &before) != 0)
		return -errno;
	if (offset >= (uint64_t)before.st_size)
		return 0;
	/* A descriptor may be open for writing only. */
	bool fills = copy->pieces > MAX_PIECES && handle->access == O_RDWR;
	int error = fills ? write_filled(medium, copy, offset) : write_pieces(medium, copy, offset);
	if (fstat(medium->fd, &after) != 0)
		return error;
	machine_lock(machine);
	machine->count.file_writes++;
	object->unsynced = true;
	if (object_stamp_equals_locked(object, &before) && after.st_size == before.st_size)
		object_set_stamp_locked(object, &after);
	machine_unlock(machine);
	return error;
}

/* Make COPY of the page in PFN, and find what of it is to be written. */
static void copy_locked(const struct vm_machine *machine, vm_pfn pfn, struct copy *copy)
{
	unsigned start, end = 0;

	memory_copy(copy->bytes, machine_page(machine, pfn), VM_PAGE_SIZE);
	twin_compare_locked(machine, pfn, copy->bytes, &copy->stored);
	copy->pieces = 0;
	copy->first = VM_PAGE_SIZE;
	while (twin_next_piece(&copy->stored, end, &start, &end)) {
		copy->first = MIN(copy->first, start);
		copy->end = end;
		copy->pieces++;
	}
}

/* Put the dirty page in PFN under write-back, pin it, and make COPY of it. */
static void begin_locked(struct vm_object *object, struct vm_frame *frame, vm_pfn pfn,
                         struct copy *copy)
{
	struct vm_machine *machine = object->machine;

	protect_entries_locked(machine, frame);
	copy_locked(machine, pfn, copy);
	object_clean_locked(frame);
	frame->flags |= FRAME_WRITEBACK;
	frame_pin_locked(machine, pfn);
	object->writers++;
	machine->count.writeback++;
}

/*
 * End the write-back of PFN, which begin_locked began, and unpin it. ERROR: of the write of COPY.
 * The lock was dropped meanwhile: the page may be dirty again, the file may have shrunk, or the
 * page may have left the cache (frame->object is NULL then).
 */
static void end_locked(struct vm_object *object, struct vm_frame *frame, vm_pfn pfn, int error,
                       const struct copy *copy)
{
	struct vm_machine *machine = object->machine;

	machine->count.writeback--;
	object->writers--;
	frame->version++;
	bool beyond = frame->object != NULL && frame->index >= object_size_pages(object);
	/* Before FRAME_WRITEBACK goes: what was not written is not to become the twin. */
	if (error != 0 && frame->object != NULL && !beyond)
		object_dirty_locked(frame);
	frame->flags &= (uint16_t)~FRAME_WRITEBACK;
	if (frame->object != NULL && error == 0)
		twin_written_locked(machine, pfn, copy->bytes);
	else if (frame->object != NULL && !beyond)
		twin_failed_locked(machine, pfn, &copy->stored);
	/* The file shrank while we wrote. shrink.c left the page for us to drop. */
	if (beyond)
		object_drop_page_locked(object, pfn);
	if (error != 0)
		object->error = error;
	frame_unpin_locked(machine, pfn);
	machine_wake_io_locked(machine);
}

/* --- An object -------------------------------------------------------------------------------- */

/*
 * Write the dirty page in PFN through HANDLE. 0 or the error. The lock is dropped meanwhile: on
 * return the page may have been dropped and, unless the caller pins it, PFN may be free.
 */
static int write_one_locked(struct vm_object *object, struct vm_handle *handle, vm_pfn pfn)
{
	struct vm_machine *machine = object->machine;
	struct vm_frame *frame = &machine->frames[pfn];
	struct copy copy;

	begin_locked(object, frame, pfn, &copy);
	machine_unlock(machine);
	int error = write_page(object, handle, frame->index, &copy);
	machine_lock(machine);
	end_locked(object, frame, pfn, error, &copy);
	return error;
}

/* The pages that a write-back tries, in the order of these two. */
struct unwritten {
	struct page_list dirty, written;
};

/*
 * Find the pages of [FIRST, LAST) that are dirty now, or are being written and become dirty again
 * if that fails. The lock is dropped meanwhile. A page that another thread begins to write by then
 * may be missing: that thread tries it. Without memory, some are missing, and the lists say so.
 */
static void find_unwritten_locked(struct vm_object *object, uint64_t first, uint64_t last,
                                  struct unwritten *pages)
{
	*pages = (struct unwritten){0};
	/*
	 * Those being written first: if that fails meanwhile, they are among the dirty ones. But
	 * they are waited for, so they are tried last.
	 */
	if (object->writers > 0)
		object_list_pages_locked(object, &object->clean, FRAME_WRITEBACK, first, last,
		                         &pages->written);
	object_list_pages_locked(object, &object->dirty, FRAME_DIRTY, first, last, &pages->dirty);
}

/*
 * Write page INDEX if it is dirty. If another thread writes it, wait, and then look again: that
 * thread may have failed, or the page may have been stored to. The lock is dropped meanwhile.
 */
static int write_if_dirty_locked(struct vm_object *object, struct vm_handle *handle, uint64_t index)
{
	struct vm_machine *machine = object->machine;
	vm_pfn pfn;

	while ((pfn = object_lookup_locked(object, index)) != VM_PFN_NONE &&
	       (object->changing || (machine->frames[pfn].flags & FRAME_WRITEBACK)))
		machine_wait_io_locked(machine);
	if (pfn == VM_PFN_NONE || !(machine->frames[pfn].flags & FRAME_DIRTY))
		return 0;
	return write_one_locked(object, handle, pfn);
}

/* Try each of PAGES once. 0 or the first error. The lock is dropped meanwhile. */
static int write_listed_locked(struct vm_object *object, struct vm_handle *handle,
                               const struct page_list *pages)
{
	int result = 0;

	for (uint64_t i = 0; i < page_list_length(pages); i++) {
		int error = write_if_dirty_locked(object, handle, page_list_at(pages, i));
		if (result == 0)
			result = error;
		machine_yield_locked(object->machine, i);
	}
	return result;
}

/*
 * object_write_back with HANDLE, which can write. Each page that is not in the file now is tried
 * once, whatever other threads do to the list of dirty pages meanwhile.
 */
static int write_dirty_pages(struct vm_object *object, struct vm_handle *handle, uint64_t first,
                             uint64_t last)
{
	struct vm_machine *machine = object->machine;
	int result = 0;

	machine_lock(machine);
	/* A dirty page that is being removed is not in the file before the hole is. */
	while (object->hole_first < object->hole_last && object->hole_first < last &&
	       first < object->hole_last)
		machine_wait_io_locked(machine);
	struct unwritten pages;
	bool cut;
	do {
		find_unwritten_locked(object, first, last, &pages);
		result = write_listed_locked(object, handle, &pages.dirty);
		int error = write_listed_locked(object, handle, &pages.written);
		result = result != 0 ? result : error;
		cut = pages.dirty.cut || pages.written.cut;
		page_list_clear(&pages.dirty);
		page_list_clear(&pages.written);
		/* Without memory for all of them, what was written makes room for others. */
	} while (cut && result == 0);
	/* Other threads may be writing pages of our range. */
	while (object->writers > 0)
		machine_wait_io_locked(machine);
	machine_unlock(machine);
	return result;
}

int object_write_page_locked(struct vm_object *object, vm_pfn pfn)
{
	const struct vm_frame *frame = &object->machine->frames[pfn];
	int error = 0;

	/* Meanwhile another thread may write the page, or drop it. */
	while (object->changing)
		machine_wait_io_locked(object->machine);
	if (frame->object != object || !(frame->flags & FRAME_DIRTY) ||
	    (frame->flags & FRAME_WRITEBACK))
		return 0;
	struct vm_handle *handle = handle_get_writer_locked(object);
	if (handle == NULL)
		return -EBADF;
	error = write_one_locked(object, handle, pfn);
	/* handle_put may close the descriptor, which wants no lock. */
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
	if (object->dirty_pages > 0 || object->writers > 0 || object->hole_last > 0)
		handle = handle_get_writer_locked(object);
	machine_unlock(machine);
	if (handle == NULL)
		return 0;
	int error = write_dirty_pages(object, handle, first, last);
	handle_put(object, handle);
	return error;
}

int object_sync(struct vm_object *object)
{
	struct vm_machine *machine = object->machine;
	struct vm_handle *handle = NULL;

	machine_lock(machine);
	if (object->unsynced)
		handle = handle_get_writer_locked(object);
	object->unsynced = false;
	machine_unlock(machine);
	if (handle == NULL)
		return 0;
	int error = handle->medium.ops->sync(&handle->medium);
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
