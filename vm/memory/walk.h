/*
 * walk.h - the walk through the page tables of an address space.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_MEMORY_WALK_H
#define VM_MEMORY_WALK_H

#include "vm/memory/table.h"

/*
 * What an x86-64 MMU does for a user's access: ask the TLB, else walk, setting accessed and dirty
 * bits. The frame, or VM_NO_FRAME where it faults. *TLB: the TLB had it. The policy learns of the
 * use.
 */
uint64_t pagetable_access_locked(struct vm_space *space, uint64_t va, enum vm_access access,
                                 bool *tlb);

/* The entries of the walk for VA, top down, without touching any: how many were read (1 to 4). */
int pagetable_walk_locked(const struct vm_space *space, uint64_t va, vm_entry_id ids[4]);

/* The entry for VA in the table of level LEVEL that SPACE reaches, or 0 if there is none. */
vm_entry_id pagetable_entry_at_locked(const struct vm_space *space, uint64_t va,
                                      enum vm_level level);

/*
 * The lowest address in [VA, END) that has a last-level entry, empty or not, or END. *ID is the
 * entry and *LEVEL its level: VM_PTE, or VM_PMD for a page of 2 MiB.
 */
uint64_t pagetable_next_locked(const struct vm_space *space, uint64_t va, uint64_t end,
                               vm_entry_id *id, enum vm_level *level);

#endif
