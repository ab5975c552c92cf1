/*
 * rmap.h - the reverse map: from a frame, a page-table page or a swap slot to the entries that
 * point to it.
 *
 * The entries of one target form a chain. Its links stand in an array beside the tables, one per
 * entry, so mapping and unmapping cost O(1) and no memory is allocated; an entry that is alone in
 * its chain never touches its link.
 *
 * After a fork, processes share whole subtrees of page tables. An entry in a shared table stands
 * once in its chain, however many processes see it: how many do is the sum over the chain of the
 * processes that reach each entry's table.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_MEMORY_RMAP_H
#define VM_MEMORY_RMAP_H

#include "vm/internal.h"

/*
 * Entry ID now is ENTRY, or no longer is: it points to a frame or table, or, not present, holds a
 * swap slot. The zero page and the like are not tracked.
 */
void rmap_link_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry);
void rmap_unlink_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry);

/* The next entry after ID in its chain, or 0. */
vm_entry_id rmap_next_locked(const struct vm_machine *machine, vm_entry_id id);

/* How many processes reach table TABLE. */
uint64_t rmap_table_users_locked(const struct vm_machine *machine, uint32_t table);

/*
 * How many times PFN (RAM) is mapped: a page's count is the sum of the users of the tables that map
 * it.
 */
uint64_t rmap_frame_users_locked(const struct vm_machine *machine, vm_pfn pfn);

/* The same for swap slot SLOT. */
uint64_t rmap_slot_users_locked(const struct vm_machine *machine, uint32_t slot);

/* FN for each address space that reaches table TABLE. */
typedef void (*rmap_space_fn)(void *ctx, struct vm_space *space);
void rmap_table_spaces_locked(const struct vm_machine *machine, uint32_t table, rmap_space_fn fn,
                              void *ctx);

#endif
