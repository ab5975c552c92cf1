/*
 * pte.h - page-table entries: what stands in them, and the one door through which they change.
 *
 * Entries have x86-64's encoding (Intel SDM vol. 3, 4.5), and bits that the hardware ignores:
 *
 *      63  62    52 51                          12 11 10  9  8  7  6  5   4   3  2  1  0
 *     |NX |   |G'  |  number of the physical page |SC|L |SW|G |PS|D |A |PCD|PWT|US|RW|P |
 *
 *     P 0, SW 1    the number is a swap slot
 *     P 0, G' 1    a guard page (MADV_GUARD_INSTALL): an access is SEGV_MAPERR
 *     L            the area is locked in memory
 *     SC           soft-clean: not written since clear_refs, the reverse of Linux's soft-dirty bit
 *
 * The door: nothing but the functions below writes an entry. Each keeps in step what is known of
 * entries elsewhere: how many entries of a table are in use, the reverse map, the counters of
 * address spaces, the use of frames and slots. Each that takes something from an entry that was
 * present (another page, fewer rights, a cleared accessed or dirty bit) reports it before it
 * returns: to the simulated TLBs that may have a copy, and to the watcher of entries, if there is
 * one (pte_watch). Whoever keeps translations elsewhere, as a processor does, is such a watcher.
 *
 * Rule: the machine lock is held. The changes need not be atomic.
 */
#ifndef VM_MEMORY_PTE_H
#define VM_MEMORY_PTE_H

#include "vm/memory/table.h"

#define PTE_P (UINT64_C(1) << 0)
#define PTE_RW (UINT64_C(1) << 1)
#define PTE_US (UINT64_C(1) << 2)
#define PTE_PWT (UINT64_C(1) << 3)
#define PTE_PCD (UINT64_C(1) << 4)
#define PTE_A (UINT64_C(1) << 5)
#define PTE_D (UINT64_C(1) << 6)
#define PTE_PS (UINT64_C(1) << 7)
#define PTE_G (UINT64_C(1) << 8)
#define PTE_SWAP (UINT64_C(1) << 9)
#define PTE_LOCKED (UINT64_C(1) << 10)
#define PTE_SOFT_CLEAN (UINT64_C(1) << 11)
#define PTE_GUARD (UINT64_C(1) << 52)
#define PTE_NX (UINT64_C(1) << 63)
#define PTE_PFN_MASK UINT64_C(0x000ffffffffff000)

/* What an entry that points to a table has: it grants everything, and the leaf decides (_PAGE_TABLE). */
#define PTE_TABLE (PTE_P | PTE_RW | PTE_US)

/* --- Reading ---------------------------------------------------------------------------------- */

static inline uint64_t pte_get(const struct vm_machine *machine, vm_entry_id id)
{
	return machine->table_mem[id];
}

static inline uint64_t pte_pfn(uint64_t entry)
{
	return (entry & PTE_PFN_MASK) >> VM_PAGE_SHIFT;
}

/* The table that a non-leaf entry points to. */
static inline uint32_t pte_table(const struct vm_machine *machine, uint64_t entry)
{
	return (uint32_t)(pte_pfn(entry) - machine->nr_frames);
}

static inline bool pte_is_guard(uint64_t entry)
{
	return !(entry & PTE_P) && (entry & PTE_GUARD);
}

static inline bool pte_is_swap(uint64_t entry)
{
	return !(entry & PTE_P) && (entry & PTE_SWAP);
}

static inline uint32_t pte_slot(uint64_t entry)
{
	return (uint32_t)pte_pfn(entry);
}

/* --- Making ----------------------------------------------------------------------------------- */

static inline uint64_t pte_make(uint64_t pfn, uint64_t flags)
{
	return pfn << VM_PAGE_SHIFT | flags;
}

/*
 * A guard page's marker: not present. In the place of a number it has the zero page's, which nobody
 * counts.
 */
static inline uint64_t pte_make_guard(const struct vm_machine *machine)
{
	return pte_make(machine->nr_frames, PTE_GUARD);
}

/* The entry that holds SLOT, with the rights of the page that it stands for (ENTRY, present or not). */
static inline uint64_t pte_make_swap(uint32_t slot, uint64_t entry)
{
	return (uint64_t)slot << VM_PAGE_SHIFT | PTE_SWAP |
	       (entry & (PTE_US | PTE_NX | PTE_LOCKED | PTE_SOFT_CLEAN));
}

/* --- Changing: entries that map pages --------------------------------------------------------- */

/*
 * Leaf ID, in a table that only SPACE reaches, becomes ENTRY; 0 empties it. What it held before is
 * freed if that was the last use.
 */
void pte_set_locked(struct vm_space *space, vm_entry_id id, uint64_t entry);

/* The same for all who reach the table, shared or not. */
void pte_set_for_all_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry);

/* Leaf FROM goes to leaf TO, which is empty. Only SPACE reaches their tables. */
void pte_move_locked(struct vm_space *space, vm_entry_id from, vm_entry_id to);

/* SPACE, which has left the table of leaf ID to others, has nothing there any more: uncount ENTRY. */
void pte_forget_locked(struct vm_space *space, vm_entry_id id, uint64_t entry);

/*
 * Leaf ID, which no address space reaches any more, becomes empty. What it held is freed if that
 * was the last use.
 */
void pte_drop_locked(struct vm_machine *machine, vm_entry_id id);

/* --- Changing: bits --------------------------------------------------------------------------- */

/*
 * Entry ID, in use, gets the bits SET and loses the bits CLEAR; it goes on pointing to the same
 * page. Everybody who reaches it is told of what it loses.
 */
void pte_change_locked(struct vm_machine *machine, vm_entry_id id, uint64_t set, uint64_t clear);

/*
 * The same where no simulated TLB has a copy that needs a flush: the caller flushes them whole, or
 * they have never seen the right that goes. Watchers are told all the same.
 */
void pte_change_unflushed_locked(struct vm_machine *machine, vm_entry_id id, uint64_t set,
                                 uint64_t clear);

/*
 * What a processor does as it walks: set the accessed bit of entry ID, and for a store through it
 * the dirty bit. A store also makes it soft-dirty. Returns the entry. It takes nothing away, so
 * nobody is told.
 */
static inline uint64_t pte_touch_locked(struct vm_machine *machine, vm_entry_id id, bool store)
{
	uint64_t *entry = &machine->table_mem[id];

	/* Only where needed: upper entries are shared by many, and a store takes their cache lines. */
	if (!(*entry & PTE_A))
		*entry |= PTE_A;
	if (store)
		*entry = (*entry | PTE_D) & ~PTE_SOFT_CLEAN;
	return *entry;
}

/* --- Changing: entries that point to tables --------------------------------------------------- */

/* Entry ID becomes FLAGS and TABLE, in place of what it pointed to. */
void pte_point_locked(struct vm_machine *machine, vm_entry_id id, uint32_t table, uint64_t flags);

/* Entry ID, which points to a table, becomes empty. The table is not freed. */
void pte_unpoint_locked(struct vm_machine *machine, vm_entry_id id);

/* --- Changing: tables that nobody reaches yet ------------------------------------------------- */

/* Entry ID, empty, becomes ENTRY, one of the kernel's half, which is counted nowhere. */
void pte_init_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry);

/* Entry ID, empty, becomes a copy of ENTRY: one more use of what that points to. */
void pte_init_copy_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry);

/* --- Watching --------------------------------------------------------------------------------- */

/*
 * From now on FN is called for each entry that loses something, before the change's function
 * returns; entries that point to tables too. NULL ends it. FN is called under the machine lock.
 */
void pte_watch(struct vm_machine *machine, vm_entry_watch_fn fn, void *ctx);

#endif
