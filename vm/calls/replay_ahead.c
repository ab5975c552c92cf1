#include "vm/calls/replay_ahead.h"
#include "vm/base/pool.h"
#include "vm/cache/object.h"
#include "vm/memory/frame.h"
#include "vm/memory/pte.h"
#include "vm/memory/swap.h"
#include "vm/memory/walk.h"
#include "vm/space/area.h"

/* --- References ------------------------------------------------------------------------------- */

/* The buckets of a page of shared anonymous memory that is not mapped. */
struct absent {
	const vm_pfn *frame;
	const uint32_t *slot;
};

/* What is known of some references. */
struct batch {
	const struct vm_reference *references;
	size_t count;
	vm_entry_id ids[AHEAD_ROOM]; /* the last-level entries; 0: there is none */
	/* those whose entry is empty: their numbers; and those whose entry maps a page: its frame */
	unsigned empty[AHEAD_ROOM];
	vm_pfn mapped[AHEAD_ROOM];
	struct absent absent[AHEAD_ROOM];
	size_t empty_len, mapped_len, absent_len;
};

/* Step 1: ask for the entries. */
static void find_entries_locked(struct batch *batch, struct vm_space *space)
{
	const struct vm_machine *machine = space->process->machine;

	for (size_t i = 0; i < batch->count; i++) {
		uint64_t va = batch->references[i].va;
		batch->ids[i] = va < VM_USER_END ? pagetable_leaf_locked(space, va) : 0;
		pte_prefetch(machine, batch->ids[i]);
	}
}

/* Which entries are empty, and which map pages? A branch would be guessed wrongly for many. */
static void sort_entries_locked(struct batch *batch, const struct vm_machine *machine)
{
	for (unsigned i = 0; i < batch->count; i++) {
		uint64_t entry = batch->ids[i] != 0 ? pte_get(machine, batch->ids[i]) : PTE_SWAP;
		batch->empty[batch->empty_len] = i;
		batch->empty_len += entry == 0;
		batch->mapped[batch->mapped_len] = (vm_pfn)pte_pfn(entry);
		bool is_present = entry & PTE_P;
		batch->mapped_len += is_present & frame_is_ram(machine, pte_pfn(entry));
	}
}

/* The entry for VA is empty: where will its page be searched for? */
static void find_buckets_locked(struct batch *batch, const struct vm_space *space, uint64_t va)
{
	const struct vm_area *area = area_at(space, va);

	if (area == NULL || area->object == NULL || !area->object->shmem)
		return;
	uint64_t index = area_index(area, va);
	batch->absent[batch->absent_len++] =
	    (struct absent){object_prefetch_bucket(area->object, index),
	                    swap_prefetch_bucket(space->process->machine, area->object, index)};
}

/* Whether the policy moves a page in the list of pages when it is used. */
static bool moves_locked(const struct vm_machine *machine)
{
	return machine->policy->used == frame_renew_locked;
}

/* Step 2: the entries are there. Ask for what they lead to. */
static void follow_entries_locked(struct batch *batch, struct vm_space *space)
{
	const struct vm_machine *machine = space->process->machine;

	sort_entries_locked(batch, machine);
	for (size_t i = 0; i < batch->empty_len; i++)
		find_buckets_locked(batch, space, batch->references[batch->empty[i]].va);
	if (machine->policy->used == NULL)
		batch->mapped_len = 0;
	for (size_t i = 0; i < batch->mapped_len; i++) {
		if (moves_locked(machine))
			__builtin_prefetch(&machine->order[batch->mapped[i]]);
		else
			__builtin_prefetch(&machine->frames[batch->mapped[i]]);
	}
}

/* Ask for the neighbours in the list of pages of PFN, which will move. */
static void find_neighbours_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_neighbours at = machine->order[pfn];

	if (at.older < machine->nr_frames)
		__builtin_prefetch(&machine->order[at.older]);
	if (at.newer < machine->nr_frames)
		__builtin_prefetch(&machine->order[at.newer]);
}

/* Step 3. */
static void follow_buckets_locked(struct batch *batch, struct vm_space *space)
{
	const struct vm_machine *machine = space->process->machine;

	for (size_t i = 0; i < batch->absent_len; i++) {
		object_prefetch_frame_locked(machine, batch->absent[i].frame);
		swap_prefetch_slot_locked(machine, batch->absent[i].slot);
	}
	for (size_t i = 0; moves_locked(machine) && i < batch->mapped_len; i++)
		find_neighbours_locked(machine, batch->mapped[i]);
}

/* Step 4. */
static void follow_slots_locked(struct batch *batch, struct vm_space *space)
{
	for (size_t i = 0; i < batch->absent_len; i++)
		swap_prefetch_list_locked(space->process->machine, batch->absent[i].slot);
}

void ahead_locked(struct vm_space *space, const struct vm_reference *references, size_t count)
{
	struct batch batch;

	batch.references = references;
	batch.count = count;
	batch.empty_len = batch.mapped_len = batch.absent_len = 0;
	find_entries_locked(&batch, space);
	follow_entries_locked(&batch, space);
	follow_buckets_locked(&batch, space);
	follow_slots_locked(&batch, space);
}

/* --- Victims ---------------------------------------------------------------------------------- */

/*
 * Of the pages that are next to go, at most so many are looked at in search of those that go after
 * the next AHEAD_VICTIMS, and the frames of so many behind them are asked for.
 */
enum { VICTIMS_NEAR = 10 * AHEAD_VICTIMS, VICTIMS_FAR = AHEAD_VICTIMS };

/* PFN is about to go: ask for what is touched then. */
static void prefetch_victim_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	if (frame->object == NULL)
		return;
	pte_prefetch(machine, frame->rmap);
	__builtin_prefetch(frame->link.prev);
	__builtin_prefetch(frame->link.next);
	object_prefetch_bucket(frame->object, frame->index);
	swap_prefetch_bucket(machine, frame->object, frame->index);
	pool_prefetch(&machine->frame_pool, pfn);
}

void ahead_victims_locked(const struct vm_machine *machine)
{
	vm_pfn pfn = machine->oldest;
	int unused = 0;

	for (int i = 0; i < VICTIMS_NEAR && unused < 2 * AHEAD_VICTIMS && pfn != VM_PFN_NONE; i++) {
		if (!(machine->frames[pfn].flags & FRAME_REFERENCED) && unused++ >= AHEAD_VICTIMS)
			prefetch_victim_locked(machine, pfn);
		pfn = machine->order[pfn].newer;
	}
	for (int i = 0; i < VICTIMS_FAR && pfn != VM_PFN_NONE; i++) {
		__builtin_prefetch(&machine->frames[pfn]);
		pfn = machine->order[pfn].newer;
	}
}
