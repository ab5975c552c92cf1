/*
 * walk.h - the walk through the page tables of an address space.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_MEMORY_WALK_H
#define VM_MEMORY_WALK_H

#include "vm/memory/table.h"

/*
 * What an x86-64 MMU does for an access by user code: look in the TLB, or else walk the tables and
 * set accessed and dirty bits. Also calls the policy's `used`. Returns the physical page number;
 * *TLB: whether the translation was in the TLB. VM_NO_FRAME: the access faults.
 */
uint64_t pagetable_access_locked(struct vm_space *space, uint64_t va, enum vm_access access,
                                 bool *tlb);

/*
 * Walk the tables for VA and set no bits. IDS gets the entries of the walk, from the top down; the
 * last may be empty. Returns how many there are, 1 to 4.
 */
int pagetable_walk_locked(const struct vm_space *space, uint64_t va, vm_entry_id ids[4]);

/* The entry for VA in the table of LEVEL, empty or not. 0: SPACE has no such table there. */
vm_entry_id pagetable_entry_at_locked(const struct vm_space *space, uint64_t va,
                                      enum vm_level level);

/*
 * The lowest address in [VA, END) that has a last-level entry, empty or not; END if there is none.
 * *ID becomes the entry and *LEVEL its level: VM_PTE, or VM_PMD for a page of 2 MiB.
 */
uint64_t pagetable_next_locked(const struct vm_space *space, uint64_t va, uint64_t end,
                               vm_entry_id *id, enum vm_level *level);

#endif
