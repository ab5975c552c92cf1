/*
 * pagetable_range.h - ranges of last-level entries: looking at each, owning, clearing, moving.
 *
 * Rule: the process is locked, for writing where entries of its own are changed. Functions named
 * _locked want the machine lock; the others take it, and drop it after each table of 2 MiB so that
 * nobody waits long.
 */
#ifndef VM_MEMORY_PAGETABLE_RANGE_H
#define VM_MEMORY_PAGETABLE_RANGE_H

#include "vm/memory/pagetable.h"

/*
 * What is done with one last-level entry of SPACE, empty or not: entry ID of LEVEL (VM_PTE, or
 * VM_PMD for a page of 2 MiB) translates VA. The machine lock is held. False: go no further.
 */
typedef bool (*pagetable_leaf_fn)(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                                  enum vm_level level);

/*
 * FN for each last-level entry of [START, END), by address. Addresses without a last-level table
 * are passed over. Returns the address after the entry at which FN stopped, or END. Between two
 * tables the lock is dropped: FN must not keep an entry.
 */
uint64_t pagetable_each_leaf(struct vm_space *space, uint64_t start, uint64_t end,
                             pagetable_leaf_fn fn, void *ctx);
/* The same in one hold of the machine lock. */
uint64_t pagetable_each_leaf_locked(struct vm_space *space, uint64_t start, uint64_t end,
                                    pagetable_leaf_fn fn, void *ctx);

/*
 * Prepare [START, END) for a change that cannot fail: every existing table down to DOWN_TO that
 * serves the range, and those that its ends cut, become SPACE's own. -ENOMEM.
 */
int pagetable_own_range(struct vm_space *space, uint64_t start, uint64_t end,
                        enum vm_level down_to);

/* Empty every entry of [START, END), after pagetable_own_range down to VM_PMD. Tables left empty are freed. */
void pagetable_clear_range(struct vm_space *space, uint64_t start, uint64_t end);
/* The same for all but guard markers, after pagetable_own_range down to VM_PTE. */
void pagetable_zap_range(struct vm_space *space, uint64_t start, uint64_t end);
/* Free the tables of [START, END) that are empty and SPACE's own. */
void pagetable_trim_range(struct vm_space *space, uint64_t start, uint64_t end);

/*
 * Move the entries of [FROM, FROM+LEN) to [TO, TO+LEN), which is empty: first make it possible
 * (-ENOMEM; nothing has changed then that a process could see), then do it.
 */
int pagetable_prepare_move(struct vm_space *space, uint64_t from, uint64_t to, uint64_t len);
void pagetable_move_range(struct vm_space *space, uint64_t from, uint64_t to, uint64_t len);

/*
 * Changes for all users of a table at once, shared or not: empty every entry that maps frame PFN,
 * and every entry of SPACE's tables in [START, END) except guard markers.
 */
void pagetable_evict_frame_locked(struct vm_machine *machine, vm_pfn pfn);
void pagetable_evict_range_locked(struct vm_space *space, uint64_t start, uint64_t end);

#endif
