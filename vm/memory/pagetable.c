#include "vm/memory/pagetable.h"
#include "vm/base/lock.h"
#include "vm/memory/frame.h"
#include "vm/memory/rmap.h"
#include "vm/memory/tlb.h"

#include <errno.h>
#include <string.h>

/* --- Top-level tables ------------------------------------------------------------------------- */

bool pagetable_init_kernel_locked(struct vm_machine *machine)
{
	uint64_t span = pagetable_span(VM_PUD), pages = machine->nr_frames + machine->nr_tables;
	unsigned huge = (unsigned)MIN((pages * VM_PAGE_SIZE + span - 1) / span, VM_TABLE_ENTRIES);
	uint32_t pud = pagetable_alloc_locked(machine, VM_PUD, VM_KERNEL_BASE);

	if (pud == 0)
		return false;
	for (unsigned i = 0; i < huge; i++)
		pte_init_locked(machine, pagetable_id(pud, i),
		                pte_make(i * span >> VM_PAGE_SHIFT,
		                         PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PS | PTE_G | PTE_NX));
	machine->tables[pud].used = (uint16_t)huge;
	machine->kernel_pud = pud;
	return true;
}

int pagetable_create_locked(struct vm_space *space)
{
	struct vm_machine *machine = space->process->machine;
	uint32_t pgd = pagetable_alloc_locked(machine, VM_PGD, 0);

	if (pgd == 0)
		return -ENOMEM;
	machine->tables[pgd].space = space;
	space->pgd = pgd;
	pte_init_locked(machine, pagetable_id(pgd, pagetable_index(VM_KERNEL_BASE, VM_PGD)),
	                pte_make(machine->nr_frames + machine->kernel_pud, PTE_P | PTE_RW | PTE_A));
	return 0;
}

/* --- Sharing and owning ----------------------------------------------------------------------- */

/*
 * Two tables of LEVEL are about to contain ENTRY. Whether both copies must lose RW: yes if ENTRY
 * points to a table, which is shared from now on, or to a private anonymous page, which is now
 * copied on write. A page of the page cache keeps RW: only shared mappings may write to it, and
 * they stay shared.
 */
static bool loses_write_when_shared(const struct vm_machine *machine, uint64_t entry,
                                    enum vm_level level)
{
	uint64_t pfn = pte_pfn(entry);

	if (level != VM_PTE)
		return true;
	return (entry & PTE_P) && frame_is_ram(machine, pfn) && machine->frames[pfn].object == NULL;
}

/*
 * Copy table OLD, which has other users and keeps them. The copy and OLD then share the tables and
 * pages that they point to. 0: no table page left, and nothing has changed.
 */
static uint32_t table_copy_locked(struct vm_machine *machine, uint32_t old)
{
	enum vm_level level = (enum vm_level)machine->tables[old].level;
	uint32_t copy = pagetable_alloc_locked(machine, level, machine->tables[old].va);

	if (copy == 0)
		return 0;
	for (unsigned i = 0; i < VM_TABLE_ENTRIES; i++) {
		vm_entry_id from = pagetable_id(old, i);
		uint64_t entry = pte_get(machine, from);
		if (entry == 0)
			continue;
		/*
		 * No TLB can hold the right to write: OLD is shared, so an entry above it has no
		 * RW.
		 */
		if ((entry & PTE_RW) && loses_write_when_shared(machine, entry, level))
			pte_change_unflushed_locked(machine, from, 0, PTE_RW);
		pte_init_copy_locked(machine, pagetable_id(copy, i), pte_get(machine, from));
	}
	return copy;
}

/*
 * Make the table that entry ID points to SPACE's own. ID is in a table that is SPACE's own already.
 * VA is an address that the entry translates.
 *
 * => 0: the entry points to a table with one user, with RW. Or it is empty, and CREATE is false.
 * => -ENOMEM: no table page left, and nothing has changed.
 */
static int own_child_locked(struct vm_space *space, vm_entry_id id, uint64_t va, bool create,
                            unsigned *copied)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t entry = pte_get(machine, id);
	enum vm_level level = (enum vm_level)pagetable_at(machine, id)->level;

	if (entry == 0) {
		if (!create)
			return 0;
		uint32_t child = pagetable_alloc_locked(machine, (enum vm_level)(level - 1), va);
		if (child == 0)
			return -ENOMEM;
		pte_point_locked(machine, id, child, PTE_TABLE);
		space->tables++;
		return 0;
	}
	/* Shared since a fork: point to a copy. It translates the same, so no TLB is flushed. */
	if (machine->tables[pte_table(machine, entry)].users > 1) {
		uint32_t copy = table_copy_locked(machine, pte_table(machine, entry));
		if (copy == 0)
			return -ENOMEM;
		pte_point_locked(machine, id, copy, PTE_TABLE | (entry & PTE_A));
		if (copied != NULL)
			++*copied;
	} else if (!(entry & PTE_RW)) {
		/* It was shared, but the other users are gone. */
		pte_change_locked(machine, id, PTE_RW, 0);
	}
	return 0;
}

int pagetable_own_locked(struct vm_space *space, uint64_t va, enum vm_level down_to, bool create,
                         vm_entry_id *id, unsigned *copied)
{
	struct vm_machine *machine = space->process->machine;
	uint32_t table = space->pgd;

	/* No entry that may be written through points to a table that others use. */
	if (down_to == VM_PTE && (space->path.rights & PTE_RW) &&
	    pagetable_path_is_known_locked(space, va)) {
		*id = pagetable_id(space->path.table, pagetable_index(va, VM_PTE));
		return 0;
	}
	for (int level = VM_PGD;; level--) {
		*id = pagetable_id(table, pagetable_index(va, (enum vm_level)level));
		if (level == (int)down_to)
			return 0;
		int error = own_child_locked(space, *id, va, create, copied);
		uint64_t entry = pte_get(machine, *id);
		if (error != 0 || entry == 0) {
			*id = 0;
			return error;
		}
		table = pte_table(machine, entry);
	}
}

void pagetable_trim_locked(struct vm_space *space, uint64_t va)
{
	struct vm_machine *machine = space->process->machine;
	vm_entry_id ids[4];
	int depth = pagetable_walk_locked(space, va, ids) - 1;

	/* ids[0] is in the top-level table, which is never shared. */
	for (int i = 1; i <= depth; i++)
		if (pagetable_at(machine, ids[i])->users > 1)
			return;
	/* From the lowest table up, as long as they are empty. */
	for (int i = depth; i > 0 && pagetable_at(machine, ids[i])->used == 0; i--) {
		pte_unpoint_locked(machine, ids[i - 1]);
		pagetable_free_locked(machine, pagetable_of(ids[i]));
		space->tables--;
	}
}

void pagetable_share_locked(struct vm_space *parent, struct vm_space *child)
{
	struct vm_machine *machine = parent->process->machine;

	/* The lower half only: the kernel's half is in CHILD already. */
	for (unsigned i = 0; i < VM_TABLE_ENTRIES / 2; i++) {
		vm_entry_id from = pagetable_id(parent->pgd, i);
		if (pte_get(machine, from) == 0)
			continue;
		/* Below, the whole TLB is flushed at once. */
		pte_change_unflushed_locked(machine, from, 0, PTE_RW);
		pte_init_copy_locked(machine, pagetable_id(child->pgd, i), pte_get(machine, from));
	}
	memcpy(child->rss, parent->rss, sizeof child->rss);
	child->rss_peak = child->rss[0] + child->rss[1] + child->rss[2];
	child->swap = parent->swap;
	child->tables = parent->tables;
	tlb_flush_all_locked(parent);
}

/* --- The end ---------------------------------------------------------------------------------- */

/*
 * Empty entry ID of a table that no address space uses any more. A page or a table loses this use;
 * if it was the last, it is freed, and a table first drops all that its own entries point to.
 *
 * => The machine lock is held on entry and on return, but dropped now and then while a table is
 *    emptied that is to be freed.
 */
static void drop_locked(struct vm_machine *machine, vm_entry_id id)
{
	uint64_t entry = pte_get(machine, id);

	if (entry == 0)
		return;
	if (pagetable_at(machine, id)->level == VM_PTE) {
		pte_drop_locked(machine, id);
		return;
	}
	uint32_t table = pte_table(machine, entry);
	pte_unpoint_locked(machine, id);
	if (machine->tables[table].users > 0)
		return;
	/* From the top down, so that the free list returns frames in the order of addresses. */
	for (unsigned i = VM_TABLE_ENTRIES; i > 0; i--) {
		drop_locked(machine, pagetable_id(table, i - 1));
		/*
		 * Let other threads have the lock. They cannot reach the tables that are left here
		 * from any address space, so these tables stay. Through the reverse map reclaim may
		 * change their entries; each is read afresh.
		 */
		machine_yield_locked(machine, i - 1);
	}
	pagetable_free_locked(machine, table);
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
