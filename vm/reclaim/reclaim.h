/*
 * reclaim.h - free a frame when none is free.
 *
 * The policy chooses a page among those that can be evicted (evictable.h). What happens to it:
 *
 *     clean file page           its entries are emptied, it is dropped
 *     dirty shared file page    its entries are emptied, it is written to its file, dropped
 *     given up with MADV_FREE   its entries are emptied, it is dropped
 *     private anonymous page    its entries get a swap slot, it is written there, dropped
 *     shared anonymous page     its entries are emptied, it is written to a slot, dropped; then the
 *                               object has the slot
 *
 * The lock is dropped during a write. A thread that needs the page meanwhile finds it in its frame:
 * through the object or, if private, through the slot. Then the page stays.
 *
 * Rule: no lock is held, except for functions named _locked, which want the machine lock. The
 * caller pins no frames that it can do without.
 */
#ifndef VM_RECLAIM_RECLAIM_H
#define VM_RECLAIM_RECLAIM_H

#include "vm/internal.h"

/* For whom a frame is made free, and what went for it. */
struct reclaim {
	struct vm_party needs; /* whose fault needs it */
	struct vm_want want;   /* for which page; whose pages may go */
	/*
	 * whose page went, the last one, with a reference to the name in it; left alone if none
	 * went. Before, it must be valid, and its name is released
	 */
	struct vm_party victim;
	uint64_t clean, dirty; /* how many pages went that no store had reached, or one had */
	/*
	 * the page that was chosen already, with which to begin; VM_PFN_NONE: none. And how many
	 * frames had been taken by then: if it is more now, the frame may hold another page
	 */
	vm_pfn chosen;
	uint64_t chosen_taken;
};

/*
 * Evict pages until a frame is free, for RECLAIM or, if that is NULL, for no fault. WAIT: if no
 * page can be evicted, but some are pinned, wait until they can. A caller that pins frames itself
 * must not wait.
 *
 * => 0: a frame was free. Another thread may take it before the caller: then call again
 * => -EAGAIN, never with WAIT: no page can be evicted, but some are pinned; or every page was tried
 *    in vain
 * => -ENOMEM: no page can be evicted, and none is pinned; or, with WAIT, every page was tried in
 *    vain, or pinned frames are all there is, and none of them holds a page (FRAME_LISTED)
 */
int reclaim_frame(struct vm_machine *machine, bool wait, struct reclaim *reclaim);

/*
 * The same as far as it needs no wait. The machine lock is held; the search for a page may drop it,
 * and a process lock may be held.
 *
 * => true: a frame is free
 * => false: reclaim_frame is to be called. If a page was chosen that must be written first,
 *    reclaim->chosen is that page
 */
bool reclaim_at_once_locked(struct vm_machine *machine, struct reclaim *reclaim);

/*
 * Evict pages of RECLAIM->want.process, as the policy chooses among those that it maps, until it
 * maps fewer than LIMIT. The rest as reclaim_frame. The caller pins no frames.
 *
 * => true: it does. False: it maps no page that can be evicted
 */
bool reclaim_own(struct reclaim *reclaim, uint64_t limit);

/*
 * Evict the page in PFN, a frame in use, now, without asking the policy (MADV_PAGEOUT). The lock is
 * dropped meanwhile if the page must be written: on return PFN may be free or hold another page.
 * False: the page cannot be evicted or could not be written. True: it was evicted, or it was
 * written but is in use again.
 */
bool reclaim_page_locked(struct vm_machine *machine, vm_pfn pfn);

#endif
