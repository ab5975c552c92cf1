#include "vm/calls/replay_ahead.h"
#include "vm/cache/object.h"
#include "vm/memory/frame.h"
#include "vm/memory/pte.h"
#include "vm/memory/swap.h"
#include "vm/memory/walk.h"
#include "vm/space/area.h"

enum { AHEAD_MIDDLE = 8, AHEAD_NEAR = 5, AHEAD_NEXT = 2 };

/* Pages between the one that is next to go and the one whose frame is asked for. */
enum { VICTIMS_FAR = 4, VICTIMS_NEAR = 2 };

static struct ahead_page *page_at(struct ahead *ahead, size_t i)
{
	return &ahead->page[i % AHEAD_ROOM];
}

static void begin_locked(struct ahead_page *page, const struct vm_space *space, uint64_t va)
{
	*page = (struct ahead_page){.pfn = VM_PFN_NONE};
	if (va >= VM_USER_END)
		return;
	page->id = pagetable_entry_at_locked(space, va, VM_PTE);
	if (page->id == 0)
		return;
	pte_prefetch(space->process->machine, page->id);
	__builtin_prefetch(pagetable_at(space->process->machine, page->id));
}

/*
 * The shared anonymous memory at VA, and in *INDEX which of its pages, or NULL. It is looked up
 * each time: where the locks were dropped, areas and objects may be gone.
 */
static const struct vm_object *shmem_at(const struct vm_space *space, uint64_t va, uint64_t *index)
{
	const struct vm_area *area = area_at(space, va);

	if (area == NULL || area->object == NULL || !area->object->shmem)
		return NULL;
	*index = area_index(area, va);
	return area->object;
}

/* The entry is there: ask for what it points to, or where its page will be searched for. */
static void follow_locked(struct ahead_page *page, const struct vm_space *space, uint64_t va)
{
	const struct vm_machine *machine = space->process->machine;
	uint64_t entry = page->id != 0 ? pte_get(machine, page->id) : 0, index;

	if ((entry & PTE_P) && frame_is_ram(machine, pte_pfn(entry))) {
		page->pfn = (vm_pfn)pte_pfn(entry);
		__builtin_prefetch(&machine->frames[page->pfn]);
	}
	page->absent = page->id != 0 && entry == 0;
	const struct vm_object *object = page->absent ? shmem_at(space, va, &index) : NULL;
	if (object == NULL)
		return;
	object_prefetch_bucket(object, index);
	swap_prefetch_bucket(machine, object, index);
}

/* The neighbours of PFN in the list of pages, from which a policy may take it. */
static void prefetch_neighbours_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	if (frame->older < machine->nr_frames)
		__builtin_prefetch(&machine->frames[frame->older]);
	if (frame->newer < machine->nr_frames)
		__builtin_prefetch(&machine->frames[frame->newer]);
}

/* The buckets are there: ask for what is in them. */
static void search_locked(const struct ahead_page *page, const struct vm_space *space, uint64_t va)
{
	const struct vm_machine *machine = space->process->machine;
	uint64_t index;
	const struct vm_object *object = page->absent ? shmem_at(space, va, &index) : NULL;

	if (page->pfn != VM_PFN_NONE)
		prefetch_neighbours_locked(machine, page->pfn);
	if (object == NULL)
		return;
	object_prefetch_frame_locked(object, index);
	swap_prefetch_slot_locked(machine, object, index);
}

/* The slot is there: ask for its neighbours, between which it will be taken out. */
static void prepare_swap_in_locked(const struct ahead_page *page, const struct vm_space *space,
                                   uint64_t va)
{
	uint64_t index;
	const struct vm_object *object = page->absent ? shmem_at(space, va, &index) : NULL;

	if (object != NULL)
		swap_prefetch_list_locked(space->process->machine, object, index);
}

void ahead_step_locked(struct ahead *ahead, const struct vm_space *space,
                       const struct vm_reference *references, size_t i, size_t count)
{
	const struct vm_reference *now = references + i;

	if (i + AHEAD_FAR >= count)
		return;
	begin_locked(page_at(ahead, i + AHEAD_FAR), space, now[AHEAD_FAR].va);
	follow_locked(page_at(ahead, i + AHEAD_MIDDLE), space, now[AHEAD_MIDDLE].va);
	search_locked(page_at(ahead, i + AHEAD_NEAR), space, now[AHEAD_NEAR].va);
	prepare_swap_in_locked(page_at(ahead, i + AHEAD_NEXT), space, now[AHEAD_NEXT].va);
}

void ahead_victims_locked(const struct vm_machine *machine)
{
	vm_pfn pfn = machine->oldest;

	for (int i = 0; i < VICTIMS_FAR && pfn != VM_PFN_NONE; i++) {
		const struct vm_frame *frame = &machine->frames[pfn];
		if (i == VICTIMS_NEAR && frame->object != NULL) {
			pte_prefetch(machine, frame->rmap);
			__builtin_prefetch(frame->link.prev);
			__builtin_prefetch(frame->link.next);
			object_prefetch_bucket(frame->object, frame->index);
			swap_prefetch_bucket(machine, frame->object, frame->index);
		}
		pfn = frame->newer;
	}
	if (pfn != VM_PFN_NONE)
		__builtin_prefetch(&machine->frames[pfn]);
}
