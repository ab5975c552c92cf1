/*
 * fault.c - the page-fault handler.
 *
 *     an access that the MMU refused
 *       |
 *       is the address legal?    no area -> SEGV_MAPERR, unless a stack above may grow down to it
 *       is the operation legal?  the area's rights -> SEGV_ACCERR
 *       make the page tables on the path our own (after a fork they are shared)
 *       |
 *       entry empty ---- private anonymous --- read:  the zero page
 *       |            |                         write: a cleared frame (demand-zero)
 *       |            +-- file or shared ------ in the cache: map it       (page-cache)
 *       |                                      not yet: read it, go again (file-read)
 *       |                                      write to a private one: copy it (cow-copy)
 *       entry present, but read-only
 *                    --- zero page ----------- demand-zero
 *                    --- anonymous frame ----- others see it: copy (cow-copy); nobody does: take it (cow-reuse)
 *                    --- page of the cache --- private: cow-copy; shared: now dirty (write-notify)
 *
 * Nothing is read from a host file under a lock. A fault that needs a page gives up its locks, has it read into the cache and
 * pinned, and starts again from the top: the area may have changed. That second pass finds the page and maps it.
 */
#include "vm/fault.h"
#include "vm/area.h"
#include "vm/event.h"
#include "vm/file.h"
#include "vm/frame.h"
#include "vm/machine.h"
#include "vm/object.h"
#include "vm/pagetable.h"

#include <errno.h>
#include <string.h>

/* What one pass comes to, besides 0 and negative errno. */
enum { PASS_PAGE_IN = 1, PASS_GROW };

/* One fault on its way. */
struct fault {
	struct vm_process *process;
	struct vm_fault *record;
	struct vm_fault *tell; /* where the caller wants it, or NULL */
	struct vm_area *area;  /* valid during a pass */
	vm_entry_id id;        /* the leaf entry, valid during a pass */
	/* between passes */
	struct vm_file *file; /* whose page INDEX is wanted, a reference */
	uint64_t index;
	vm_pfn page; /* it has come, and is pinned; else VM_PFN_NONE */
	enum object_source source;
	bool grown;
};

/* --- The kinds ------------------------------------------------------------------------------------ */

uint64_t fault_entry_flags(const struct vm_area *area)
{
	/* x86 cannot deny loads of a present user page; no rights at all is said by making the page the kernel's. */
	return PTE_P | (area->flags & AREA_ACCESS ? PTE_US : 0) | (area->flags & AREA_EXEC ? 0 : PTE_NX);
}

static int done(struct fault *fault, enum vm_fault_kind kind, uint64_t pfn)
{
	fault->record->kind = kind;
	fault->record->frame = pfn;
	return 0;
}

static int fail(struct fault *fault, enum vm_fault_kind kind, int error)
{
	fault->record->kind = kind;
	fault->record->outcome = VM_FATAL;
	return error;
}

static bool writes(const struct fault *fault)
{
	return fault->record->access == VM_ACCESS_WRITE;
}

static void map_locked(struct fault *fault, uint64_t pfn, bool writable)
{
	pagetable_set_locked(fault->area->space, fault->id, pfn,
	                     fault_entry_flags(fault->area) | (writable ? PTE_RW : 0));
}

/* A frame of its own for the process, mapped writable as far as the area is. A copy of FROM, or cleared. */
static int map_private_frame_locked(struct fault *fault, enum vm_fault_kind kind, uint64_t from)
{
	struct vm_machine *machine = fault->process->machine;
	bool copy = from != VM_NO_FRAME;
	vm_pfn pfn = frame_alloc_locked(machine, NULL, !copy);

	if (pfn == VM_PFN_NONE)
		return fail(fault, VM_FAULT_OOM, -ENOMEM);
	if (copy)
		memcpy(machine_page(machine, pfn), machine_page(machine, from), VM_PAGE_SIZE);
	fault->record->from = from;
	area_prepare_anon_locked(fault->area);
	map_locked(fault, pfn, true);
	return done(fault, kind, pfn);
}

static int anonymous_page_locked(struct fault *fault)
{
	uint64_t zero = machine_zero_pfn(fault->process->machine);

	if (writes(fault))
		return map_private_frame_locked(fault, VM_FAULT_DEMAND_ZERO, VM_NO_FRAME);
	map_locked(fault, zero, false);
	return done(fault, VM_FAULT_ZERO_PAGE, zero);
}

/* Frame PFN of the cache gets mapped, or copied for a private write. */
static int cached_page_locked(struct fault *fault, vm_pfn pfn, enum vm_fault_kind kind)
{
	struct vm_area *area = fault->area;
	bool shared = area->flags & AREA_SHARED;
	struct vm_frame *frame = &fault->process->machine->frames[pfn];

	if (writes(fault) && !shared)
		return map_private_frame_locked(fault, VM_FAULT_COW_COPY, pfn);
	if (writes(fault))
		object_dirty_locked(frame);
	/* A host file's page is mapped read-only until it is written, so that the write is noticed. */
	map_locked(fault, pfn, shared && (area->flags & AREA_WRITE) && (writes(fault) || area->object->shmem));
	return done(fault, kind, pfn);
}

static int shmem_page_locked(struct fault *fault, uint64_t index)
{
	struct vm_object *object = fault->area->object;
	vm_pfn pfn = object_lookup_locked(object, index);

	if (index >= object_size_pages(object))
		return fail(fault, VM_FAULT_SIGBUS, -EIO);
	if (pfn != VM_PFN_NONE)
		return cached_page_locked(fault, pfn, VM_FAULT_PAGE_CACHE);
	pfn = frame_alloc_locked(object->machine, object, true);
	if (pfn == VM_PFN_NONE)
		return fail(fault, VM_FAULT_OOM, -ENOMEM);
	object_insert_locked(object, index, pfn);
	return cached_page_locked(fault, pfn, VM_FAULT_DEMAND_ZERO);
}

/* Whether the page that was read between the passes is the one for AREA now. */
static bool page_has_come_locked(const struct fault *fault, uint64_t index)
{
	if (fault->page == VM_PFN_NONE)
		return false;
	const struct vm_frame *frame = &fault->process->machine->frames[fault->page];
	return frame->object == fault->area->object && frame->index == index;
}

static int file_page_locked(struct fault *fault, uint64_t index)
{
	if (!page_has_come_locked(fault, index)) {
		fault->file = vm_file_ref(fault->area->file);
		fault->index = index;
		return PASS_PAGE_IN;
	}
	if (fault->source == OBJECT_READ)
		fault->record->outcome = VM_MAJOR;
	return cached_page_locked(fault, fault->page,
	                          fault->source == OBJECT_READ ? VM_FAULT_FILE_READ : VM_FAULT_PAGE_CACHE);
}

/* A page of the kernel's own: the vdso's, which a private write copies, or vvar's, which has none. */
static int special_page_locked(struct fault *fault, uint64_t index)
{
	struct vm_object *object = fault->area->object;

	if (object == NULL || index >= object_size_pages(object))
		return fail(fault, VM_FAULT_SIGBUS, -EIO);
	uint64_t pfn = fault->process->machine->nr_frames + object->special + index;
	if (writes(fault))
		return map_private_frame_locked(fault, VM_FAULT_COW_COPY, pfn);
	map_locked(fault, pfn, false);
	return done(fault, VM_FAULT_PAGE_CACHE, pfn);
}

static int empty_entry_locked(struct fault *fault)
{
	struct vm_area *area = fault->area;
	uint64_t index = area_index(area, fault->record->va);

	if (area->flags & AREA_SPECIAL)
		return special_page_locked(fault, index);
	if (area->object == NULL)
		return anonymous_page_locked(fault);
	return area->object->shmem ? shmem_page_locked(fault, index) : file_page_locked(fault, index);
}

/* A write to a page that is mapped read-only, in page tables of our own. Linux: do_wp_page. */
static int protected_entry_locked(struct fault *fault, uint64_t *entry)
{
	struct vm_machine *machine = fault->process->machine;
	uint64_t pfn = pte_pfn(*entry);

	if (pfn == machine_zero_pfn(machine))
		return map_private_frame_locked(fault, VM_FAULT_DEMAND_ZERO, VM_NO_FRAME);
	if (!frame_is_ram(machine, pfn))
		return map_private_frame_locked(fault, VM_FAULT_COW_COPY, pfn);
	struct vm_frame *frame = &machine->frames[pfn];
	if (frame->object == NULL && frame->mapped > 1)
		return map_private_frame_locked(fault, VM_FAULT_COW_COPY, pfn);
	if (frame->object != NULL && !(fault->area->flags & AREA_SHARED))
		return map_private_frame_locked(fault, VM_FAULT_COW_COPY, pfn);
	if (frame->object != NULL)
		object_dirty_locked(frame);
	*entry |= PTE_RW;
	return done(fault, frame->object == NULL ? VM_FAULT_COW_REUSE : VM_FAULT_WRITE_NOTIFY, pfn);
}

/* The entry permits the access: only the tables above stood in the way. */
static int shared_tables_locked(struct fault *fault, uint64_t pfn)
{
	struct vm_machine *machine = fault->process->machine;
	bool private = frame_is_ram(machine, pfn) && machine->frames[pfn].object == NULL;

	/* Nothing was copied for a private page: the fork's other side is gone. */
	return done(fault, private ? VM_FAULT_COW_REUSE : VM_FAULT_TABLE_UNSHARE, pfn);
}

static int in_area_locked(struct fault *fault)
{
	struct vm_area *area = fault->area;
	struct vm_machine *machine = fault->process->machine;

	if (pagetable_own_locked(area->space, fault->record->va, VM_PTE, true, &fault->id,
	                         &fault->record->tables_copied) != 0)
		return fail(fault, VM_FAULT_OOM, -ENOMEM);
	uint64_t *entry = pagetable_entry(machine, fault->id);
	if (!(*entry & PTE_P))
		return empty_entry_locked(fault);
	if (writes(fault) && !(*entry & PTE_RW))
		return protected_entry_locked(fault, entry);
	return shared_tables_locked(fault, pte_pfn(*entry));
}

/* --- One pass ------------------------------------------------------------------------------------- */

static bool permitted(const struct vm_area *area, enum vm_access access)
{
	static const unsigned needed[] = {
	    /* As x86 has it: what may be written or run can be read too (access_error). */
	    [VM_ACCESS_READ] = AREA_READ | AREA_WRITE | AREA_EXEC,
	    [VM_ACCESS_WRITE] = AREA_WRITE,
	    [VM_ACCESS_EXEC] = AREA_EXEC,
	};

	return area->flags & needed[access];
}

/* The area for the fault's address, or NULL with *VERDICT what that means. */
static struct vm_area *legal_area(struct fault *fault, int *verdict)
{
	struct vm_area *area = area_find(fault->process->space, fault->record->va);

	if (area == NULL || fault->record->va >= VM_USER_END) {
		*verdict = fail(fault, VM_FAULT_SEGV_MAPERR, -EFAULT);
		return NULL;
	}
	if (fault->record->va < area->start) {
		bool may_grow = (area->flags & AREA_GROWSDOWN) && !fault->grown;
		*verdict = may_grow ? PASS_GROW : fail(fault, VM_FAULT_SEGV_MAPERR, -EFAULT);
		return NULL;
	}
	fault->record->area_start = area->start;
	fault->record->area_end = area->end;
	area_perm(area, fault->record->area_perm);
	if (!permitted(area, fault->record->access)) {
		*verdict = fail(fault, VM_FAULT_SEGV_ACCERR, -EACCES);
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
	event_record_locked(fault->process, fault->record, file);
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
		verdict = in_area_locked(fault);
	if (verdict <= 0) {
		tell_growth(fault);
		tell_locked(fault, file_of(fault));
	}
	machine_unlock(machine);
	return verdict;
}

/* --- Between passes ------------------------------------------------------------------------------- */

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

/* The page cannot be had: record that, with the area as it was. */
static int page_in_failed(struct fault *fault, int error)
{
	struct vm_machine *machine = fault->process->machine;

	fail(fault, error == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS, error);
	machine_lock(machine);
	fault->record->offset = fault->index << VM_PAGE_SHIFT;
	tell_locked(fault, fault->file->object->name);
	machine_unlock(machine);
	return error;
}

static int page_in(struct fault *fault)
{
	drop_page(fault);
	process_unlock(fault->process);
	int error = object_page_in(fault->file, fault->index, &fault->page, &fault->source);
	if (error != 0) {
		fault->page = VM_PFN_NONE;
		page_in_failed(fault, error);
	}
	vm_file_unref(fault->file);
	process_read_lock(fault->process);
	return error;
}

/*
 * The stack above the address grows down to it, if it may. Linux: expand_stack, expand_downwards. That it could not is
 * found by the next pass, which finds no area.
 */
static void grow(struct fault *fault)
{
	struct vm_process *process = fault->process;
	uint64_t start = page_down(fault->record->va);

	process_unlock(process);
	process_write_lock(process);
	struct vm_area *area = process->space != NULL ? area_find(process->space, start) : NULL;
	if (area != NULL && start < area->start && (area->flags & AREA_GROWSDOWN) &&
	    start >= process->machine->config.mmap_min_addr) {
		const struct vm_area *below = area->prev;
		bool too_large = area->end - start > VM_STACK_LIMIT;
		bool near = below != NULL && !(below->flags & AREA_GROWSDOWN) && (below->flags & AREA_ACCESS) &&
		            start - below->end < AREA_GUARD_GAP;
		if (!near && !too_large)
			area_set_range(area, start, area->end);
	}
	fault->grown = true;
	process_unlock(process);
	process_read_lock(process);
}

int fault_handle(struct vm_process *process, uint64_t va, enum vm_access access, struct vm_fault *tell)
{
	struct vm_fault record = {.va = va, .access = access, .frame = VM_NO_FRAME, .from = VM_NO_FRAME};
	struct fault fault = {.process = process, .record = &record, .tell = tell, .page = VM_PFN_NONE};
	int verdict;

	do {
		verdict = process->space != NULL ? pass(&fault) : -ESRCH;
		if (verdict == PASS_GROW)
			grow(&fault);
		else if (verdict == PASS_PAGE_IN)
			verdict = page_in(&fault) ?: PASS_PAGE_IN;
	} while (verdict > 0);
	drop_page(&fault);
	return verdict;
}

/* --- Prediction ----------------------------------------------------------------------------------- */

void fault_predict(struct vm_process *process, uint64_t va, struct vm_fault *record)
{
	struct fault fault = {.process = process, .record = record, .page = VM_PFN_NONE};
	int verdict = 0;

	*record = (struct vm_fault){.va = va, .outcome = VM_MINOR, .frame = VM_NO_FRAME, .from = VM_NO_FRAME};
	struct vm_area *area = legal_area(&fault, &verdict);
	if (verdict == PASS_GROW)
		record->kind = VM_FAULT_STACK_GROW;
	if (area == NULL)
		return;
	if (area->object == NULL && !(area->flags & AREA_SPECIAL)) {
		record->kind = VM_FAULT_ZERO_PAGE;
		return;
	}
	uint64_t index = area_index(area, va);
	machine_lock(process->machine);
	if (area->object == NULL || index >= object_size_pages(area->object)) {
		fail(&fault, VM_FAULT_SIGBUS, -EIO);
	} else if (area->object->special != 0 || object_lookup_locked(area->object, index) != VM_PFN_NONE) {
		record->kind = VM_FAULT_PAGE_CACHE;
	} else {
		record->kind = area->object->shmem ? VM_FAULT_DEMAND_ZERO : VM_FAULT_FILE_READ;
		record->outcome = area->object->shmem ? VM_MINOR : VM_MAJOR;
	}
	machine_unlock(process->machine);
}
