/*
 * evictable.h - which pages may be evicted. Reclaim and the policies must agree on it.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_RECLAIM_EVICTABLE_H
#define VM_RECLAIM_EVICTABLE_H

#include "vm/internal.h"

/*
 * Whether the page in PFN, a frame in use, can be evicted now. True if
 *
 * => it is not pinned, being read or being written;
 * => no locked area maps it;
 * => it needs no swap slot, or there is a free one;
 * => it is not a dirty page of a file of which another page is being written.
 */
bool evictable_locked(const struct vm_machine *machine, vm_pfn pfn);

/*
 * Whether the page in PFN is anonymous, was given up with MADV_FREE and has not been written since.
 * It can be dropped without a swap slot.
 */
bool evictable_without_swap_locked(const struct vm_machine *machine, vm_pfn pfn);

/*
 * The frame of the oldest page that can be evicted, or VM_PFN_NONE. All pages looked at count as
 * scanned.
 */
vm_pfn evictable_oldest_locked(struct vm_machine *machine);

#endif
