#include "vm/memory/swap.h"
#include "vm/base/hash.h"
#include "vm/base/host.h"
#include "vm/base/io.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/base/reason.h"
#include "vm/memory/frame.h"

#include <errno.h>
#include <sys/mman.h>

bool swap_init(struct vm_machine *machine)
{
	struct vm_swap *swap = &machine->swap;

	swap->medium = machine->config.swap_medium;
	if (swap->medium.ops != NULL || machine->config.no_contents)
		swap->total = (uint32_t)(machine->config.swap >> VM_PAGE_SHIFT);
	swap->touched = 1;
	swap->on = swap->total > 0;
	swap->hash_mask = 1;
	while (swap->hash_mask < 2 * (uint64_t)swap->total)
		swap->hash_mask <<= 1;
	swap->hash_mask--;
	swap->slots = machine_reserve((size_t)(swap->total + 1) * sizeof *swap->slots);
	swap->hash = machine_reserve((size_t)(swap->hash_mask + 1) * sizeof *swap->hash);
	if (swap->slots == NULL || swap->hash == NULL)
		return false;
	madvise(swap->slots, (size_t)(swap->total + 1) * sizeof *swap->slots, MADV_HUGEPAGE);
	madvise(swap->hash, (size_t)(swap->hash_mask + 1) * sizeof *swap->hash, MADV_HUGEPAGE);
	return true;
}

void swap_destroy(struct vm_machine *machine)
{
	struct vm_swap *swap = &machine->swap;

	machine_unreserve(swap->slots, (size_t)(swap->total + 1) * sizeof *swap->slots);
	machine_unreserve(swap->hash, (size_t)(swap->hash_mask + 1) * sizeof *swap->hash);
	if (swap->medium.ops != NULL)
		swap->medium.ops->close(&swap->medium);
}

/* --- Slots ------------------------------------------------------------------------------------ */

static uint32_t take_free_locked(struct vm_swap *swap)
{
	uint32_t slot = swap->free_list;

	if (!swap->on)
		return VM_SLOT_NONE;
	if (slot != 0) {
		swap->free_list = swap->slots[slot - 1].next;
		return slot - 1;
	}
	return swap->touched <= swap->total ? swap->touched++ : VM_SLOT_NONE;
}

uint32_t swap_alloc_locked(struct vm_machine *machine, vm_pfn frame)
{
	struct vm_swap *swap = &machine->swap;
	uint32_t slot = take_free_locked(swap);

	if (slot == VM_SLOT_NONE)
		return slot;
	swap->slots[slot] = (struct vm_slot){.frame = VM_PFN_NONE};
	list_init(&swap->slots[slot].link);
	swap->used++;
	if (frame != VM_PFN_NONE)
		swap_cache_enter_locked(machine, slot, frame);
	return slot;
}

void swap_put_locked(struct vm_machine *machine, uint32_t number)
{
	struct vm_swap *swap = &machine->swap;
	struct vm_slot *slot = &swap->slots[number];

	if (slot->mapped > 0 || slot->object != NULL)
		return;
	/* Nothing will look for the page in the slot any more. Entries may still map the frame. */
	if (slot->frame != VM_PFN_NONE)
		swap_cache_leave_locked(machine, number);
	if (slot->pins > 0)
		return;
	if (machine->policy->lost != NULL) {
		struct vm_page_key key = {VM_KEY_SLOT, 0, number};
		machine->policy->lost(machine, &key);
	}
	slot->next = swap->free_list;
	swap->free_list = number + 1;
	swap->used--;
	machine_wake_io_locked(machine);
}

void swap_cache_enter_locked(struct vm_machine *machine, uint32_t slot, vm_pfn pfn)
{
	struct vm_frame *frame = &machine->frames[pfn];

	machine->swap.slots[slot].frame = pfn;
	frame->flags |= FRAME_SWAPCACHE;
	frame->index = slot;
	machine->count.swap_cached++;
	/*
	 * A page that is being evicted is in the list already. One that is swapped in gets its
	 * identity here.
	 */
	if (!(frame->flags & FRAME_LISTED))
		frame_loaded_locked(machine, pfn);
}

void swap_cache_leave_locked(struct vm_machine *machine, uint32_t slot)
{
	vm_pfn pfn = machine->swap.slots[slot].frame;

	machine->swap.slots[slot].frame = VM_PFN_NONE;
	machine->frames[pfn].flags &= (uint16_t) ~(FRAME_SWAPCACHE | FRAME_DIRTY);
	machine->count.swap_cached--;
	frame_put_locked(machine, pfn);
}

/* --- Shared anonymous memory ------------------------------------------------------------------ */

/*
 * Pages of an object whose chains are next to each other. So many that the host's huge pages, of
 * which the table consists, are filled well, and that few of the blocks overlap.
 */
enum { NEIGHBOURS = 1 << 16 };

static uint32_t *bucket(const struct vm_machine *machine, const struct vm_object *object,
                        uint64_t index)
{
	uint64_t block = index / NEIGHBOURS, place = hash_page(object, block) + index % NEIGHBOURS;

	/* Neighbours stand together: of a large table only so much is used as there are pages. */
	return &machine->swap.hash[place & machine->swap.hash_mask];
}

uint32_t swap_find_locked(const struct vm_machine *machine, const struct vm_object *object,
                          uint64_t index)
{
	const struct vm_slot *slots = machine->swap.slots;

	for (uint32_t next = *bucket(machine, object, index); next != 0;
	     next = slots[next - 1].next)
		if (slots[next - 1].object == object && slots[next - 1].index == index)
			return next - 1;
	return VM_SLOT_NONE;
}

const uint32_t *swap_prefetch_bucket(const struct vm_machine *machine,
                                     const struct vm_object *object, uint64_t index)
{
	const uint32_t *at = bucket(machine, object, index);

	__builtin_prefetch(at);
	return at;
}

void swap_prefetch_slot_locked(const struct vm_machine *machine, const uint32_t *bucket)
{
	if (*bucket != 0)
		__builtin_prefetch(&machine->swap.slots[*bucket - 1]);
}

void swap_prefetch_list_locked(const struct vm_machine *machine, const uint32_t *bucket)
{
	if (*bucket == 0)
		return;
	const struct vm_slot *slot = &machine->swap.slots[*bucket - 1];
	__builtin_prefetch(slot->link.prev);
	__builtin_prefetch(slot->link.next);
	/* The slot will be free, and the next to be taken: place_locked looks at this one. */
	__builtin_prefetch(slot - 1);
}

/*
 * Where in the list of OBJECT's slots NUMBER goes. The order does not matter, but whoever takes a
 * slot out changes its neighbours in the list: so they are those in memory too, if they can be.
 * During a walk over the list it must be the end, where the walk sees it.
 */
static struct list_link *place_locked(const struct vm_swap *swap, struct vm_object *object,
                                      uint32_t number)
{
	if (object->walks == NULL && swap->slots[number - 1].object == object)
		return &swap->slots[number - 1].link;
	return object->slots.prev;
}

void swap_enter_locked(struct vm_machine *machine, uint32_t number, struct vm_object *object,
                       uint64_t index)
{
	struct vm_slot *slot = &machine->swap.slots[number];
	uint32_t *head = bucket(machine, object, index);

	slot->object = object;
	slot->index = index;
	slot->next = *head;
	*head = number + 1;
	list_insert_after(place_locked(&machine->swap, object, number), &slot->link);
}

void swap_forget_locked(struct vm_machine *machine, uint32_t number)
{
	struct vm_slot *slot = &machine->swap.slots[number];
	uint32_t *next = bucket(machine, slot->object, slot->index);

	while (*next != number + 1)
		next = &machine->swap.slots[*next - 1].next;
	*next = slot->next;
	if (machine->policy->lost != NULL) {
		struct vm_page_key key = {VM_KEY_OBJECT, slot->object->number, slot->index};
		machine->policy->lost(machine, &key);
	}
	list_remove_walked(slot->object->walks, &slot->link);
	slot->object = NULL;
	swap_put_locked(machine, number);
}

/* --- Transfer --------------------------------------------------------------------------------- */

/* Where SLOT is in the swap file: slot 1 comes first. */
static uint64_t slot_offset(uint32_t slot)
{
	return (uint64_t)(slot - 1) << VM_PAGE_SHIFT;
}

int swap_read(struct vm_machine *machine, uint32_t slot, void *page)
{
	ssize_t n = io_read(&machine->swap.medium, page, VM_PAGE_SIZE, slot_offset(slot));

	if (n == VM_PAGE_SIZE)
		return 0;
	return reason_set(-EIO, VM_WHY_SWAP_READ, 0, n < 0 ? (uint64_t)-n : 0, 0);
}

int swap_write(struct vm_machine *machine, uint32_t slot, const void *page)
{
	return io_write(&machine->swap.medium, page, VM_PAGE_SIZE, slot_offset(slot));
}
