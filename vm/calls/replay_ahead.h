/*
 * replay_ahead.h - bring what the next references of a trace will need into the caches of the
 * host's processor. A simulator of many pages waits for memory most of the time: for the entry, the
 * frame, the buckets of the page cache and of swap, the slot, and the same of the page that goes.
 * The references are known, so all of these can be asked for some references before.
 *
 *     distance FAR      the last-level entry
 *     distance MIDDLE   its frame; or the buckets, if the entry is empty
 *     distance NEAR     the slot; or the neighbours of the frame in the list of pages
 *     distance NEXT     the slot's neighbours in its list
 *
 * Nothing here changes anything: it is a matter of speed alone.
 *
 * Rule: the process is locked for reading, and the machine lock is held. It may be dropped between
 * two calls.
 */
#ifndef VM_CALLS_REPLAY_AHEAD_H
#define VM_CALLS_REPLAY_AHEAD_H

#include "vm/internal.h"

enum { AHEAD_FAR = 12, AHEAD_ROOM = 16 };

/* What is known of a reference to come. */
struct ahead_page {
	vm_entry_id id; /* its last-level entry; 0: there is none, or it is none's turn */
	vm_pfn pfn;     /* the frame that it was mapped to, or VM_PFN_NONE */
	bool absent;    /* the entry was empty */
};

struct ahead {
	struct ahead_page page[AHEAD_ROOM]; /* by number of the reference, modulo that */
};

/* Before reference number I of COUNT: go on with those after it. */
void ahead_step_locked(struct ahead *ahead, const struct vm_space *space,
                       const struct vm_reference *references, size_t i, size_t count);

/* A fault was served: look at the pages that are next to go, if they go in the order of the list. */
void ahead_victims_locked(const struct vm_machine *machine);

#endif
