/*
 * shrink.c - see shrink.h. A file may have any number of pages, so the machine lock is dropped now
 * and then. What holds meanwhile:
 *
 *     the size is the new one, so no page past the end is read in or mapped (fault_kinds.c)
 *     object->shrinking keeps the size as it is: who sees another one waits
 *     pages that are left to go are still mapped, and may be stored to, as just before
 *     walks over lists of pages and areas are corrected when one leaves (util/list.h)
 */
#include "vm/cache/shrink.h"
#include "vm/base/lock.h"
#include "vm/cache/object.h"
#include "vm/cache/twin.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable_range.h"

#include <sys/stat.h>

void object_drop_page_locked(struct vm_object *object, vm_pfn pfn)
{
	struct vm_machine *machine = object->machine;

	frame_pin_locked(machine, pfn);
	pagetable_evict_frame_locked(machine, pfn);
	object_remove_locked(object, pfn);
	frame_unpin_locked(machine, pfn);
}

/*
 * Unmap and drop the pages of LIST from page number PAGES on. A page that is being read is left to
 * fill_page (page_in.c), one that is being written to end_locked (write_back.c): when they are
 * done, they look at the size again.
 */
static void drop_beyond_locked(struct vm_object *object, struct list_link *list, uint64_t pages)
{
	struct vm_machine *machine = object->machine;
	struct list_walk walk;
	struct list_link *l;
	uint64_t spent = 0;

	list_walk_begin(&object->walks, &walk, list);
	while ((l = list_walk_step(&walk, list)) != NULL) {
		struct vm_frame *frame = LIST_ENTRY(l, struct vm_frame, link);
		uint64_t entries = 0;
		if (frame->index >= pages && !(frame->flags & (FRAME_BUSY | FRAME_WRITEBACK))) {
			vm_pfn pfn = (vm_pfn)(frame - machine->frames);
			entries = frame->mapped;
			object_drop_page_locked(object, pfn);
		}
		machine_spend_locked(machine, &spent, 1 + entries);
	}
	list_walk_end(&object->walks, &walk);
}

/*
 * Empty some entries of AREA from page INDEX of the object on. Returns the page number after the
 * last one, or UINT64_MAX at the end of the area.
 */
static uint64_t drop_some_copies_locked(struct vm_area *area, uint64_t index)
{
	if (area->pgoff + area_pages(area) <= index)
		return UINT64_MAX;
	uint64_t skip = index > area->pgoff ? index - area->pgoff : 0;
	uint64_t va = pagetable_evict_some_locked(area->space,
	                                          area->start + (skip << VM_PAGE_SHIFT), area->end);
	return va < area->end ? area_index(area, va) : UINT64_MAX;
}

/*
 * Unmap private copies of pages past the end too, guard markers excepted (unmap_mapping_range with
 * even_cows).
 *
 * While the lock is dropped, areas may be unmapped, moved, split and merged, and processes may
 * fork. What comes into another area is in one that is appended to the list (area.c), and so is
 * seen later.
 */
static void drop_copies_locked(struct vm_object *object, uint64_t pages)
{
	struct vm_machine *machine = object->machine;
	struct list_walk walk;
	struct list_link *l;

	list_walk_begin(&object->walks, &walk, &object->areas);
	while ((l = list_walk_step(&walk, &object->areas)) != NULL) {
		uint64_t index = pages;
		/* Where the area is gone, or has moved in the list, the walk stands elsewhere. */
		while (walk.last == l && index != UINT64_MAX) {
			index = drop_some_copies_locked(LIST_ENTRY(l, struct vm_area, object_link),
			                                index);
			machine_unlock(machine);
			machine_lock(machine);
		}
	}
	list_walk_end(&object->walks, &walk);
}

void object_clear_tail_locked(struct vm_object *object)
{
	uint64_t tail = object->size & (VM_PAGE_SIZE - 1);
	vm_pfn pfn =
	    tail > 0 ? object_lookup_locked(object, object->size >> VM_PAGE_SHIFT) : VM_PFN_NONE;

	if (pfn != VM_PFN_NONE && !(object->machine->frames[pfn].flags & FRAME_BUSY))
		twin_cut_locked(object->machine, pfn, (unsigned)tail);
}

void object_await_size_locked(struct vm_object *object)
{
	while (object->shrinking)
		machine_wait_io_locked(object->machine);
}

/* The file has grown to SIZE bytes. */
static void grow_locked(struct vm_object *object, uint64_t size)
{
	vm_pfn pfn = object->size % VM_PAGE_SIZE > 0
	                 ? object_lookup_locked(object, object->size >> VM_PAGE_SHIFT)
	                 : VM_PFN_NONE;

	object->size = size;
	if (pfn != VM_PFN_NONE)
		twin_grow_locked(object->machine, pfn);
}

/* The file has shrunk to SIZE bytes. */
static void shrink_locked(struct vm_object *object, uint64_t size)
{
	object->size = size;
	uint64_t pages = object_size_pages(object);
	drop_beyond_locked(object, &object->clean, pages);
	drop_beyond_locked(object, &object->dirty, pages);
	if (object->machine->policy->cut != NULL)
		object->machine->policy->cut(object->machine, object->number, pages, UINT64_MAX);
	drop_copies_locked(object, pages);
	object_clear_tail_locked(object);
}

void object_take_size_locked(struct vm_object *object, int fd, const struct stat *status)
{
	struct stat now;

	object_await_size_locked(object);
	if ((uint64_t)status->st_size >= object->size) {
		grow_locked(object, (uint64_t)status->st_size);
		return;
	}
	object->shrinking = true;
	machine_unlock(object->machine);
	bool looked = fstat(fd, &now) == 0;
	machine_lock(object->machine);
	if (looked && (uint64_t)now.st_size < object->size)
		shrink_locked(object, (uint64_t)now.st_size);
	else if (looked)
		grow_locked(object, (uint64_t)now.st_size);
	object->shrinking = false;
	machine_wake_io_locked(object->machine);
}
