/*
 * fault_kinds.c - what each kind of fault does: the lower half of the drawing in fault.c.
 *
 * Rule: the process is locked for reading, and the machine lock is held.
 */
#include "vm/base/memory.h"
#include "vm/cache/file.h"
#include "vm/fault/fault.h"
#include "vm/fault/fault_inner.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/swap.h"
#include "vm/space/area.h"

#include <errno.h>
#include <string.h>

static int done(struct fault *fault, enum vm_fault_kind kind, uint64_t pfn)
{
	fault->record->kind = kind;
	fault->record->frame = pfn;
	return 0;
}

int fault_fail(struct fault *fault, enum vm_fault_kind kind, int error)
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
	const struct vm_area *area = fault->area;
	uint64_t old = pte_get(fault->process->machine, fault->id);
	/* What is only read does not become soft-dirty; what came from swap stays what it was. */
	uint64_t clean = pte_is_swap(old)   ? old & PTE_SOFT_CLEAN
	                 : area->soft_dirty ? 0
	                                    : PTE_SOFT_CLEAN;

	pte_set_locked(area->space, fault->id,
	               pte_make(pfn, area_entry_flags(area) | clean | (writable ? PTE_RW : 0)));
}

/* Somebody else has page PFN on its way in. */
static int wait_for(struct fault *fault, vm_pfn pfn)
{
	const struct vm_frame *frame = &fault->process->machine->frames[pfn];

	fault->awaited = pfn;
	fault->awaited_object = frame->object;
	fault->awaited_index = frame->index;
	return PASS_WAIT;
}

/* SLOT must be read first. */
static int want_slot_locked(struct fault *fault, uint32_t slot)
{
	fault->process->machine->swap.slots[slot].pins++;
	fault->slot = slot;
	return PASS_SWAP_IN;
}

/* The kind for page PFN: it had to be read for this fault, or it was there. */
static enum vm_fault_kind source_kind(struct fault *fault, vm_pfn pfn, enum vm_fault_kind read,
                                      enum vm_fault_kind cached)
{
	bool major = fault->page == pfn && fault->was_read;

	if (major)
		fault->record->outcome = VM_MAJOR;
	return major ? read : cached;
}

/* --- Private frames --------------------------------------------------------------------------- */

static int map_own_locked(struct fault *fault, enum vm_fault_kind kind, vm_pfn pfn)
{
	map_locked(fault, pfn, true);
	frame_loaded_locked(fault->process->machine, pfn);
	return done(fault, kind, pfn);
}

/* How often this fault itself holds frame PFN: pinned, and by the entry that is to be replaced. */
static bool is_ours_alone_locked(const struct fault *fault, vm_pfn pfn, uint32_t pins)
{
	const struct vm_machine *machine = fault->process->machine;
	const struct vm_frame *frame = &machine->frames[pfn];
	uint64_t entry = pte_get(machine, fault->id);
	uint32_t mapped = (entry & PTE_P) && pte_pfn(entry) == pfn;

	return frame->mapped == mapped && frame->pins == pins + (fault->page == pfn) &&
	       !(frame->flags & (FRAME_DIRTY | FRAME_WRITEBACK | FRAME_BUSY));
}

/*
 * No frame is free for a copy of FROM. If nobody else uses the original, and it can be read again,
 * it becomes the copy: with one frame of RAM there is no other way. PINS: how often the caller pins
 * it.
 */
static bool take_original_locked(struct fault *fault, vm_pfn from, uint32_t pins)
{
	struct vm_machine *machine = fault->process->machine;
	struct vm_frame *frame = &machine->frames[from];

	if (!frame_is_ram(machine, from) || !is_ours_alone_locked(fault, from, pins))
		return false;
	frame_pin_locked(machine, from);
	frame_evicted_locked(machine, from);
	if (frame->object != NULL) {
		pte_set_locked(fault->area->space, fault->id, 0);
		object_remove_locked(frame->object, from);
	} else if (frame->flags & FRAME_SWAPCACHE) {
		swap_cache_leave_locked(machine, (uint32_t)frame->index);
	}
	return true;
}

/*
 * A frame of its own for the process, mapped writable. A copy of FROM, which the caller pins PINS
 * times, or cleared.
 */
static int map_private_frame_locked(struct fault *fault, enum vm_fault_kind kind, uint64_t from,
                                    uint32_t pins)
{
	struct vm_machine *machine = fault->process->machine;
	bool copy = from != VM_NO_FRAME;
	vm_pfn pfn = frame_alloc_locked(machine, NULL, !copy);

	fault->record->from = from;
	if (pfn == VM_PFN_NONE) {
		if (!copy || !take_original_locked(fault, (vm_pfn)from, pins))
			return PASS_RECLAIM;
		int result = map_own_locked(fault, kind, (vm_pfn)from);
		frame_unpin_locked(machine, (vm_pfn)from);
		return result;
	}
	if (copy)
		memcpy(machine_page(machine, pfn), machine_page(machine, from), VM_PAGE_SIZE);
	return map_own_locked(fault, kind, pfn);
}

/* --- Empty entries ---------------------------------------------------------------------------- */

static int anonymous_page_locked(struct fault *fault, uint64_t entry)
{
	uint64_t zero = machine_zero_pfn(fault->process->machine);

	if (writes(fault))
		return map_private_frame_locked(fault, VM_FAULT_DEMAND_ZERO, VM_NO_FRAME, 0);
	map_locked(fault, zero, false);
	return done(fault, VM_FAULT_ZERO_PAGE, zero);
}

/* Frame PFN of the cache gets mapped, or copied for a private write. */
static int cached_page_locked(struct fault *fault, vm_pfn pfn, enum vm_fault_kind kind)
{
	struct vm_area *area = fault->area;
	bool shared = area->flags & AREA_SHARED;
	struct vm_frame *frame = &fault->process->machine->frames[pfn];

	if (frame->flags & FRAME_WRITEBACK)
		frame->flags |= FRAME_WANTED;
	if (writes(fault) && !shared)
		return map_private_frame_locked(fault, VM_FAULT_COW_COPY, pfn, 0);
	if (writes(fault))
		object_dirty_locked(frame);
	/*
	 * A host file's page is mapped read-only until it is written, so that the write is noticed.
	 */
	map_locked(fault, pfn,
	           shared && (area->flags & AREA_WRITE) && (writes(fault) || area->object->shmem));
	return done(fault, kind, pfn);
}

static int shmem_page_locked(struct fault *fault, uint64_t entry)
{
	uint64_t index = area_index(fault->area, fault->record->va);
	struct vm_object *object = fault->area->object;
	struct vm_machine *machine = object->machine;
	vm_pfn pfn = object_lookup_locked(object, index);

	if (index >= object_size_pages(object))
		return fault_fail(fault, VM_FAULT_SIGBUS, -EIO);
	if (pfn != VM_PFN_NONE && (machine->frames[pfn].flags & FRAME_BUSY))
		return wait_for(fault, pfn);
	if (pfn != VM_PFN_NONE)
		return cached_page_locked(
		    fault, pfn, source_kind(fault, pfn, VM_FAULT_SWAP_IN, VM_FAULT_PAGE_CACHE));
	uint32_t slot = swap_find_locked(machine, object, index);
	if (slot != VM_SLOT_NONE)
		return want_slot_locked(fault, slot);
	pfn = frame_alloc_locked(machine, object, true);
	if (pfn == VM_PFN_NONE)
		return PASS_RECLAIM;
	object_insert_locked(object, index, pfn);
	return cached_page_locked(fault, pfn, VM_FAULT_DEMAND_ZERO);
}

/* Whether the page that came in between the passes is the one for AREA now. */
static bool page_has_come_locked(const struct fault *fault, uint64_t index)
{
	if (fault->page == VM_PFN_NONE)
		return false;
	const struct vm_frame *frame = &fault->process->machine->frames[fault->page];
	return frame->object == fault->area->object && frame->index == index;
}

static int file_page_locked(struct fault *fault, uint64_t entry)
{
	uint64_t index = area_index(fault->area, fault->record->va);

	if (!page_has_come_locked(fault, index)) {
		fault->file = vm_file_ref(fault->area->file);
		fault->index = index;
		return PASS_PAGE_IN;
	}
	if (index >= object_size_pages(fault->area->object))
		return fault_fail(fault, VM_FAULT_SIGBUS, -EIO); /* the file shrank meanwhile */
	return cached_page_locked(
	    fault, fault->page,
	    source_kind(fault, fault->page, VM_FAULT_FILE_READ, VM_FAULT_PAGE_CACHE));
}

/*
 * A page of the kernel's own: the vdso's, which a private write copies, or vvar's, which has none.
 */
static int special_page_locked(struct fault *fault, uint64_t entry)
{
	uint64_t index = area_index(fault->area, fault->record->va);
	struct vm_object *object = fault->area->object;

	if (object == NULL || index >= object_size_pages(object))
		return fault_fail(fault, VM_FAULT_SIGBUS, -EIO);
	uint64_t pfn = fault->process->machine->nr_frames + object->special + index;
	if (writes(fault))
		return map_private_frame_locked(fault, VM_FAULT_COW_COPY, pfn, 0);
	map_locked(fault, pfn, false);
	return done(fault, VM_FAULT_PAGE_CACHE, pfn);
}

/* --- Swap ------------------------------------------------------------------------------------- */

/* Linux: do_swap_page. */
static int swapped_entry_locked(struct fault *fault, uint64_t entry)
{
	struct vm_machine *machine = fault->process->machine;
	uint32_t number = pte_slot(entry);
	const struct vm_slot *slot = &machine->swap.slots[number];
	vm_pfn pfn = slot->frame;
	int result = 0;

	if (pfn == VM_PFN_NONE)
		return want_slot_locked(fault, number);
	struct vm_frame *frame = &machine->frames[pfn];
	if (frame->flags & FRAME_BUSY)
		return wait_for(fault, pfn);
	enum vm_fault_kind kind = source_kind(fault, pfn, VM_FAULT_SWAP_IN, VM_FAULT_SWAP_CACHE);
	bool alone = slot->mapped == 1 && frame->mapped == 0;
	frame_pin_locked(machine, pfn);
	if (writes(fault) && !alone) {
		result = map_private_frame_locked(fault, kind, pfn, 1);
	} else {
		map_locked(fault, pfn, alone && (fault->area->flags & AREA_WRITE));
		/* The slot is gone, so what the frame holds stands nowhere else. */
		if (alone)
			pte_change_locked(machine, fault->id, PTE_D, 0);
		done(fault, kind, pfn);
	}
	frame_unpin_locked(machine, pfn);
	fault->record->slot = number;
	return result;
}

static int guard_page(struct fault *fault, uint64_t entry)
{
	return fault_fail(fault, VM_FAULT_SEGV_MAPERR, -EFAULT);
}

/* --- Present entries -------------------------------------------------------------------------- */

/* A write to a page that is mapped read-only, in page tables of our own. Linux: do_wp_page. */
static int protected_entry_locked(struct fault *fault, uint64_t entry)
{
	struct vm_machine *machine = fault->process->machine;
	uint64_t pfn = pte_pfn(entry);

	if (pfn == machine_zero_pfn(machine))
		return map_private_frame_locked(fault, VM_FAULT_DEMAND_ZERO, VM_NO_FRAME, 0);
	if (!frame_is_ram(machine, pfn))
		return map_private_frame_locked(fault, VM_FAULT_COW_COPY, pfn, 0);
	struct vm_frame *frame = &machine->frames[pfn];
	/* A frame that is in the swap cache too is seen by those who hold the slot. */
	bool seen_by_others = frame->mapped > 1 || (frame->flags & FRAME_SWAPCACHE);
	if (frame->object == NULL ? seen_by_others : !(fault->area->flags & AREA_SHARED))
		return map_private_frame_locked(fault, VM_FAULT_COW_COPY, pfn, 0);
	if (frame->object != NULL)
		object_dirty_locked(frame);
	pte_change_locked(machine, fault->id, PTE_RW, 0);
	return done(fault, frame->object == NULL ? VM_FAULT_COW_REUSE : VM_FAULT_WRITE_NOTIFY, pfn);
}

/* The entry permits the access: only the tables above stood in the way. */
static int shared_tables_locked(struct fault *fault, uint64_t entry)
{
	uint64_t pfn = pte_pfn(entry);
	struct vm_machine *machine = fault->process->machine;
	bool private = frame_is_ram(machine, pfn) && machine->frames[pfn].object == NULL;

	/* Nothing was copied for a private page: the fork's other side is gone. */
	return done(fault, private && writes(fault) ? VM_FAULT_COW_REUSE : VM_FAULT_TABLE_UNSHARE,
	            pfn);
}

/* A fetch from a page that is there, in an area whose pages may not be run. */
static bool is_wrong_fetch_locked(const struct fault *fault)
{
	const struct vm_area *area = fault->area;

	if (fault->record->access != VM_ACCESS_EXEC || (area->flags & AREA_EXEC))
		return false;
	vm_entry_id id = pagetable_entry_at_locked(area->space, fault->record->va, VM_PTE);
	return id != 0 && (pte_get(fault->process->machine, id) & PTE_P);
}

/* --- The cases -------------------------------------------------------------------------------- */

/* What the entry and the area together mean: the branches of the drawing in fault.c. */
enum fault_case {
	CASE_ANONYMOUS, /* the entry is empty: private anonymous memory, ... */
	CASE_SHMEM,     /* ... shared anonymous memory, ... */
	CASE_FILE,      /* ... a host file, ... */
	CASE_SPECIAL,   /* ... or an area of the kernel's own */
	CASE_GUARD,     /* the entry marks a guard page */
	CASE_SWAPPED,   /* the entry holds a swap slot */
	CASE_PROTECTED, /* the entry is present, and a write is not permitted by it */
	CASE_TABLES,    /* the entry permits the access */
};

static enum fault_case case_of(const struct fault *fault, uint64_t entry)
{
	const struct vm_area *area = fault->area;

	if (pte_is_guard(entry))
		return CASE_GUARD;
	if (pte_is_swap(entry))
		return CASE_SWAPPED;
	if (entry != 0)
		return writes(fault) && !(entry & PTE_RW) ? CASE_PROTECTED : CASE_TABLES;
	if (area->flags & AREA_SPECIAL)
		return CASE_SPECIAL;
	if (area->object == NULL)
		return CASE_ANONYMOUS;
	return area->object->shmem ? CASE_SHMEM : CASE_FILE;
}

int fault_in_area_locked(struct fault *fault)
{
	static int (*const handle[])(struct fault *, uint64_t entry) = {
	    [CASE_ANONYMOUS] = anonymous_page_locked,
	    [CASE_SHMEM] = shmem_page_locked,
	    [CASE_FILE] = file_page_locked,
	    [CASE_SPECIAL] = special_page_locked,
	    [CASE_GUARD] = guard_page,
	    [CASE_SWAPPED] = swapped_entry_locked,
	    [CASE_PROTECTED] = protected_entry_locked,
	    [CASE_TABLES] = shared_tables_locked,
	};
	struct vm_area *area = fault->area;

	if (is_wrong_fetch_locked(fault))
		return fault_fail(fault, VM_FAULT_SEGV_ACCERR, -EACCES);
	if (pagetable_own_locked(area->space, fault->record->va, VM_PTE, true, &fault->id,
	                         &fault->record->tables_copied) != 0)
		return fault_fail(fault, VM_FAULT_OOM, -ENOMEM);
	uint64_t entry = pte_get(fault->process->machine, fault->id);
	enum fault_case which = case_of(fault, entry);
	/* Also where the fault then fails: neighbours merge or not by it (vmf_anon_prepare). */
	if (which != CASE_GUARD && writes(fault) && !(area->flags & AREA_SHARED))
		area_prepare_anon_locked(area);
	return handle[which](fault, entry);
}

/* --- Prediction ------------------------------------------------------------------------------- */

/* The page is at hand, and then KIND is minor, or it must be read, and NOT_YET is major. */
static void predict_page(struct fault *fault, bool at_hand, enum vm_fault_kind kind,
                         enum vm_fault_kind not_yet)
{
	fault->record->kind = at_hand ? kind : not_yet;
	fault->record->outcome = at_hand ? VM_MINOR : VM_MAJOR;
}

/* An empty entry for page INDEX of OBJECT, inside it. */
static void predict_object_locked(struct fault *fault, const struct vm_object *object,
                                  uint64_t index)
{
	bool cached = object_lookup_locked(object, index) != VM_PFN_NONE;

	if (!object->shmem)
		predict_page(fault, cached, VM_FAULT_PAGE_CACHE, VM_FAULT_FILE_READ);
	else if (!cached && swap_find_locked(object->machine, object, index) == VM_SLOT_NONE)
		fault->record->kind = VM_FAULT_DEMAND_ZERO;
	else
		predict_page(fault, cached, VM_FAULT_PAGE_CACHE, VM_FAULT_SWAP_IN);
}

void fault_predict_in_area_locked(struct fault *fault, uint64_t entry)
{
	const struct vm_machine *machine = fault->process->machine;
	const struct vm_object *object = fault->area->object;
	uint64_t index = area_index(fault->area, fault->record->va);

	switch (case_of(fault, entry)) {
	case CASE_GUARD:
		guard_page(fault, entry);
		break;
	case CASE_SWAPPED:
		fault->record->slot = pte_slot(entry);
		predict_page(fault, machine->swap.slots[pte_slot(entry)].frame != VM_PFN_NONE,
		             VM_FAULT_SWAP_CACHE, VM_FAULT_SWAP_IN);
		break;
	case CASE_ANONYMOUS:
		fault->record->kind = VM_FAULT_ZERO_PAGE;
		break;
	case CASE_SPECIAL:
	case CASE_SHMEM:
	case CASE_FILE:
		if (object == NULL || index >= object_size_pages(object))
			fault_fail(fault, VM_FAULT_SIGBUS, -EIO);
		else if (object->special != 0)
			fault->record->kind = VM_FAULT_PAGE_CACHE;
		else
			predict_object_locked(fault, object, index);
		break;
	case CASE_PROTECTED:
	case CASE_TABLES:
		fault->record->kind = VM_FAULT_TABLE_UNSHARE;
		break;
	}
}
