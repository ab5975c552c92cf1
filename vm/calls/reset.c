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

/* --- Objects ---------------------------------------------------------------------------------- */

/* A part of a file that an area of the process maps. */
struct mapped {
	struct vm_file *file; /* a reference */
	uint64_t first, pages;
};

/* Whether only areas of SPACE map OBJECT. */
static bool is_ours_locked(const struct vm_object *object, const struct vm_space *space)
{
	for (const struct list_link *l = object->areas.next; l != &object->areas; l = l->next)
		if (LIST_ENTRY(l, struct vm_area, object_link)->space != space)
			return false;
	return true;
}

/*
 * Append the file of AREA to LIST, if nobody else maps it. The process is write-locked. -ENOMEM.
 */
static int note_area(struct array *list, const struct vm_area *area)
{
	struct vm_machine *machine = area->space->process->machine;

	if (area->object == NULL || area->object->special != 0)
		return 0;
	machine_lock(machine);
	bool ours = is_ours_locked(area->object, area->space);
	machine_unlock(machine);
	if (!ours)
		return 0;
	struct mapped *mapped = array_add(list, sizeof *mapped);
	if (mapped == NULL)
		return -ENOMEM;
	*mapped = (struct mapped){vm_file_ref(area->file), area->pgoff, area_pages(area)};
	return 0;
}

/* Drop those pages of the host file that are clean, not in use, and in MAPPED. */
static void drop_clean(const struct mapped *mapped)
{
	struct vm_object *object = mapped->file->object;
	struct vm_machine *machine = object->machine;
	struct list_walk walk;
	struct list_link *l;
	uint64_t step = 0;

	machine_lock(machine);
	list_walk_begin(&object->walks, &walk, &object->clean);
	while ((l = list_walk_step(&walk, &object->clean)) != NULL) {
		const struct vm_frame *frame = LIST_ENTRY(l, struct vm_frame, link);
		bool idle = frame->mapped == 0 && frame->pins == 0 &&
		            !(frame->flags & (FRAME_BUSY | FRAME_WRITEBACK));
		if (idle && frame->index - mapped->first < mapped->pages)
			object_drop_page_locked(object, (vm_pfn)(frame - machine->frames));
		machine_yield_locked(machine, step++);
	}
	list_walk_end(&object->walks, &walk);
	machine_unlock(machine);
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
