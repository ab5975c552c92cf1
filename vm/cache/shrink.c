#include "vm/cache/shrink.h"
#include "vm/cache/object.h"
#include "vm/cache/twin.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable_range.h"

#include <sys/stat.h>

/*
 * Unmap and drop the pages of LIST from page number PAGES on. A page that is being read is left to
 * fill_page (page_in.c), one that is being written to end_locked (write_back.c): when they are
 * done, they look at the size again.
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
 * Unmap private copies of pages past the end too, guard markers excepted (unmap_mapping_range with
 * even_cows).
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

/* Clear the last page behind the file's end: it may hold what was there before the file shrank. */
static void clear_tail_locked(struct vm_object *object)
{
	uint64_t tail = object->size & (VM_PAGE_SIZE - 1);
	vm_pfn pfn =
	    tail > 0 ? object_lookup_locked(object, object->size >> VM_PAGE_SHIFT) : VM_PFN_NONE;

	if (pfn != VM_PFN_NONE && !(object->machine->frames[pfn].flags & FRAME_BUSY))
		twin_cut_locked(object->machine, pfn, (unsigned)tail);
}

void object_take_size_locked(struct vm_object *object, const struct stat *status)
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
