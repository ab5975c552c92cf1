/*
 * evictable.h - which pages may be evicted: what reclaim and the policies must agree on.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_RECLAIM_EVICTABLE_H
#define VM_RECLAIM_EVICTABLE_H

#include "vm/internal.h"

/*
 * Whether the page in PFN can be evicted now: nobody uses it this instant, it is not locked, and
 * there is room where it would go.
 */
bool evictable_locked(const struct vm_machine *machine, vm_pfn pfn);

/*
 * Whether PFN is anonymous memory that was given up by MADV_FREE and not written since: it needs no
 * swap slot to go.
 */
bool evictable_without_swap_locked(const struct vm_machine *machine, vm_pfn pfn);

/*
 * The oldest page that can be evicted, or VM_PFN_NONE. The pages that are looked at count as
 * scanned.
 */
vm_pfn evictable_oldest_locked(struct vm_machine *machine);

#endif
