/*
 * pte.h - page-table entries: their encoding, and the only functions that change them.
 *
 * Entries have x86-64's encoding (Intel SDM vol. 3, 4.5). Some bits that the hardware ignores have
 * a meaning of their own:
 *
 *      63  62    52 51                          12 11 10  9  8  7  6  5   4   3  2  1  0
 *     |NX |   |G'  |  number of the physical page |SC|L |SW|G |PS|D |A |PCD|PWT|US|RW|P |
 *
 *     P 0, SW 1    the number is a swap slot
 *     P 0, G' 1    a guard page (MADV_GUARD_INSTALL): an access is SEGV_MAPERR
 *     L            the area is locked in memory
 *     SC           soft-clean: not written since clear_refs, the inverse of Linux's soft-dirty bit
 *
 * Only the functions below write entries. Each also updates what is derived from entries: the
 * number of entries of a table in use, the reverse map, the counters of address spaces, the uses of
 * frames and slots.
 *
 * A change may take something from an entry that was present: its page, a right, an accessed or
 * dirty bit. Then the function calls the watcher of entries, if there is one (pte_watch), before it
 * returns. It also flushes the entry from the simulated TLBs that may have a copy, unless its
 * comment says that this is left to the caller. Whatever keeps translations elsewhere, for example
 * a processor, should be such a watcher.
 *
 * Rule: the machine lock is held. The changes need not be atomic.
 */
#ifndef VM_MEMORY_PTE_H
#define VM_MEMORY_PTE_H

#include "vm/memory/table.h"

#include <sys/mman.h>

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

/* The flags of an entry that points to a table. It grants all rights; the leaf restricts them. */
#define PTE_TABLE (PTE_P | PTE_RW | PTE_US)

/* --- Reading ---------------------------------------------------------------------------------- */

/* Entry ID as it is now. */
static inline uint64_t pte_get(const struct vm_machine *machine, vm_entry_id id)
{
	return machine->table_mem[id];
}

/* Bring entry ID into the caches of the host's processor. */
static inline void pte_prefetch(const struct vm_machine *machine, vm_entry_id id)
{
	__builtin_prefetch(&machine->table_mem[id]);
}

/* The physical page number in ENTRY, or the slot. */
static inline uint64_t pte_pfn(uint64_t entry)
{
	return (entry & PTE_PFN_MASK) >> VM_PAGE_SHIFT;
}

/* The number of the table that ENTRY, not a leaf, points to. */
static inline uint32_t pte_table(const struct vm_machine *machine, uint64_t entry)
{
	return (uint32_t)(pte_pfn(entry) - machine->nr_frames);
}

static inline bool pte_is_guard(uint64_t entry)
{
	return !(entry & PTE_P) && (entry & PTE_GUARD);
}

/* What ENTRY itself allows user mode: PROT_ bits. Nothing, if it is not present. */
static inline int pte_rights(uint64_t entry)
{
	if (!(entry & PTE_P) || !(entry & PTE_US))
		return PROT_NONE;
	return PROT_READ | (entry & PTE_RW ? PROT_WRITE : 0) | (entry & PTE_NX ? 0 : PROT_EXEC);
}

static inline bool pte_is_swap(uint64_t entry)
{
	return !(entry & PTE_P) && (entry & PTE_SWAP);
}

/* The swap slot in ENTRY, for which pte_is_swap holds. */
static inline uint32_t pte_slot(uint64_t entry)
{
	return (uint32_t)pte_pfn(entry);
}

/* --- Making ----------------------------------------------------------------------------------- */

/* An entry with physical page number PFN and FLAGS (PTE_ bits). */
static inline uint64_t pte_make(uint64_t pfn, uint64_t flags)
{
	return pfn << VM_PAGE_SHIFT | flags;
}

/*
 * The marker of a guard page, which is not present. Its number is that of the zero page, so that it
 * is not counted or tracked.
 */
static inline uint64_t pte_make_guard(const struct vm_machine *machine)
{
	return pte_make(machine->nr_frames, PTE_GUARD);
}

/*
 * The entry that holds SLOT in place of ENTRY. It keeps those flags of ENTRY that its page needs
 * when it is swapped in.
 */
static inline uint64_t pte_make_swap(uint32_t slot, uint64_t entry)
{
	return (uint64_t)slot << VM_PAGE_SHIFT | PTE_SWAP |
	       (entry & (PTE_US | PTE_NX | PTE_LOCKED | PTE_SOFT_CLEAN));
}

/* --- Changing: entries that map pages --------------------------------------------------------- */

/*
 * Set leaf ID, in a table that only SPACE reaches, to ENTRY; 0 empties it. The frame or slot that
 * it held before is freed if that was the last use.
 */
void pte_set_locked(struct vm_space *space, vm_entry_id id, uint64_t entry);

/*
 * The same for a table that may be shared: the change applies to all address spaces that reach it.
 */
void pte_set_for_all_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry);

/* Move the contents of leaf FROM to leaf TO, which is empty. Only SPACE reaches their tables. */
void pte_move_locked(struct vm_space *space, vm_entry_id from, vm_entry_id to);

/*
 * SPACE no longer uses the table of leaf ID; others do. Subtract ENTRY, the contents of ID, from
 * the counters of SPACE, and flush it from SPACE's TLB. The entry itself does not change.
 */
void pte_forget_locked(struct vm_space *space, vm_entry_id id, uint64_t entry);

/*
 * Empty leaf ID, whose address space is being freed. The frame or slot that it held is freed if
 * that was the last use. No counters change, and no simulated TLB is flushed.
 */
void pte_drop_locked(struct vm_machine *machine, vm_entry_id id);

/* --- Changing: bits --------------------------------------------------------------------------- */

/*
 * Set the bits SET and clear the bits CLEAR of entry ID, which is in use; it keeps its page. If it
 * loses something, it is flushed from the TLBs of all address spaces that reach it.
 */
void pte_change_locked(struct vm_machine *machine, vm_entry_id id, uint64_t set, uint64_t clear);

/*
 * The same without a flush of simulated TLBs: the caller flushes them as a whole, or they cannot
 * have the right that is taken. The watcher is called as usual.
 */
void pte_change_unflushed_locked(struct vm_machine *machine, vm_entry_id id, uint64_t set,
                                 uint64_t clear);

/*
 * What a processor does during a walk: set the accessed bit of entry ID. STORE, for the leaf of a
 * store: also set the dirty bit, and make the page soft-dirty. Returns the new entry. Nothing is
 * taken away, so nothing is flushed and the watcher is not called.
 */
static inline uint64_t pte_touch_locked(struct vm_machine *machine, vm_entry_id id, bool store)
{
	uint64_t *entry = &machine->table_mem[id];

	/*
	 * Store only if needed: many threads use upper entries, and a store takes the cache line.
	 */
	if (!(*entry & PTE_A))
		*entry |= PTE_A;
	if (store)
		*entry = (*entry | PTE_D) & ~PTE_SOFT_CLEAN;
	return *entry;
}

/* --- Changing: entries that point to tables --------------------------------------------------- */

/*
 * Make entry ID point to TABLE, with FLAGS. If it pointed to another table, that one loses a user
 * but is not freed. No simulated TLB is flushed: TABLE must be new or translate the same.
 */
void pte_point_locked(struct vm_machine *machine, vm_entry_id id, uint32_t table, uint64_t flags);

/*
 * Empty entry ID, which points to a table. The table loses a user but is not freed. The caller
 * flushes from simulated TLBs what it translates.
 */
void pte_unpoint_locked(struct vm_machine *machine, vm_entry_id id);

/* --- Changing: tables that nobody reaches yet ------------------------------------------------- */

/* Set entry ID, which is empty, to ENTRY, of the kernel's half. It is not counted or tracked. */
void pte_init_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry);

/* Set entry ID, which is empty, to a copy of ENTRY: what ENTRY points to gains a use. */
void pte_init_copy_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry);

/* --- Watching --------------------------------------------------------------------------------- */

/*
 * From now on call FN for each entry that loses something, also one that points to a table, before
 * the function that changes it returns. FN is called under the machine lock. NULL ends it. There is
 * one FN; a new one replaces it. Takes the machine lock.
 */
void pte_watch(struct vm_machine *machine, vm_entry_watch_fn fn, void *ctx);

#endif
