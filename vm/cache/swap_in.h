/*
 * swap_in.h - pages that come back from the swap file.
 */
#ifndef VM_CACHE_SWAP_IN_H
#define VM_CACHE_SWAP_IN_H

#include "vm/internal.h"

/*
 * Bring SLOT, which the caller pins (and which is unpinned in any case), into a frame: the swap
 * cache, or its object's. *PFN is the frame, pinned, or VM_PFN_NONE if it has come by another way;
 * *WAS_READ tells whether the file was. No lock is held. -EIO: it cannot be read; -ENOMEM: no
 * frame.
 */
int swap_page_in(struct vm_machine *machine, uint32_t slot, vm_pfn *pfn, bool *was_read);

#endif
