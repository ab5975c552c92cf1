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
 *     lost      a page that was evicted is no more: its key may be given to another page
 *     cut       the same of pages of a file that was cut off, or got a hole
 *     stayed    the page that was chosen could not be evicted: others go first
 *     next      the order in which pages would go, for those who look
 *
 * Pages are known by keys (struct vm_page_key). A page keeps its key while it is evicted, so that a
 * policy can recognize it when it is loaded again.
 *
 * All pages in frames are in one list, from the oldest to the newest in the order of loading
 * (frame.h). A policy may reorder it, or leave it alone and keep lists of its own in
 * machine->policy_state (`own`; lists.h).
 *
 * `choose` may look at all pages, and there may be many. So it drops the lock every HOLD_STEPS
 * pages (base/lock.h), and walks over the list with a walk that bears that (frame.h). The page that
 * it gives must be evictable in the present hold. The policy may be another one by then: one that
 * has a state must look whether machine->policy_changes is what it was before it touches the state
 * again. machine->want says for which page a frame is wanted; whoever drops the lock in `choose`
 * does so with evictable_spend_locked, which keeps it.
 *
 * When a policy is set, it hears of the pages that are there one after another, and the lock is
 * dropped between. So a policy with lists of its own must bear to hear of the use or the end of a
 * page that it does not know, and of the load of one that it knows.
 *
 * Where programs run on a processor, only accesses by system calls reach `used`. The processor sets
 * accessed bits in entries, which a policy reads when it chooses (evictable_hear_locked): many
 * uses since the last look are one, and their order is not known.
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
extern const struct vm_policy policy_2q, policy_arc, policy_clock0, policy_lfu, policy_linux,
    policy_lirs, policy_mru, policy_s3fifo, policy_sieve;

/* What clock and clock0 choose. */
vm_pfn clock_choose_locked(struct vm_machine *machine);

/* The policy called NAME, or NULL. */
const struct vm_policy *policy_find(const char *name);

/*
 * Make POLICY the machine's policy and free the state of the one before. POLICY's `loaded` is
 * called for all pages that are in frames, the oldest first. The lock is dropped meanwhile. -ENOMEM
 * (of POLICY's `init`): the policy before stays.
 */
int policy_set_locked(struct vm_machine *machine, const struct vm_policy *policy);

/* Free the state of the machine's policy, if it has one. */
void policy_free(struct vm_machine *machine);

#endif
