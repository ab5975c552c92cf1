/*
 * pagetable_range.c - whole ranges of entries: clearing, moving, sharing at fork, and the end of an
 * address space.
 */
#include "vm/base/lock.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/rmap.h"
#include "vm/memory/tlb.h"

#include <errno.h>
#include <string.h>

/* --- Clearing --------------------------------------------------------------------------------- */

void pagetable_trim_locked(struct vm_space *space, uint64_t va)
{
	struct vm_machine *machine = space->process->machine;
	vm_entry_id ids[4];

	int depth = pagetable_walk_locked(space, va, ids) - 1;

	for (int i = 1; i <= depth; i++)
		if (machine->tables[pagetable_of(ids[i])].users > 1)
			return;
	for (int i = depth; i > 0; i--) {
		uint32_t table = pagetable_of(ids[i]);
		vm_entry_id parent = ids[i - 1];
		if (machine->tables[table].used > 0)
			return;
		rmap_unlink_locked(machine, parent, *pagetable_entry(machine, parent));
		*pagetable_entry(machine, parent) = 0;
		pagetable_at(machine, parent)->used--;
		pagetable_free_locked(machine, table);
		space->tables--;
	}
}

/*
 * SPACE leaves the last-level table behind ID (a PMD entry of its own), which others go on using.
 */
static void leave_shared_locked(struct vm_space *space, vm_entry_id id)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t *entry = pagetable_entry(machine, id);
	uint32_t table = pte_table(machine, *entry);

	for (unsigned i = 0; i < VM_TABLE_ENTRIES; i++) {
		uint64_t leaf = *pagetable_entry(machine, pagetable_id(table, i));
		if (leaf == 0)
			continue;
		tlb_flush_page_locked(space, pagetable_entry_va(machine, pagetable_id(table, i)));
		pagetable_count_locked(space, leaf, -1);
	}
	rmap_unlink_locked(machine, id, *entry);
	*entry = 0;
	pagetable_at(machine, id)->used--;
	space->tables--;
}

/*
 * Empty [START, END), which one last-level table serves; of guard markers only if GUARDS_TOO, else
 * in a table of SPACE's own.
 */
static void clear_table_locked(struct vm_space *space, uint64_t start, uint64_t end,
                               bool guards_too)
{
	struct vm_machine *machine = space->process->machine;
	vm_entry_id pmd = pagetable_entry_at_locked(space, start, VM_PMD);
	uint32_t table = pte_table(machine, *pagetable_entry(machine, pmd));

	if (machine->tables[table].users > 1)
		leave_shared_locked(space, pmd);
	else
		/*
		 * From the top down: the free list gives frames back in the order of addresses
		 * then, which is kinder to caches.
		 */
		for (uint64_t va = end; va > start; va -= VM_PAGE_SIZE) {
			vm_entry_id id =
			    pagetable_id(table, pagetable_index(va - VM_PAGE_SIZE, VM_PTE));
			if (guards_too || !pte_is_guard(*pagetable_entry(machine, id)))
				pagetable_clear_locked(space, id);
		}
	pagetable_trim_locked(space, start);
}

static void clear_range(struct vm_space *space, uint64_t start, uint64_t end, bool guards_too)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t span = pagetable_span(VM_PMD);

	machine_lock(machine);
	for (uint64_t va = start; (va = pagetable_next_locked(space, va, end)) < end;) {
		uint64_t stop = MIN((va & -span) + span, end);
		clear_table_locked(space, va, stop, guards_too);
		va = stop;
		machine_unlock(machine);
		machine_lock(machine);
	}
	machine_unlock(machine);
}

void pagetable_clear_range(struct vm_space *space, uint64_t start, uint64_t end)
{
	clear_range(space, start, end, true);
}

void pagetable_zap_range(struct vm_space *space, uint64_t start, uint64_t end)
{
	clear_range(space, start, end, false);
}

/* --- Moving ----------------------------------------------------------------------------------- */

/* Make the tables for what one source table maps. */
static int make_target(struct vm_space *space, uint64_t to, uint64_t last)
{
	struct vm_machine *machine = space->process->machine;
	vm_entry_id id;

	machine_lock(machine);
	int error = pagetable_own_locked(space, to, VM_PTE, true, &id, NULL);
	if (error == 0)
		error = pagetable_own_locked(space, last, VM_PTE, true, &id, NULL);
	machine_unlock(machine);
	return error;
}

/* Free the tables of [START, END) that are empty. */
static void trim_range(struct vm_space *space, uint64_t start, uint64_t end)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t span = pagetable_span(VM_PMD);

	machine_lock(machine);
	for (uint64_t va = start; (va = pagetable_next_locked(space, va, end)) < end;
	     va = (va & -span) + span)
		pagetable_trim_locked(space, va);
	machine_unlock(machine);
}

int pagetable_prepare_move(struct vm_space *space, uint64_t from, uint64_t to, uint64_t len)
{
	uint64_t span = pagetable_span(VM_PMD), end = from + len;
	int error = pagetable_own_range(space, from, end, VM_PTE);

	for (uint64_t va = from; error == 0 && (va = pagetable_next(space, va, end)) < end;
	     va = (va & -span) + span) {
		uint64_t last = MIN((va & -span) + span, end) - VM_PAGE_SIZE;
		error = make_target(space, va - from + to, last - from + to);
	}
	if (error != 0)
		trim_range(space, to, to + len);
	return error;
}

static void move_entry_locked(struct vm_space *space, uint64_t from, uint64_t to)
{
	struct vm_machine *machine = space->process->machine;
	vm_entry_id source = pagetable_entry_at_locked(space, from, VM_PTE),
	            target = pagetable_entry_at_locked(space, to, VM_PTE);
	uint64_t entry = *pagetable_entry(machine, source);

	if (entry == 0)
		return;
	*pagetable_entry(machine, source) = 0;
	pagetable_at(machine, source)->used--;
	tlb_flush_page_locked(space, from);
	rmap_unlink_locked(machine, source, entry);
	*pagetable_entry(machine, target) = entry;
	pagetable_at(machine, target)->used++;
	rmap_link_locked(machine, target, entry);
}

void pagetable_move_range(struct vm_space *space, uint64_t from, uint64_t to, uint64_t len)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t span = pagetable_span(VM_PMD), end = from + len;

	for (uint64_t va = from; (va = pagetable_next(space, va, end)) < end;) {
		uint64_t stop = MIN((va & -span) + span, end);
		machine_lock(machine);
		for (; va < stop; va += VM_PAGE_SIZE)
			move_entry_locked(space, va, va - from + to);
		machine_unlock(machine);
	}
	trim_range(space, to, to + len);
}

/* --- For all users at once -------------------------------------------------------------------- */

static void forget(void *ctx, struct vm_space *space)
{
	pagetable_count_locked(space, *(const uint64_t *)ctx, -1);
}

static void learn(void *ctx, struct vm_space *space)
{
	pagetable_count_locked(space, *(const uint64_t *)ctx, 1);
}

void pagetable_evict_locked(struct vm_machine *machine, vm_entry_id id)
{
	uint64_t *entry = pagetable_entry(machine, id), old = *entry;

	if (old == 0)
		return;
	*entry = 0;
	pagetable_at(machine, id)->used--;
	tlb_flush_entry_locked(machine, id);
	rmap_table_spaces_locked(machine, pagetable_of(id), forget, &old);
	rmap_unlink_locked(machine, id, old);
	pagetable_release_locked(machine, old);
}

void pagetable_replace_locked(struct vm_machine *machine, vm_entry_id id, uint64_t new)
{
	uint64_t *entry = pagetable_entry(machine, id), old = *entry;

	*entry = new;
	tlb_flush_entry_locked(machine, id);
	rmap_table_spaces_locked(machine, pagetable_of(id), forget, &old);
	rmap_table_spaces_locked(machine, pagetable_of(id), learn, &new);
	rmap_unlink_locked(machine, id, old);
	rmap_link_locked(machine, id, new);
	pagetable_release_locked(machine, old);
}

void pagetable_evict_frame_locked(struct vm_machine *machine, vm_pfn pfn)
{
	while (machine->frames[pfn].rmap != 0)
		pagetable_evict_locked(machine, machine->frames[pfn].rmap);
}

void pagetable_evict_range_locked(struct vm_space *space, uint64_t start, uint64_t end)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t span = pagetable_span(VM_PMD);

	for (uint64_t va = start; (va = pagetable_next_locked(space, va, end)) < end;) {
		vm_entry_id id = pagetable_entry_at_locked(space, va, VM_PTE);
		uint64_t stop = MIN((va & -span) + span, end);
		for (; va < stop; va += VM_PAGE_SIZE, id++)
			if (!pte_is_guard(*pagetable_entry(machine, id)))
				pagetable_evict_locked(machine, id);
	}
}

/* --- Fork ------------------------------------------------------------------------------------- */

void pagetable_share_locked(struct vm_space *parent, struct vm_space *child)
{
	struct vm_machine *machine = parent->process->machine;

	for (unsigned i = 0; i < VM_TABLE_ENTRIES / 2; i++) {
		uint64_t *entry = pagetable_entry(machine, pagetable_id(parent->pgd, i));
		if (*entry == 0)
			continue;
		*entry &= ~PTE_RW;
		pagetable_attach_locked(machine, pagetable_id(child->pgd, i),
		                        pte_table(machine, *entry), *entry & ~PTE_PFN_MASK);
	}
	memcpy(child->rss, parent->rss, sizeof child->rss);
	child->rss_peak = child->rss[0] + child->rss[1] + child->rss[2];
	child->swap = parent->swap;
	child->tables = parent->tables;
	tlb_flush_all_locked(parent);
}

/* --- The end ---------------------------------------------------------------------------------- */

/* Drop the use of the table behind ID; the last user takes what it points to with it. */
static void drop_locked(struct vm_machine *machine, vm_entry_id id)
{
	uint64_t *entry = pagetable_entry(machine, id), old = *entry;

	if (old == 0)
		return;
	*entry = 0;
	rmap_unlink_locked(machine, id, old);
	if (pagetable_at(machine, id)->level == VM_PTE) {
		pagetable_release_locked(machine, old);
		return;
	}
	uint32_t table = pte_table(machine, old);
	if (machine->tables[table].users > 0)
		return;
	for (unsigned i = VM_TABLE_ENTRIES; i > 0; i--)
		drop_locked(machine, pagetable_id(table, i - 1));
	pagetable_free_locked(machine, table);
	/* A breath for others: what is left of the tree hangs on tables that only we reach. */
	machine_unlock(machine);
	machine_lock(machine);
}

void pagetable_destroy(struct vm_space *space)
{
	struct vm_machine *machine = space->process->machine;

	machine_lock(machine);
	for (unsigned i = VM_TABLE_ENTRIES / 2; i > 0; i--)
		drop_locked(machine, pagetable_id(space->pgd, i - 1));
	pagetable_free_locked(machine, space->pgd);
	machine_unlock(machine);
}
