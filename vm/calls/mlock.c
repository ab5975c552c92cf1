/*
 * mlock.c - areas locked in memory. Linux: mm/mlock.c.
 *
 * Entries of locked areas carry a software bit. So reclaim sees from the entries of a frame that it
 * must stay, and need not look at areas.
 */
#include "vm/base/lock.h"
#include "vm/base/reason.h"
#include "vm/fault/access.h"
#include "vm/space/area.h"
#include "vm/space/limits.h"
#include "vm/space/protect.h"

#include <errno.h>
#include <sys/mman.h>

#define LOCK_FLAGS ((unsigned)(AREA_LOCKED | AREA_LOCKONFAULT))

/* Set the lock flags of [START, END), inside AREA, to FLAGS (mlock_fixup). */
static int lock_one(struct vm_area *area, uint64_t start, uint64_t end, unsigned flags)
{
	return area->flags & AREA_SPECIAL
	           ? 0
	           : protect_area(area, start, end, (area->flags & ~LOCK_FLAGS) | flags);
}

/*
 * Set the lock flags of all areas in [START, END) to FLAGS. As in Linux (apply_vma_lock_flags),
 * areas before the first failure have changed. -ENOMEM: a hole, too many areas, or no table page.
 */
static int apply(struct vm_space *space, uint64_t start, uint64_t end, unsigned flags)
{
	int error = 0;

	for (uint64_t va = start, next; error == 0 && va < end; va = next) {
		struct vm_area *area = area_at(space, va);
		if (area == NULL)
			return reason_set(-ENOMEM, VM_WHY_HOLE, va, 0, 0);
		next = MIN(end, area->end);
		error = lock_one(area, va, next, flags);
	}
	return error;
}

/* Count the pages of [START, END) that are locked already (count_mm_mlocked_page_nr). */
static uint64_t locked_in(const struct vm_space *space, uint64_t start, uint64_t end)
{
	uint64_t pages = 0;

	for (const struct vm_area *area = area_find(space, start);
	     area != NULL && area->start < end; area = area->next)
		if (area->flags & AREA_LOCKED)
			pages += (MIN(end, area->end) - MAX(start, area->start)) >> VM_PAGE_SHIFT;
	return pages;
}

/* The result of mlock if populating failed with ERROR (__mlock_posix_error_return). */
static int populate_errno(int error)
{
	if (error == -ENOMEM)
		return reason_turn(error, -EAGAIN);
	if (error == -EFAULT || error == -EACCES || error == -EIO)
		return reason_turn(error, -ENOMEM);
	return error;
}

/*
 * Bring in the pages of the locked areas in [START, END) (__mm_populate). Stop at the first
 * failure, unless ALL is set. Stop for lack of memory in any case: Linux goes on, but kills
 * processes for it. No lock is held on entry or on return, so areas may change on the way.
 */
static int populate(struct vm_process *process, uint64_t start, uint64_t end, bool all)
{
	int error = 0;

	while ((error == 0 || (all && error != -ENOMEM)) && start < end) {
		process_read_lock(process);
		const struct vm_area *area =
		    process->space != NULL ? area_find(process->space, start) : NULL;
		bool found = area != NULL && area->start < end;
		uint64_t from = found ? MAX(start, area->start) : end,
		         to = found ? MIN(end, area->end) : end;
		unsigned flags = found ? area->flags : 0;
		process_unlock(process);
		if ((flags & LOCK_FLAGS) == AREA_LOCKED)
			error = access_populate(process, from, to - from, flags);
		start = to;
	}
	return populate_errno(error);
}

/*
 * Whether RLIMIT_MEMLOCK allows to lock LEN bytes from START on. Pages that are locked already are
 * not counted twice (do_mlock).
 */
static bool may_lock(const struct vm_space *space, uint64_t start, uint64_t len)
{
	uint64_t end = len <= UINT64_MAX - start ? start + len : UINT64_MAX;
	uint64_t pages = len >> VM_PAGE_SHIFT;

	return limits_allow_lock(space, pages - MIN(pages, locked_in(space, start, end)));
}

/*
 * mlock with FLAGS (AREA_LOCKED ...), or munlock with 0. The flags change under the process lock.
 * The pages are brought in afterwards, with no lock held: areas may have changed by then.
 */
static int lock_range(struct vm_process *process, uint64_t addr, uint64_t len, unsigned flags)
{
	uint64_t start = page_down(addr);
	int result = -ESRCH;

	len = page_align(len + (addr - start));
	process_write_lock(process);
	struct vm_space *space = process->space;
	if (space != NULL && flags != 0 && !may_lock(space, start, len))
		result = -ENOMEM;
	else if (space != NULL)
		result = start + len < start ? -EINVAL : apply(space, start, start + len, flags);
	process_unlock(process);
	return result == 0 && flags != 0 ? populate(process, start, start + len, false) : result;
}

/* Whether the process may lock memory at all (can_do_mlock). */
static bool may_lock_at_all(struct vm_process *process)
{
	process_read_lock(process);
	bool may = limits_can_lock(process);
	process_unlock(process);
	return may;
}

int vm_mlock(struct vm_process *process, uint64_t addr, uint64_t len, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	if (!may_lock_at_all(process))
		return -EPERM;
	return lock_range(process, addr, len,
	                  AREA_LOCKED | (flags & MLOCK_ONFAULT ? AREA_LOCKONFAULT : 0u));
}

int vm_munlock(struct vm_process *process, uint64_t addr, uint64_t len)
{
	return lock_range(process, addr, len, 0);
}

/*
 * Set the lock flags of all areas to FLAGS. As in Linux (apply_mlockall_flags), areas where that
 * fails stay as they are. A change may merge areas, so the next one is looked up by address.
 */
static void apply_to_all(struct vm_space *space, unsigned flags)
{
	struct vm_area *area = space->first;

	while (area != NULL) {
		uint64_t end = area->end;
		lock_one(area, area->start, end, flags);
		area = area_find(space, end);
	}
}

int vm_mlockall(struct vm_process *process, int flags)
{
	unsigned lock = AREA_LOCKED | (flags & MCL_ONFAULT ? AREA_LOCKONFAULT : 0u);
	int result = -ESRCH;

	if (flags == 0 || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) ||
	    flags == MCL_ONFAULT)
		return -EINVAL;
	if (!may_lock_at_all(process))
		return -EPERM;
	process_write_lock(process);
	struct vm_space *space = process->space;
	if (space != NULL) {
		result = !(flags & MCL_CURRENT) ||
		                 limits_allow_lock(space, space->total_pages - space->locked_pages)
		             ? 0
		             : -ENOMEM;
		if (result == 0) {
			space->lock_future = flags & MCL_FUTURE ? lock : 0;
			if (flags & MCL_CURRENT)
				apply_to_all(space, lock);
		}
	}
	process_unlock(process);
	if (result == 0 && (flags & MCL_CURRENT))
		populate(process, 0, VM_USER_END, true); /* failures are ignored, as in Linux */
	return result;
}

int vm_munlockall(struct vm_process *process)
{
	int result = -ESRCH;

	process_write_lock(process);
	if (process->space != NULL) {
		process->space->lock_future = 0;
		apply_to_all(process->space, 0);
		result = 0;
	}
	process_unlock(process);
	return result;
}
