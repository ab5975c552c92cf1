/*
 * pagetable.h - the page tables of an address space: making, sharing and freeing them. There are
 * four levels of 512 entries, in x86-64's encoding (Intel SDM vol. 3, 4.5).
 *
 *      63        48 47     39 38     30 29     21 20     12 11         0
 *     | sign      | PGD     | PUD     | PMD     | PTE     | offset     |
 *     | extension | index   | index   | index   | index   |            |
 *                     |         |         |         +-- entry: frame of the page
 *                     |         |         +------------ entry: PTE table, 2 MiB
 *                     |         +---------------------- entry: PMD table, 1 GiB
 *                     +-------------------------------- entry: PUD table, 512 GiB
 *
 * Entries hold physical page numbers. In physical memory, tables lie above RAM. An access needs its
 * right at every level. The upper half belongs to the kernel: one table, the same in every process,
 * maps all of physical memory with huge pages at 0xffff888000000000, for the supervisor only.
 *
 * Fork shares subtrees. The top-level table of the child points to the parent's tables, and both
 * entries lose RW. A table with more than one user is not changed, with two exceptions: the
 * processor sets accessed bits, and changes through the reverse map apply to all users at once
 * (write-back, eviction, truncation). pagetable_own_locked gives one space a path of its own: it
 * copies each shared table on the path. The copy and the original then share the tables below.
 *
 * Rule: the machine lock is held. To change the tables of a space, a thread must also hold the lock
 * of its process (for a fault, reading suffices). Changes through the reverse map need only the
 * machine lock.
 */
#ifndef VM_MEMORY_PAGETABLE_H
#define VM_MEMORY_PAGETABLE_H

#include "vm/memory/pte.h"
#include "vm/memory/walk.h"

/* Where the kernel's half maps physical memory (PAGE_OFFSET of x86-64). */
#define VM_KERNEL_BASE UINT64_C(0xffff888000000000)

/* Make the kernel's table, once for each machine. False: no table page left. */
bool pagetable_init_kernel_locked(struct vm_machine *machine);

/*
 * Make the top-level table of SPACE, with the kernel's half in it. -ENOMEM: no table page left.
 */
int pagetable_create_locked(struct vm_space *space);

/*
 * Make the tables that translate VA SPACE's own, from the top down to the table of level DOWN_TO
 * (VM_PTE is the last level): afterwards each has one user. Missing tables are made if CREATE. *ID
 * becomes the entry for VA in the table of level DOWN_TO. *COPIED, unless NULL, grows by the number
 * of tables copied.
 *
 * => 0 with *ID 0: a table is missing, and CREATE is false.
 * => -ENOMEM: no table page left, *ID is 0. Tables may have been copied or made; the process cannot
 *    notice that.
 */
int pagetable_own_locked(struct vm_space *space, uint64_t va, enum vm_level down_to, bool create,
                         vm_entry_id *id, unsigned *copied);

/* Free the empty tables on the path to VA, unless a table on the path is shared. */
void pagetable_trim_locked(struct vm_space *space, uint64_t va);

/*
 * Make CHILD, whose tables are empty, share all tables of PARENT below the top level
 * (copy_page_range). Copies the counters of resident pages, and flushes PARENT's TLB. PARENT's
 * process is locked for writing, and no other thread knows CHILD.
 */
void pagetable_share_locked(struct vm_space *parent, struct vm_space *child);

/*
 * Free all tables of SPACE, which nobody uses any more, and what only they use. Takes the machine
 * lock, and drops it after each table, so that other threads do not wait long.
 */
void pagetable_destroy(struct vm_space *space);

#endif
