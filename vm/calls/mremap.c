/*
 * mremap.c - grow, shrink and move a mapping. Linux: mm/mremap.c; the checks come in its order.
 *
 *     MREMAP_FIXED, MREMAP_DONTUNMAP  remap_to: clear the new place, cut the tail, move
 *         over several areas          remap_several: each by itself
 *     the new length is not larger    shrink: cut the tail
 *     the new length is larger        grow: in place if there is room, else move
 *
 * Rule: the process is write-locked throughout, except while the pages of a locked mapping are
 * brought in at the end.
 */
#include "vm/base/account.h"
#include "vm/base/lock.h"
#include "vm/base/reason.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/fault/access.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/pagetable_range.h"
#include "vm/space/area.h"
#include "vm/space/limits.h"
#include "vm/space/place.h"
#include "vm/space/protect.h"
#include "vm/space/space.h"

#include <errno.h>
#include <sys/mman.h>

/*
 * A move may split the old area and adds a new one. Linux keeps this margin below max_map_count.
 */
enum { MAP_COUNT_MARGIN = 3 };

/* The call's arguments, and what it collects. */
struct move {
	struct vm_space *space;
	uint64_t addr, old_len, new_len, new_addr; /* lengths are whole pages */
	int flags;
	struct vm_area **dead; /* areas that went, to be freed when no lock is held */
};

/* --- Checks ----------------------------------------------------------------------------------- */

/* The checks that need no area (check_mremap_params). 0 or -EINVAL. */
static int check_arguments(const struct move *move)
{
	int flags = move->flags;
	bool moves_to = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);

	if (flags & ~(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP))
		return -EINVAL;
	if (moves_to && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && move->old_len != move->new_len)
		return -EINVAL;
	if ((move->addr & (VM_PAGE_SIZE - 1)) || move->new_len == 0 || move->new_len > VM_USER_END)
		return -EINVAL;
	if (!moves_to)
		return 0;
	if ((move->new_addr & (VM_PAGE_SIZE - 1)) || move->new_addr > VM_USER_END - move->new_len)
		return -EINVAL;
	bool overlaps = move->addr + move->old_len > move->new_addr &&
	                move->new_addr + move->new_len > move->addr;
	return overlaps ? -EINVAL : 0;
}

/*
 * Whether the mapping of AREA at the move's address may become NEW_LEN bytes long (vma_to_resize):
 * 0, -EINVAL, -EFAULT, -EAGAIN (RLIMIT_MEMLOCK), -ENOMEM (other limits, overcommit).
 */
static int check_resize(const struct move *move, const struct vm_area *area)
{
	if (move->old_len == 0 && !(area->flags & AREA_MAYSHARE))
		return -EINVAL;
	if ((move->flags & MREMAP_DONTUNMAP) && (area->flags & AREA_DONTEXPAND))
		return -EINVAL;
	if (move->old_len > area->end - move->addr)
		return reason_set(-EFAULT, VM_WHY_SEVERAL, area->end, 0, 0);
	if (move->new_len <= move->old_len)
		return 0;
	uint64_t first = area_index(area, move->addr);
	if (first + (move->new_len >> VM_PAGE_SHIFT) < first)
		return -EINVAL;
	if (area->flags & AREA_DONTEXPAND)
		return -EFAULT;
	uint64_t more = (move->new_len - move->old_len) >> VM_PAGE_SHIFT;
	if ((area->flags & AREA_LOCKED) && !limits_allow_lock(area->space, more))
		return reason_turn(-ENOMEM, -EAGAIN);
	if (!limits_allow_pages(area->space, area->flags, more))
		return -ENOMEM;
	return (area->flags & AREA_ACCOUNT) && !machine_may_commit(area->space, more) ? -ENOMEM : 0;
}

/* Whether MORE areas would come too close to max_map_count. */
static bool too_many(const struct vm_space *space, uint64_t more)
{
	uint64_t most = machine_knob(space->process->machine, max_map_count);

	if (space->area_count + more + MAP_COUNT_MARGIN < most)
		return false;
	reason_set(-ENOMEM, VM_WHY_AREAS, 0, space->area_count, most);
	return true;
}

/* --- Moving ----------------------------------------------------------------------------------- */

/* A copy of AREA for the new place, not yet in the space. NULL: no memory. */
static struct vm_area *copy_area(const struct move *move, const struct vm_area *area)
{
	/*
	 * An anonymous area that never had pages is numbered by its new address, so that it can
	 * merge with its new neighbours.
	 */
	bool untouched = area->object == NULL && area->anon_vma == 0;
	uint64_t pgoff = untouched ? move->new_addr >> VM_PAGE_SHIFT : area_index(area, move->addr);
	struct vm_area *copy =
	    area_copy(area, move->space, move->new_addr, move->new_addr + move->new_len, pgoff);

	if (copy != NULL)
		copy->soft_dirty = true;
	return copy;
}

/*
 * Finish what MREMAP_DONTUNMAP leaves behind, whose pages have moved. As in Linux
 * (dontunmap_complete), the whole area around it is unlocked. If the whole area was moved, it has
 * no family of anonymous pages any more.
 */
static void leave_empty(const struct move *move)
{
	struct vm_area *area = area_at(move->space, move->addr);

	if (area->flags & AREA_LOCKED) {
		area_set_flags(area, area->flags & ~(unsigned)(AREA_LOCKED | AREA_LOCKONFAULT));
		protect_entries(area);
	}
	if (area->start == move->addr && area->end == move->addr + move->old_len) {
		area->anon_vma = 0;
		area->anon_inherited = false;
	}
}

/*
 * Prepare leave_empty, which must not fail. AREA will be unlocked, so its entries must be in tables
 * of the space's own. It may merge with a neighbour of the new place before that, so the same holds
 * for those neighbours. -ENOMEM: no table page.
 */
static int prepare_unlock(const struct move *move, const struct vm_area *area)
{
	uint64_t end = move->new_addr + move->new_len;
	const struct vm_area *below =
	    move->new_addr > 0 ? area_at(move->space, move->new_addr - 1) : NULL;
	const struct vm_area *merging[] = {area, below, area_at(move->space, end)};
	int error = 0;

	for (size_t i = 0; error == 0 && i < G_N_ELEMENTS(merging); i++)
		if (merging[i] != NULL && (merging[i]->flags & AREA_LOCKED))
			error = pagetable_own_range(move->space, merging[i]->start, merging[i]->end,
			                            VM_PTE);
	return error;
}

/*
 * Move the mapping to new_addr, which is free (move_vma). AREA is invalid afterwards.
 *
 * => the new address.
 * => -ENOMEM, -EINVAL before anything has changed that a process could see.
 *
 * If the old place cannot be split at the end, its areas stay, empty. As in Linux the call has then
 * succeeded all the same, because the pages have moved.
 */
static int64_t move_area(struct move *move, const struct vm_area *area)
{
	struct vm_space *space = move->space;

	if (too_many(space, 0))
		return -ENOMEM;
	/* Special areas of the kernel only move as a whole (special_mapping_split). */
	if ((area->flags & AREA_SPECIAL) &&
	    (move->addr != area->start || move->addr + move->old_len != area->end))
		return -EINVAL;
	bool both = (move->flags & MREMAP_DONTUNMAP) && (area->flags & AREA_ACCOUNT);
	if (both && !machine_may_commit(space, move->new_len >> VM_PAGE_SHIFT))
		return -ENOMEM;
	/* Get the memory and the tables that the move needs before the first change. */
	struct vm_area *copy = copy_area(move, area);
	if (copy == NULL)
		return -ENOMEM;
	uint64_t pages = MIN(move->old_len, move->new_len);
	int error =
	    pages > 0 ? pagetable_prepare_move(space, move->addr, move->new_addr, pages) : 0;
	if (error == 0 && (move->flags & MREMAP_DONTUNMAP) && (area->flags & AREA_LOCKED))
		error = prepare_unlock(move, area);
	if (error != 0) {
		area_discard(copy, move->dead);
		return error;
	}
	area_insert(copy);
	if (pages > 0)
		pagetable_move_range(space, move->addr, move->new_addr, pages);
	if (move->old_len > 0 && !(move->flags & MREMAP_DONTUNMAP))
		space_unmap(space, move->addr, move->addr + move->old_len, move->dead);
	area_merge(space, move->new_addr, move->new_addr + move->new_len);
	if (move->flags & MREMAP_DONTUNMAP)
		leave_empty(move);
	return (int64_t)move->new_addr;
}

/*
 * Find a new place for the mapping of AREA, and move it there (vrm_set_new_addr). FLAGS are mmap's.
 * Errors of space_find_place and of move_area.
 */
static int64_t move_anywhere(struct move *move, const struct vm_area *area, int flags)
{
	flags |= area->flags & AREA_MAYSHARE ? MAP_SHARED : 0;
	int64_t at = space_find_place(move->space, move->new_addr, move->new_len, flags, area->file,
	                              area_index(area, move->addr) << VM_PAGE_SHIFT);

	if (at < 0)
		return at;
	move->new_addr = (uint64_t)at;
	return move_area(move, area);
}

/* --- The three ways --------------------------------------------------------------------------- */

/*
 * Unmap the tail beyond the new length, with munmap's check of the range. The old length is then no
 * longer than the new one.
 */
static int cut_tail(struct move *move)
{
	uint64_t start = move->addr + move->new_len, more = move->old_len - move->new_len;

	if (move->old_len <= move->new_len)
		return 0;
	if (start > VM_USER_END || more > VM_USER_END - start)
		return -EINVAL;
	move->old_len = move->new_len;
	return space_unmap(move->space, start, start + more, move->dead);
}

/*
 * MREMAP_FIXED and MREMAP_DONTUNMAP (mremap_to). After an error the new place and the tail may have
 * been unmapped already, as in Linux.
 */
static int64_t remap_to(struct move *move)
{
	struct vm_space *space = move->space;

	/*
	 * Check the part that will be kept before anything is unmapped. The tail that is cut off
	 * may lie in other areas.
	 */
	const struct vm_area *area = area_at(space, move->addr);
	struct move kept = *move;
	kept.old_len = MIN(move->old_len, move->new_len);
	int error = area != NULL ? check_resize(&kept, area) : -EFAULT;
	if (error == 0 && (move->flags & MREMAP_FIXED))
		error =
		    space_unmap(space, move->new_addr, move->new_addr + move->new_len, move->dead);
	/* A range that wraps around may have overlapped the new place, which is unmapped now. */
	if (error == 0 && area_at(space, move->addr) == NULL)
		error = -EFAULT;
	if (error == 0)
		error = cut_tail(move);
	if (error != 0)
		return error;
	/* Unmapping may have split the area: look it up again. */
	area = area_at(space, move->addr);
	if ((move->flags & MREMAP_DONTUNMAP) &&
	    !limits_allow_pages(space, area->flags, move->new_len >> VM_PAGE_SHIFT))
		return -ENOMEM;
	return move_anywhere(move, area, move->flags & MREMAP_FIXED ? MAP_FIXED : 0);
}

static int64_t shrink(struct move *move)
{
	int error = cut_tail(move);

	return error != 0 ? error : (int64_t)move->addr;
}

/* Whether AREA can grow up to END: nothing is mapped there. */
static bool may_extend(const struct vm_area *area, uint64_t end)
{
	return end > area->end && end <= VM_USER_END &&
	       area_overlap(area->space, area->end, end) == NULL;
}

/* What keeps the range in AREA from growing to END: the rest of AREA, the next, or the top. */
static uint64_t in_the_way(const struct move *move, const struct vm_area *area, uint64_t end)
{
	const struct vm_area *above = area_overlap(area->space, area->end, end);

	if (move->addr + move->old_len < area->end)
		return move->addr + move->old_len;
	return above != NULL ? above->start : VM_USER_END;
}

/* Grow in place if the area ends there and there is room, else move (expand_vma). */
static int64_t grow(struct move *move, struct vm_area *area)
{
	int error = check_resize(move, area);
	uint64_t end = move->addr + move->new_len;

	if (error != 0)
		return error;
	if (move->old_len == area->end - move->addr && may_extend(area, end)) {
		area_extend(area, end);
		return (int64_t)move->addr;
	}
	if (!(move->flags & MREMAP_MAYMOVE))
		return reason_set(-ENOMEM, VM_WHY_IN_THE_WAY, in_the_way(move, area, end), 0, 0);
	move->new_addr = 0;
	return move_anywhere(move, area, 0);
}

/*
 * Move each area of the range by itself. Between the areas, the new place stays as it was
 * (remap_move, since 6.17). After an error earlier areas have moved.
 */
static int64_t remap_several(struct move *move)
{
	uint64_t end = move->addr + move->old_len;
	int64_t result = -EFAULT;

	for (uint64_t va = move->addr; va < end;) {
		const struct vm_area *area = area_overlap(move->space, va, end);
		if (area == NULL)
			break;
		uint64_t start = MAX(va, area->start), len = MIN(end, area->end) - start;
		struct move part = *move;
		part.addr = start;
		part.new_addr = move->new_addr + (start - move->addr);
		part.old_len = part.new_len = len;
		va = start + len;
		result = remap_to(&part);
		if (result < 0)
			return result;
	}
	return result < 0 ? result : (int64_t)move->new_addr;
}

/* Choose between the ways above. The new address or a negative errno. */
static int64_t remap(struct move *move)
{
	struct vm_area *area = area_at(move->space, move->addr);
	bool moves_to = move->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);

	/* Both ends may be split in three. Linux checks that before it looks for an area. */
	if (moves_to && too_many(move->space, 2))
		return -ENOMEM;
	if (area == NULL)
		return reason_set(-EFAULT, VM_WHY_HOLE, move->addr, 0, 0);
	bool several = move->old_len > area->end - move->addr;
	if (several && (move->flags & MREMAP_FIXED) && move->old_len == move->new_len)
		return remap_several(move);
	if (moves_to)
		return remap_to(move);
	return move->new_len <= move->old_len ? shrink(move) : grow(move, area);
}

int64_t vm_mremap(struct vm_process *process, uint64_t addr, uint64_t old_len, uint64_t new_len,
                  int flags, uint64_t new_addr)
{
	struct vm_area *dead = NULL;
	struct move move = {.addr = addr,
	                    .old_len = page_align(old_len),
	                    .new_len = page_align(new_len),
	                    .flags = flags,
	                    .new_addr = new_addr,
	                    .dead = &dead};
	int64_t result = check_arguments(&move);
	unsigned flags_after = 0;

	if (result != 0)
		return result;
	process_write_lock(process);
	move.space = process->space;
	result = move.space != NULL ? remap(&move) : -ESRCH;
	if (result >= 0 && move.new_len > move.old_len) {
		const struct vm_area *area = area_at(move.space, (uint64_t)result);
		flags_after = area != NULL ? area->flags : 0;
	}
	process_unlock(process);
	area_release(dead);
	if ((flags_after & (AREA_LOCKED | AREA_LOCKONFAULT)) == AREA_LOCKED)
		access_populate(process, (uint64_t)result + move.old_len,
		                move.new_len - move.old_len, flags_after);
	return result;
}
