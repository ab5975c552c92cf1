/*
 * frame.h - frames of physical memory, and the pages that stand in them.
 *
 * A frame is free, or private anonymous memory (object NULL), or a page of the page cache. It is in
 * use as long as an entry maps it, a transfer pins it, an object's cache holds it, or it is the
 * cached contents of a swap slot. frame_put_locked frees one that none of these uses.
 *
 * Page replacement knows pages, not frames: a page is what has an identity, as the page of an
 * object, the contents of a swap slot, or what some entry maps. It enters replacement when it gets
 * its identity (frame_loaded_locked) and leaves when it is evicted or loses it. Meanwhile its frame
 * is FRAME_LISTED: it stands in one list, from the oldest to the newest in the order of loading,
 * which a policy may change.
 *
 *     frame_alloc  -> a frame, no page yet
 *     frame_loaded -> at the newest end; the policy's `loaded`
 *     (an access)  -> the policy's `used`
 *     frame_evicted or frame_put -> out of the list; the policy's `gone`
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

/* End the page in PFN if it has no identity any more, and free PFN if nothing uses it any more. */
void frame_put_locked(struct vm_machine *machine, vm_pfn pfn);

void frame_pin_locked(struct vm_machine *machine, vm_pfn pfn);
void frame_unpin_locked(struct vm_machine *machine, vm_pfn pfn);

enum vm_frame_kind frame_kind(const struct vm_frame *frame);

/* Whether PFN is a frame of RAM, with a descriptor; else it is a table page. */
static inline bool frame_is_ram(const struct vm_machine *machine, uint64_t pfn)
{
	return pfn < machine->nr_frames;
}

/* Whether the contents of FRAME can be found as a page: in an object, in a slot, or by an entry. */
static inline bool frame_has_identity(const struct vm_frame *frame)
{
	return frame->mapped > 0 || frame->object != NULL || (frame->flags & FRAME_SWAPCACHE);
}

/* Whether FRAME is not free. */
static inline bool frame_in_use(const struct vm_frame *frame)
{
	return frame_has_identity(frame) || frame->pins > 0;
}

/* --- Pages: replacement ----------------------------------------------------------------------- */

/* The page in PFN has just got its identity. */
void frame_loaded_locked(struct vm_machine *machine, vm_pfn pfn);

/* The page in PFN, listed, can be read again from its file or slot, and leaves the frame now. */
void frame_evicted_locked(struct vm_machine *machine, vm_pfn pfn);

/* The page in PFN, listed, was loaded from or stored to. */
static inline void frame_used_locked(struct vm_machine *machine, vm_pfn pfn)
{
	if (machine->policy->used != NULL)
		machine->policy->used(machine, pfn);
}

/* What the page in PFN, listed, is known by. */
struct vm_page_key frame_key_locked(const struct vm_machine *machine, vm_pfn pfn);

/* Move PFN, listed, to the newest end of the list. */
void frame_renew_locked(struct vm_machine *machine, vm_pfn pfn);
/* Move PFN, listed, to the oldest end, as one that was not used lately. */
void frame_age_locked(struct vm_machine *machine, vm_pfn pfn);

#endif
