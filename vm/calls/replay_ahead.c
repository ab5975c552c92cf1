#include "vm/calls/replay_ahead.h"
#include "vm/base/pool.h"
#include "vm/cache/object.h"
#include "vm/memory/frame.h"
#include "vm/memory/pte.h"
#include "vm/memory/swap.h"
#include "vm/memory/walk.h"
#include "vm/space/area.h"

/* Of the pages that are next to go, so many are looked at, and the frames of so many asked for. */
enum { VICTIMS_NEAR = 8, VICTIMS_FAR = 12 };

/* A reference whose entry is empty, to shared anonymous memory. */
struct absent {
	const struct vm_object *object;
	uint64_t index;
};

/* What is known of the references. */
struct ahead {
	vm_entry_id ids[AHEAD_ROOM]; /* the last-level entries; 0: there is none */
	vm_pfn moved[AHEAD_ROOM];    /* pages that are mapped, and move in the list of pages */
	size_t moved_len;
	struct absent absent[AHEAD_ROOM];
	size_t absent_len;
};

/* Ask for the entries. */
static void find_entries_locked(struct ahead *ahead, const struct vm_space *space,
                                const struct vm_reference *references, size_t count)
{
	const struct vm_machine *machine = space->process->machine;

	for (size_t i = 0; i < count; i++) {
		uint64_t va = references[i].va;
		ahead->ids[i] = va < VM_USER_END ? pagetable_leaf_locked(space, va) : 0;
		pte_prefetch(machine, ahead->ids[i]);
	}
}

/* The entry for VA is empty: where will its page be searched for? */
static void find_buckets_locked(struct ahead *ahead, const struct vm_space *space, uint64_t va)
{
	const struct vm_area *area = area_at(space, va);

	if (area == NULL || area->object == NULL || !area->object->shmem)
		return;
	struct absent absent = {area->object, area_index(area, va)};
	object_prefetch_bucket(absent.object, absent.index);
	swap_prefetch_bucket(space->process->machine, absent.object, absent.index);
	ahead->absent[ahead->absent_len++] = absent;
}

/* A reference is to the page in PFN. What will the policy look at? */
static void find_page_locked(struct ahead *ahead, const struct vm_machine *machine, vm_pfn pfn)
{
	if (machine->policy->used == frame_renew_locked) {
		__builtin_prefetch(&machine->order[pfn]);
		ahead->moved[ahead->moved_len++] = pfn;
	} else if (machine->policy->used != NULL) {
		__builtin_prefetch(&machine->frames[pfn]);
	}
}

/* The entries are there: ask for what they point to. */
static void follow_entries_locked(struct ahead *ahead, const struct vm_space *space,
                                  const struct vm_reference *references, size_t count)
{
	const struct vm_machine *machine = space->process->machine;

	for (size_t i = 0; i < count; i++) {
		uint64_t entry = ahead->ids[i] != 0 ? pte_get(machine, ahead->ids[i]) : PTE_SWAP;
		if (entry == 0)
			find_buckets_locked(ahead, space, references[i].va);
		else if ((entry & PTE_P) && frame_is_ram(machine, pte_pfn(entry)))
			find_page_locked(ahead, machine, (vm_pfn)pte_pfn(entry));
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

void ahead_locked(const struct vm_space *space, const struct vm_reference *references, size_t count)
{
	const struct vm_machine *machine = space->process->machine;
	struct ahead ahead;

	ahead.moved_len = ahead.absent_len = 0;
	find_entries_locked(&ahead, space, references, count);
	follow_entries_locked(&ahead, space, references, count);
	for (size_t i = 0; i < ahead.absent_len; i++) {
		object_prefetch_frame_locked(ahead.absent[i].object, ahead.absent[i].index);
		swap_prefetch_slot_locked(machine, ahead.absent[i].object, ahead.absent[i].index);
	}
	for (size_t i = 0; i < ahead.moved_len; i++)
		find_neighbours_locked(machine, ahead.moved[i]);
	for (size_t i = 0; i < ahead.absent_len; i++)
		swap_prefetch_list_locked(machine, ahead.absent[i].object, ahead.absent[i].index);
}

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

	for (int i = 0; i < VICTIMS_FAR && pfn != VM_PFN_NONE; i++) {
		if (i >= VICTIMS_NEAR)
			__builtin_prefetch(&machine->frames[pfn]);
		else if (!(machine->frames[pfn].flags & FRAME_REFERENCED) && unused++ == 1)
			prefetch_victim_locked(machine, pfn);
		pfn = machine->order[pfn].newer;
	}
}
