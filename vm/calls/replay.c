/*
 * replay.c - the accesses of a trace, many in one call (vm_replay), and their counts.
 *
 * Each access goes the way of every other: the TLB, the page tables, the fault handler. What is
 * different is that both locks are held from one access to the next. The machine lock is dropped
 * every HOLD_STEPS accesses, the process lock every TURN_STEPS, so that others get on.
 *
 * Where a trace has no area, one is made: shared anonymous memory in blocks as large as the part of
 * the address space that one entry of a top-level table translates, less what is mapped there. So
 * a trace of any addresses makes few areas, and no address is too low.
 */
#include "vm/base/account.h"
#include "vm/base/lock.h"
#include "vm/base/reason.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/calls/replay_ahead.h"
#include "vm/fault/access.h"
#include "vm/fault/fault.h"
#include "vm/memory/table.h"
#include "vm/memory/tlb.h"
#include "vm/memory/walk.h"
#include "vm/space/area.h"
#include "vm/space/limits.h"
#include "vm/space/protect.h"

#include <errno.h>

/* Accesses to a page between two moments at which the process lock is free; of HOLD_STEPS. */
enum { TURN_STEPS = 64 * HOLD_STEPS };

/* A replay under way. */
struct replay {
	struct vm_process *process;
	struct vm_machine *machine;
	struct vm_replay_counts *count; /* the process's; what follows from others is not kept */
	uint64_t steps;
	bool looks_ahead; /* replay_ahead.h */
	uint64_t walks;   /* accesses that the TLB did not serve, of all, at the last look */
	unsigned faults;  /* served while looking ahead */
};

/* --- Areas ------------------------------------------------------------------------------------ */

/*
 * The free addresses around VA inside the block of SPAN bytes, aligned to SPAN, that VA is in. A
 * stack above keeps its guard gap, unless VA is in it.
 */
static void hole_around(const struct vm_space *space, uint64_t va, uint64_t span, uint64_t *start,
                        uint64_t *end)
{
	const struct vm_area *above = area_find(space, va);
	const struct vm_area *below = above != NULL ? above->prev : space->last;

	*start = va & -span;
	*end = MIN(*start + span, VM_USER_END);
	if (below != NULL)
		*start = MAX(*start, below->end);
	if (above != NULL) {
		uint64_t gap = area_start_gap(above);
		*end = MIN(*end, va < gap ? gap : above->start);
	}
}

/*
 * Make an area for ACCESS of the free addresses around VA in its block of SPAN bytes. As with
 * MAP_NORESERVE, it is charged only if overcommit is forbidden. -ENOMEM: limits, overcommit or no
 * memory.
 */
static int make_area(struct vm_space *space, uint64_t va, uint64_t span, enum vm_access access)
{
	struct vm_machine *machine = space->process->machine;
	bool charged = machine_knob(machine, overcommit_memory) == VM_OVERCOMMIT_NEVER;
	unsigned flags = AREA_READ | AREA_WRITE | AREA_SHARED | AREA_MAYREAD | AREA_MAYWRITE |
	                 AREA_MAYEXEC | AREA_MAYSHARE | (charged ? 0 : AREA_NORESERVE) |
	                 (access == VM_ACCESS_EXEC ? AREA_EXEC : 0);
	uint64_t start, end;

	hole_around(space, va, span, &start, &end);
	uint64_t pages = (end - start) >> VM_PAGE_SHIFT;
	if (!limits_allow_pages(space, flags, pages) ||
	    (charged && !machine_may_commit(space, pages)))
		return -ENOMEM;
	struct vm_file *file = file_new_shmem(machine, end - start, charged);
	if (file == NULL)
		return -ENOMEM;
	file->object->for_replay = true;
	struct vm_area *area = area_new(space, start, end, flags, file, 0);
	vm_file_unref(file);
	if (area == NULL)
		return -ENOMEM;
	area_insert(area);
	return 0;
}

/*
 * The same with the largest block that limits and overcommit allow. The process is write-locked.
 * -ENOMEM.
 */
static int make_some_area(struct vm_space *space, uint64_t va, enum vm_access access)
{
	uint64_t most = machine_knob(space->process->machine, max_map_count);
	int error = -ENOMEM;

	if (space->area_count > most)
		return reason_set(-ENOMEM, VM_WHY_AREAS, 0, space->area_count, most);
	for (int level = VM_PGD; error != 0 && level >= VM_PTE; level--)
		error = make_area(space, va, pagetable_span((enum vm_level)level), access);
	return error;
}

/* Whether ACCESS at VA lacks an area, or the right to execute in one that a replay made. */
static bool is_wanting(const struct vm_space *space, uint64_t va, enum vm_access access)
{
	const struct vm_area *area = area_at(space, va);

	if (area == NULL)
		return true;
	return access == VM_ACCESS_EXEC && !(area->flags & AREA_EXEC) && area->object != NULL &&
	       area->object->for_replay && (area->flags & AREA_ACCESS);
}

/* Provide what ACCESS at VA lacks. The process is write-locked. 0 or -ENOMEM. */
static int provide(struct vm_space *space, uint64_t va, enum vm_access access)
{
	struct vm_area *area = area_at(space, va);

	/* Another thread may have done it. */
	if (!is_wanting(space, va, access))
		return 0;
	if (area == NULL)
		return make_some_area(space, va, access);
	return protect_area(area, area->start, area->end, area->flags | AREA_EXEC);
}

/* Whether a stack above VA would grow down to it: then that is what happens. */
static bool stack_grows_to(struct vm_process *process, uint64_t va)
{
	const struct vm_area *above = area_find(process->space, va);
	struct vm_fault fault;

	if (above == NULL || !(above->flags & AREA_GROWSDOWN))
		return false;
	fault_predict(process, va, &fault);
	return fault.kind == VM_FAULT_STACK_GROW;
}

/*
 * See to it that there is an area for ACCESS at VA, with the right to execute if a replay made it.
 * Both locks are held on entry and on return, and may be dropped on the way.
 *
 * => 0: nothing was missing, and a fault is due. 1: it is there now, so try the access again
 * => -ENOMEM, -ESRCH
 */
static int prepare_locked(struct replay *replay, uint64_t va, enum vm_access access)
{
	struct vm_process *process = replay->process;
	int error = 0;

	if (!is_wanting(process->space, va, access))
		return 0;
	machine_unlock(replay->machine);
	bool grows = stack_grows_to(process, va);
	if (!grows) {
		process_unlock(process);
		process_write_lock(process);
		error = process->space != NULL ? provide(process->space, va, access) : -ESRCH;
		process_unlock(process);
		process_read_lock(process);
		if (process->space == NULL)
			error = -ESRCH;
	}
	machine_lock(replay->machine);
	if (error != 0 || grows)
		return error;
	tlb_retry_locked(process->space, va);
	return 1;
}

/* --- Accesses --------------------------------------------------------------------------------- */

/* The access at VA was refused: take faults until it is not. The locks are as above. */
static int take_faults_locked(struct replay *replay, uint64_t va, enum vm_access access)
{
	struct fault_effect effect = {.major = false};
	bool tlb, faulted = false;
	int error;

	do {
		error = prepare_locked(replay, va, access);
		faulted |= error == 0;
		if (error == 0)
			error = fault_handle_locked(replay->process, va, access, &effect);
	} while (error >= 0 &&
	         pagetable_access_locked(replay->process->space, va, access, &tlb) == VM_NO_FRAME);
	if (replay->looks_ahead && replay->faults++ % AHEAD_VICTIMS == 0)
		ahead_victims_locked(replay->machine);
	replay->count->evicted_clean += effect.clean;
	replay->count->evicted_dirty += effect.dirty;
	if (error < 0)
		return error;
	replay->count->major += effect.major;
	replay->count->minor += faulted && !effect.major;
	/* Another thread had mapped it, or it was only not executable. */
	replay->count->hits += !faulted;
	return 0;
}

/* One access to the page at VA. The locks are as above. */
static inline int touch_locked(struct replay *replay, uint64_t va, enum vm_access access)
{
	struct vm_replay_counts *count = replay->count;
	bool tlb;
	uint64_t pfn = pagetable_access_locked(replay->process->space, va, access, &tlb);

	if (pfn == VM_NO_FRAME)
		return take_faults_locked(replay, va, access);
	count->hits++;
	count->tlb_hits += tlb;
	return 0;
}

static uint64_t pages_of(const struct vm_replay_counts *count)
{
	return count->hits + count->minor + count->major;
}

/* Accesses that the TLB did not serve. */
static uint64_t walks_of(const struct vm_replay_counts *count)
{
	return pages_of(count) - count->tlb_hits;
}

/*
 * Looking ahead costs some 10 ns for each reference, which is lost where nearly all of them find
 * their page in the TLB.
 */
static void watch_misses_locked(struct replay *replay)
{
	uint64_t walks = walks_of(replay->count);

	replay->looks_ahead = walks - replay->walks > HOLD_STEPS / 8;
	replay->walks = walks;
}

/*
 * A step is done: now and then let others have the locks. -ESRCH: the process has ended. -EINTR:
 * the call is for nobody any more.
 */
static int give_way_locked(struct replay *replay)
{
	int error = 0;

	watch_misses_locked(replay);
	machine_unlock(replay->machine);
	if (replay->steps % TURN_STEPS == 0) {
		process_unlock(replay->process);
		error = vm_interrupted() ? -EINTR : 0;
		process_read_lock(replay->process);
		if (replay->process->space == NULL)
			error = -ESRCH;
	}
	machine_lock(replay->machine);
	return error;
}

static inline int step_locked(struct replay *replay)
{
	return ++replay->steps % HOLD_STEPS == 0 ? give_way_locked(replay) : 0;
}

/* All accesses of REFERENCE, which ends below VM_USER_END. */
static int replay_one_locked(struct replay *replay, const struct vm_reference *reference)
{
	uint64_t va = reference->va, last = va + reference->len - 1, first = replay->steps;
	int error = touch_locked(replay, va, reference->access);

	while (error == 0 && page_down(va) != page_down(last)) {
		va = page_down(va) + VM_PAGE_SIZE;
		error = step_locked(replay);
		/* Only what lasts is left half done. */
		if (error == -EINTR && replay->steps < TURN_STEPS + first)
			error = 0;
		if (error == 0)
			error = touch_locked(replay, va, reference->access);
	}
	return error;
}

static bool is_sound(const struct vm_reference *reference)
{
	return reference->len > 0 && reference->va < VM_USER_END &&
	       reference->len <= VM_USER_END - reference->va && reference->access != VM_ACCESS_NONE;
}

size_t vm_replay(struct vm_process *process, const struct vm_reference *references, size_t count,
                 int *error)
{
	struct vm_machine *machine = process->machine;
	struct replay replay = {
	    .process = process, .machine = machine, .count = &process->replay, .looks_ahead = true};
	size_t done = 0;

	*error = process_enter(process);
	if (*error != 0)
		return 0;
	machine_lock(machine);
	replay.walks = walks_of(replay.count);
	while (done < count && *error == 0) {
		if (replay.looks_ahead && done % AHEAD_ROOM == 0)
			ahead_locked(process->space, references + done,
			             MIN(count - done, AHEAD_ROOM));
		*error = is_sound(&references[done]) ? replay_one_locked(&replay, &references[done])
		                                     : -EINVAL;
		if (*error != 0)
			break;
		process->replay.references++;
		done++;
		*error = step_locked(&replay);
	}
	machine_unlock(machine);
	process_unlock(process);
	access_kill_if_fatal(process, *error);
	/* What ended it after the last reference has ended nothing. */
	if (done == count)
		*error = 0;
	return done;
}

void vm_process_replay_counts(struct vm_process *process, struct vm_replay_counts *counts)
{
	machine_lock(process->machine);
	*counts = process->replay;
	machine_unlock(process->machine);
	counts->pages = pages_of(counts);
	if (tlb_is_simulated(process->machine))
		counts->tlb_misses = counts->pages - counts->tlb_hits;
}

void vm_process_pass_over(struct vm_process *process, uint64_t lines)
{
	machine_lock(process->machine);
	process->replay.passed_over += lines;
	machine_unlock(process->machine);
}
