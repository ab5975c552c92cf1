/*
 * replay_ahead.h - bring what the next references of a trace will need into the caches of the
 * host's processor. A simulator of many pages waits for memory most of the time: for the entry, the
 * frame, the buckets of the page cache and of swap, the slot, and the same of the page that goes.
 * The references are known, so all of these can be asked for before. What one of them leads to is
 * asked for when it has had time to come: step by step, each step for all references.
 *
 *     step 1    the last-level entry
 *     step 2    what the policy looks at; or the buckets, if the entry is empty
 *     step 3    the slot; or the neighbours of a page that moves in the list of pages
 *     step 4    the slot's neighbours in its list
 *
 * Nothing here changes anything that others see: it is a matter of speed alone.
 *
 * Rule: the process is locked for reading, and the machine lock is held. Neither is dropped.
 */
#ifndef VM_CALLS_REPLAY_AHEAD_H
#define VM_CALLS_REPLAY_AHEAD_H

#include "vm/internal.h"

/* References for which this is done in one call. */
enum { AHEAD_ROOM = 32 };

/* Faults, of which each mostly takes the frame of a page, between two looks at those pages. */
enum { AHEAD_VICTIMS = 4 };

/* The next COUNT references, at most AHEAD_ROOM, are REFERENCES: ask for what they need. */
void ahead_locked(struct vm_space *space, const struct vm_reference *references, size_t count);

/*
 * AHEAD_VICTIMS faults were served: look at the pages that will go after the next AHEAD_VICTIMS, if
 * they go in the order of the list.
 */
void ahead_victims_locked(const struct vm_machine *machine);

#endif
