#include "vm/memory/rmap.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/swap.h"

/*
 * Where the first entry of the chain of what ENTRY points to is kept; *COUNT: where the chain's
 * length is kept. NULL if that is not tracked. Call it only to change the chain: for a table it
 * invalidates the cached counts of processes.
 */
static vm_entry_id *chain_of(struct vm_machine *machine, uint64_t entry, uint32_t **count)
{
	uint64_t pfn = pte_pfn(entry);

	if (pte_is_swap(entry)) {
		struct vm_slot *slot = &machine->swap.slots[pte_slot(entry)];
		*count = &slot->mapped;
		return &slot->rmap;
	}
	if (frame_is_ram(machine, pfn)) {
		*count = &machine->frames[pfn].mapped;
		return &machine->frames[pfn].rmap;
	}
	struct vm_table *table = &machine->tables[pfn - machine->nr_frames];
	if (table->level == VM_TABLE_SPECIAL)
		return NULL;
	machine->sharing++;
	*count = &table->users;
	return &table->rmap;
}

/*
 * Keep count.mapped right after an entry was added to or removed from the chain of ENTRY's frame.
 * THRESHOLD is the number of entries at which a page of the page cache starts (1) or stops (0)
 * being mapped.
 */
static void count_mapped(struct vm_machine *machine, uint64_t entry, uint32_t threshold)
{
	uint64_t pfn = pte_pfn(entry);

	if (!pte_is_swap(entry) && frame_is_ram(machine, pfn) &&
	    machine->frames[pfn].object != NULL && machine->frames[pfn].mapped == threshold)
		machine->count.mapped += threshold > 0 ? 1 : UINT64_MAX;
}

void rmap_link_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry)
{
	uint32_t *count;
	vm_entry_id *head = chain_of(machine, entry, &count);

	if (head == NULL)
		return;
	if (*head != 0) {
		machine->links[id].next = *head;
		machine->links[*head].prev = id;
	}
	*head = id;
	++*count;
	count_mapped(machine, entry, 1);
}

void rmap_unlink_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry)
{
	uint32_t *count;
	vm_entry_id *head = chain_of(machine, entry, &count);

	if (head == NULL)
		return;
	--*count;
	count_mapped(machine, entry, 0);
	/* It was alone: its link is zeros, and not touched. */
	if (*count == 0) {
		*head = 0;
		return;
	}
	struct vm_link *link = &machine->links[id];
	if (*head == id)
		*head = link->next;
	else
		machine->links[link->prev].next = link->next;
	if (link->next != 0)
		machine->links[link->next].prev = link->prev;
	*link = (struct vm_link){0, 0};
}

static uint64_t chain_users_locked(const struct vm_machine *machine, vm_entry_id id);

uint64_t rmap_table_users_locked(const struct vm_machine *machine, uint32_t number)
{
	struct vm_table *table = &machine->tables[number];

	if (table->level == VM_PGD)
		return 1;
	if (number == machine->kernel_pud)
		return machine->process_count;
	/*
	 * Every parent of a table directly below the top level is a top-level table: one process
	 * each.
	 */
	if (table->level == VM_PUD)
		return table->users;
	/* Further down, the count is cached until any entry starts or stops pointing to a table. */
	if (table->counted != machine->sharing) {
		table->processes = chain_users_locked(machine, table->rmap);
		table->counted = machine->sharing;
	}
	return table->processes;
}

/* How many processes reach the entries of the chain that starts with ID. */
static uint64_t chain_users_locked(const struct vm_machine *machine, vm_entry_id id)
{
	uint64_t users = 0;

	for (; id != 0; id = rmap_next_locked(machine, id))
		users += rmap_table_users_locked(machine, pagetable_of(id));
	return users;
}

uint64_t rmap_frame_users_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	return chain_users_locked(machine, machine->frames[pfn].rmap);
}

uint64_t rmap_slot_users_locked(const struct vm_machine *machine, uint32_t slot)
{
	return chain_users_locked(machine, machine->swap.slots[slot].rmap);
}

void rmap_table_spaces_locked(const struct vm_machine *machine, uint32_t number, rmap_space_fn fn,
                              void *ctx)
{
	const struct vm_table *table = &machine->tables[number];

	if (table->level == VM_PGD) {
		fn(ctx, table->space);
		return;
	}
	for (vm_entry_id id = table->rmap; id != 0; id = rmap_next_locked(machine, id))
		rmap_table_spaces_locked(machine, pagetable_of(id), fn, ctx);
}

static void note_space(void *ctx, struct vm_space *space)
{
	struct vm_space **any = ctx;

	if (*any == NULL)
		*any = space;
}

struct vm_space *rmap_find_only_space_locked(const struct vm_machine *machine,
                                             struct vm_table *table)
{
	const struct vm_table *at = table;

	while (at->level != VM_PGD && at->users == 1)
		at = pagetable_at(machine, at->rmap);
	table->only = at->level == VM_PGD ? at->space : NULL;
	table->only_at = machine->sharing;
	return table->only;
}

struct vm_space *rmap_any_space_locked(const struct vm_machine *machine, uint32_t table)
{
	struct vm_space *any = rmap_only_space_locked(machine, table);

	if (any == NULL)
		rmap_table_spaces_locked(machine, table, note_space, &any);
	return any;
}
