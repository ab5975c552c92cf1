/*
 * walk.h - the walk through the page tables of an address space.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_MEMORY_WALK_H
#define VM_MEMORY_WALK_H

#include "vm/memory/pte.h"

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

/* What a last-level table translates, and what one above it does. */
enum { PATH_SHIFT = VM_PAGE_SHIFT + 9, UPPER_SHIFT = PATH_SHIFT + 9 };

/* Whether PATH, which SPACE remembers, is still the way to the table that translates BLOCK. */
static inline bool pagetable_leads_to_locked(const struct vm_space *space,
                                             const struct vm_path *path, uint64_t block)
{
	return path->block == block && path->change == space->process->machine->paths;
}

/*
 * PATH leads to a table of LEVEL: let it lead on, by the entry for VA. False: there is none, or it
 * is a larger page. PATH leads nowhere then.
 */
static inline bool pagetable_step_locked(const struct vm_machine *machine, struct vm_path *path,
                                         uint64_t va, enum vm_level level)
{
	uint64_t entry = pte_get(machine, pagetable_id(path->table, pagetable_index(va, level)));

	path->rights &= entry ^ PTE_NX;
	path->table = pte_table(machine, entry);
	return (entry & (PTE_P | PTE_PS)) == PTE_P;
}

/* Whether space->path is the way to the last-level table for VA: it was walked last. */
static inline bool pagetable_path_is_known_locked(const struct vm_space *space, uint64_t va)
{
	return pagetable_leads_to_locked(space, &space->path, va >> PATH_SHIFT);
}

/* Where SPACE remembers the way to the table that translates the GiB around VA. */
static inline struct vm_path *pagetable_upper_locked(struct vm_space *space, uint64_t va)
{
	return &space->upper[(va >> UPPER_SHIFT) % VM_UPPER_PATHS];
}

/*
 * Walk the two highest tables for VA, and remember the way. False: there is none, or a larger page.
 */
bool pagetable_walk_upper_locked(struct vm_space *space, uint64_t va);

/*
 * Walk the tables above the last level for VA. True: *PATH is the way. False: there is none, or a
 * larger page, and *PATH is what it was.
 */
static inline bool pagetable_path_locked(struct vm_space *space, uint64_t va, struct vm_path *path)
{
	const struct vm_path *upper = pagetable_upper_locked(space, va);

	if (!pagetable_leads_to_locked(space, upper, va >> UPPER_SHIFT) &&
	    !pagetable_walk_upper_locked(space, va))
		return false;
	struct vm_path way = *upper;
	way.block = va >> PATH_SHIFT;
	if (!pagetable_step_locked(space->process->machine, &way, va, VM_PMD))
		return false;
	*path = way;
	return true;
}

/* The last-level entry for VA, empty or not; 0: SPACE has no table there, or a larger page. */
static inline vm_entry_id pagetable_leaf_locked(struct vm_space *space, uint64_t va)
{
	struct vm_path path;

	return pagetable_path_locked(space, va, &path)
	           ? pagetable_id(path.table, pagetable_index(va, VM_PTE))
	           : 0;
}

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
