/*
 * brk.c - the heap. Linux: the brk system call, mm/mmap.c.
 *
 * The break is counted in bytes, the area of the heap in pages. The area merges with anonymous
 * neighbours of equal flags, as any other. But its first page does not merge with the area below,
 * the bss of a program, because brk looks for a neighbour only down to start_brk.
 */
#include "vm/base/account.h"
#include "vm/base/lock.h"
#include "vm/base/reason.h"
#include "vm/cache/file.h"
#include "vm/fault/access.h"
#include "vm/memory/pagetable.h"
#include "vm/space/area.h"
#include "vm/space/limits.h"
#include "vm/space/space.h"

#include <errno.h>
#include <sys/mman.h>

/*
 * Flags of the heap's areas: private, anonymous, readable and writable (VM_DATA_DEFAULT_FLAGS |
 * VM_ACCOUNT).
 */
enum {
	HEAP_FLAGS =
	    AREA_READ | AREA_WRITE | AREA_MAYREAD | AREA_MAYWRITE | AREA_MAYEXEC | AREA_ACCOUNT
};

/* Note why the break stays where it is; sbrk then fails with ENOMEM. Returns false. */
static bool refuse(enum vm_why why, uint64_t asked, uint64_t used, uint64_t limit)
{
	reason_set(-ENOMEM, why, asked, used, limit);
	return false;
}

/*
 * Map [FROM, TO) as heap (do_brk_flags). False, with nothing changed: something is in the way, or
 * limits, overcommit or max_map_count forbid it, or there is no memory.
 */
static bool grow_heap(struct vm_space *space, uint64_t from, uint64_t to)
{
	uint64_t most = machine_knob(space->process->machine, max_map_count);

	if (to > VM_USER_END - VM_PAGE_SIZE)
		return refuse(VM_WHY_PLACE, to - from, 0, 0);
	if (space->area_count > most)
		return refuse(VM_WHY_AREAS, 0, space->area_count, most);
	/* The area above, or its guard gap if it is a stack, must stay a page away. */
	const struct vm_area *above = area_find(space, from);
	if (above != NULL && area_start_gap(above) < to + VM_PAGE_SIZE)
		return refuse(VM_WHY_IN_THE_WAY, above->start, 0, 0);
	uint64_t pages = (to - from) >> VM_PAGE_SHIFT;
	unsigned flags = HEAP_FLAGS | space->lock_future;
	if (!limits_allow_pages(space, flags, pages) || !machine_may_commit(space, pages) ||
	    (space->lock_future && !limits_allow_lock(space, pages)))
		return false;
	struct vm_area *area = area_new(space, from, to, flags, NULL, from >> VM_PAGE_SHIFT);
	if (area == NULL)
		return false;
	area_insert(area);
	area_merge(space, from == page_align(space->layout.start_brk) ? from + 1 : from, to);
	return true;
}

/* RLIMIT_DATA limits the sum of the heap and the program's data (check_data_rlimit). */
static bool data_limit_allows(const struct vm_space *space, uint64_t addr)
{
	uint64_t limit = limits_soft(space->process, VM_LIMIT_DATA);

	uint64_t data = space->layout.end_data - space->layout.start_data;

	if (limit == VM_UNLIMITED || addr - space->layout.start_brk + data <= limit)
		return true;
	return refuse(VM_WHY_DATA, addr - space->layout.brk,
	              space->layout.brk - space->layout.start_brk + data, limit);
}

/* Try to move the break to ADDR. Returns the break after that: the old one if it was refused. */
static uint64_t set_break(struct vm_space *space, uint64_t addr, struct vm_area **dead)
{
	uint64_t old = page_align(space->layout.brk), new = page_align(addr);

	if (addr < space->layout.start_brk || new < addr)
		refuse(VM_WHY_BREAK_LOW, addr, 0, space->layout.start_brk);
	if (addr < space->layout.start_brk || new < addr || !data_limit_allows(space, addr))
		return space->layout.brk;
	/* As in Linux, the call is refused if nothing is mapped where the heap would shrink. */
	if (new < old && area_overlap(space, new, old) == NULL)
		return space->layout.brk;
	if (new < old && space_unmap(space, new, old, dead) != 0)
		return space->layout.brk;
	if (new > old && !grow_heap(space, old, new))
		return space->layout.brk;
	space->layout.brk = addr;
	return addr;
}

/* The break before and after a call. */
struct breaks {
	uint64_t before, after;
};

/*
 * Move the break to VALUE, or by VALUE if RELATIVE, and store the break before and after. New pages
 * of a locked heap are brought in once no lock is held; failures of that are ignored (mm_populate).
 * 0, or -ESRCH: the process has ended.
 */
static int move_break(struct vm_process *process, uint64_t value, bool relative,
                      struct breaks *breaks)
{
	struct vm_area *dead = NULL;
	unsigned flags = 0;

	process_write_lock(process);
	struct vm_space *space = process->space;
	if (space != NULL) {
		breaks->before = space->layout.brk;
		breaks->after =
		    set_break(space, relative ? space->layout.brk + value : value, &dead);
		flags = HEAP_FLAGS | space->lock_future;
	}
	process_unlock(process);
	area_release(dead);
	uint64_t from = page_align(breaks->before), to = page_align(breaks->after);
	if (to > from && (flags & (AREA_LOCKED | AREA_LOCKONFAULT)) == AREA_LOCKED)
		access_populate(process, from, to - from, flags);
	return flags != 0 ? 0 : -ESRCH;
}

int64_t vm_brk(struct vm_process *process, uint64_t addr)
{
	struct breaks breaks = {0, 0};
	int error = move_break(process, addr, false, &breaks);

	return error != 0 ? error : (int64_t)breaks.after;
}

int64_t vm_sbrk(struct vm_process *process, int64_t increment)
{
	struct breaks breaks = {0, 0};
	int error = move_break(process, (uint64_t)increment, true, &breaks);

	if (error != 0)
		return error;
	return breaks.after == breaks.before + (uint64_t)increment ? (int64_t)breaks.before
	                                                           : -ENOMEM;
}
