/*
 * swap.h - the swap file: slots of one page each.
 *
 * The swap cache. A page on its way out keeps its frame until it is written, and one that was
 * brought in for one process keeps its slot for the others that still hold it. So pages shared by
 * fork stay shared through swap: whoever comes finds the frame in the slot. A slot goes back as
 * soon as no entry and no object refers to it; what stands in a frame then stands nowhere else, and
 * is written anew when it is evicted again.
 *
 * Rule: the machine lock is held, but for swap_read and swap_write, which want no lock.
 */
#ifndef VM_MEMORY_SWAP_H
#define VM_MEMORY_SWAP_H

#include "vm/internal.h"

/* Take over the swap file of CONFIG, if it has one. False: no memory. */
bool swap_init(struct vm_machine *machine);
void swap_destroy(struct vm_machine *machine);

/*
 * A slot with FRAME in its cache, to which nothing refers yet. VM_SLOT_NONE: swap is off or full.
 */
uint32_t swap_alloc_locked(struct vm_machine *machine, vm_pfn frame);

/* Free SLOT if nothing refers to it any more. A frame in its cache is on its own then. */
void swap_put_locked(struct vm_machine *machine, uint32_t slot);

/* FRAME becomes, or is no longer, the cached contents of SLOT. */
void swap_cache_enter_locked(struct vm_machine *machine, uint32_t slot, vm_pfn frame);
void swap_cache_leave_locked(struct vm_machine *machine, uint32_t slot);

/* Pages of shared anonymous memory: find, enter, forget. */
uint32_t swap_find_locked(const struct vm_machine *machine, const struct vm_object *object,
                          uint64_t index);
void swap_enter_locked(struct vm_machine *machine, uint32_t slot, struct vm_object *object,
                       uint64_t index);
void swap_forget_locked(struct vm_machine *machine, uint32_t slot);

/* Transfer one page between PAGE and SLOT: 0, or -EIO, -ENOSPC, ... */
int swap_read(struct vm_machine *machine, uint32_t slot, void *page);
int swap_write(struct vm_machine *machine, uint32_t slot, const void *page);

#endif
