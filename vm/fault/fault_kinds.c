/*
 * fault_kinds.c - what each kind of fault does: the lower half of the drawing in fault.c.
 *
 * Rule: the process is locked for reading, and the machine lock is held. A function that would have
 * to wait returns a PASS_ instead (fault_inner.h), with nothing mapped. Only the search for a page
 * that can go may drop the machine lock (frame_can_be_had_locked).
 */
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/base/pool.h"
#include "vm/base/reason.h"
#include "vm/cache/dirty.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/cache/swap_in.h"
#include "vm/fault/fault.h"
#include "vm/fault/fault_inner.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/swap.h"
#include "vm/reclaim/victim.h"
#include "vm/space/area.h"

#include <errno.h>
#include <string.h>

/* The fault is served: KIND, and PFN is mapped. */
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

/* Map PFN with the rights of the area, with RW only if WRITABLE. */
static void map_locked(struct fault *fault, uint64_t pfn, bool writable)
{
	const struct vm_area *area = fault->area;
	uint64_t old = pte_get(fault->process->machine, fault->id);
	/*
	 * To map a page does not make it soft-dirty, except in an area that is soft-dirty itself. A
	 * page from swap stays what it was.
	 */
	uint64_t clean = pte_is_swap(old)   ? old & PTE_SOFT_CLEAN
	                 : area->soft_dirty ? 0
	                                    : PTE_SOFT_CLEAN;

	/* The store that follows a fault of a store makes it soft-dirty. Another one must fault. */
	if (writable && writes(fault))
		clean = 0;
	else if (area_waits_for_store(area, clean))
		writable = false;
	pte_set_locked(area->space, fault->id,
	               pte_make(pfn, area_entry_flags(area) | clean | (writable ? PTE_RW : 0)));
}

/* Another thread is reading the page into frame PFN. */
static int wait_for(struct fault *fault, vm_pfn pfn)
{
	const struct vm_frame *frame = &fault->process->machine->frames[pfn];

	fault->awaited = pfn;
	fault->awaited_object = frame->object;
	fault->awaited_index = frame->index;
	return PASS_WAIT;
}

/*
 * A store is about to make a page of the host file in its area dirty. True: there are too many
 * dirty pages, and the file has some of them. One of these is to be written first: PASS_WRITE.
 */
static bool must_write_first_locked(struct fault *fault)
{
	const struct vm_object *object = fault->area->object;

	if (fault->has_written || object->dirty_pages + object->writers == 0 ||
	    !dirty_is_full_locked(object->machine))
		return false;
	fault->file = vm_file_ref(fault->area->file);
	fault->index = area_index(fault->area, fault->record->va);
	return true;
}

/*
 * Whether a frame is free, or can be made so at once. The pages in frames may be others afterwards.
 * False too if the machine lock was dropped, so that all must be looked at again.
 */
static bool frame_can_be_had_locked(struct fault *fault)
{
	struct vm_machine *machine = fault->process->machine;

	if (pool_free(&machine->frame_pool) > 0)
		return true;
	if (fault->page != VM_PFN_NONE)
		return false;
	return reclaim_at_once_locked(machine, &fault->reclaim) &&
	       machine_hold_locked(machine) == fault->hold;
}

/*
 * The page of SLOT is in no frame. It comes at once as *PFN, and the fault is major: 0.
 * PASS_SWAP_IN: it must be read first, and the slot is pinned until then. PASS_RECLAIM.
 */
static int want_slot_locked(struct fault *fault, uint32_t slot, vm_pfn *pfn)
{
	struct vm_machine *machine = fault->process->machine;
	struct vm_slot *wanted = &machine->swap.slots[slot];

	fault->reclaim.want.key =
	    wanted->object != NULL
	        ? (struct vm_page_key){VM_KEY_OBJECT, wanted->object->number, wanted->index}
	        : (struct vm_page_key){VM_KEY_SLOT, 0, slot};
	if (!swap_comes_at_once_locked(machine, slot)) {
		wanted->pins++;
		fault->slot = slot;
		return PASS_SWAP_IN;
	}
	if (!frame_can_be_had_locked(fault))
		return PASS_RECLAIM;
	*pfn = swap_page_in_at_once_locked(machine, slot);
	fault->record->slot = slot;
	fault->record->outcome = VM_MAJOR;
	return 0;
}

/*
 * The kind of a fault that finds its page in PFN: READ, and the fault is major, if the page was
 * read for this fault; else CACHED.
 */
static enum vm_fault_kind source_kind(struct fault *fault, vm_pfn pfn, enum vm_fault_kind read,
                                      enum vm_fault_kind cached)
{
	bool major = fault->page == pfn && fault->was_read;

	if (major)
		fault->record->outcome = VM_MAJOR;
	return major ? read : cached;
}

/* --- Private frames --------------------------------------------------------------------------- */

/* Map PFN, which nobody else has, writable. */
static int map_own_locked(struct fault *fault, enum vm_fault_kind kind, vm_pfn pfn)
{
	map_locked(fault, pfn, true);
	frame_loaded_locked(fault->process->machine, pfn);
	return done(fault, kind, pfn);
}

/*
 * Whether nobody but this fault uses frame PFN, and its contents can be read again. The fault may
 * use it through the entry that is about to be replaced, as fault->page, and by PINS pins.
 */
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
 * the original itself becomes the copy: with one frame of RAM there is no other way. PINS: how
 * often the caller has pinned it.
 *
 * => true: FROM is in no object and no swap slot any more. It is pinned once more.
 * => false: nothing has changed.
 */
static bool take_original_locked(struct fault *fault, vm_pfn from, uint32_t pins)
{
	struct vm_machine *machine = fault->process->machine;
	struct vm_frame *frame = &machine->frames[from];

	if (!frame_is_ram(machine, from) || !is_ours_alone_locked(fault, from, pins))
		return false;
	struct victim victim;
	victim_describe_locked(machine, from, &victim);
	victim.record.kind = VM_FAULT_DROP;
	frame_pin_locked(machine, from);
	frame_evicted_locked(machine, from);
	if (frame->object != NULL) {
		pte_set_locked(fault->area->space, fault->id, 0);
		object_remove_locked(frame->object, from);
	} else if (frame->flags & FRAME_SWAPCACHE) {
		swap_cache_leave_locked(machine, (uint32_t)frame->index);
	}
	fault->reclaim.clean += !victim.dirty;
	fault->reclaim.dirty += victim.dirty;
	victim_report_locked(machine, &victim, &fault->reclaim.needs, &fault->reclaim.victim);
	return true;
}

/*
 * Map a private frame of the process's own, writable. It is a copy of FROM, which the caller has
 * pinned PINS times; or it is cleared, if FROM is VM_NO_FRAME. PASS_RECLAIM: no frame is free.
 */
static int map_private_frame_locked(struct fault *fault, enum vm_fault_kind kind, uint64_t from,
                                    uint32_t pins)
{
	struct vm_machine *machine = fault->process->machine;
	bool copy = from != VM_NO_FRAME;
	vm_pfn pfn = frame_alloc_locked(machine, NULL, !copy);

	fault->record->from = from;
	if (pfn == VM_PFN_NONE) {
		fault->reclaim.want.key.kind = VM_KEY_PLACE;
		if (!copy || !take_original_locked(fault, (vm_pfn)from, pins))
			return PASS_RECLAIM;
		int result = map_own_locked(fault, kind, (vm_pfn)from);
		frame_unpin_locked(machine, (vm_pfn)from);
		return result;
	}
	if (copy && !machine->config.no_contents)
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

/* Map frame PFN of the page cache, or a copy of it for a private write. */
static int cached_page_locked(struct fault *fault, vm_pfn pfn, enum vm_fault_kind kind)
{
	struct vm_area *area = fault->area;
	bool shared = area->flags & AREA_SHARED;
	struct vm_frame *frame = &fault->process->machine->frames[pfn];

	/* If it is being evicted, it stays. */
	if (frame->flags & FRAME_WRITEBACK)
		frame->flags |= FRAME_WANTED;
	if (writes(fault) && !shared)
		return map_private_frame_locked(fault, VM_FAULT_COW_COPY, pfn, 0);
	if (writes(fault))
		object_dirty_locked(frame);
	/*
	 * A page of a host file is mapped read-only until it is written to. So the first write
	 * faults, and the page is marked as dirty.
	 */
	map_locked(fault, pfn,
	           shared && (area->flags & AREA_WRITE) && (writes(fault) || area->object->shmem));
	return done(fault, kind, pfn);
}

/* A page of shared anonymous memory: in the cache, in swap, or new. Linux: shmem_fault. */
static int shmem_page_locked(struct fault *fault, uint64_t entry)
{
	uint64_t index = area_index(fault->area, fault->record->va);
	struct vm_object *object = fault->area->object;
	struct vm_machine *machine = object->machine;

	if (index >= object_size_pages(object))
		return fault_fail(fault, VM_FAULT_SIGBUS, object_past_end(object, index));
	vm_pfn pfn = object_lookup_locked(object, index);
	if (pfn != VM_PFN_NONE && (machine->frames[pfn].flags & FRAME_BUSY))
		return wait_for(fault, pfn);
	if (pfn != VM_PFN_NONE)
		return cached_page_locked(
		    fault, pfn, source_kind(fault, pfn, VM_FAULT_SWAP_IN, VM_FAULT_PAGE_CACHE));
	uint32_t slot = swap_find_locked(machine, object, index);
	if (slot != VM_SLOT_NONE) {
		int verdict = want_slot_locked(fault, slot, &pfn);
		return verdict != 0 ? verdict : cached_page_locked(fault, pfn, VM_FAULT_SWAP_IN);
	}
	fault->reclaim.want.key.kind = VM_KEY_PLACE;
	if (!frame_can_be_had_locked(fault))
		return PASS_RECLAIM;
	pfn = frame_alloc_locked(machine, object, true);
	object_insert_locked(object, index, pfn);
	return cached_page_locked(fault, pfn, VM_FAULT_DEMAND_ZERO);
}

/*
 * Whether the page that was read before this pass is the one that is wanted now: the area may have
 * changed, and the file may have been truncated.
 */
static bool page_has_come_locked(const struct fault *fault, uint64_t index)
{
	if (fault->page == VM_PFN_NONE)
		return false;
	const struct vm_frame *frame = &fault->process->machine->frames[fault->page];
	return frame->object == fault->area->object && frame->index == index;
}

static bool is_dirty_locked(const struct vm_object *object, uint64_t index)
{
	vm_pfn pfn = object_lookup_locked(object, index);

	return pfn != VM_PFN_NONE && (object->machine->frames[pfn].flags & FRAME_DIRTY);
}

/*
 * A page of a host file. It is always fetched between the passes, even if it is cached, because
 * fstat has to look at the file first. Linux: filemap_fault.
 */
static int file_page_locked(struct fault *fault, uint64_t entry)
{
	uint64_t index = area_index(fault->area, fault->record->va);

	if (!page_has_come_locked(fault, index)) {
		/* Before the page is read: a fault that only had to wait is still the same kind. */
		if (writes(fault) && (fault->area->flags & AREA_SHARED) &&
		    !is_dirty_locked(fault->area->object, index) && must_write_first_locked(fault))
			return PASS_WRITE;
		fault->file = vm_file_ref(fault->area->file);
		fault->index = index;
		return PASS_PAGE_IN;
	}
	if (index >= object_size_pages(fault->area->object))
		/* The file shrank meanwhile. */
		return fault_fail(fault, VM_FAULT_SIGBUS,
		                  object_past_end(fault->area->object, index));
	return cached_page_locked(
	    fault, fault->page,
	    source_kind(fault, fault->page, VM_FAULT_FILE_READ, VM_FAULT_PAGE_CACHE));
}

/*
 * A page of a special area of the kernel. A page of the vdso is mapped, and copied for a write.
 * vvar has no pages: SIGBUS.
 */
static int special_page_locked(struct fault *fault, uint64_t entry)
{
	uint64_t index = area_index(fault->area, fault->record->va);
	struct vm_object *object = fault->area->object;

	if (object == NULL || index >= object_size_pages(object))
		return fault_fail(fault, VM_FAULT_SIGBUS,
		                  reason_set(-EIO, VM_WHY_NO_PAGE, 0, 0, 0));
	uint64_t pfn = fault->process->machine->nr_frames + object->special + index;
	if (writes(fault))
		return map_private_frame_locked(fault, VM_FAULT_COW_COPY, pfn, 0);
	map_locked(fault, pfn, false);
	return done(fault, VM_FAULT_PAGE_CACHE, pfn);
}

/* --- Swap ------------------------------------------------------------------------------------- */

/* The entry holds a swap slot. Linux: do_swap_page. */
static int swapped_entry_locked(struct fault *fault, uint64_t entry)
{
	struct vm_machine *machine = fault->process->machine;
	uint32_t number = pte_slot(entry);
	const struct vm_slot *slot = &machine->swap.slots[number];
	vm_pfn pfn = slot->frame;
	enum vm_fault_kind kind = VM_FAULT_SWAP_IN;
	int result = 0;

	if (pfn == VM_PFN_NONE)
		result = want_slot_locked(fault, number, &pfn);
	else
		kind = source_kind(fault, pfn, VM_FAULT_SWAP_IN, VM_FAULT_SWAP_CACHE);
	if (result != 0)
		return result;
	struct vm_frame *frame = &machine->frames[pfn];
	if (frame->flags & FRAME_BUSY)
		return wait_for(fault, pfn);
	bool alone = slot->mapped == 1 && frame->mapped == 0;
	/* Replacing the entry may free the slot, and with it the frame. */
	frame_pin_locked(machine, pfn);
	if (writes(fault) && !alone) {
		result = map_private_frame_locked(fault, kind, pfn, 1);
	} else {
		map_locked(fault, pfn, alone && (fault->area->flags & AREA_WRITE));
		/* The slot has been freed. The frame is the only copy, so it is dirty. */
		if (alone)
			pte_change_locked(machine, fault->id, PTE_D, 0);
		done(fault, kind, pfn);
	}
	frame_unpin_locked(machine, pfn);
	fault->record->slot = number;
	return result;
}

/* The entry marks a guard page. */
static int guard_page(struct fault *fault, uint64_t entry)
{
	return fault_fail(fault, VM_FAULT_SEGV_MAPERR, -EFAULT);
}

/* --- Present entries -------------------------------------------------------------------------- */

/* A write to a page that the last-level entry maps read-only. Linux: do_wp_page. */
static int protected_entry_locked(struct fault *fault, uint64_t entry)
{
	struct vm_machine *machine = fault->process->machine;
	uint64_t pfn = pte_pfn(entry);

	if (pfn == machine_zero_pfn(machine))
		return map_private_frame_locked(fault, VM_FAULT_DEMAND_ZERO, VM_NO_FRAME, 0);
	if (!frame_is_ram(machine, pfn))
		return map_private_frame_locked(fault, VM_FAULT_COW_COPY, pfn, 0);
	struct vm_frame *frame = &machine->frames[pfn];
	/* Other entries may hold the slot of a frame in the swap cache. */
	bool seen_by_others = frame->mapped > 1 || (frame->flags & FRAME_SWAPCACHE);
	if (frame->object == NULL ? seen_by_others : !(fault->area->flags & AREA_SHARED))
		return map_private_frame_locked(fault, VM_FAULT_COW_COPY, pfn, 0);
	if (frame->object != NULL && !frame->object->shmem && !(frame->flags & FRAME_DIRTY) &&
	    must_write_first_locked(fault))
		return PASS_WRITE;
	if (frame->object != NULL)
		object_dirty_locked(frame);
	pte_change_locked(machine, fault->id, PTE_RW, PTE_SOFT_CLEAN);
	return done(fault, frame->object == NULL ? VM_FAULT_COW_REUSE : VM_FAULT_WRITE_NOTIFY, pfn);
}

/* The last-level entry permits the access. Only tables shared with a fork refused it. */
static int shared_tables_locked(struct fault *fault, uint64_t entry)
{
	uint64_t pfn = pte_pfn(entry);
	struct vm_machine *machine = fault->process->machine;
	bool private = frame_is_ram(machine, pfn) && machine->frames[pfn].object == NULL;

	/* A private page needed no copy, because the other side of the fork has gone. */
	return done(fault, private && writes(fault) ? VM_FAULT_COW_REUSE : VM_FAULT_TABLE_UNSHARE,
	            pfn);
}

/* Whether it is a fetch from a page that is present, in an area without the right to execute. */
static bool is_wrong_fetch_locked(const struct fault *fault)
{
	const struct vm_area *area = fault->area;

	if (fault->record->access != VM_ACCESS_EXEC || (area->flags & AREA_EXEC))
		return false;
	vm_entry_id id = pagetable_entry_at_locked(area->space, fault->record->va, VM_PTE);
	return id != 0 && (pte_get(fault->process->machine, id) & PTE_P);
}

/* --- The cases -------------------------------------------------------------------------------- */

/* The branches of the drawing in fault.c, by last-level entry and area. */
enum fault_case {
	CASE_ANONYMOUS, /* the entry is empty: private anonymous memory, ... */
	CASE_SHMEM,     /* ... shared anonymous memory, ... */
	CASE_FILE,      /* ... a host file, ... */
	CASE_SPECIAL,   /* ... or a special area of the kernel */
	CASE_GUARD,     /* the entry marks a guard page */
	CASE_SWAPPED,   /* the entry holds a swap slot */
	CASE_PROTECTED, /* the entry is present, and does not permit the write */
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

/*
 * Whether the case gives the process one frame more, but it holds as many as it may (local_frames).
 */
static bool holds_too_many_locked(const struct fault *fault, enum fault_case which, uint64_t entry)
{
	const struct vm_space *space = fault->area->space;
	const struct vm_machine *machine = space->process->machine;
	uint64_t limit = machine_knob(machine, local_frames);

	if (limit == 0 || fault->has_made_room || which == CASE_SPECIAL || which == CASE_GUARD)
		return false;
	/* A read of private anonymous memory maps the zero page. */
	if (which == CASE_ANONYMOUS && !writes(fault))
		return false;
	/* A frame that is mapped already, or is replaced by its copy, is none more. */
	if (entry & PTE_P && frame_is_ram(machine, pte_pfn(entry)))
		return false;
	return space->rss[0] + space->rss[1] + space->rss[2] >= limit;
}

/* The page that the case will load, as far as it can have been away. */
static struct vm_page_key wanted_key_locked(const struct fault *fault, enum fault_case which,
                                            uint64_t entry)
{
	const struct vm_object *object = fault->area->object;

	if (which == CASE_SWAPPED)
		return (struct vm_page_key){VM_KEY_SLOT, 0, pte_slot(entry)};
	if (which == CASE_SHMEM || which == CASE_FILE)
		return (struct vm_page_key){VM_KEY_OBJECT, object->number,
		                            area_index(fault->area, fault->record->va)};
	return (struct vm_page_key){.kind = VM_KEY_PLACE};
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
	uint64_t hold = machine_hold_locked(fault->process->machine);

	/* In the hold of the last attempt, all that can have changed is that pages went. */
	if (fault->hold != hold) {
		if (is_wrong_fetch_locked(fault))
			return fault_fail(fault, VM_FAULT_SEGV_ACCERR, -EACCES);
		if (pagetable_own_locked(area->space, fault->record->va, VM_PTE, true, &fault->id,
		                         &fault->record->tables_copied) != 0)
			return fault_fail(fault, VM_FAULT_OOM, -ENOMEM);
		fault->hold = hold;
	}
	uint64_t entry = pte_get(fault->process->machine, fault->id);
	enum fault_case which = case_of(fault, entry);
	if (holds_too_many_locked(fault, which, entry)) {
		fault->reclaim.want.key = wanted_key_locked(fault, which, entry);
		return PASS_OWN;
	}
	/*
	 * Even if the fault then fails, as in Linux: whether areas merge depends on it
	 * (vmf_anon_prepare).
	 */
	if (which != CASE_GUARD && writes(fault) && !(area->flags & AREA_SHARED))
		area_prepare_anon_locked(area);
	return handle[which](fault, entry);
}

/* --- Prediction ------------------------------------------------------------------------------- */

/* If the page is in memory the fault is KIND and minor. If it must be read, NOT_YET and major. */
static void predict_page(struct fault *fault, bool at_hand, enum vm_fault_kind kind,
                         enum vm_fault_kind not_yet)
{
	fault->record->kind = at_hand ? kind : not_yet;
	fault->record->outcome = at_hand ? VM_MINOR : VM_MAJOR;
}

/* The entry is empty, and page INDEX of OBJECT, which lies inside its size, belongs there. */
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
