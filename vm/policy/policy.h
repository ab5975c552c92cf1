/*
 * policy.h - page replacement: which page goes when no frame is free.
 *
 * A policy is a table of functions (struct vm_policy) in a file of its own. It hears of pages, each
 * known by a key that stays the same while the page is away, so that it can remember pages that it
 * evicted:
 *
 *     page has come into a frame -> loaded      process used it -> used      none free -> choose
 *     page has left its frame    -> gone, with the key if it may come back
 *     page that was away is no more -> lost
 *
 * All pages in frames stand in one list, from the oldest to the newest in the order of loading
 * (frame.h). A policy may reorder it, or ignore it and keep lists of its own in
 * machine->policy_state.
 *
 * To add one: write policy/NAME.c with a `const struct vm_policy policy_NAME`, name it below and in
 * policy.c's table.
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
 * POLICY chooses from now on. It hears of all pages that are in frames, the oldest first. -ENOMEM:
 * the policy that was set goes on.
 */
int policy_set_locked(struct vm_machine *machine, const struct vm_policy *policy);

/* No policy any more: the machine ends. */
void policy_free(struct vm_machine *machine);

#endif
