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

#include "vm/memory/pte.h"
#include "vm/memory/walk.h"

#define VM_KERNEL_BASE UINT64_C(0xffff888000000000)

/* Fill in the kernel's half, once a machine. False for lack of tables. */
bool pagetable_init_kernel_locked(struct vm_machine *machine);

/* A top-level table for SPACE, with the kernel's half in it. -ENOMEM. */
int pagetable_create_locked(struct vm_space *space);

/*
 * Make the tables that translate VA SPACE's own, down to a table of level DOWN_TO (VM_PTE for the
 * last one). Missing ones are made if CREATE. *ID is the entry for VA in the last table reached, or
 * 0 if a table is missing; *COPIED, unless NULL, grows by the tables copied. -ENOMEM: no table page
 * left; what was done is invisible to the process.
 */
int pagetable_own_locked(struct vm_space *space, uint64_t va, enum vm_level down_to, bool create,
                         vm_entry_id *id, unsigned *copied);

/* Free the tables on the path to VA that are empty, if all of the path is SPACE's own. */
void pagetable_trim_locked(struct vm_space *space, uint64_t va);

/*
 * CHILD, whose tables are empty, shares all of PARENT's. Both processes are write-locked, or the
 * child unknown to others.
 */
void pagetable_share_locked(struct vm_space *parent, struct vm_space *child);

/* Drop all tables of SPACE, which nobody uses any more. Takes and drops the machine lock itself. */
void pagetable_destroy(struct vm_space *space);

#endif
