/*
 * madvise.c - madvise. Linux: mm/madvise.c; the checks come in its order.
 *
 *     is the advice known, and the range valid?
 *     for each area in the range (holes are skipped, and cause -ENOMEM at the end)
 *       is the advice allowed for such an area?
 *       change its flags or its page-table entries, with the process write-locked
 *       or, with no lock held, read and write pages (madvise_page.c)
 *
 * To add an advice, add a row to the table.
 */
#include "vm/calls/madvise.h"
#include "util/linux_constants.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/base/reason.h"
#include "vm/fault/access.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable_range.h"
#include "vm/memory/rmap.h"
#include "vm/space/area.h"

#include <errno.h>
#include <sys/mman.h>

struct advice {
	int number;
	unsigned set, clear; /* AREA_ flags */
	/* whether it is allowed for AREA: 0 or a negative errno; NULL: always */
	int (*check)(const struct vm_area *area);
	/* what it does, besides flags; at most one: */
	int (*change)(struct advice_part *part); /* with the process write-locked */
	int (*act)(struct advice_part *part);    /* with no lock held */
};

/* --- Is it allowed for the area? -------------------------------------------------------------- */

static int check_not_device(const struct vm_area *area)
{
	return area_is_device(area) ? -EINVAL : 0;
}

static int check_can_expand(const struct vm_area *area)
{
	return area->flags & (AREA_SPECIAL | AREA_DONTEXPAND) ? -EINVAL : 0;
}

static int check_can_wipe(const struct vm_area *area)
{
	return area->file != NULL || (area->flags & AREA_SHARED) ? -EINVAL : 0;
}

static int check_unlocked(const struct vm_area *area)
{
	return area_is_device(area) || (area->flags & AREA_LOCKED) ? -EINVAL : 0;
}

static int check_private_anonymous(const struct vm_area *area)
{
	return area->object != NULL ? -EINVAL : check_unlocked(area);
}

static int check_can_guard(const struct vm_area *area)
{
	return area->flags & AREA_LOCKED ? -EINVAL : check_can_expand(area);
}

static int check_can_remove(const struct vm_area *area)
{
	if ((area->flags & AREA_LOCKED) || area->file == NULL)
		return -EINVAL;
	unsigned needed = AREA_SHARED | AREA_MAYWRITE;
	return (area->flags & needed) == needed ? 0 : -EACCES;
}

/* --- Flags ------------------------------------------------------------------------------------ */

/* Set and clear flags (madvise_update_vma). -EAGAIN: the split would be an area too many. */
static int change_flags(struct advice_part *part, const struct advice *advice)
{
	struct vm_area *area = part->area;
	struct vm_space *space = area->space;
	unsigned flags = (area->flags & ~advice->clear) | advice->set;

	if (flags == area->flags)
		return 0;
	int error;
	area = area_carve(area, part->start, part->end, flags, &error);
	if (area == NULL)
		return error == -ENOMEM ? reason_turn(error, -EAGAIN) : error;
	area_set_flags(area, flags);
	area_merge(space, part->start, part->end);
	return 0;
}

/* --- Entries ---------------------------------------------------------------------------------- */

/*
 * Unmap the pages. What was written to private memory is lost; guard markers stay
 * (madvise_dontneed_single_vma). -ENOMEM: no table page, and nothing was unmapped.
 */
static int dontneed(struct advice_part *part)
{
	struct vm_space *space = part->area->space;
	int error = pagetable_own_range(space, part->start, part->end, VM_PTE);

	if (error == 0)
		pagetable_zap_range(space, part->start, part->end);
	return error;
}

/*
 * Let reclaim drop the page without swap, until it is written to again. A page in swap is freed at
 * once (madvise_free_pte_range).
 */
static bool free_leaf(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                      enum vm_level level)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t entry = pte_get(machine, id), pfn = pte_pfn(entry);

	if (pte_is_swap(entry))
		pte_set_locked(space, id, 0);
	if (!(entry & PTE_P) || !frame_is_ram(machine, pfn))
		return true;
	struct vm_frame *frame = &machine->frames[pfn];
	/* Other entries may hold its swap slot, or it is being written there. */
	if (frame->flags & (FRAME_SWAPCACHE | FRAME_DIRTY))
		return true;
	pte_change_locked(machine, id, 0, PTE_A | PTE_D);
	frame->flags |= FRAME_LAZYFREE;
	frame_age_locked(machine, (vm_pfn)pfn);
	return true;
}

static int free_lazily(struct advice_part *part)
{
	struct vm_space *space = part->area->space;
	int error = pagetable_own_range(space, part->start, part->end, VM_PTE);

	if (error != 0)
		return error;
	pagetable_each_leaf(space, part->start, part->end, free_leaf, NULL);
	pagetable_trim_range(space, part->start, part->end);
	return 0;
}

/* Make a page that nobody else maps the next to be evicted (madvise_cold_or_pageout_pte_range). */
static bool cool_leaf(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                      enum vm_level level)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t entry = pte_get(machine, id), pfn = pte_pfn(entry);

	if ((entry & PTE_P) && frame_is_ram(machine, pfn) &&
	    rmap_frame_users_locked(machine, (vm_pfn)pfn) == 1) {
		pte_change_locked(machine, id, 0, PTE_A);
		frame_age_locked(machine, (vm_pfn)pfn);
	}
	return true;
}

static int cool(struct advice_part *part)
{
	pagetable_each_leaf(part->area->space, part->start, part->end, cool_leaf, NULL);
	return 0;
}

/* --- Guard pages ------------------------------------------------------------------------------ */

static bool guard_leaf(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                       enum vm_level level)
{
	struct vm_machine *machine = space->process->machine;

	if (!pte_is_guard(pte_get(machine, id)))
		pte_set_locked(space, id, pte_make_guard(machine));
	return true;
}

/* Put guard markers into [VA, END), a piece of a last-level table. -ENOMEM: no table page. */
static int guard_piece_locked(struct vm_space *space, uint64_t va, uint64_t end)
{
	vm_entry_id id;
	int error = pagetable_own_locked(space, va, VM_PTE, true, &id, NULL);

	if (error == 0)
		pagetable_each_leaf_locked(space, va, end, guard_leaf, NULL);
	return error;
}

/*
 * Replace all pages by guard markers: every access is SEGV_MAPERR until they are removed
 * (madvise_guard_install). The machine lock is dropped after each piece of a table; the process
 * lock keeps the area. -ENOMEM: no table page; earlier tables are marked.
 */
static int install_guards(struct advice_part *part)
{
	struct vm_space *space = part->area->space;
	struct vm_machine *machine = space->process->machine;
	int error = 0;

	part->area->may_guard = true;
	for (uint64_t va = part->start; error == 0 && va < part->end;
	     va = pagetable_piece(va, part->end)) {
		machine_lock(machine);
		if (part->area->object == NULL)
			area_prepare_anon_locked(part->area);
		error = guard_piece_locked(space, va, pagetable_piece(va, part->end));
		machine_unlock(machine);
	}
	return error;
}

static bool unguard_leaf(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                         enum vm_level level)
{
	if (pte_is_guard(pte_get(space->process->machine, id)))
		pte_set_locked(space, id, 0);
	return true;
}

static int remove_guards(struct advice_part *part)
{
	struct vm_space *space = part->area->space;
	int error = pagetable_own_range(space, part->start, part->end, VM_PTE);

	if (error != 0)
		return error;
	pagetable_each_leaf(space, part->start, part->end, unguard_leaf, NULL);
	pagetable_trim_range(space, part->start, part->end);
	return 0;
}

/* --- The walk --------------------------------------------------------------------------------- */

static const struct advice advices[] = {
    {MADV_NORMAL, .clear = AREA_SEQ_READ | AREA_RAND_READ},
    {MADV_SEQUENTIAL, .set = AREA_SEQ_READ, .clear = AREA_RAND_READ},
    {MADV_RANDOM, .set = AREA_RAND_READ, .clear = AREA_SEQ_READ},
    {MADV_DONTFORK, .set = AREA_DONTCOPY},
    {MADV_DOFORK, .clear = AREA_DONTCOPY, .check = check_not_device},
    {MADV_WIPEONFORK, .set = AREA_WIPEONFORK, .check = check_can_wipe},
    {MADV_KEEPONFORK, .clear = AREA_WIPEONFORK},
    {MADV_DONTDUMP, .set = AREA_DONTDUMP},
    {MADV_DODUMP, .clear = AREA_DONTDUMP, .check = check_can_expand},
    {MADV_DONTNEED, .check = check_unlocked, .change = dontneed},
    {MADV_DONTNEED_LOCKED, .check = check_not_device, .change = dontneed},
    {MADV_FREE, .check = check_private_anonymous, .change = free_lazily},
    {MADV_COLD, .check = check_unlocked, .change = cool},
    {MADV_GUARD_INSTALL, .check = check_can_guard, .change = install_guards},
    {MADV_GUARD_REMOVE, .check = check_can_expand, .change = remove_guards},
    {MADV_WILLNEED, .act = advice_willneed},
    {MADV_PAGEOUT, .check = check_unlocked, .act = advice_pageout},
    {MADV_REMOVE, .check = check_can_remove, .act = advice_remove},
};

/* The row for advice NUMBER, or NULL. */
static const struct advice *find_advice(int number)
{
	for (size_t i = 0; i < G_N_ELEMENTS(advices); i++)
		if (advices[i].number == number)
			return &advices[i];
	return NULL;
}

/*
 * Check whether the advice is allowed for the area, and do what is done under the process lock. For
 * an advice that acts without locks, store in PART what it needs. The process is write-locked.
 */
static int advise_locked(const struct advice *advice, struct advice_part *part)
{
	int error = advice->check != NULL ? advice->check(part->area) : 0;

	if (error != 0)
		return error;
	if (advice->act != NULL) {
		part->file = part->area->file != NULL ? vm_file_ref(part->area->file) : NULL;
		part->first = area_index(part->area, part->start);
		return 0;
	}
	return advice->change != NULL ? advice->change(part) : change_flags(part, advice);
}

/*
 * Do what is done with no lock held, and release PART's file. The process is write-locked on entry
 * and on return. It was unlocked between: areas may have changed, and the process may have ended.
 */
static int advise_unlocked(const struct advice *advice, struct advice_part *part)
{
	process_unlock(part->process);
	int error = advice->act(part);
	if (part->file != NULL)
		vm_file_unref(part->file);
	process_write_lock(part->process);
	return error;
}

/*
 * Advise all areas of [VA, END), up to the first error. Takes and drops the process lock. Holes are
 * -ENOMEM, but only after all areas were advised (madvise_walk_vmas).
 */
static int advise(struct vm_process *process, uint64_t va, uint64_t end,
                  const struct advice *advice)
{
	struct advice_part part = {.process = process};
	uint64_t first_hole = 0;
	int error = 0, hole = 0;

	process_write_lock(process);
	while (error == 0 && va < end) {
		/* advise_unlocked may have dropped the lock: look up the process and the area. */
		part.area = process->space != NULL ? area_find(process->space, va) : NULL;
		if (process->space == NULL)
			error = -ESRCH;
		if ((part.area == NULL || part.area->start > va) && hole == 0) {
			hole = -ENOMEM;
			first_hole = va;
		}
		if (part.area == NULL || part.area->start >= end)
			break;
		part.start = MAX(va, part.area->start);
		part.end = va = MIN(end, part.area->end);
		error = advise_locked(advice, &part);
		if (error == 0 && advice->act != NULL)
			error = advise_unlocked(advice, &part);
	}
	process_unlock(process);
	if (error == 0 && hole != 0)
		reason_set(hole, VM_WHY_HOLE, first_hole, 0, 0);
	return error != 0 ? error : hole;
}

/* --- Populating ------------------------------------------------------------------------------- */

/*
 * Whether pages at VA may be brought in for accesses that need RIGHT (AREA_READ or AREA_WRITE).
 * *END is the end of the area there. -ENOMEM: no area; -EINVAL: a device, or no such right; -ESRCH.
 * The process is unlocked on return, so the answer may be outdated.
 */
static int may_populate(struct vm_process *process, uint64_t va, unsigned right, uint64_t *end)
{
	int error = 0;

	process_read_lock(process);
	const struct vm_area *area = process->space != NULL ? area_at(process->space, va) : NULL;
	if (process->space == NULL)
		error = -ESRCH;
	else if (area == NULL)
		error = reason_set(-ENOMEM, VM_WHY_HOLE, va, 0, 0);
	else if (area_is_device(area) || !(area->flags & right))
		error = -EINVAL;
	else
		*end = area->end;
	process_unlock(process);
	return error;
}

/*
 * Fault the pages in, as accesses would (madvise_populate). Pages before the first failure stay. No
 * lock is held on entry or on return.
 */
static int populate(struct vm_process *process, uint64_t va, uint64_t end, enum vm_access access)
{
	unsigned right = access == VM_ACCESS_WRITE ? AREA_WRITE : AREA_READ;
	uint64_t area_end = 0;
	int error = 0;

	for (; error == 0 && va < end; va = area_end) {
		error = may_populate(process, va, right, &area_end);
		if (error == 0)
			error = access_range(process, va, MIN(end, area_end) - va, access);
	}
	return error == -EIO || error == -EACCES ? reason_turn(error, -EFAULT) : error;
}

/* --- The call --------------------------------------------------------------------------------- */

int vm_madvise(struct vm_process *process, uint64_t addr, uint64_t len, int number)
{
	const struct advice *advice = find_advice(number);
	bool populates = number == MADV_POPULATE_READ || number == MADV_POPULATE_WRITE;
	uint64_t end = addr + page_align(len);

	if ((advice == NULL && !populates) || (addr & (VM_PAGE_SIZE - 1)) ||
	    (len > 0 && page_align(len) == 0) || end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	if (populates)
		return populate(process, addr, end,
		                number == MADV_POPULATE_WRITE ? VM_ACCESS_WRITE : VM_ACCESS_READ);
	return advise(process, addr, end, advice);
}
