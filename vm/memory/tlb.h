/*
 * tlb.h - the simulated translation lookaside buffer of a process: sets x ways entries. In a full
 * set, the least recently used entry is replaced.
 *
 * Like a real one, it holds copies of translations. So a change that takes something from a
 * page-table entry must flush the copies of the entry. All such changes are made by the functions
 * of pte.h, which flush. fork takes the right to write from whole subtrees, and flushes the whole
 * TLB of the parent (pagetable_share_locked).
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_MEMORY_TLB_H
#define VM_MEMORY_TLB_H

#include "vm/internal.h"

/* Whether the processes of MACHINE have TLBs. */
static inline bool tlb_is_simulated(const struct vm_machine *machine)
{
	return machine->config.tlb_sets > 0 && machine->config.tlb_ways > 0;
}

/* Where a look-up in a TLB ended, for the walk that follows. */
struct tlb_look {
	struct vm_tlb *tlb;      /* NULL: there is none */
	struct tlb_entry *set;   /* the entries in which the translation can be */
	struct tlb_entry *entry; /* the one for it, which does not permit the access; or NULL */
};

/*
 * The number of the physical page to which VA translates for ACCESS. VM_NO_FRAME: the TLB does not
 * know, and the tables must be walked. *LOOK is for tlb_fill_locked then. Counts a hit or a miss.
 */
uint64_t tlb_lookup_locked(struct vm_space *space, uint64_t va, enum vm_access access,
                           struct tlb_look *look);

/*
 * The walk for VA after LOOK, with which nothing was flushed, ended at leaf ENTRY: remember the
 * translation. WRITABLE: all levels permit writes.
 */
void tlb_fill_locked(const struct tlb_look *look, uint64_t va, uint64_t entry, bool writable);

/*
 * The next look-up of VA's page is part of an access that was counted already: a fault was handled
 * for it, or it must start again. It counts neither as a hit nor as a miss.
 */
void tlb_retry_locked(struct vm_space *space, uint64_t va);

/* Flush the translation of VA, or all, from the TLB of SPACE's process. */
void tlb_flush_page_locked(struct vm_space *space, uint64_t va);
void tlb_flush_all_locked(struct vm_space *space);

/* Flush the copies of entry ID, a leaf, from the TLBs of all processes that reach it. */
void tlb_flush_entry_locked(struct vm_machine *machine, vm_entry_id id);

/* Empty the TLB of PROCESS, if it has one, and set its counts to 0. */
void tlb_reset_locked(struct vm_process *process);

/* Free the TLB of PROCESS, if it has one. No lock is needed: nobody uses the process any more. */
void tlb_free(struct vm_process *process);

/* Call FN for each valid entry of the TLB of SPACE's process, by set and way. */
void tlb_each_locked(const struct vm_space *space, vm_tlb_fn fn, void *ctx);

#endif
