/*
 * fault.c - the page-fault handler.
 *
 *     an access that the MMU refused
 *       |
 *       is the address legal?    no area -> SEGV_MAPERR, unless a stack above may grow down to it
 *       is the operation legal?  the area's rights -> SEGV_ACCERR (a fetch: once the page is there)
 *       make the page tables on the path our own (after a fork they are shared)
 *       |
 *       entry empty ---- private anonymous --- read:  the zero page
 *       |            |                         write: a cleared frame (demand-zero)
 *       |            +-- file or shared ------ in the cache: map it       (page-cache)
 *       |                                      not yet: read it, go again (file-read)
 *       |                                      write to a private one: copy it (cow-copy)
 *       entry marks a guard page ------------ SEGV_MAPERR
 *       entry holds a swap slot ------------- its frame is at hand: map it (swap-cache)
 *                                             not: read it, go again     (swap-in)
 *       entry present, but read-only
 *                    --- zero page ----------- demand-zero
 *                    --- anonymous frame ----- others see it: copy (cow-copy); nobody does: take it (cow-reuse)
 *                    --- page of the cache --- private: cow-copy; shared: now dirty (write-notify)
 *
 * Nothing is read or written under a lock. A fault that needs a page, or a frame where none is
 * free, gives up its locks, has the page read into a cache and pinned, or a frame emptied, and
 * starts again from the top: the area may have changed. The last pass finds all it needs and maps
 * the page.
 */
#include "vm/fault/fault.h"
#include "vm/base/account.h"
#include "vm/base/lock.h"
#include "vm/cache/file.h"
#include "vm/cache/swap_in.h"
#include "vm/fault/fault_inner.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/process/event.h"
#include "vm/reclaim/oom.h"
#include "vm/reclaim/reclaim.h"
#include "vm/space/area.h"
#include "vm/space/limits.h"

#include <errno.h>
#include <string.h>

/* --- One pass --------------------------------------------------------------------------------- */

static bool permitted(const struct vm_area *area, enum vm_access access)
{
	static const unsigned needed[] = {
	    /* As x86 has it: what may be written or run can be read too (access_error). */
	    [VM_ACCESS_READ] = AREA_READ | AREA_WRITE | AREA_EXEC,
	    [VM_ACCESS_WRITE] = AREA_WRITE,
	    /* Linux does not tell a fetch from a load before the page is there. */
	    [VM_ACCESS_EXEC] = AREA_READ | AREA_WRITE | AREA_EXEC,
	};

	return area->flags & needed[access];
}

/*
 * Whether AREA is a stack that reaches down to START without coming too close to what lies below
 * (expand_downwards).
 */
static bool may_reach(const struct vm_area *area, uint64_t start)
{
	const struct vm_area *below = area->prev;

	if (!(area->flags & AREA_GROWSDOWN) ||
	    start < machine_knob(area->space->process->machine, mmap_min_addr))
		return false;
	return below == NULL || (below->flags & AREA_GROWSDOWN) || !(below->flags & AREA_ACCESS) ||
	       start - below->end >= AREA_GUARD_GAP;
}

/* Whether limits and overcommit let the stack AREA begin at START (acct_stack_growth). */
static bool may_grow(const struct vm_area *area, uint64_t start)
{
	struct vm_space *space = area->space;
	uint64_t more = (area->start - start) >> VM_PAGE_SHIFT;

	if (more > area->pgoff || !limits_allow_pages(space, area->flags, more) ||
	    area->end - start > limits_soft(space->process, VM_LIMIT_STACK))
		return false;
	if ((area->flags & AREA_LOCKED) && !limits_allow_lock(space, more))
		return false;
	return !(area->flags & AREA_ACCOUNT) || machine_may_commit(space, more);
}

/*
 * Whether a try to grow AREA down to START changes anything: it grows, or gets its family of
 * anonymous pages, which it does before it is known whether there is room, as in Linux.
 */
static bool worth_growing(const struct vm_area *area, uint64_t start)
{
	struct vm_machine *machine = area->space->process->machine;

	if (!may_reach(area, start))
		return false;
	machine_lock(machine);
	bool has_family = area->anon_vma != 0;
	machine_unlock(machine);
	return !has_family || may_grow(area, start);
}

/* The area for the fault's address, or NULL with *VERDICT what that means. */
static struct vm_area *legal_area(struct fault *fault, int *verdict)
{
	struct vm_area *area = area_find(fault->process->space, fault->record->va);

	if (area == NULL || fault->record->va >= VM_USER_END) {
		*verdict = fault_fail(fault, VM_FAULT_SEGV_MAPERR, -EFAULT);
		return NULL;
	}
	if (fault->record->va < area->start) {
		/* The kernel populates areas, and makes none larger. */
		bool grows = !fault->grown && !(fault->flags & FAULT_FOR_KERNEL) &&
		             worth_growing(area, page_down(fault->record->va));
		*verdict = grows ? PASS_GROW : fault_fail(fault, VM_FAULT_SEGV_MAPERR, -EFAULT);
		return NULL;
	}
	fault->record->area_start = area->start;
	fault->record->area_end = area->end;
	area_perm(area, fault->record->area_perm);
	if (!permitted(area, fault->record->access)) {
		*verdict = fault_fail(fault, VM_FAULT_SEGV_ACCERR, -EACCES);
		return NULL;
	}
	return area;
}

/* The name for the record, and the offset. */
static char *file_of(const struct fault *fault)
{
	const struct vm_area *area = fault->area;

	if (area == NULL || area->file == NULL || area->object->shmem)
		return NULL;
	fault->record->offset = area_index(area, fault->record->va) << VM_PAGE_SHIFT;
	return area->object->name;
}

/* A stack that grew says so, and then what followed. */
static void tell_growth(struct fault *fault)
{
	struct vm_fault *record = fault->record;

	if (!fault->grown || record->outcome == VM_FATAL)
		return;
	record->then = record->kind;
	record->kind = VM_FAULT_STACK_GROW;
}

/* The outcome is there: record it, and tell the caller if it wants to know. */
static void tell_locked(struct fault *fault, char *file)
{
	event_record_locked(fault->process, fault->record, !(fault->flags & FAULT_FOR_KERNEL),
	                    file);
	if (fault->tell == NULL)
		return;
	*fault->tell = *fault->record;
	fault->tell->file = file != NULL ? g_ref_string_acquire(file) : NULL;
}

static int pass(struct fault *fault)
{
	struct vm_machine *machine = fault->process->machine;
	int verdict = 0;

	fault->record->outcome = VM_MINOR;
	fault->area = legal_area(fault, &verdict);
	if (verdict == PASS_GROW)
		return verdict;
	machine_lock(machine);
	if (fault->area != NULL)
		verdict = fault_in_area_locked(fault);
	if (verdict <= 0) {
		tell_growth(fault);
		tell_locked(fault, file_of(fault));
	}
	machine_unlock(machine);
	return verdict;
}

/* --- Between passes --------------------------------------------------------------------------- */

static void drop_page(struct fault *fault)
{
	struct vm_machine *machine = fault->process->machine;

	if (fault->page == VM_PFN_NONE)
		return;
	machine_lock(machine);
	frame_unpin_locked(machine, fault->page);
	machine_unlock(machine);
	fault->page = VM_PFN_NONE;
}

/* What is wanted cannot be had: record that, with the area as it was. */
static int give_up(struct fault *fault, enum vm_fault_kind kind, int error)
{
	struct vm_machine *machine = fault->process->machine;
	bool from_file = fault->file != NULL;

	fault_fail(fault, kind, error);
	machine_lock(machine);
	if (from_file)
		fault->record->offset = fault->index << VM_PAGE_SHIFT;
	tell_locked(fault, from_file ? fault->file->object->name : NULL);
	machine_unlock(machine);
	return error;
}

/* Have the page of the file read. 0: go again. */
static int page_in(struct fault *fault)
{
	enum object_source source;
	int error = object_page_in(fault->file, fault->index, &fault->page, &source);

	fault->was_read = error == 0 && source == OBJECT_READ;
	if (error != 0)
		fault->page = VM_PFN_NONE;
	if (error == -ENOMEM)
		error = PASS_RECLAIM;
	else if (error != 0)
		give_up(fault, VM_FAULT_SIGBUS, error);
	vm_file_unref(fault->file);
	fault->file = NULL;
	return error;
}

/* Have the slot read into a frame. 0: go again. */
static int swap_in(struct fault *fault)
{
	int error =
	    swap_page_in(fault->process->machine, fault->slot, &fault->page, &fault->was_read);

	fault->record->slot = fault->slot;
	if (error == -ENOMEM)
		return PASS_RECLAIM;
	return error != 0 ? give_up(fault, VM_FAULT_SIGBUS, error) : 0;
}

/* Have a frame made free. 0: go again. -EAGAIN: the caller must let go of its frames first. */
static int reclaim(struct fault *fault)
{
	struct vm_machine *machine = fault->process->machine;
	vm_pfn evicted;
	int error = reclaim_frame(machine, true, &evicted);

	if (evicted != VM_PFN_NONE)
		fault->record->evicted = evicted;
	if (error == -ENOMEM && machine_knob(machine, oom_kill) && oom_kill_largest(machine))
		return 0;
	return error == -ENOMEM ? give_up(fault, VM_FAULT_OOM, error) : error;
}

static int await(struct fault *fault)
{
	struct vm_machine *machine = fault->process->machine;

	const struct vm_frame *frame = &machine->frames[fault->awaited];

	machine_lock(machine);
	/* Another page may be on its way into the frame by now: that one is not ours to wait for. */
	while ((frame->flags & FRAME_BUSY) && frame->object == fault->awaited_object &&
	       frame->index == fault->awaited_index)
		machine_wait_io_locked(machine);
	machine_unlock(machine);
	return 0;
}

/*
 * The stack above the address grows down to it, if it may; that it could not is found by the next
 * pass: no area.
 */
static int grow(struct fault *fault)
{
	struct vm_process *process = fault->process;
	uint64_t start = page_down(fault->record->va);

	process_write_lock(process);
	struct vm_area *area = process->space != NULL ? area_find(process->space, start) : NULL;
	if (area != NULL && start < area->start && may_reach(area, start)) {
		machine_lock(process->machine);
		area_prepare_anon_locked(area);
		machine_unlock(process->machine);
		if (may_grow(area, start))
			area_set_range(area, start, area->end);
	}
	fault->grown = true;
	process_unlock(process);
	return 0;
}

/* Do without locks what VERDICT of the last pass asks for. 0: go again, else the errno. */
static int between_passes(struct fault *fault, int verdict)
{
	static int (*const act[])(struct fault *) = {
	    [PASS_GROW] = grow,  [PASS_PAGE_IN] = page_in, [PASS_SWAP_IN] = swap_in,
	    [PASS_WAIT] = await, [PASS_RECLAIM] = reclaim,
	};

	drop_page(fault);
	process_unlock(fault->process);
	while (verdict > 0)
		verdict = act[verdict](fault);
	process_read_lock(fault->process);
	return verdict;
}

int fault_handle(struct vm_process *process, uint64_t va, enum vm_access access, unsigned flags,
                 struct vm_fault *tell)
{
	struct vm_fault record = event_unknown(va, access);
	struct fault fault = {.process = process,
	                      .record = &record,
	                      .tell = tell,
	                      .flags = flags,
	                      .page = VM_PFN_NONE};
	int verdict;

	do {
		verdict = process->space != NULL ? pass(&fault) : -ESRCH;
		if (verdict <= 0)
			break;
		verdict = between_passes(&fault, verdict);
	} while (verdict == 0);
	drop_page(&fault);
	return verdict;
}

/* --- Prediction ------------------------------------------------------------------------------- */

void fault_predict(struct vm_process *process, uint64_t va, struct vm_fault *record)
{
	struct fault fault = {.process = process, .record = record, .page = VM_PFN_NONE};
	int verdict = 0;

	*record = event_unknown(va, VM_ACCESS_READ);
	record->outcome = VM_MINOR;
	struct vm_area *area = legal_area(&fault, &verdict);
	if (verdict == PASS_GROW && may_grow(area_find(process->space, va), page_down(va)))
		record->kind = VM_FAULT_STACK_GROW;
	else if (verdict == PASS_GROW)
		fault_fail(&fault, VM_FAULT_SEGV_MAPERR, -EFAULT);
	if (area == NULL)
		return;
	machine_lock(process->machine);
	vm_entry_id id = pagetable_entry_at_locked(process->space, va, VM_PTE);
	fault.area = area;
	fault_predict_in_area_locked(&fault, id != 0 ? pte_get(process->machine, id) : 0);
	machine_unlock(process->machine);
}
