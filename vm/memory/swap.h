/*
 * swap.h - the swap file: slots of one page each.
 *
 * The swap cache: a slot remembers the frame that holds its page, if there is one. A page that is
 * being evicted keeps its frame until it is written. A page that was swapped in for one process
 * keeps its slot for the others that still hold it. Each of them finds the frame through the slot.
 * So pages that were shared by fork stay shared through swap.
 *
 * A slot is freed as soon as no entry and no object refers to it. Its page is then only in the
 * frame, and is written again when it is evicted again.
 *
 * Rule: the machine lock is held, except in swap_read and swap_write, which expect that no lock is
 * held.
 */
#ifndef VM_MEMORY_SWAP_H
#define VM_MEMORY_SWAP_H

#include "vm/internal.h"

/*
 * Start using the swap file of MACHINE's configuration, if it has one, and own it. False: no
 * memory.
 */
bool swap_init(struct vm_machine *machine);
/* Free the slots and close the swap file. */
void swap_destroy(struct vm_machine *machine);

/*
 * Allocate a slot, to which nothing refers yet. FRAME becomes its cached contents, unless it is
 * VM_PFN_NONE. VM_SLOT_NONE: swap is off or full.
 */
uint32_t swap_alloc_locked(struct vm_machine *machine, vm_pfn frame);

/*
 * Call this after SLOT, which is in use, has lost a use. If no entry and no object refers to it any
 * more, a frame in its cache leaves it; if no transfer pins it either, it is freed.
 */
void swap_put_locked(struct vm_machine *machine, uint32_t slot);

/* Make FRAME, private anonymous memory, the cached contents of SLOT. */
void swap_cache_enter_locked(struct vm_machine *machine, uint32_t slot, vm_pfn frame);
/* SLOT has a frame in its cache, which leaves it; the frame is freed if that was its last use. */
void swap_cache_leave_locked(struct vm_machine *machine, uint32_t slot);

/* The slot that holds page INDEX of OBJECT, shared anonymous memory, or VM_SLOT_NONE. */
uint32_t swap_find_locked(const struct vm_machine *machine, const struct vm_object *object,
                          uint64_t index);
/*
 * Bring into the caches of the host's processor what swap_find_locked looks at for page INDEX of
 * OBJECT: its bucket, which is returned and stays where it is; when that is there the first slot of
 * BUCKET; and then what swap_forget_locked changes for it.
 */
const uint32_t *swap_prefetch_bucket(const struct vm_machine *machine,
                                     const struct vm_object *object, uint64_t index);
void swap_prefetch_slot_locked(const struct vm_machine *machine, const uint32_t *bucket);
void swap_prefetch_list_locked(const struct vm_machine *machine, const uint32_t *bucket);
/* SLOT, to which nothing refers, now holds page INDEX of OBJECT, which has no other slot. */
void swap_enter_locked(struct vm_machine *machine, uint32_t slot, struct vm_object *object,
                       uint64_t index);
/* SLOT no longer holds its page of an object. It is freed if no transfer pins it. */
void swap_forget_locked(struct vm_machine *machine, uint32_t slot);

/*
 * Read SLOT, which must be pinned, into PAGE (4096 bytes of the daemon's memory). 0 or -EIO,
 * whatever the medium answered.
 */
int swap_read(struct vm_machine *machine, uint32_t slot, void *page);
/* Write PAGE to SLOT, which must be pinned. 0 or a negative errno of the medium (-EIO, -ENOSPC). */
int swap_write(struct vm_machine *machine, uint32_t slot, const void *page);

#endif
