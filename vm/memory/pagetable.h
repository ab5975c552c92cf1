/*
 * pagetable.h - four levels of 512 entries in x86-64's encoding (Intel SDM vol. 3, 4.5).
 *
 *      63        48 47     39 38     30 29     21 20     12 11         0
 *     | sign      | PGD     | PUD     | PMD     | PTE     | offset     |
 *     | extension | index   | index   | index   | index   |            |
 *                     |         |         |         +-- entry: frame of the page
 *                     |         |         +------------ entry: PTE table, 2 MiB
 *                     |         +---------------------- entry: PMD table, 1 GiB
 *                     +-------------------------------- entry: PUD table, 512 GiB
 *
 * Entries hold physical page numbers; tables lie above RAM in physical memory. The rights of an
 * address are the AND of all levels. The upper half is the kernel's: one table, the same in every
 * process, that maps all of physical memory with huge pages at 0xffff888000000000, supervisor only.
 *
 * Fork shares subtrees. A child's top-level table points to its parent's tables, and both entries
 * lose RW; a table with more than one user is never changed (but for accessed bits, and by those
 * who change an entry for all its users: write-back, eviction). pagetable_own_locked gives one
 * space a path of its own: it copies the shared tables on the way, whose children are then shared
 * in turn.
 *
 * Rule: the machine lock is held. A space's tables are changed only by who has its process locked
 * (reading suffices for a fault), but for the changes through the reverse map just named.
 */
#ifndef VM_MEMORY_PAGETABLE_H
#define VM_MEMORY_PAGETABLE_H

#include "vm/internal.h"

enum {
	VM_TABLE_ENTRIES = 512,
	/* level of the zero page and the vdso's pages: no tables at all */
	VM_TABLE_SPECIAL = 0xff,
};

#define VM_KERNEL_BASE UINT64_C(0xffff888000000000)

/* Bytes that one entry of LEVEL translates. */
static inline uint64_t pagetable_span(enum vm_level level)
{
	return UINT64_C(1) << (VM_PAGE_SHIFT + 9 * (unsigned)level);
}

static inline unsigned pagetable_index(uint64_t va, enum vm_level level)
{
	return (va >> (VM_PAGE_SHIFT + 9 * (unsigned)level)) & (VM_TABLE_ENTRIES - 1);
}

static inline uint32_t pagetable_of(vm_entry_id id)
{
	return id / VM_TABLE_ENTRIES;
}

static inline uint64_t *pagetable_entry(const struct vm_machine *machine, vm_entry_id id)
{
	return &machine->table_mem[id];
}

static inline vm_entry_id pagetable_id(uint32_t table, unsigned index)
{
	return table * VM_TABLE_ENTRIES + index;
}

static inline uint64_t pte_pfn(uint64_t entry)
{
	return (entry & PTE_PFN_MASK) >> VM_PAGE_SHIFT;
}

static inline uint64_t pte_make(uint64_t pfn, uint64_t flags)
{
	return pfn << VM_PAGE_SHIFT | flags;
}

/*
 * A guard page's marker: not present, and in the place of a number the zero page's, which nobody
 * counts.
 */
static inline uint64_t pte_make_guard(const struct vm_machine *machine)
{
	return pte_make(machine->nr_frames, PTE_GUARD);
}

static inline bool pte_is_guard(uint64_t entry)
{
	return !(entry & PTE_P) && (entry & PTE_GUARD);
}

/* The table that a non-leaf entry points to. */
static inline uint32_t pte_table(const struct vm_machine *machine, uint64_t entry)
{
	return (uint32_t)(pte_pfn(entry) - machine->nr_frames);
}

/* The table that entry ID stands in. */
static inline struct vm_table *pagetable_at(const struct vm_machine *machine, vm_entry_id id)
{
	return &machine->tables[pagetable_of(id)];
}

/* The address that entry ID translates. */
uint64_t pagetable_entry_va(const struct vm_machine *machine, vm_entry_id id);

/* Fill in the kernel's half, once a machine. False for lack of tables. */
bool pagetable_init_kernel(struct vm_machine *machine);

/* A top-level table for SPACE, with the kernel's half in it. -ENOMEM. */
int pagetable_create_locked(struct vm_space *space);

/*
 * COUNT consecutive pages of the table region that are no tables: the first one's number, or 0 for
 * lack of room.
 */
uint32_t pagetable_alloc_special_locked(struct vm_machine *machine, uint32_t count);

/*
 * What an x86-64 MMU does for a user's access: ask the TLB, else walk, setting accessed and dirty
 * bits. The frame, or VM_NO_FRAME where it faults. *TLB: the TLB had it. The policy learns of the
 * use.
 */
uint64_t pagetable_access_locked(struct vm_space *space, uint64_t va, enum vm_access access,
                                 bool *tlb);

/* The entries of the walk for VA, top down, without touching any: how many were read (1 to 4). */
int pagetable_walk_locked(const struct vm_space *space, uint64_t va, vm_entry_id ids[4]);

/*
 * Make the tables that translate VA SPACE's own, down to a table of level DOWN_TO (VM_PTE for the
 * last one). Missing ones are made if CREATE. *ID is the entry for VA in the last table reached, or
 * 0 if a table is missing; *COPIED, unless NULL, grows by the tables copied. -ENOMEM: no table page
 * left; what was done is invisible to the process.
 */
int pagetable_own_locked(struct vm_space *space, uint64_t va, enum vm_level down_to, bool create,
                         vm_entry_id *id, unsigned *copied);

/*
 * Prepare [START, END) for a change that cannot fail: every existing table down to DOWN_TO that
 * serves the range, and those that its ends cut, become SPACE's own. Takes and drops the machine
 * lock itself. -ENOMEM.
 */
int pagetable_own_range(struct vm_space *space, uint64_t start, uint64_t end,
                        enum vm_level down_to);

/* The entry for VA in the table of level LEVEL that SPACE reaches, or 0 if there is none. */
vm_entry_id pagetable_entry_at_locked(const struct vm_space *space, uint64_t va,
                                      enum vm_level level);

/* The lowest address in [VA, END) that a last-level table serves, or END. */
uint64_t pagetable_next_locked(const struct vm_space *space, uint64_t va, uint64_t end);
/* The same, taking the machine lock itself. */
uint64_t pagetable_next(struct vm_space *space, uint64_t va, uint64_t end);

/*
 * Fill, change and empty the leaf entry ID, in a table that is SPACE's own; counters and reverse
 * map follow.
 */
void pagetable_set_locked(struct vm_space *space, vm_entry_id id, uint64_t pfn, uint64_t flags);
void pagetable_clear_locked(struct vm_space *space, vm_entry_id id);

/* Leaf ENTRY came into (SIGN 1) or left (-1) SPACE: count it. */
void pagetable_count_locked(struct vm_space *space, uint64_t entry, int sign);

/* Leaf ENTRY stands nowhere any more: free its frame or slot if that was the last use. */
void pagetable_release_locked(struct vm_machine *machine, uint64_t entry);

/* Point the non-leaf entry ID, in a table of one user, to table CHILD. */
void pagetable_attach_locked(struct vm_machine *machine, vm_entry_id id, uint32_t child,
                             uint64_t flags);

/* Free a table that no entry points to. */
void pagetable_free_locked(struct vm_machine *machine, uint32_t table);

/* --- Ranges: pagetable_range.c ---------------------------------------------------------------- */

/*
 * Empty every entry of [START, END), after pagetable_own_range down to VM_PMD. Tables left empty
 * are freed. Takes and drops the machine lock itself, table by table.
 */
void pagetable_clear_range(struct vm_space *space, uint64_t start, uint64_t end);
/* The same for all but guard markers, after pagetable_own_range down to VM_PTE. */
void pagetable_zap_range(struct vm_space *space, uint64_t start, uint64_t end);

/*
 * Move the entries of [FROM, FROM+LEN) to [TO, TO+LEN), which is empty: first make it possible
 * (-ENOMEM; nothing has changed then that a process could see), then do it. Take and drop the
 * machine lock themselves.
 */
int pagetable_prepare_move(struct vm_space *space, uint64_t from, uint64_t to, uint64_t len);
void pagetable_move_range(struct vm_space *space, uint64_t from, uint64_t to, uint64_t len);

/* Free the tables on the path to VA that are empty, if all of the path is SPACE's own. */
void pagetable_trim_locked(struct vm_space *space, uint64_t va);

/*
 * Changes for all users of a table at once, shared or not: empty the leaf entry ID, every entry
 * that maps frame PFN, every entry of SPACE's tables in [START, END) but guard markers.
 */
void pagetable_evict_locked(struct vm_machine *machine, vm_entry_id id);
/* ... replace the leaf entry ID, in use, by ENTRY, not 0 */
void pagetable_replace_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry);
void pagetable_evict_frame_locked(struct vm_machine *machine, vm_pfn pfn);
void pagetable_evict_range_locked(struct vm_space *space, uint64_t start, uint64_t end);

/*
 * CHILD, whose tables are empty, shares all of PARENT's. Both processes are write-locked, or the
 * child unknown to others.
 */
void pagetable_share_locked(struct vm_space *parent, struct vm_space *child);

/* Drop all tables of SPACE, which nobody uses any more. Takes and drops the machine lock itself. */
void pagetable_destroy(struct vm_space *space);

#endif
