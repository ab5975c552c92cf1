#include "vm/memory/frame.h"
#include "vm/base/memory.h"
#include "vm/policy/policy.h"

#include <string.h>

enum vm_frame_kind frame_kind(const struct vm_frame *frame)
{
	if (frame->object == NULL)
		return VM_FRAME_ANON;
	return frame->object->shmem ? VM_FRAME_SHMEM : VM_FRAME_FILE;
}

/* A frame from the free list, or one never used, which the host has already cleared. */
static vm_pfn take_free_locked(struct vm_machine *machine, bool zero)
{
	vm_pfn pfn = machine->free_frames;

	if (pfn != VM_PFN_NONE) {
		machine->free_frames = machine->frames[pfn].next;
		if (zero)
			memset(machine_page(machine, pfn), 0, VM_PAGE_SIZE);
		return pfn;
	}
	if (machine->frames_used < machine->nr_frames)
		return (vm_pfn)machine->frames_used++;
	return VM_PFN_NONE;
}

vm_pfn frame_alloc_locked(struct vm_machine *machine, struct vm_object *object, bool zero)
{
	vm_pfn pfn = take_free_locked(machine, zero);
	struct vm_frame *frame;

	if (pfn == VM_PFN_NONE)
		return pfn;
	frame = &machine->frames[pfn];
	memset(frame, 0, sizeof *frame);
	frame->object = object;
	frame->next = VM_PFN_NONE;
	list_init(&frame->link);
	machine->nr_free--;
	machine->count.frames[frame_kind(frame)]++;
	machine->count.zeroed += zero;
	policy_enter_locked(machine, pfn);
	return pfn;
}

void frame_put_locked(struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_frame *frame = &machine->frames[pfn];

	if (frame->mapped > 0 || frame->pins > 0 || frame->object != NULL ||
	    (frame->flags & FRAME_SWAPCACHE))
		return;
	policy_leave_locked(machine, pfn);
	machine->count.frames[VM_FRAME_ANON]--;
	machine->nr_free++;
	frame->next = machine->free_frames;
	machine->free_frames = pfn;
}

void frame_pin_locked(struct vm_machine *machine, vm_pfn pfn)
{
	machine->frames[pfn].pins++;
}

void frame_unpin_locked(struct vm_machine *machine, vm_pfn pfn)
{
	/* Who waits for a frame that could be evicted wants to know. */
	if (--machine->frames[pfn].pins == 0 && machine->waiters > 0)
		pthread_cond_broadcast(&machine->io);
	frame_put_locked(machine, pfn);
}
