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
 * => it is not a dirty page of a file of which another page is being written;
 * => while a page of one process is to be chosen (machine->want), that process maps it.
 *
 * If only the first or the fourth of these is false, that will change soon, and machine->passed
 * counts the page. Whatever may make a page evictable makes machine->may_evict grow.
 */
bool evictable_locked(struct vm_machine *machine, vm_pfn pfn);

/*
 * Whether a page of the process is to be chosen that maps the page in PFN, or one of any process. A
 * page that is not wanted is passed over without a trace: its bits are for searches among all.
 */
bool evictable_is_wanted_locked(const struct vm_machine *machine, vm_pfn pfn);

/*
 * Whether the page in PFN is anonymous, was given up with MADV_FREE and has not been written since.
 * It can be dropped without a swap slot.
 */
bool evictable_without_swap_locked(const struct vm_machine *machine, vm_pfn pfn);

/* Whether a locked area maps FRAME, so that its page cannot be evicted. */
bool evictable_is_mlocked(const struct vm_machine *machine, const struct vm_frame *frame);

/*
 * A processor that walks the page tables by itself (vm_cpu.h) tells nobody of an access, but sets
 * the accessed bits of entries. If one that maps the page in PFN is set, clear all of them, report
 * a use to the policy, if it wants to hear of uses, and return true. Takes a step for each entry
 * that maps the page.
 */
bool evictable_hear_locked(struct vm_machine *machine, vm_pfn pfn);

/*
 * For policies that set FRAME_REFERENCED when a page is used: whether the page in PFN was used
 * since this was called last. What the processor did counts.
 */
bool evictable_was_used_locked(struct vm_machine *machine, vm_pfn pfn);

/* Whether it would say so, but nothing changes. */
bool evictable_looks_used_locked(struct vm_machine *machine, vm_pfn pfn);

/*
 * machine_spend_locked for those that choose a page: what it is wanted for (machine->want) is as
 * before afterwards.
 */
bool evictable_spend_locked(struct vm_machine *machine, uint64_t *spent, uint64_t steps);

/*
 * The frame of the oldest page that can be evicted, or VM_PFN_NONE. All pages looked at count as
 * scanned. The lock is dropped now and then, but not after the page was found: it is the oldest of
 * those that could go when they were looked at.
 */
vm_pfn evictable_oldest_locked(struct vm_machine *machine);

/* The same among clean pages of files, which do not count. */
vm_pfn evictable_oldest_clean_locked(struct vm_machine *machine);

#endif
