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

/*
 * Evict pages until a frame is free. NEEDS: whose fault needs it, or NULL. *VICTIM, unless VICTIM
 * is NULL: whose page went, the last one, with a reference to the name in it. It is left alone if
 * none went; before, it must be valid, and its name is released. WAIT: if no page can be evicted,
 * but some are pinned, wait until they can. A caller that pins frames itself must not wait.
 *
 * => 0: a frame was free. Another thread may take it before the caller: then call again
 * => -EAGAIN, never with WAIT: no page can be evicted, but some are pinned; or every page was tried
 *    in vain
 * => -ENOMEM: no page can be evicted, and none is pinned; or, with WAIT, every page was tried in
 *    vain, or pinned frames are all there is, and none of them holds a page (FRAME_LISTED)
 */
int reclaim_frame(struct vm_machine *machine, bool wait, const struct vm_party *needs,
                  struct vm_party *victim);

/*
 * Evict the page in PFN, a frame in use, now, without asking the policy (MADV_PAGEOUT). The lock is
 * dropped meanwhile if the page must be written: on return PFN may be free or hold another page.
 * False: the page cannot be evicted or could not be written. True: it was evicted, or it was
 * written but is in use again.
 */
bool reclaim_page_locked(struct vm_machine *machine, vm_pfn pfn);

#endif
