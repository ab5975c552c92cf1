/*
 * rmap.h - the reverse map: from a frame, a page-table page or a swap slot to the entries that
 * point to it.
 *
 * The entries that point to the same target form a chain. The links of the chain are in an array
 * beside the tables, one for each entry. So mapping and unmapping take constant time and allocate
 * no memory. An entry that is alone in its chain never touches its link.
 *
 * After a fork, processes share whole subtrees of page tables. An entry in a shared table is in its
 * chain only once, no matter how many processes reach the table. To count the processes that map a
 * page, one adds up, for each entry in the chain, the processes that reach the entry's table.
 *
 * A chain is walked in one hold of the lock, because it has no place to which a walk could return.
 * So a hold may be as long as the chain: at most one entry for each page table that maps the page,
 * some nanoseconds each.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_MEMORY_RMAP_H
#define VM_MEMORY_RMAP_H

#include "vm/memory/table.h"

/*
 * Add entry ID to the chain of what ENTRY points to (a frame, a table, or a swap slot if it is not
 * present), or remove it. ENTRY is the contents of ID. The zero page and the pages of the vdso have
 * no chain: nothing happens.
 */
void rmap_link_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry);
void rmap_unlink_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry);

/* The next entry after ID in its chain, or 0. */
static inline vm_entry_id rmap_next_locked(const struct vm_machine *machine, vm_entry_id id)
{
	return machine->links[id].next;
}

/*
 * The same in the chain of FRAME. Most are alone in theirs: then its link, which is hardly ever in
 * the host's caches, is not looked at.
 */
static inline vm_entry_id rmap_frame_next_locked(const struct vm_machine *machine,
                                                 const struct vm_frame *frame, vm_entry_id id)
{
	return frame->mapped > 1 ? rmap_next_locked(machine, id) : 0;
}

/*
 * How many processes reach table TABLE. 0 if the table belongs to an address space that is being
 * freed.
 */
uint64_t rmap_table_users_locked(const struct vm_machine *machine, uint32_t table);

/*
 * How many times PFN, a frame of RAM, is mapped: the sum over its entries of the processes that
 * reach the entry's table.
 */
uint64_t rmap_frame_users_locked(const struct vm_machine *machine, vm_pfn pfn);

/* How many times entries hold swap slot SLOT, counted in the same way. */
uint64_t rmap_slot_users_locked(const struct vm_machine *machine, uint32_t slot);

typedef void (*rmap_space_fn)(void *ctx, struct vm_space *space);
/* Call FN for each address space that reaches table TABLE. There may be none (see above). */
void rmap_table_spaces_locked(const struct vm_machine *machine, uint32_t table, rmap_space_fn fn,
                              void *ctx);

/* The slow part of what follows. */
struct vm_space *rmap_find_only_space_locked(const struct vm_machine *machine,
                                             struct vm_table *table);

/* The one address space that reaches table NUMBER, or NULL: there are several, or none. */
static inline struct vm_space *rmap_only_space_locked(const struct vm_machine *machine,
                                                      uint32_t number)
{
	struct vm_table *table = &machine->tables[number];

	return table->only_at == machine->sharing ? table->only
	                                          : rmap_find_only_space_locked(machine, table);
}

/* The first address space found that reaches table TABLE, or NULL. */
struct vm_space *rmap_any_space_locked(const struct vm_machine *machine, uint32_t table);

#endif
