/*
 * fault.c - the page-fault handler.
 *
 *     the MMU refused an access
 *       |
 *       is the address legal?    no area -> SEGV_MAPERR, unless a stack above may grow down to it
 *       is the operation legal?  the area's rights -> SEGV_ACCERR (a fetch: once the page is there)
 *       make the page tables on the path the space's own (after a fork they are shared)
 *       |
 *       entry empty ---- private anonymous --- read:  the zero page
 *       |            |                         write: a cleared frame (demand-zero)
 *       |            +-- file or shared ------ cached: map it              (page-cache)
 *       |                                      not cached: read it, retry  (file-read)
 *       |                                      private write: copy it      (cow-copy)
 *       entry marks a guard page ------------- SEGV_MAPERR
 *       entry holds a swap slot -------------- its frame is cached: map it (swap-cache)
 *       |                                      not cached: read it, retry  (swap-in)
 *       entry present, but read-only
 *                    --- zero page ----------- demand-zero
 *                    --- anonymous frame ----- others use it: copy it      (cow-copy)
 *                    |                         nobody does: make writable  (cow-reuse)
 *                    --- page of the cache --- private: copy it            (cow-copy)
 *                                              shared: mark it as dirty    (write-notify)
 *
 * Nothing is read or written under a lock. A fault may need a page that is not in memory, or a
 * frame where none is free, or there may be too many dirty pages for one more. Then the pass ends,
 * both locks are dropped, and the page is read into a cache and pinned, or a frame is made free, or
 * a dirty page is written. After that the fault starts again from the top, because the area may
 * have changed. The last pass finds all that it needs and maps the page.
 *
 *     fault_handle: repeat
 *       pass            process locked for reading; machine lock taken and dropped
 *       between_passes  no lock held; then the process is locked for reading again
 */
#include "vm/fault/fault.h"
#include "vm/base/lock.h"
#include "vm/base/reason.h"
#include "vm/base/record.h"
#include "vm/cache/dirty.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/cache/swap_in.h"
#include "vm/fault/fault_inner.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/tlb.h"
#include "vm/process/event.h"
#include "vm/reclaim/oom.h"
#include "vm/reclaim/reclaim.h"
#include "vm/space/area.h"

#include <errno.h>
#include <string.h>

/* --- One pass --------------------------------------------------------------------------------- */

/* The name of the mapped host file, or NULL. The record gets the offset of the page. */
static char *file_of(const struct fault *fault)
{
	const struct vm_area *area = fault->area;

	if (area == NULL || area->file == NULL || area->object->shmem)
		return NULL;
	fault->record->offset = area_index(area, fault->record->va) << VM_PAGE_SHIFT;
	return area->object->name;
}

/* If a stack grew, that is the kind of the fault, and what followed is stored in THEN. */
static void report_growth(struct fault *fault)
{
	struct vm_fault *record = fault->record;

	if (!fault->grown || record->outcome == VM_FATAL)
		return;
	record->then = record->kind;
	record->kind = VM_FAULT_STACK_GROW;
}

/* The outcome is known: record it, and copy it for the caller if it asked for that. */
static void report_locked(struct fault *fault, char *file)
{
	enum event_by by = fault->flags & FAULT_FOR_OTHER ? EVENT_BY_OTHER
	                   : fault->flags != 0            ? EVENT_BY_CALL
	                                                  : EVENT_BY_PROCESS;

	/* The names stay with the fault, which drops them at its end. */
	if (fault_is_seen_locked(fault))
		fault->record->other = fault->reclaim.victim;
	event_record_locked(fault->process, fault->record, by, file);
	if (fault->tell == NULL)
		return;
	*fault->tell = *fault->record;
	fault->tell->file = file;
	record_keep_names(fault->tell);
}

/* Unpin the page that was wanted, if there is one. */
static void drop_page_locked(struct fault *fault)
{
	if (fault->page != VM_PFN_NONE)
		frame_unpin_locked(fault->process->machine, fault->page);
	fault->page = VM_PFN_NONE;
}

/*
 * Do what VERDICT, the PASS_ of an attempt, asks for, if that is a frame and one can be had without
 * a wait. The process lock is not dropped, but the machine lock may be.
 *
 * => true: a frame is free, try again
 * => false: nothing is done but that a page may be chosen (reclaim.chosen)
 */
static bool act_at_once_locked(struct fault *fault, int verdict)
{
	if (verdict != PASS_RECLAIM)
		return false;
	drop_page_locked(fault);
	return reclaim_at_once_locked(fault->process->machine, &fault->reclaim);
}

/*
 * Try the fault, as often as what it needs can be had without a wait. The process is locked for
 * reading and has not ended, and that lock is not dropped: its areas stay. The machine lock may be.
 *
 * => 0 or negative errno: the fault is over and recorded.
 * => PASS_...: not yet. Nothing was recorded. Do that without locks, then call again.
 */
static int pass_locked(struct fault *fault)
{
	int verdict = 0;

	fault->area = fault_legal_area_locked(fault, &verdict);
	if (fault->area != NULL) {
		do {
			fault->record->outcome = VM_MINOR;
			verdict = fault_in_area_locked(fault);
		} while (act_at_once_locked(fault, verdict));
	}
	if (verdict == 0 && fault->area != NULL)
		tlb_retry_locked(fault->area->space, fault->record->va);
	if (verdict <= 0) {
		report_growth(fault);
		report_locked(fault, file_of(fault));
	}
	return verdict;
}

/* --- Between passes --------------------------------------------------------------------------- */

/*
 * The page or the frame cannot be had: record a fatal fault of KIND. No lock is held, so the record
 * describes the area as the last pass saw it. Returns ERROR.
 */
static int give_up(struct fault *fault, enum vm_fault_kind kind, int error)
{
	struct vm_machine *machine = fault->process->machine;
	bool from_file = fault->file != NULL;

	fault_fail(fault, kind, error);
	machine_lock(machine);
	if (from_file)
		fault->record->offset = fault->index << VM_PAGE_SHIFT;
	report_locked(fault, from_file ? fault->file->object->name : NULL);
	machine_unlock(machine);
	return error;
}

/*
 * Each step below runs with no lock held. 0: start again from the top. PASS_RECLAIM: make a frame
 * free first. Negative errno: the fault is over.
 */

/* Read the page of the file into the cache, if it is not there. -EIO: recorded as SIGBUS. */
static int page_in(struct fault *fault)
{
	enum object_source source;
	int error = object_page_in(fault->file, fault->index, &fault->page, &source);

	fault->was_read = error == 0 && source == OBJECT_READ;
	fault->reclaim.want.key =
	    (struct vm_page_key){VM_KEY_OBJECT, fault->file->object->number, fault->index};
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

/* Read the slot into a frame. Unpins the slot in any case. -EIO: recorded as SIGBUS. */
static int swap_in(struct fault *fault)
{
	int error =
	    swap_page_in(fault->process->machine, fault->slot, &fault->page, &fault->was_read);

	fault->record->slot = fault->slot;
	if (error == -ENOMEM)
		return PASS_RECLAIM;
	return error != 0 ? give_up(fault, VM_FAULT_SIGBUS, error) : 0;
}

/*
 * Make a frame free, if need be by killing a process: it may be this one, which the next pass
 * finds. -EAGAIN: the caller must unpin its frames first; nothing is recorded. -ENOMEM: recorded.
 */
static int reclaim(struct fault *fault)
{
	struct vm_machine *machine = fault->process->machine;
	int error = reclaim_frame(machine, true, &fault->reclaim);

	if (error == -ENOMEM && machine_knob(machine, oom_kill) && oom_kill_worst(machine))
		return 0;
	return error == -ENOMEM ? give_up(fault, VM_FAULT_OOM, error) : error;
}

/*
 * Evict pages of the process's own until it holds fewer frames than local_frames allows. If it has
 * none that can go, the fault goes on without.
 */
static int make_room(struct fault *fault)
{
	uint64_t limit = machine_knob(fault->process->machine, local_frames);

	fault->reclaim.want.process = fault->process;
	/* The bound may have been lifted since the pass. */
	if (limit > 0)
		reclaim_own(&fault->reclaim, limit);
	fault->reclaim.want.process = NULL;
	fault->has_made_room = true;
	return 0;
}

/*
 * Write a dirty page of the file to which the store goes, because there are too many. If none can
 * be written, and there are still too many, the store cannot be kept: -EIO, recorded as SIGBUS
 * (Linux: a page_mkwrite that finds no block).
 */
static int write_dirty(struct fault *fault)
{
	struct vm_machine *machine = fault->process->machine;
	int error = dirty_write_one(fault->file->object, &fault->has_written);

	machine_lock(machine);
	bool full = dirty_is_full_locked(machine);
	machine_unlock(machine);
	if (error != 0 && full) {
		reason_set(-EIO, VM_WHY_DIRTY, 0, (uint64_t)-error, 0);
		error = give_up(fault, VM_FAULT_SIGBUS, -EIO);
	} else {
		error = 0;
	}
	vm_file_unref(fault->file);
	fault->file = NULL;
	return error;
}

/*
 * Wait until the frame is no longer busy. It may hold another page by then, which the next pass
 * finds.
 */
static int await(struct fault *fault)
{
	struct vm_machine *machine = fault->process->machine;

	const struct vm_frame *frame = &machine->frames[fault->awaited];

	machine_lock(machine);
	/*
	 * Another page may be on its way into the frame by now: that one is not ours to wait for.
	 */
	while ((frame->flags & FRAME_BUSY) && frame->object == fault->awaited_object &&
	       frame->index == fault->awaited_index)
		machine_wait_io_locked(machine);
	machine_unlock(machine);
	return 0;
}

/*
 * Grow the stack above the address down to it, if that is allowed. If not, the next pass finds that
 * there is no area: FAULT's flag prevents a second attempt.
 */
static int grow(struct fault *fault)
{
	struct vm_process *process = fault->process;
	uint64_t start = page_down(fault->record->va);

	process_write_lock(process);
	/* No lock was held since the pass: the process may have ended, or the stack may be gone. */
	struct vm_area *area = process->space != NULL ? area_find(process->space, start) : NULL;
	if (area != NULL && start < area->start && fault_may_reach(area, start)) {
		machine_lock(process->machine);
		area_prepare_anon_locked(area);
		machine_unlock(process->machine);
		if (fault_may_grow(area, start))
			area_set_range(area, start, area->end);
	}
	fault->grown = true;
	process_unlock(process);
	return 0;
}

/*
 * Do what VERDICT, the PASS_ of the last pass, asks for. The process is locked for reading on entry
 * and on return, and unlocked between: everything may have changed, and the process may have ended.
 * The machine lock is not held.
 *
 * => 0: start again from the top. fault->page may hold the page, pinned.
 * => negative errno: the fault is over. It is recorded, except for -EAGAIN.
 */
static int between_passes(struct fault *fault, int verdict)
{
	static int (*const act[])(struct fault *) = {
	    [PASS_GROW] = grow,     [PASS_PAGE_IN] = page_in, [PASS_SWAP_IN] = swap_in,
	    [PASS_WAIT] = await,    [PASS_RECLAIM] = reclaim, [PASS_WRITE] = write_dirty,
	    [PASS_OWN] = make_room,
	};

	process_unlock(fault->process);
	while (verdict > 0)
		verdict = act[verdict](fault);
	process_read_lock(fault->process);
	return verdict;
}

/* What FAULT needs before it is tried, for an access to VA. */
static void begin(struct fault *fault, uint64_t va)
{
	struct vm_process *process = fault->process;

	fault->page = VM_PFN_NONE;
	fault->reclaim = (struct reclaim){
	    .needs = {.there = true, .pid = process->pid, .owner = process->cred, .va = va},
	    .want.key.kind = VM_KEY_PLACE,
	    .chosen = VM_PFN_NONE};
}

/* Handle FAULT, which has begun: fault_handle. The machine lock is held, but may be dropped. */
static int handle_locked(struct fault *fault)
{
	struct vm_machine *machine = fault->process->machine;
	int verdict;

	do {
		/* From the second round on the process lock was dropped, and it may have ended. */
		verdict = fault->process->space != NULL ? pass_locked(fault) : -ESRCH;
		if (verdict <= 0)
			break;
		drop_page_locked(fault);
		machine_unlock(machine);
		verdict = between_passes(fault, verdict);
		machine_lock(machine);
	} while (verdict == 0);
	drop_page_locked(fault);
	record_drop_party(&fault->reclaim.victim);
	return verdict;
}

int fault_handle(struct vm_process *process, uint64_t va, enum vm_access access, unsigned flags,
                 struct vm_fault *tell)
{
	struct vm_fault record = record_unknown(va, access);
	struct fault fault = {.process = process, .record = &record, .tell = tell, .flags = flags};

	begin(&fault, va);
	machine_lock(process->machine);
	int error = handle_locked(&fault);
	machine_unlock(process->machine);
	return error;
}

int fault_handle_locked(struct vm_process *process, uint64_t va, enum vm_access access,
                        struct fault_effect *effect)
{
	struct vm_fault record = record_unknown(va, access);
	struct fault fault = {.process = process, .record = &record};

	begin(&fault, va);
	int error = handle_locked(&fault);
	effect->major |= record.outcome == VM_MAJOR;
	effect->clean += fault.reclaim.clean;
	effect->dirty += fault.reclaim.dirty;
	return error;
}

/* --- Prediction ------------------------------------------------------------------------------- */

void fault_predict(struct vm_process *process, uint64_t va, struct vm_fault *record)
{
	struct fault fault = {.process = process, .record = record, .page = VM_PFN_NONE};
	int verdict = 0;

	*record = record_unknown(va, VM_ACCESS_READ);
	record->outcome = VM_MINOR;
	machine_lock(process->machine);
	struct vm_area *area = fault_legal_area_locked(&fault, &verdict);
	machine_unlock(process->machine);
	if (verdict == PASS_GROW && fault_may_grow(area_find(process->space, va), page_down(va)))
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
