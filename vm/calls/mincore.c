/*
 * mincore.c - which pages are in memory. Linux: mm/mincore.c.
 */
#include "vm/base/lock.h"
#include "vm/base/reason.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/memory/pagetable_range.h"
#include "vm/memory/swap.h"
#include "vm/space/area.h"

#include <errno.h>
#include <string.h>

/* Whether PFN is a frame whose page has been read. */
static bool is_at_hand(const struct vm_machine *machine, vm_pfn pfn)
{
	return pfn != VM_PFN_NONE && !(machine->frames[pfn].flags & FRAME_BUSY);
}

/*
 * Whether the page of AREA at VA, whose entry is ENTRY, is in memory: mapped, or in the page or the
 * swap cache.
 */
static bool in_core_locked(const struct vm_area *area, uint64_t va, uint64_t entry)
{
	const struct vm_machine *machine = area->space->process->machine;

	if (entry & PTE_P)
		return true;
	if (pte_is_swap(entry))
		return is_at_hand(machine, machine->swap.slots[pte_slot(entry)].frame);
	return area->object != NULL &&
	       is_at_hand(machine, object_lookup_locked(area->object, area_index(area, va)));
}

/* What a walk over the entries fills in. */
struct look {
	const struct vm_area *area;
	uint64_t start;
	uint8_t *vec; /* a byte for each page from START on */
};

static bool look_at_leaf(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                         enum vm_level level)
{
	const struct look *look = ctx;
	uint64_t entry = pte_get(space->process->machine, id);

	look->vec[(va - look->start) >> VM_PAGE_SHIFT] = in_core_locked(look->area, va, entry);
	return true;
}

/*
 * Fill VEC for [VA, END), in AREA and in a piece of one last-level table. Where that table does
 * not exist, the page cache alone decides. The process is locked.
 */
static void look_at_piece(const struct vm_area *area, uint64_t va, uint64_t end, uint8_t *vec)
{
	struct vm_machine *machine = area->space->process->machine;
	struct look look = {.area = area, .start = va, .vec = vec};

	machine_lock(machine);
	if (pagetable_entry_at_locked(area->space, va, VM_PTE) != 0)
		pagetable_each_leaf_locked(area->space, va, end, look_at_leaf, &look);
	else
		for (; va < end; va += VM_PAGE_SIZE)
			*vec++ = in_core_locked(area, va, 0);
	machine_unlock(machine);
}

/*
 * Whether the process may know which pages of an area are in memory. It must be allowed to write
 * to the file: others do not learn what is read of it (can_do_mincore). Asks the host, so no lock
 * is held.
 */
static bool may_know(const struct vm_process *process, const struct vm_file *file, unsigned flags)
{
	return !(flags & AREA_SPECIAL) && (file == NULL || file_may_write(file, &process->cred));
}

/*
 * Fill VEC from VA on, up to the end of the area there, of the last-level table or of the range.
 * *NEXT is where it stopped. -ENOMEM: no area at VA; -ESRCH. No lock is held on entry or on return.
 */
static int look_at_part(struct vm_process *process, uint64_t va, uint64_t end, uint8_t *vec,
                        uint64_t *next)
{
	struct vm_file *file = NULL;
	unsigned flags = 0;

	process_read_lock(process);
	const struct vm_area *area = process->space != NULL ? area_at(process->space, va) : NULL;
	int error = process->space == NULL ? -ESRCH : 0;
	if (error == 0 && area == NULL)
		error = reason_set(-ENOMEM, VM_WHY_HOLE, va, 0, 0);
	if (error == 0) {
		*next = pagetable_stop(va, MIN(area->end, end), VM_PMD);
		file = area->file != NULL ? vm_file_ref(area->file) : NULL;
		flags = area->flags;
	}
	process_unlock(process);
	if (error != 0)
		return error;
	bool known = may_know(process, file, flags);
	process_read_lock(process);
	/*
	 * The lock was dropped: the process may have ended. Or the area may be gone or may map
	 * another file: then the answer is the one for a file that is not to be known, all present.
	 */
	error = process->space != NULL ? 0 : -ESRCH;
	area = process->space != NULL ? area_at(process->space, va) : NULL;
	if (known && area != NULL && area->file == file && area->end >= *next)
		for (uint64_t stop; va < *next; vec += (stop - va) >> VM_PAGE_SHIFT, va = stop)
			look_at_piece(area, va, stop = pagetable_piece(va, *next), vec);
	else
		memset(vec, 1, (*next - va) >> VM_PAGE_SHIFT);
	process_unlock(process);
	if (file != NULL)
		vm_file_unref(file);
	return error;
}

int vm_mincore(struct vm_process *process, uint64_t addr, uint64_t len, uint8_t *vec)
{
	uint64_t end = addr + page_align(len), next;

	if (addr & (VM_PAGE_SIZE - 1))
		return -EINVAL;
	if (addr > VM_USER_END || len > VM_USER_END - addr)
		return -ENOMEM;
	for (uint64_t va = addr; va < end; va = next) {
		int error =
		    look_at_part(process, va, end, vec + ((va - addr) >> VM_PAGE_SHIFT), &next);
		if (error != 0)
			return error;
	}
	return 0;
}
