/*
 * frame.h - frames of physical memory, and the pages that they hold.
 *
 * A frame is free, or holds private anonymous memory (object NULL) or a page of the page cache. It
 * is in use as long as an entry maps it, a transfer pins it, the cache of an object holds it, or it
 * is the cached contents of a swap slot. frame_put_locked frees a frame that none of these uses.
 *
 * Page replacement knows pages, not frames. A page is something that can be found: as a page of an
 * object, as the contents of a swap slot, or through an entry that maps it. That is its identity.
 * Page replacement learns of the page when it gets an identity (frame_loaded_locked), and forgets
 * it when it is evicted or loses its identity. In between, its frame is FRAME_LISTED: it is in the
 * list of pages, from the oldest to the newest in the order of loading. A policy may reorder it.
 *
 *     frame_alloc_locked      a frame without a page
 *     frame_loaded_locked     into the list, at the newest end; calls the policy's `loaded`
 *     frame_used_locked       an access; calls the policy's `used`
 *     frame_evicted_locked, frame_put_locked
 *                             out of the list; call the policy's `gone`
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_MEMORY_FRAME_H
#define VM_MEMORY_FRAME_H

#include "vm/internal.h"

/*
 * Allocate a frame for OBJECT (NULL: private anonymous memory), cleared if ZERO. It is not mapped,
 * not in a cache and not pinned. VM_PFN_NONE: none is free.
 */
vm_pfn frame_alloc_locked(struct vm_machine *machine, struct vm_object *object, bool zero);

/* The same, cleared, but not counted as such: its page was all zeros before, too. */
vm_pfn frame_alloc_blank_locked(struct vm_machine *machine, struct vm_object *object);

/*
 * Whether the bytes of PFN are known to be all zeros, so that nothing need be cleared or written.
 * A processor stores without telling us, so with one it is never known. In a machine without
 * contents every frame is blank, whatever is stored.
 */
static inline bool frame_is_blank(const struct vm_machine *machine, vm_pfn pfn)
{
	return machine->config.no_contents ||
	       ((machine->frames[pfn].flags & FRAME_BLANK) && machine->cpu == NULL);
}

/* Something is about to be stored to FRAME. Whoever stores says so before. */
static inline void frame_not_blank_locked(struct vm_frame *frame)
{
	frame->flags &= (uint16_t)~FRAME_BLANK;
}

/*
 * Call this after PFN has lost a use. If its page has lost its identity, page replacement forgets
 * the page. If nothing uses PFN any more, it is freed.
 */
void frame_put_locked(struct vm_machine *machine, vm_pfn pfn);

/*
 * Pin and unpin PFN. A pinned frame is neither evicted nor freed. The last unpin frees a frame that
 * has lost all other uses, and wakes threads that wait for machine->io.
 */
void frame_pin_locked(struct vm_machine *machine, vm_pfn pfn);
void frame_unpin_locked(struct vm_machine *machine, vm_pfn pfn);

static inline enum vm_frame_kind frame_kind(const struct vm_frame *frame)
{
	if (frame->object == NULL)
		return VM_FRAME_ANON;
	return frame->object->shmem ? VM_FRAME_SHMEM : VM_FRAME_FILE;
}

/* Whether physical page PFN is a frame of RAM, with a descriptor. If not, it is a table page. */
static inline bool frame_is_ram(const struct vm_machine *machine, uint64_t pfn)
{
	return pfn < machine->nr_frames;
}

/* Whether PFN, of a leaf entry, is a page of the vdso. Before these lies the zero page. */
static inline bool frame_is_vdso(const struct vm_machine *machine, uint64_t pfn)
{
	return pfn > machine->nr_frames;
}

/* Whether the page in FRAME can be found: through an entry, an object, or a swap slot. */
static inline bool frame_has_identity(const struct vm_frame *frame)
{
	return frame->mapped > 0 || frame->object != NULL || (frame->flags & FRAME_SWAPCACHE);
}

/* Whether FRAME holds a page of a host file that need not be written before it goes. */
static inline bool frame_is_clean_file_page(const struct vm_frame *frame)
{
	return frame->object != NULL && !frame->object->shmem && !(frame->flags & FRAME_DIRTY);
}

/* Whether FRAME is not free. */
static inline bool frame_in_use(const struct vm_frame *frame)
{
	return frame_has_identity(frame) || frame->pins > 0;
}

/* --- Pages: replacement ----------------------------------------------------------------------- */

/* The page in PFN has just got its identity: add it to the list. */
void frame_loaded_locked(struct vm_machine *machine, vm_pfn pfn);

/*
 * The page in PFN is being evicted: take it out of the list. Call this while it still has the
 * identity with which it can be found again. The caller then unmaps it and removes it from its
 * cache.
 */
void frame_evicted_locked(struct vm_machine *machine, vm_pfn pfn);

/* A process has loaded from the page in PFN, listed, or stored to it. */
static inline void frame_used_locked(struct vm_machine *machine, vm_pfn pfn)
{
	if (machine->policy->used != NULL)
		machine->policy->used(machine, pfn);
}

/* The slow part of frame_used_again_locked. */
bool frame_meet_locked(struct vm_machine *machine, vm_pfn pfn);

/*
 * For the function `used` of policies with an order of their own: whether this is a use besides the
 * one for which the page was loaded. A page that was FRAME_COLD is so no more.
 */
static inline bool frame_used_again_locked(struct vm_machine *machine, vm_pfn pfn)
{
	if ((machine->frames[pfn].flags & (FRAME_MET | FRAME_COLD)) == FRAME_MET)
		return true;
	return frame_meet_locked(machine, pfn);
}

/* Whether the page in FRAME can have been evicted before: its key is not VM_KEY_PLACE. */
static inline bool frame_may_have_been_away(const struct vm_frame *frame)
{
	return frame->object != NULL || (frame->flags & FRAME_SWAPCACHE);
}

/*
 * The key of the page in PFN, which is listed. A private anonymous page without a swap slot must be
 * mapped by at least one address space.
 */
struct vm_page_key frame_key_locked(const struct vm_machine *machine, vm_pfn pfn);

/*
 * A walk over the list from the oldest page on, whose walker may drop the lock between two steps.
 * The list may be reordered meanwhile: a page that has moved to the newest end is seen there, even
 * if it was seen before, and one that has moved to the oldest end may not be seen at all.
 */
struct frame_walk {
	vm_pfn last; /* the page seen last, or the next older one if it has moved; VM_PFN_NONE */
	struct frame_walk *other;
};

void frame_walk_begin_locked(struct vm_machine *machine, struct frame_walk *walk);
/* The same, but the walk goes on after PFN, which is listed. */
void frame_walk_resume_locked(struct vm_machine *machine, struct frame_walk *walk, vm_pfn pfn);
/* The next page, or VM_PFN_NONE at the newest end. */
vm_pfn frame_walk_step_locked(struct vm_machine *machine, struct frame_walk *walk);
void frame_walk_end_locked(struct vm_machine *machine, struct frame_walk *walk);

/* Move PFN, listed, to the newest end of the list. */
void frame_renew_locked(struct vm_machine *machine, vm_pfn pfn);
/*
 * Move PFN, listed, to the oldest end and clear its accessed bit: it is evicted next. A policy with
 * an order of its own need not know: the pages that are FRAME_COLD at the oldest end of the list go
 * before it is asked.
 */
void frame_age_locked(struct vm_machine *machine, vm_pfn pfn);

#endif
