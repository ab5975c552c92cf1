/*
 * frame.h - frames of physical memory.
 *
 * A frame is free, or private anonymous memory (object NULL), or a page of the page cache. It is in
 * use as long as an entry maps it, a transfer pins it, or an object's cache holds it;
 * frame_put_locked frees one that none of these does.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_MEMORY_FRAME_H
#define VM_MEMORY_FRAME_H

#include "vm/internal.h"

/*
 * A frame for OBJECT (NULL: private anonymous memory), cleared if ZERO, neither mapped nor cached.
 * VM_PFN_NONE: none is free.
 */
vm_pfn frame_alloc_locked(struct vm_machine *machine, struct vm_object *object, bool zero);

/* Free PFN if nothing uses it any more. */
void frame_put_locked(struct vm_machine *machine, vm_pfn pfn);

void frame_pin_locked(struct vm_machine *machine, vm_pfn pfn);
void frame_unpin_locked(struct vm_machine *machine, vm_pfn pfn);

enum vm_frame_kind frame_kind(const struct vm_frame *frame);

/* Whether PFN is a frame of RAM, with a descriptor; else it is a table page. */
static inline bool frame_is_ram(const struct vm_machine *machine, uint64_t pfn)
{
	return pfn < machine->nr_frames;
}

#endif
