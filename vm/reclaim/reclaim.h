/*
 * reclaim.h - make a frame free when none is.
 *
 *     the policy chooses among the frames that nobody uses this instant
 *       clean file page           its entries are emptied, it is dropped
 *       dirty shared file page    emptied, written to its file, dropped
 *       given up by MADV_FREE     emptied, dropped
 *       private anonymous page    its entries get a swap slot, it is written there; the slot knows the frame meanwhile
 *       shared anonymous page     emptied, written to a slot that its object knows, dropped
 *
 * Whoever comes for the page while it is being written finds it, and it stays.
 *
 * Rule: no lock is held; nothing is pinned by the caller that it could do without.
 */
#ifndef VM_RECLAIM_RECLAIM_H
#define VM_RECLAIM_RECLAIM_H

#include "vm/internal.h"

/*
 * Free one frame, *EVICTED, unless another thread makes some free meanwhile (then VM_PFN_NONE).
 * Where frames are only in use for a moment, waits if WAIT, else -EAGAIN. -ENOMEM: nothing can be
 * evicted.
 */
int reclaim_frame(struct vm_machine *machine, bool wait, vm_pfn *evicted);

/*
 * Evict frame PFN, in use, now, whatever the policy thinks. The lock is dropped meanwhile. False:
 * it could not go.
 */
bool reclaim_page_locked(struct vm_machine *machine, vm_pfn pfn);

/* Empty and drop the clean file page PFN, which is neither pinned nor busy. */
void reclaim_drop_locked(struct vm_machine *machine, vm_pfn pfn);

#endif
