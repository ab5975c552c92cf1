/*
 * policy.h - page replacement: which page is evicted when no frame is free.
 *
 * A policy is a table of functions (struct vm_policy in internal.h) in a file of its own. The
 * engine calls them:
 *
 *     loaded    a page was loaded into a frame
 *     used      a process accessed it
 *     choose    no frame is free: which page is evicted?
 *     gone      a page has left its frame, evicted or freed
 *     lost      a swap slot was freed: its key may be given to another page
 *
 * Pages are known by keys (struct vm_page_key). A page keeps its key while it is evicted, so that a
 * policy can recognize it when it is loaded again.
 *
 * All pages in frames are in one list, from the oldest to the newest in the order of loading
 * (frame.h). A policy may reorder it, or ignore it and keep lists of its own in
 * machine->policy_state.
 *
 * `choose` may look at all pages, and there may be many. So it drops the lock every HOLD_STEPS
 * pages (base/lock.h), and walks over the list with a walk that bears that (frame.h). The page that
 * it gives must be evictable in the present hold. The policy may be another one by then: one that
 * has a state must look whether machine->policy is still it before it touches the state again.
 *
 * To add a policy: write policy/NAME.c with a `const struct vm_policy policy_NAME`; declare it
 * below, and add it to the table in policy.c.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_POLICY_POLICY_H
#define VM_POLICY_POLICY_H

#include "vm/internal.h"

extern const struct vm_policy policy_clock, policy_fifo, policy_lru, policy_random;

/* The policy called NAME, or NULL. */
const struct vm_policy *policy_find(const char *name);

/*
 * Make POLICY the machine's policy and free the state of the one before. POLICY's `loaded` is
 * called for all pages that are in frames, the oldest first. -ENOMEM (of POLICY's `init`): the
 * policy before stays.
 */
int policy_set_locked(struct vm_machine *machine, const struct vm_policy *policy);

/* Free the state of the machine's policy, if it has one. */
void policy_free(struct vm_machine *machine);

#endif
