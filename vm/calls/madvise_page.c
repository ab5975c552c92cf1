/*
 * madvise_page.c - the advice that reads or writes pages: MADV_WILLNEED, MADV_PAGEOUT, MADV_REMOVE
 * (see madvise.h).
 *
 * Rule: no lock is held, except in functions named _locked and in callbacks of a walk, which want
 * the machine lock.
 */
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/cache/shrink.h"
#include "vm/cache/swap_in.h"
#include "vm/calls/madvise.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable_range.h"
#include "vm/memory/rmap.h"
#include "vm/memory/swap.h"
#include "vm/reclaim/reclaim.h"
#include "vm/space/area.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* --- MADV_WILLNEED ---------------------------------------------------------------------------- */

/* The most pages that one call brings in: more would only evict those that it brought before. */
static uint64_t ahead_limit(const struct vm_machine *machine)
{
	return MAX(machine_ram_pages(machine) / 2, 1);
}

/* If ERROR means that no frame was free, make one free. True: try again. */
static bool may_try_again(struct vm_machine *machine, int error)
{
	return error == -ENOMEM && reclaim_frame(machine, false, NULL) == 0;
}

/* Bring page INDEX into the cache. False: no frame, or it cannot be read. */
static bool cache_page(struct vm_file *file, uint64_t index)
{
	struct vm_machine *machine = file->machine;
	enum object_source source;
	vm_pfn pfn;
	int error;

	do
		error = object_page_in(file, index, &pfn, &source);
	while (may_try_again(machine, error));
	if (error != 0)
		return false;
	machine_lock(machine);
	frame_unpin_locked(machine, pfn);
	machine_unlock(machine);
	return true;
}

/* Bring the file's pages into the page cache, up to the first that fails. */
static void read_ahead(const struct advice_part *part)
{
	struct vm_machine *machine = part->process->machine;
	uint64_t pages = MIN((part->end - part->start) >> VM_PAGE_SHIFT, ahead_limit(machine));

	for (uint64_t i = 0; i < pages && cache_page(part->file, part->first + i); i++)
		;
}

/*
 * Pin slot NUMBER and append it to SLOTS, unless its page is in a frame, SLOTS is full, or there is
 * no memory.
 */
static void want_slot_locked(struct vm_machine *machine, struct array *slots, uint32_t number)
{
	struct vm_slot *slot = &machine->swap.slots[number];

	if (slot->frame != VM_PFN_NONE || slots->len >= ahead_limit(machine))
		return;
	uint32_t *added = array_add(slots, sizeof *added);
	if (added == NULL)
		return;
	slot->pins++;
	*added = number;
}

static bool want_leaf(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                      enum vm_level level)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t entry = pte_get(machine, id);

	if (pte_is_swap(entry))
		want_slot_locked(machine, ctx, pte_slot(entry));
	return true;
}

/* Pin the slots that the entries of the part hold. */
static void want_private_slots(const struct advice_part *part, struct array *slots)
{
	struct vm_process *process = part->process;

	process_read_lock(process);
	if (process->space != NULL)
		pagetable_each_leaf(process->space, part->start, part->end, want_leaf, slots);
	process_unlock(process);
}

/* Pin the slots that hold pages of shared anonymous memory. */
static void want_shared_slots(const struct advice_part *part, struct array *slots)
{
	struct vm_object *object = part->file->object;
	struct vm_machine *machine = object->machine;
	uint64_t pages = (part->end - part->start) >> VM_PAGE_SHIFT, step = 0;
	struct list_walk walk;
	struct list_link *l;

	machine_lock(machine);
	list_walk_begin(&object->walks, &walk, &object->slots);
	while ((l = list_walk_step(&walk, &object->slots)) != NULL) {
		const struct vm_slot *slot = LIST_ENTRY(l, struct vm_slot, link);
		if (slot->index - part->first < pages)
			want_slot_locked(machine, slots, (uint32_t)(slot - machine->swap.slots));
		/* Slots that get a page meanwhile come last; those that lose it are left out. */
		machine_yield_locked(machine, step++);
	}
	list_walk_end(&object->walks, &walk);
	machine_unlock(machine);
}

static void unpin_slot(struct vm_machine *machine, uint32_t slot)
{
	machine_lock(machine);
	machine->swap.slots[slot].pins--;
	swap_put_locked(machine, slot);
	machine_unlock(machine);
}

/* Bring the page of SLOT, which is pinned, into a frame. False: no frame, or it cannot be read. */
static bool cache_slot(struct vm_machine *machine, uint32_t slot)
{
	vm_pfn pfn;
	bool was_read;
	int error;

	do {
		machine_lock(machine);
		machine->swap.slots[slot].pins++; /* swap_page_in drops one pin */
		machine_unlock(machine);
		error = swap_page_in(machine, slot, &pfn, &was_read);
	} while (may_try_again(machine, error));
	if (error == 0 && pfn != VM_PFN_NONE) {
		machine_lock(machine);
		frame_unpin_locked(machine, pfn);
		machine_unlock(machine);
	}
	return error == 0;
}

/*
 * Bring the pages that are in swap into frames, up to the first that fails. The slots are pinned
 * first: they stay even if the areas change while pages are read.
 */
static void swap_ahead(const struct advice_part *part)
{
	struct vm_machine *machine = part->process->machine;
	struct array slots = {0};
	bool going = true;

	if (part->file != NULL)
		want_shared_slots(part, &slots);
	else
		want_private_slots(part, &slots);
	for (size_t i = 0; i < slots.len; i++) {
		uint32_t slot = ARRAY_AT(&slots, uint32_t, i);
		going = going && cache_slot(machine, slot);
		unpin_slot(machine, slot);
	}
	array_clear(&slots);
}

int advice_willneed(struct advice_part *part)
{
	if (part->file != NULL && !part->file->object->shmem)
		read_ahead(part);
	else
		swap_ahead(part);
	return 0;
}

/* --- MADV_PAGEOUT ----------------------------------------------------------------------------- */

/*
 * Whether ENTRY maps a page that may be evicted: no other process maps it, and it is private memory
 * or FILES_TOO is set.
 */
static bool is_ours_locked(const struct vm_machine *machine, uint64_t entry, bool files_too)
{
	uint64_t pfn = pte_pfn(entry);

	if (!(entry & PTE_P) || !frame_is_ram(machine, pfn) ||
	    rmap_frame_users_locked(machine, (vm_pfn)pfn) != 1)
		return false;
	return machine->frames[pfn].object == NULL || files_too;
}

/* The next page to evict. */
struct victim {
	bool files_too; /* pages of objects may be evicted, too */
	vm_pfn pfn;     /* the first page in the range that may be evicted, or VM_PFN_NONE */
};

static bool choose_leaf(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                        enum vm_level level)
{
	struct victim *victim = ctx;
	uint64_t entry = pte_get(space->process->machine, id);

	if (!is_ours_locked(space->process->machine, entry, victim->files_too))
		return true;
	victim->pfn = (vm_pfn)pte_pfn(entry);
	return false;
}

int advice_pageout(struct advice_part *part)
{
	struct vm_process *process = part->process;
	struct vm_machine *machine = process->machine;
	bool files_too = part->file == NULL || file_may_write(part->file, &process->cred);
	uint64_t va = part->start;

	while (va < part->end) {
		/* No lock was held since the last page: the process may have ended. */
		process_read_lock(process);
		machine_lock(machine);
		struct victim victim = {.files_too = files_too, .pfn = VM_PFN_NONE};
		uint64_t stop = pagetable_piece(va, part->end);
		if (process->space != NULL)
			va = pagetable_each_leaf_locked(process->space, va, stop, choose_leaf,
			                                &victim);
		else
			va = part->end;
		/*
		 * The page is evicted without the process lock, because it may have to be written.
		 * The machine lock keeps it in its frame until then.
		 */
		process_unlock(process);
		if (victim.pfn != VM_PFN_NONE)
			reclaim_page_locked(machine, victim.pfn);
		machine_unlock(machine);
	}
	return 0;
}

/* --- MADV_REMOVE ------------------------------------------------------------------------------ */

/*
 * Drop the pages of LIST in [FIRST, LAST), dirty or not. The lock is dropped meanwhile. True: a
 * page was in transit and was waited for, so look at all lists again.
 */
static bool drop_list_locked(struct vm_object *object, struct list_link *list, uint64_t first,
                             uint64_t last)
{
	/*
	 * A page that is being read is waited for. So is one that is being written to its file, or
	 * it would get there after the hole was made. One that is being written to swap need not.
	 */
	unsigned in_transit = FRAME_BUSY | (object->shmem ? 0u : FRAME_WRITEBACK);
	struct vm_machine *machine = object->machine;
	struct list_walk walk;
	struct list_link *l;
	uint64_t spent = 0;
	bool waited = false;

	list_walk_begin(&object->walks, &walk, list);
	while ((l = list_walk_step(&walk, list)) != NULL) {
		struct vm_frame *frame = LIST_ENTRY(l, struct vm_frame, link);
		uint64_t entries = frame->mapped;
		if (frame->index < first || frame->index >= last) {
			machine_spend_locked(machine, &spent, 1);
			continue;
		}
		if (frame->flags & in_transit) {
			machine_wait_io_locked(machine);
			waited = true;
			continue;
		}
		object_drop_page_locked(object, (vm_pfn)(frame - machine->frames));
		machine_spend_locked(machine, &spent, 1 + entries);
	}
	list_walk_end(&object->walks, &walk);
	return waited;
}

/* Free the swap slots of pages [FIRST, LAST). The lock is dropped meanwhile. */
static void forget_slots_locked(struct vm_object *object, uint64_t first, uint64_t last)
{
	struct vm_machine *machine = object->machine;
	struct list_walk walk;
	struct list_link *l;
	uint64_t step = 0;

	list_walk_begin(&object->walks, &walk, &object->slots);
	while ((l = list_walk_step(&walk, &object->slots)) != NULL) {
		struct vm_slot *slot = LIST_ENTRY(l, struct vm_slot, link);
		if (slot->index >= first && slot->index < last)
			swap_forget_locked(machine, (uint32_t)(slot - machine->swap.slots));
		machine_yield_locked(machine, step++);
	}
	list_walk_end(&object->walks, &walk);
}

/*
 * Drop pages [FIRST, LAST) from the cache and from swap. None of them is read in meanwhile, from
 * the file or from swap (begin_hole). But while the lock is dropped, a page may go from one list to
 * the other behind us. So look again until none has. A page that goes to swap meanwhile is in the
 * list of slots when that is looked at.
 */
static void drop_pages(struct vm_object *object, uint64_t first, uint64_t last)
{
	uint64_t moves;
	bool again;

	machine_lock(object->machine);
	do {
		moves = object->hole_moves;
		again = drop_list_locked(object, &object->clean, first, last);
		again |= drop_list_locked(object, &object->dirty, first, last);
	} while (again || object->hole_moves != moves);
	forget_slots_locked(object, first, last);
	if (object->machine->policy->cut != NULL)
		object->machine->policy->cut(object->machine, object->number, first, last);
	machine_unlock(object->machine);
}

/* Punch a hole of LEN bytes at OFFSET into the host file: 0 or a negative errno of fallocate. */
static int punch(const struct advice_part *part, uint64_t offset, uint64_t len)
{
	int error =
	    fallocate(part->file->handle->medium.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	              (off_t)offset, (off_t)len);

	return error == 0 ? 0 : -errno;
}

/* Whether the file system can punch holes: tried far past the file's end, where nothing is lost. */
static int probe(const struct advice_part *part)
{
	const uint64_t far = UINT64_C(1) << 30;
	struct stat status;

	if (fstat(part->file->handle->medium.fd, &status) != 0)
		return -errno;
	return punch(part, page_align((uint64_t)status.st_size) + far, VM_PAGE_SIZE);
}

/* From now on no page of [FIRST, LAST) of OBJECT is read in, until end_hole. */
static void begin_hole(struct vm_object *object, uint64_t first, uint64_t last)
{
	machine_lock(object->machine);
	while (object->hole_first < object->hole_last)
		machine_wait_io_locked(object->machine);
	object->hole_first = first;
	object->hole_last = last;
	machine_unlock(object->machine);
}

static void end_hole(struct vm_object *object)
{
	machine_lock(object->machine);
	object->hole_first = object->hole_last = 0;
	machine_wake_io_locked(object->machine);
	machine_unlock(object->machine);
}

/*
 * The pages leave the cache, and then the file. Whoever comes for one of them waits until the hole
 * is made (Linux: the invalidate lock).
 */
int advice_remove(struct advice_part *part)
{
	struct vm_object *object = part->file->object;
	uint64_t len = part->end - part->start, last = part->first + (len >> VM_PAGE_SHIFT);
	int error = object->shmem ? 0 : probe(part);

	if (error != 0)
		return error;
	begin_hole(object, part->first, last);
	drop_pages(object, part->first, last);
	if (!object->shmem)
		error = punch(part, part->first << VM_PAGE_SHIFT, len);
	end_hole(object);
	return error;
}
