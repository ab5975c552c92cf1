/*
 * swap_in.h - read pages back from the swap file.
 */
#ifndef VM_CACHE_SWAP_IN_H
#define VM_CACHE_SWAP_IN_H

#include "vm/internal.h"

/*
 * Read slot SLOT into a frame, unless a frame holds its page already. The frame enters the swap
 * cache or, for shared anonymous memory, the cache of the object. The caller holds no lock and has
 * pinned the slot.
 *
 * => the slot is unpinned in any case, and freed if nothing uses it any more
 * => 0, *PFN a pinned frame, *WAS_READ true: the page was read. The slot may have lost its last
 *    user meanwhile; then the frame is in no cache
 * => 0, *PFN VM_PFN_NONE, *WAS_READ false: nothing to do. The page is in a frame, or another thread
 *    is reading it into one (FRAME_BUSY), or nothing refers to the slot any more
 * => -EIO: the slot cannot be read. -ENOMEM: no frame is free. *PFN is VM_PFN_NONE
 */
int swap_page_in(struct vm_machine *machine, uint32_t slot, vm_pfn *pfn, bool *was_read);

/*
 * Bring back the page of SLOT, which no frame holds, if that needs no wait: it is known to be all
 * zeros (vm_slot.blank), and is not being removed. As above, the frame enters a cache; it is not
 * pinned. The machine lock is held, and not dropped.
 */
bool swap_comes_at_once_locked(const struct vm_machine *machine, uint32_t slot);
/* Do that. Returns the frame, or VM_PFN_NONE: none is free, and nothing has changed. */
vm_pfn swap_page_in_at_once_locked(struct vm_machine *machine, uint32_t slot);

#endif
