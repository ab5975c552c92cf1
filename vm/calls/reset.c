/*
 * reset.c - a process forgets what it has touched, so that the next run of a trace starts empty.
 *
 *     its entries are emptied            private memory goes, in frames and in swap
 *     objects that nobody else maps      shared anonymous memory goes; of host files, the pages
 *                                        that are clean
 *     its counts and its TLB become 0
 *     if no page is left in the machine  the policy starts anew, too: what it had learned would
 *                                        make the next run another one
 */
#include "vm/base/lock.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/cache/shrink.h"
#include "vm/calls/madvise.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable_range.h"
#include "vm/memory/tlb.h"
#include "vm/policy/policy.h"
#include "vm/space/area.h"

#include <errno.h>
#include <stdlib.h>

/* --- Objects ---------------------------------------------------------------------------------- */

/* A part of a file that an area of the process maps. */
struct mapped {
	struct vm_file *file; /* a reference */
	uint64_t first, pages;
};

/* Append what AREA maps to LIST. The process is write-locked. -ENOMEM. */
static int note_area(struct array *list, const struct vm_area *area)
{
	if (area->object == NULL || area->object->special != 0)
		return 0;
	struct mapped *mapped = array_add(list, sizeof *mapped);
	if (mapped == NULL)
		return -ENOMEM;
	*mapped = (struct mapped){vm_file_ref(area->file), area->pgoff, area_pages(area)};
	return 0;
}

/* By object and place: the order of addresses would be another one in each run. */
static int compare_mapped(const void *a, const void *b)
{
	const struct mapped *x = a, *y = b;
	uint64_t m = x->file->object->number, n = y->file->object->number;

	return m != n ? (m > n) - (m < n) : (x->first > y->first) - (x->first < y->first);
}

/* Append MAPPED to the LEN parts of ITEMS, in order. Returns the new length. */
static size_t merge(struct mapped *items, size_t len, struct mapped mapped)
{
	struct mapped *last = len > 0 ? &items[len - 1] : NULL;
	uint64_t end = mapped.first + mapped.pages;

	if (last == NULL || last->file->object != mapped.file->object ||
	    mapped.first > last->first + last->pages) {
		items[len] = mapped;
		return len + 1;
	}
	last->pages = MAX(last->first + last->pages, end) - last->first;
	vm_file_unref(mapped.file);
	return len;
}

/*
 * Leave those parts in LIST, which has one for each area of the process, whose objects no other
 * process maps. To look at the areas of each object instead would take their square: a process may
 * map one file 65530 times. The process is write-locked.
 */
static void leave_ours(struct array *list, struct vm_machine *machine)
{
	struct mapped *items = list->items;
	size_t kept = 0, end;

	if (list->len > 0)
		qsort(items, list->len, sizeof *items, compare_mapped);
	for (size_t i = 0; i < list->len; i = end) {
		const struct vm_object *object = items[i].file->object;
		for (end = i + 1; end < list->len && items[end].file->object == object;)
			end++;
		machine_lock(machine);
		bool ours = object->area_count == end - i;
		machine_unlock(machine);
		for (size_t part = i; part < end; part++)
			if (ours)
				kept = merge(items, kept, items[part]);
			else
				vm_file_unref(items[part].file);
	}
	list->len = kept;
}

/* Drop the page of OBJECT, a host file, in FRAME, if it is clean and not in use. */
static void drop_if_idle_locked(struct vm_object *object, const struct vm_frame *frame)
{
	bool idle = frame->mapped == 0 && frame->pins == 0 &&
	            !(frame->flags & (FRAME_DIRTY | FRAME_BUSY | FRAME_WRITEBACK));

	if (idle)
		object_drop_page_locked(object, (vm_pfn)(frame - object->machine->frames));
}

/* The pages of MAPPED, one after the other. */
static void drop_by_index_locked(struct vm_object *object, const struct mapped *mapped)
{
	struct vm_machine *machine = object->machine;

	for (uint64_t i = 0; i < mapped->pages; i++) {
		vm_pfn pfn = object_lookup_locked(object, mapped->first + i);
		if (pfn != VM_PFN_NONE)
			drop_if_idle_locked(object, &machine->frames[pfn]);
		machine_yield_locked(machine, i);
	}
}

/* Those of all clean pages that are in MAPPED. */
static void drop_by_walk_locked(struct vm_object *object, const struct mapped *mapped)
{
	struct list_walk walk;
	struct list_link *l;
	uint64_t step = 0;

	list_walk_begin(&object->walks, &walk, &object->clean);
	while ((l = list_walk_step(&walk, &object->clean)) != NULL) {
		const struct vm_frame *frame = LIST_ENTRY(l, struct vm_frame, link);
		if (frame->index - mapped->first < mapped->pages)
			drop_if_idle_locked(object, frame);
		machine_yield_locked(object->machine, step++);
	}
	list_walk_end(&object->walks, &walk);
}

/* Drop those pages of the host file that are clean, not in use, and in MAPPED. */
static void drop_clean(const struct mapped *mapped)
{
	struct vm_object *object = mapped->file->object;

	machine_lock(object->machine);
	if (mapped->pages < object->pages)
		drop_by_index_locked(object, mapped);
	else
		drop_by_walk_locked(object, mapped);
	machine_unlock(object->machine);
}

/* Drop the pages of MAPPED, in frames and in swap. No lock is held. */
static void drop_pages(struct vm_process *process, const struct mapped *mapped)
{
	struct advice_part part = {.process = process,
	                           .end = mapped->pages << VM_PAGE_SHIFT,
	                           .file = mapped->file,
	                           .first = mapped->first};

	if (mapped->file->object->shmem)
		advice_remove(&part);
	else
		drop_clean(mapped);
}

/* Drop the pages of all in LIST, and free it. No lock is held. */
static void drop_all(struct vm_process *process, struct array *list)
{
	for (size_t i = 0; i < list->len; i++) {
		struct mapped *mapped = &ARRAY_AT(list, struct mapped, i);
		drop_pages(process, mapped);
		vm_file_unref(mapped->file);
	}
	array_clear(list);
}

/* --- The call --------------------------------------------------------------------------------- */

/*
 * Empty the entries of SPACE, and note in LIST which objects only it maps. The process is
 * write-locked. -ENOMEM: no memory, or no table page for tables that a fork shares; pages of some
 * areas may stay.
 */
static int empty_space(struct vm_space *space, struct array *list)
{
	int error = pagetable_own_range(space, 0, VM_USER_END, VM_PTE);

	if (error == 0)
		pagetable_zap_range(space, 0, VM_USER_END);
	for (const struct vm_area *area = space->first; error == 0 && area != NULL;
	     area = area->next)
		error = note_area(list, area);
	leave_ours(list, space->process->machine);
	return error;
}

static void reset_counts_locked(struct vm_process *process)
{
	struct vm_machine *machine = process->machine;

	process->replay = (struct vm_replay_counts){.references = 0};
	process->minor_faults = process->major_faults = process->evicted = 0;
	tlb_reset_locked(process);
	/* Without memory for a new state the policy keeps its old one. */
	if (machine->listed == 0 && machine->swap.used == 0)
		policy_set_locked(machine, machine->policy);
}

int vm_process_reset(struct vm_process *process)
{
	struct array list = {0};
	int error = -ESRCH;

	process_write_lock(process);
	if (process->space != NULL)
		error = empty_space(process->space, &list);
	process_unlock(process);
	drop_all(process, &list);
	if (error != 0)
		return error;
	machine_lock(process->machine);
	reset_counts_locked(process);
	machine_unlock(process->machine);
	return 0;
}
