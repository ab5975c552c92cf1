/*
 * tlb.h - the simulated translation lookaside buffer of a process: SETS x WAYS entries, the least
 * recently used of a set goes.
 *
 * It holds copies of translations, as a real one does, so every change that takes something away
 * from a page-table entry must flush what was copied from it. Those changes all go through
 * pagetable.c, which calls tlb_flush_entry_locked; a fork, which takes write rights from a whole
 * tree, flushes all.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_MEMORY_TLB_H
#define VM_MEMORY_TLB_H

#include "vm/internal.h"

/* The frame that VA translates to for ACCESS, or VM_NO_FRAME: then the tables must be walked. */
uint64_t tlb_lookup_locked(struct vm_space *space, uint64_t va, enum vm_access access);

/* A walk for ACCESS found ENTRY (the leaf), writable or not by all levels. */
void tlb_fill_locked(struct vm_space *space, uint64_t va, uint64_t entry, bool writable);

/* Forget VA; forget all. */
void tlb_flush_page_locked(struct vm_space *space, uint64_t va);
void tlb_flush_all_locked(struct vm_space *space);

/* Forget what was copied from leaf entry ID, in all processes that reach it. */
void tlb_flush_entry_locked(struct vm_machine *machine, vm_entry_id id);

void tlb_free(struct vm_process *process);

/* FN for each valid entry of the TLB of SPACE, by set and way. */
void tlb_each_locked(const struct vm_space *space, vm_tlb_fn fn, void *ctx);

#endif
