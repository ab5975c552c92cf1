/*
 * page_in.c - pages that come into the cache, and what others do to the file meanwhile (see
 * object.h).
 */
#include "vm/base/io.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/space/area.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool object_stamp_equals_locked(const struct vm_object *object, const struct stat *status)
{
	return object->size == (uint64_t)status->st_size &&
	       same_time(&object->mtime, &status->st_mtim) &&
	       same_time(&object->ctime, &status->st_ctim);
}

void object_set_stamp_locked(struct vm_object *object, const struct stat *status)
{
	object->size = (uint64_t)status->st_size;
	object->mtime = status->st_mtim;
	object->ctime = status->st_ctim;
}

/* --- A file that shrank ----------------------------------------------------------------------- */

/*
 * Unmap and drop the pages of LIST past the new end; those that are busy go when they are asked for
 * again.
 */
static void drop_beyond_locked(struct vm_object *object, struct list_link *list, uint64_t pages)
{
	struct vm_machine *machine = object->machine;
	struct list_link *next;

	for (struct list_link *l = list->next; l != list; l = next) {
		struct vm_frame *frame = LIST_ENTRY(l, struct vm_frame, link);
		next = l->next;
		if (frame->index < pages || (frame->flags & (FRAME_BUSY | FRAME_WRITEBACK)))
			continue;
		vm_pfn pfn = (vm_pfn)(frame - machine->frames);
		frame_pin_locked(machine, pfn);
		pagetable_evict_frame_locked(machine, pfn);
		object_remove_locked(object, pfn);
		frame_unpin_locked(machine, pfn);
	}
}

/*
 * Private copies of pages past the end go with the file's own (unmap_mapping_range with even_cows).
 */
static void drop_copies_locked(struct vm_object *object, uint64_t pages)
{
	for (struct list_link *l = object->areas.next; l != &object->areas; l = l->next) {
		struct vm_area *area = LIST_ENTRY(l, struct vm_area, object_link);
		if (area->pgoff + area_pages(area) <= pages)
			continue;
		uint64_t skip = pages > area->pgoff ? pages - area->pgoff : 0;
		pagetable_evict_range_locked(area->space, area->start + (skip << VM_PAGE_SHIFT),
		                             area->end);
	}
}

/* The last page's tail is zero, also where it was written before the file shrank. */
static void clear_tail_locked(struct vm_object *object)
{
	uint64_t tail = object->size & (VM_PAGE_SIZE - 1);
	vm_pfn pfn =
	    tail > 0 ? object_lookup_locked(object, object->size >> VM_PAGE_SHIFT) : VM_PFN_NONE;

	if (pfn != VM_PFN_NONE && !(object->machine->frames[pfn].flags & FRAME_BUSY))
		memset((char *)machine_page(object->machine, pfn) + tail, 0, VM_PAGE_SIZE - tail);
}

static void take_size_locked(struct vm_object *object, const struct stat *status)
{
	bool shrunk = (uint64_t)status->st_size < object->size;

	object->size = (uint64_t)status->st_size;
	if (!shrunk)
		return;
	uint64_t pages = object_size_pages(object);
	drop_beyond_locked(object, &object->clean, pages);
	drop_beyond_locked(object, &object->dirty, pages);
	drop_copies_locked(object, pages);
	clear_tail_locked(object);
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* Fill BUF with page INDEX of the file; zeros past its end. */
static int read_page(struct vm_machine *machine, int fd, uint64_t index, uint8_t *buf)
{
	ssize_t n = io_read(machine, fd, buf, VM_PAGE_SIZE, index << VM_PAGE_SHIFT);

	if (n < 0)
		return -EIO;
	memset(buf + n, 0, VM_PAGE_SIZE - (size_t)n);
	return 0;
}

/* Bring an absent page in. PFN is allocated, busy, pinned and entered. */
static int fill_page(struct vm_file *file, uint64_t index, vm_pfn pfn)
{
	struct vm_object *object = file->object;
	struct vm_machine *machine = object->machine;
	int error = read_page(machine, file->handle->fd, index, machine_page(machine, pfn));

	machine_lock(machine);
	machine->frames[pfn].flags &= (uint16_t)~FRAME_BUSY;
	if (error == 0 && index >= object_size_pages(object))
		error = -EIO; /* the file shrank meanwhile */
	if (error != 0) {
		object_remove_locked(object, pfn);
		frame_unpin_locked(machine, pfn);
	} else {
		machine->count.file_reads++;
	}
	pthread_cond_broadcast(&machine->io);
	machine_unlock(machine);
	return error;
}

/*
 * Page PFN is cached, but the file has changed since: replace it in place if it differs and nobody
 * here wrote it.
 */
static void reread_page(struct vm_object *object, int fd, vm_pfn pfn)
{
	struct vm_machine *machine = object->machine;
	struct vm_frame *frame = &machine->frames[pfn];
	uint8_t bytes[VM_PAGE_SIZE];

	if (read_page(machine, fd, frame->index, bytes) != 0)
		return;
	machine_lock(machine);
	if (!(frame->flags & (FRAME_DIRTY | FRAME_WRITEBACK)) && frame->object == object)
		memory_copy(machine_page(machine, pfn), bytes, VM_PAGE_SIZE);
	machine_unlock(machine);
}

/* Find page INDEX, or allocate a busy one. Waits while another reads it. Pinned in any case. */
static int find_page_locked(struct vm_object *object, uint64_t index, vm_pfn *pfn,
                            enum object_source *source)
{
	struct vm_machine *machine = object->machine;

	while ((*pfn = object_lookup_locked(object, index)) != VM_PFN_NONE &&
	       (machine->frames[*pfn].flags & FRAME_BUSY))
		machine_wait_io_locked(machine);
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

	if (fstat(file->handle->fd, &status) != 0)
		return -EIO;
	machine_lock(machine);
	bool stale = !object_stamp_equals_locked(object, &status);
	if (stale)
		take_size_locked(object, &status);
	int error =
	    index < object_size_pages(object) ? find_page_locked(object, index, pfn, source) : -EIO;
	machine_unlock(machine);
	if (error != 0)
		return error;
	if (*source == OBJECT_READ)
		return fill_page(file, index, *pfn);
	if (stale)
		reread_page(object, file->handle->fd, *pfn);
	return 0;
}

/* --- Taking over what changed ----------------------------------------------------------------- */

/* The clean pages of OBJECT, each pinned: an array of vm_pfn. */
static GArray *pin_clean_pages_locked(struct vm_object *object)
{
	GArray *pages = g_array_new(FALSE, FALSE, sizeof(vm_pfn));

	for (struct list_link *l = object->clean.next; l != &object->clean; l = l->next) {
		struct vm_frame *frame = LIST_ENTRY(l, struct vm_frame, link);
		vm_pfn pfn = (vm_pfn)(frame - object->machine->frames);
		if (frame->flags & FRAME_BUSY)
			continue;
		frame_pin_locked(object->machine, pfn);
		g_array_append_val(pages, pfn);
	}
	return pages;
}

static void reread_clean_pages(struct vm_object *object, int fd, GArray *pages)
{
	struct vm_machine *machine = object->machine;

	for (guint i = 0; i < pages->len; i++) {
		vm_pfn pfn = g_array_index(pages, vm_pfn, i);
		reread_page(object, fd, pfn);
		machine_lock(machine);
		frame_unpin_locked(machine, pfn);
		machine_unlock(machine);
	}
}

void object_refresh(struct vm_object *object)
{
	struct vm_machine *machine = object->machine;
	GArray *pages = NULL;
	struct stat status;

	machine_lock(machine);
	struct vm_handle *handle = object->shmem ? NULL : file_get_handle_locked(object, true);
	machine_unlock(machine);
	if (handle == NULL)
		return;
	if (fstat(handle->fd, &status) == 0) {
		machine_lock(machine);
		if (!object_stamp_equals_locked(object, &status)) {
			take_size_locked(object, &status);
			pages = pin_clean_pages_locked(object);
		}
		machine_unlock(machine);
	}
	if (pages != NULL) {
		reread_clean_pages(object, handle->fd, pages);
		g_array_unref(pages);
		/*
		 * What changed after the look above has newer times, and is found at the next one.
		 */
		machine_lock(machine);
		object_set_stamp_locked(object, &status);
		machine_unlock(machine);
	}
	file_put_handle(object, handle);
}
