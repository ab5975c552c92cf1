/*
 * policy.h - page replacement: which frame goes when none is free.
 *
 * A policy is a small table of functions in a file of its own. All of them order the frames in use
 * in one list, from the oldest to the newest by whatever the policy calls old; a policy that needs
 * no order ignores it.
 *
 *     frame allocated -> enter      process used it -> use      none free -> choose      frame freed -> leave
 *
 * To add one: write policy_NAME.c with a `const struct vm_policy policy_NAME`, name it below and in
 * policy.c's table.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_POLICY_POLICY_H
#define VM_POLICY_POLICY_H

#include "vm/internal.h"

struct vm_policy {
	const char *name;
	/*
	 * The process has loaded from or stored to the page in PFN (NULL: the policy does not
	 * care).
	 */
	void (*use)(struct vm_machine *machine, vm_pfn pfn);
	/* The frame to evict, among those that frame_evictable_locked allows, or VM_PFN_NONE. */
	vm_pfn (*choose)(struct vm_machine *machine);
};

extern const struct vm_policy policy_clock, policy_fifo, policy_lru, policy_random;

/* The policy called NAME, or NULL. */
const struct vm_policy *policy_find(const char *name);

/* The list: at the newest end, out of it. */
void policy_enter_locked(struct vm_machine *machine, vm_pfn pfn);
void policy_leave_locked(struct vm_machine *machine, vm_pfn pfn);
void policy_renew_locked(struct vm_machine *machine, vm_pfn pfn);
/* At the oldest end, and not used lately. */
void policy_age_locked(struct vm_machine *machine, vm_pfn pfn);

/* Whether PFN is in no list, because it is free. */
bool policy_is_free_locked(const struct vm_machine *machine, vm_pfn pfn);

/*
 * Whether PFN is anonymous memory that was given up by MADV_FREE and not written since: it needs no
 * swap slot to go.
 */
bool policy_is_lazily_free_locked(const struct vm_machine *machine, vm_pfn pfn);

/* The oldest frame that can be evicted, or VM_PFN_NONE. */
vm_pfn policy_oldest_locked(struct vm_machine *machine);

/*
 * Whether PFN can be evicted now: nobody uses it this instant, it is not locked, and there is room
 * where it would go.
 */
bool policy_evictable_locked(const struct vm_machine *machine, vm_pfn pfn);

#endif
