/*
 * legal.c - whether a fault is one that can be served: the upper half of the drawing in fault.c. Is
 * there an area, or a stack that grows, and do its rights permit the access?
 */
#include "vm/base/account.h"
#include "vm/base/lock.h"
#include "vm/base/reason.h"
#include "vm/fault/fault.h"
#include "vm/fault/fault_inner.h"
#include "vm/space/area.h"
#include "vm/space/limits.h"

#include <errno.h>

/* Whether AREA's rights permit ACCESS: it has one of those in the table. */
static bool permitted(const struct vm_area *area, enum vm_access access)
{
	static const unsigned needed[] = {
	    /* On x86, what may be written or executed can be read too (access_error). */
	    [VM_ACCESS_READ] = AREA_READ | AREA_WRITE | AREA_EXEC,
	    [VM_ACCESS_WRITE] = AREA_WRITE,
	    /* Linux treats a fetch as a load until the page is there. */
	    [VM_ACCESS_EXEC] = AREA_READ | AREA_WRITE | AREA_EXEC,
	};

	return area->flags & needed[access];
}

bool fault_may_reach(const struct vm_area *area, uint64_t start)
{
	const struct vm_area *below = area->prev;

	if (!(area->flags & AREA_GROWSDOWN) ||
	    start < machine_knob(area->space->process->machine, mmap_min_addr))
		return false;
	if (below == NULL || (below->flags & AREA_GROWSDOWN) || !(below->flags & AREA_ACCESS) ||
	    start - below->end >= AREA_GUARD_GAP)
		return true;
	reason_set(-EFAULT, VM_WHY_STACK_GAP, below->end, area->start - start, 0);
	return false;
}

bool fault_may_grow(const struct vm_area *area, uint64_t start)
{
	struct vm_space *space = area->space;
	uint64_t more = (area->start - start) >> VM_PAGE_SHIFT;

	uint64_t limit = limits_soft(space->process, VM_LIMIT_STACK);
	bool may = more <= area->pgoff && limits_allow_pages(space, area->flags, more);

	if (may && area->end - start > limit) {
		reason_set(-EFAULT, VM_WHY_STACK, area->end - start, area->start - start, limit);
		return false;
	}
	if (may && (area->flags & AREA_LOCKED))
		may = limits_allow_lock(space, more);
	if (may && (area->flags & AREA_ACCOUNT))
		may = machine_may_commit(space, more);
	if (!may)
		reason_turn(-ENOMEM, -EFAULT);
	return may;
}

/*
 * Whether an attempt to grow AREA down to START changes anything. It may grow. Or it may get its
 * family of anonymous pages (anon_vma): as in Linux, that happens before the limits are checked.
 *
 * The machine lock may be dropped.
 */
static bool worth_growing_locked(const struct vm_area *area, uint64_t start)
{
	struct vm_machine *machine = area->space->process->machine;

	if (!fault_may_reach(area, start))
		return false;
	if (area->anon_vma == 0)
		return true;
	/* The process lock keeps the area as it is. */
	machine_unlock(machine);
	bool may = fault_may_grow(area, start);
	machine_lock(machine);
	return may;
}

struct vm_area *fault_legal_area_locked(struct fault *fault, int *verdict)
{
	struct vm_area *area = area_find(fault->process->space, fault->record->va);

	/* An earlier pass may have found an area that is gone by now. */
	fault->record->area_start = fault->record->area_end = 0;
	fault->record->area_perm[0] = '\0';
	if (area == NULL || fault->record->va >= VM_USER_END) {
		*verdict = fault_fail(fault, VM_FAULT_SEGV_MAPERR, -EFAULT);
		return NULL;
	}
	if (fault->record->va < area->start) {
		/* The kernel populates areas, but does not grow them. */
		bool grows = !fault->grown && !(fault->flags & FAULT_FOR_KERNEL) &&
		             worth_growing_locked(area, page_down(fault->record->va));
		*verdict = grows ? PASS_GROW : fault_fail(fault, VM_FAULT_SEGV_MAPERR, -EFAULT);
		return NULL;
	}
	if (fault_is_seen_locked(fault)) {
		fault->record->area_start = area->start;
		fault->record->area_end = area->end;
		area_perm(area, fault->record->area_perm);
	}
	if (!permitted(area, fault->record->access)) {
		*verdict = fault_fail(fault, VM_FAULT_SEGV_ACCERR, -EACCES);
		return NULL;
	}
	return area;
}
