/*
 * pagetable_range.h - ranges of last-level entries: looking at each, owning, clearing, moving.
 *
 * START and END are multiples of the page size, and START < END.
 *
 * Rule: the process is locked; for writing, if entries of its own are changed. Functions whose name
 * ends in _locked expect the machine lock. The others take it. They drop it and take it again after
 * each piece of a table, so that other threads do not wait long. Meanwhile reclaim may change
 * entries, but the process lock keeps the areas as they are.
 */
#ifndef VM_MEMORY_PAGETABLE_RANGE_H
#define VM_MEMORY_PAGETABLE_RANGE_H

#include "vm/base/lock.h"
#include "vm/memory/pagetable.h"

/* Entries that are handled in one hold of the machine lock: a quarter of a table. */
enum { PAGETABLE_PIECE = 2 * HOLD_STEPS };

/* The end of the piece that begins at VA: at most a piece further, in the same table, or END. */
static inline uint64_t pagetable_piece(uint64_t va, uint64_t end)
{
	end = pagetable_stop(va, end, VM_PMD);
	return MIN(end, va + ((uint64_t)PAGETABLE_PIECE << VM_PAGE_SHIFT));
}

/*
 * Called for one last-level entry of SPACE, which may be empty: entry ID of LEVEL (VM_PTE, or
 * VM_PMD for a page of 2 MiB) translates VA. The machine lock is held. Returns false to stop.
 */
typedef bool (*pagetable_leaf_fn)(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                                  enum vm_level level);

/*
 * Call FN for each last-level entry of [START, END), by address. Addresses without a last-level
 * table are skipped. Returns the address after the entry at which FN stopped, or END. Between two
 * pieces the lock is dropped: FN must not remember entries.
 */
uint64_t pagetable_each_leaf(struct vm_space *space, uint64_t start, uint64_t end,
                             pagetable_leaf_fn fn, void *ctx);
/* The same in one hold of the machine lock. */
uint64_t pagetable_each_leaf_locked(struct vm_space *space, uint64_t start, uint64_t end,
                                    pagetable_leaf_fn fn, void *ctx);

/*
 * Prepare [START, END) for a change that cannot fail. Every existing table for the range, from the
 * top down to level DOWN_TO (VM_PTE or VM_PMD), becomes SPACE's own; at both ends of the range down
 * to VM_PTE, because those tables may translate more than the range. -ENOMEM: no table page left;
 * the process cannot notice what was done.
 */
int pagetable_own_range(struct vm_space *space, uint64_t start, uint64_t end,
                        enum vm_level down_to);

/*
 * Empty every entry of [START, END), and free the tables that become empty. pagetable_own_range
 * down to VM_PMD must have been called. Cannot fail.
 */
void pagetable_clear_range(struct vm_space *space, uint64_t start, uint64_t end);
/* The same, but keep guard markers. pagetable_own_range down to VM_PTE must have been called. */
void pagetable_zap_range(struct vm_space *space, uint64_t start, uint64_t end);
/* Free the tables for [START, END) that are empty, if the path to them is SPACE's own. */
void pagetable_trim_range(struct vm_space *space, uint64_t start, uint64_t end);

/*
 * Move the entries of [FROM, FROM+LEN) to [TO, TO+LEN), which is empty, in two steps
 * (move_page_tables). pagetable_prepare_move makes the tables that are needed. -ENOMEM: no table
 * page left; the process cannot notice what was done. pagetable_move_range then cannot fail.
 */
int pagetable_prepare_move(struct vm_space *space, uint64_t from, uint64_t to, uint64_t len);
void pagetable_move_range(struct vm_space *space, uint64_t from, uint64_t to, uint64_t len);

/*
 * Changes that apply to all users of a table at once, shared or not. The first empties every entry
 * that maps frame PFN. The second empties some of the entries of SPACE's tables in [START, END),
 * except guard markers, and returns where it stopped: END, or it is to be called again from there.
 * The process need not be locked; for the second, SPACE must have an area there.
 */
void pagetable_evict_frame_locked(struct vm_machine *machine, vm_pfn pfn);
uint64_t pagetable_evict_some_locked(struct vm_space *space, uint64_t start, uint64_t end);

#endif
