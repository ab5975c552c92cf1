/*
 * reclaim.c - evict pages, one function for each kind of page, and choose which (reclaim.h).
 *
 * A page that must be written is first taken from its entries, so that each later use faults. Then
 * it is written without the lock. Then it is dropped, unless it is in use again.
 */
#include "vm/reclaim/reclaim.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/base/pool.h"
#include "vm/base/reason.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable_range.h"
#include "vm/memory/swap.h"
#include "vm/reclaim/evictable.h"
#include "vm/reclaim/victim.h"

#include <errno.h>

/* --- One frame -------------------------------------------------------------------------------- */

/* Empty the entries of the clean file page in PFN, which is neither pinned nor busy; drop it. */
static void drop_locked(struct vm_machine *machine, vm_pfn pfn)
{
	frame_evicted_locked(machine, pfn);
	pagetable_evict_frame_locked(machine, pfn);
	object_remove_locked(machine->frames[pfn].object, pfn);
}

/*
 * If the page in PFN is known to be all zeros, it need not be written to SLOT, which remembers that
 * (Linux: swap_zeromap).
 */
static bool is_blank_in_slot_locked(struct vm_machine *machine, vm_pfn pfn, uint32_t slot)
{
	bool blank = frame_is_blank(machine, pfn);

	machine->swap.slots[slot].blank = blank;
	machine->count.swap_outs += blank;
	return blank;
}

/*
 * Write the page in PFN to SLOT. 0 or a negative errno of the medium. The lock is dropped
 * meanwhile, and other threads may map the page or give it up: look again at who uses it.
 *
 * => PFN has one more pin on return, so it was not freed. The caller drops the pin
 * => SLOT was pinned meanwhile, so it was not freed either. It may have lost its last user: the
 *    caller ends with swap_put_locked or swap_enter_locked before it drops the lock
 */
static int write_out_locked(struct vm_machine *machine, vm_pfn pfn, uint32_t slot)
{
	struct vm_frame *frame = &machine->frames[pfn];

	frame_pin_locked(machine, pfn);
	frame->flags |= FRAME_WRITEBACK;
	machine->swap.slots[slot].pins++;
	machine_unlock(machine);
	int error = swap_write(machine, slot, machine_page(machine, pfn));
	machine_lock(machine);
	machine->swap.slots[slot].pins--;
	frame->flags &= (uint16_t)~FRAME_WRITEBACK;
	machine_wake_io_locked(machine);
	machine->count.swap_outs += error == 0;
	return error;
}

/* Put SLOT in all entries that map PFN. */
static void hand_to_slot_locked(struct vm_machine *machine, vm_pfn pfn, uint32_t slot)
{
	vm_entry_id id;

	while ((id = machine->frames[pfn].rmap) != 0)
		pte_set_for_all_locked(machine, id, pte_make_swap(slot, pte_get(machine, id)));
}

/*
 * The functions for each kind of page return how it ended:
 *
 * => GONE: PFN is free. VICTIM's record has the kind, and the slot if there is one
 * => STAYED: the page was written, but is in use again
 * => negative errno, see below
 */
enum { GONE, STAYED };

/*
 * Evict a private anonymous page. The lock is dropped if it must be written.
 *
 * => -ENOMEM: no free slot; the page stays mapped
 * => error of the write: the page stays, dirty, in the swap cache, and its entries hold the slot
 */
static int evict_anon_locked(struct vm_machine *machine, vm_pfn pfn, struct vm_fault *record)
{
	struct vm_frame *frame = &machine->frames[pfn];
	bool clean = frame->flags & FRAME_SWAPCACHE;

	if (evictable_without_swap_locked(machine, pfn)) {
		pagetable_evict_frame_locked(machine, pfn);
		record->kind = VM_FAULT_LAZY_FREE;
		return GONE;
	}
	/* If it was given up, it was written since: it counts again. */
	frame->flags &= (uint16_t)~FRAME_LAZYFREE;
	/* A page in the swap cache has a slot already. */
	uint32_t slot = clean ? (uint32_t)frame->index : swap_alloc_locked(machine, pfn);
	int error = 0;

	if (slot == VM_SLOT_NONE)
		return -ENOMEM;
	hand_to_slot_locked(machine, pfn, slot);
	record->slot = slot;
	record->kind = VM_FAULT_DROP;
	/* It is dirty if the slot is new, or if an earlier write to the slot failed. */
	if (!clean || (frame->flags & FRAME_DIRTY)) {
		record->kind = VM_FAULT_SWAP_OUT;
		frame->flags |= FRAME_DIRTY;
		if (!is_blank_in_slot_locked(machine, pfn, slot)) {
			error = write_out_locked(machine, pfn, slot);
			frame_unpin_locked(machine, pfn);
		}
		if (error == 0)
			frame->flags &= (uint16_t)~FRAME_DIRTY;
	}
	/*
	 * The lock may have been dropped. If the last entry has left the slot meanwhile, or a store
	 * took the frame from it, the frame is no longer this slot's. If the page was mapped or
	 * pinned, it stays.
	 */
	bool still = (frame->flags & FRAME_SWAPCACHE) && machine->swap.slots[slot].frame == pfn;
	bool goes = error == 0 && still && frame->mapped == 0 && frame->pins == 0;
	if (goes) {
		frame_evicted_locked(machine, pfn);
		swap_cache_leave_locked(machine, slot);
	}
	swap_put_locked(machine, slot);
	return error != 0 ? error : goes ? GONE : STAYED;
}

/* The page in PFN, which nobody uses, is in SLOT: it goes, and its object has the slot. */
static void leave_for_slot_locked(struct vm_machine *machine, vm_pfn pfn, uint32_t slot)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	swap_enter_locked(machine, slot, frame->object, frame->index);
	frame_evicted_locked(machine, pfn);
	object_remove_locked(frame->object, pfn);
}

/*
 * Evict a page of shared anonymous memory. The lock is dropped if it must be written.
 *
 * => GONE: the object has the slot
 * => -ENOMEM: no free slot; nothing has changed
 * => error of the write: the page stays in the cache, unmapped, without a slot
 */
static int evict_shmem_locked(struct vm_machine *machine, vm_pfn pfn, struct vm_fault *record)
{
	struct vm_frame *frame = &machine->frames[pfn];
	uint32_t slot = swap_alloc_locked(machine, VM_PFN_NONE);

	if (slot == VM_SLOT_NONE)
		return -ENOMEM;
	pagetable_evict_frame_locked(machine, pfn);
	record->slot = slot;
	record->kind = VM_FAULT_SWAP_OUT;
	if (is_blank_in_slot_locked(machine, pfn, slot)) {
		leave_for_slot_locked(machine, pfn, slot);
		return GONE;
	}
	frame->flags &= (uint16_t)~FRAME_WANTED;
	struct vm_object *object = frame->object;
	object->files++; /* it must stay while we write */
	int error = write_out_locked(machine, pfn, slot);
	/*
	 * The lock was dropped. FRAME_WANTED: the page was mapped meanwhile, and perhaps changed
	 * and unmapped again, so the slot may hold old contents. The one pin is ours.
	 */
	bool unused = frame->mapped == 0 && frame->pins == 1 && !(frame->flags & FRAME_WANTED);
	bool goes = error == 0 && frame->object == object && unused;
	if (goes)
		leave_for_slot_locked(machine, pfn, slot);
	else
		swap_put_locked(machine, slot);
	frame_unpin_locked(machine, pfn);
	object_put_locked(object);
	return error != 0 ? error : goes ? GONE : STAYED;
}

/*
 * Evict a page of a host file. The lock is dropped if it is dirty.
 *
 * => error of object_write_page_locked: the page is unmapped, and still dirty in the cache or, if
 *    the file has shrunk, dropped
 */
static int evict_file_locked(struct vm_machine *machine, vm_pfn pfn, struct vm_fault *record)
{
	struct vm_frame *frame = &machine->frames[pfn];
	struct vm_object *object = frame->object;
	int error = 0;

	record->kind = frame->flags & FRAME_DIRTY ? VM_FAULT_WRITE_BACK : VM_FAULT_DROP;
	if (!(frame->flags & FRAME_DIRTY)) {
		drop_locked(machine, pfn);
		return GONE;
	}
	pagetable_evict_frame_locked(machine, pfn);
	object->files++;
	frame_pin_locked(machine, pfn);
	error = object_write_page_locked(object, pfn);
	/* The lock was dropped: is it still our page, clean, and pinned only by us? */
	bool goes = error == 0 && frame->object == object && frame->mapped == 0 &&
	            frame->pins == 1 && !(frame->flags & FRAME_DIRTY);
	if (goes) {
		frame_evicted_locked(machine, pfn);
		object_remove_locked(object, pfn);
	}
	frame_unpin_locked(machine, pfn);
	object_put_locked(object);
	return error != 0 ? error : goes ? GONE : STAYED;
}

/* VICTIM went for RECLAIM. */
static void count_victim_locked(struct vm_machine *machine, struct victim *victim,
                                struct reclaim *reclaim)
{
	reclaim->clean += !victim->dirty;
	reclaim->dirty += victim->dirty;
	victim_report_locked(machine, victim, &reclaim->needs, &reclaim->victim);
}

/*
 * Evict the page in PFN, and record it if it went, in RECLAIM too unless that is NULL. 0, or an
 * error of the functions above.
 */
static int evict_locked(struct vm_machine *machine, vm_pfn pfn, struct reclaim *reclaim)
{
	static int (*const evict[])(struct vm_machine *, vm_pfn, struct vm_fault *) = {
	    [VM_FRAME_ANON] = evict_anon_locked,
	    [VM_FRAME_FILE] = evict_file_locked,
	    [VM_FRAME_SHMEM] = evict_shmem_locked,
	};

	struct victim victim;

	victim_describe_locked(machine, pfn, &victim);
	int result = evict[frame_kind(&machine->frames[pfn])](machine, pfn, &victim.record);
	if (result == STAYED || result < 0)
		victim_forget(&victim);
	else if (reclaim != NULL)
		count_victim_locked(machine, &victim, reclaim);
	else
		victim_report_locked(machine, &victim, NULL, NULL);
	return MIN(result, 0);
}

/* The page in PFN was to go and could not: the other pages are tried first. */
static void set_back_locked(struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_frame *frame = &machine->frames[pfn];

	if (!(frame->flags & FRAME_LISTED))
		return;
	frame->flags &= (uint16_t)~FRAME_COLD;
	frame_renew_locked(machine, pfn);
	if (machine->policy->stayed != NULL)
		machine->policy->stayed(machine, pfn);
}

/* Evict the page in PFN and count it. */
static bool try_evict_locked(struct vm_machine *machine, vm_pfn pfn, struct reclaim *reclaim)
{
	bool done = evict_locked(machine, pfn, reclaim) == 0;

	machine->count.reclaimed += done;
	if (!done)
		set_back_locked(machine, pfn);
	return done;
}

bool reclaim_page_locked(struct vm_machine *machine, vm_pfn pfn)
{
	return evictable_locked(machine, pfn) && try_evict_locked(machine, pfn, NULL);
}

/* --- Choosing --------------------------------------------------------------------------------- */

/*
 * The first page that can be evicted of those that are to go before all others (frame_age_locked).
 * Where the policy keeps to the list, they are its oldest anyway.
 */
static vm_pfn cold_locked(struct vm_machine *machine)
{
	uint64_t spent = 0, steps = machine->listed;
	struct frame_walk walk;
	vm_pfn pfn;

	if (machine->oldest == VM_PFN_NONE ||
	    !(machine->frames[machine->oldest].flags & FRAME_COLD))
		return VM_PFN_NONE;
	frame_walk_begin_locked(machine, &walk);
	while ((pfn = frame_walk_step_locked(machine, &walk)) != VM_PFN_NONE && steps-- > 0) {
		struct vm_frame *frame = &machine->frames[pfn];
		if (!(frame->flags & FRAME_COLD))
			break;
		machine->count.scanned++;
		if (!evictable_hear_locked(machine, pfn) && evictable_locked(machine, pfn))
			break;
		evictable_spend_locked(machine, &spent, 1 + frame->mapped);
	}
	frame_walk_end_locked(machine, &walk);
	return pfn != VM_PFN_NONE && (machine->frames[pfn].flags & FRAME_COLD) &&
	               evictable_locked(machine, pfn)
	           ? pfn
	           : VM_PFN_NONE;
}

/* The same among all. With swappiness 0, clean pages of files go before all others. */
static vm_pfn search_locked(struct vm_machine *machine)
{
	vm_pfn pfn = machine->policy->own ? cold_locked(machine) : VM_PFN_NONE;

	if (pfn == VM_PFN_NONE && machine->config.swappiness == 0)
		pfn = evictable_oldest_clean_locked(machine);
	return pfn != VM_PFN_NONE ? pfn : machine->policy->choose(machine);
}

/*
 * The page to evict for WANT (NULL: not known), or VM_PFN_NONE. The lock may be dropped meanwhile.
 *
 * If nothing has changed since a search in vain, another one would be in vain, too: a full machine
 * refuses an access without it. That holds for a search among the pages of one process only if the
 * one before was among all.
 */
static vm_pfn choose_locked(struct vm_machine *machine, const struct vm_want *want)
{
	static const struct vm_want any = {.key.kind = VM_KEY_PLACE};
	uint64_t may_evict = machine->may_evict;

	if (machine->futile == may_evict)
		return VM_PFN_NONE;
	machine->want = want != NULL ? *want : any;
	bool one = machine->want.process != NULL;
	vm_pfn pfn = search_locked(machine);
	machine->want = any;
	if (pfn == VM_PFN_NONE && !one)
		machine->futile = may_evict;
	return pfn;
}

/*
 * No page can be evicted, or *TRIES is 0. PASSED: the search passed some that were only in use for
 * the moment.
 *
 * => 0: look again. Waited, or something has changed during the search, which uses up one of *TRIES
 * => -EAGAIN: waiting would help, but not WAIT. -ENOMEM: it would not help
 */
static int nothing_to_evict_locked(struct vm_machine *machine, bool passed, bool wait,
                                   uint64_t *tries)
{
	if (*tries == 0)
		return wait ? -ENOMEM : -EAGAIN;
	/*
	 * The search dropped the lock. Pages that it passed may not be in use any more, and others
	 * may have become evictable behind it.
	 */
	if (machine->pinned == 0) {
		bool changed = machine->futile != machine->may_evict;
		*tries -= !passed;
		return passed || changed ? 0 : -ENOMEM;
	}
	if (!wait)
		return -EAGAIN;
	/* A pinned frame is unpinned soon, which wakes us, unless it was during the search. */
	if (machine->futile == machine->may_evict)
		machine_wait_io_locked(machine);
	return 0;
}

/*
 * Whether the page in PFN, which can be evicted, must be written first. Then the lock is dropped
 * meanwhile, and no process lock may be held.
 */
static bool must_write_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	if (frame_kind(frame) == VM_FRAME_FILE)
		return frame->flags & FRAME_DIRTY;
	if (frame_is_blank(machine, pfn) || evictable_without_swap_locked(machine, pfn))
		return false;
	return !(frame->flags & FRAME_SWAPCACHE) || (frame->flags & FRAME_DIRTY);
}

/* The page that RECLAIM (or NULL) begins with, if it can still be evicted. Once. */
static vm_pfn take_chosen_locked(struct vm_machine *machine, struct reclaim *reclaim)
{
	vm_pfn pfn = reclaim != NULL ? reclaim->chosen : VM_PFN_NONE;

	if (pfn == VM_PFN_NONE)
		return pfn;
	reclaim->chosen = VM_PFN_NONE;
	bool still = machine->count.taken == reclaim->chosen_taken &&
	             (machine->frames[pfn].flags & FRAME_LISTED) && evictable_locked(machine, pfn);
	return still ? pfn : VM_PFN_NONE;
}

bool reclaim_at_once_locked(struct vm_machine *machine, struct reclaim *reclaim)
{
	bool stalls = pool_free(&machine->frame_pool) == 0;

	while (pool_free(&machine->frame_pool) == 0) {
		vm_pfn pfn = take_chosen_locked(machine, reclaim);
		if (pfn == VM_PFN_NONE)
			pfn = choose_locked(machine, &reclaim->want);
		if (pool_free(&machine->frame_pool) > 0)
			break;
		if (pfn == VM_PFN_NONE)
			return false;
		if (must_write_locked(machine, pfn)) {
			reclaim->chosen = pfn;
			reclaim->chosen_taken = machine->count.taken;
			return false;
		}
		if (!try_evict_locked(machine, pfn, reclaim))
			return false;
	}
	/* Otherwise reclaim_frame counts it. */
	machine->count.stalls += stalls;
	return true;
}

int reclaim_frame(struct vm_machine *machine, bool wait, struct reclaim *reclaim)
{
	int result = 0;

	machine_lock(machine);
	machine->count.stalls += pool_free(&machine->frame_pool) == 0;
	/*
	 * TRIES is how many evictions may fail. Every step may drop the lock, so look for a free
	 * frame before each.
	 */
	for (uint64_t tries = MAX(machine->listed, 1);
	     pool_free(&machine->frame_pool) == 0 && result == 0;) {
		uint64_t passed = machine->passed;
		vm_pfn pfn = take_chosen_locked(machine, reclaim);
		if (pfn == VM_PFN_NONE && tries > 0)
			pfn = choose_locked(machine, reclaim != NULL ? &reclaim->want : NULL);
		if (pool_free(&machine->frame_pool) > 0)
			break;
		if (pfn == VM_PFN_NONE) {
			result = nothing_to_evict_locked(machine, machine->passed > passed, wait,
			                                 &tries);
			continue;
		}
		tries -= !try_evict_locked(machine, pfn, reclaim);
	}
	if (result == -ENOMEM)
		reason_set(result, VM_WHY_FRAMES, 0, machine->count.locked << VM_PAGE_SHIFT,
		           machine_ram_pages(machine) << VM_PAGE_SHIFT);
	machine_unlock(machine);
	return result;
}

static uint64_t own_frames(const struct vm_space *space)
{
	return space->rss[0] + space->rss[1] + space->rss[2];
}

bool reclaim_own(struct reclaim *reclaim, uint64_t limit)
{
	const struct vm_want *want = &reclaim->want;
	struct vm_machine *machine = want->process->machine;
	bool below = false;

	machine_lock(machine);
	for (uint64_t tries = MAX(machine->listed, 1);;) {
		const struct vm_space *space = want->process->oom_space;
		below = space == NULL || own_frames(space) < limit;
		vm_pfn pfn = !below && tries > 0 ? choose_locked(machine, want) : VM_PFN_NONE;
		if (pfn == VM_PFN_NONE)
			break;
		tries -= !try_evict_locked(machine, pfn, reclaim);
		/* Many clean pages may go without a wait. */
		machine_unlock(machine);
		machine_lock(machine);
	}
	machine_unlock(machine);
	return below;
}

uint64_t vm_machine_reclaim(struct vm_machine *machine, uint64_t pages)
{
	uint64_t done = 0;

	machine_lock(machine);
	for (uint64_t tries = machine->listed; done < pages && tries > 0; tries--) {
		vm_pfn pfn = choose_locked(machine, NULL);
		if (pfn == VM_PFN_NONE)
			break;
		if (try_evict_locked(machine, pfn, NULL))
			done++;
		/* Many clean pages may go without a wait. */
		machine_yield_locked(machine, tries);
	}
	machine_unlock(machine);
	return done;
}

uint64_t vm_machine_drop_caches(struct vm_machine *machine)
{
	uint64_t dropped = 0;

	machine_lock(machine);
	for (uint64_t pfn = 0; pfn < machine->frame_pool.used; pfn++) {
		if (frame_is_clean_file_page(&machine->frames[pfn]) &&
		    evictable_locked(machine, (vm_pfn)pfn)) {
			dropped += evict_locked(machine, (vm_pfn)pfn, NULL) == 0;
		}
		/* Frames that come into use behind us are left. */
		machine_yield_locked(machine, pfn);
	}
	machine_unlock(machine);
	return dropped;
}
