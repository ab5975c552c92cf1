#include "vm/memory/pagetable.h"
#include "vm/base/lock.h"
#include "vm/memory/frame.h"
#include "vm/memory/rmap.h"
#include "vm/memory/swap.h"
#include "vm/memory/tlb.h"
#include "vm/policy/policy.h"

#include <errno.h>
#include <string.h>

/* Entries that point to tables grant everything; the leaf decides. Linux's _PAGE_TABLE. */
#define PTE_TABLE (PTE_P | PTE_RW | PTE_US)

/* --- Table pages ------------------------------------------------------------------------------ */

/* A cleared table page, or 0. */
static uint32_t table_alloc_locked(struct vm_machine *machine, enum vm_level level, uint64_t va)
{
	uint32_t number = machine->free_tables;

	if (number != 0) {
		machine->free_tables = machine->tables[number].next_free;
		memset(pagetable_entry(machine, pagetable_id(number, 0)), 0, VM_PAGE_SIZE);
	} else if (machine->tables_used < machine->nr_tables) {
		number = machine->tables_used++;
	} else {
		return 0;
	}
	machine->table_count++;
	machine->tables[number] = (struct vm_table){
	    .level = (uint8_t)level, .va = va & -(VM_TABLE_ENTRIES * pagetable_span(level))};
	return number;
}

void pagetable_free_locked(struct vm_machine *machine, uint32_t number)
{
	machine->tables[number].next_free = machine->free_tables;
	machine->free_tables = number;
	machine->table_count--;
}

uint32_t pagetable_alloc_special_locked(struct vm_machine *machine, uint32_t count)
{
	uint32_t first = machine->tables_used;

	if (count > machine->nr_tables - first)
		return 0;
	machine->tables_used += count;
	for (uint32_t i = 0; i < count; i++)
		machine->tables[first + i].level = VM_TABLE_SPECIAL;
	return first;
}

uint64_t pagetable_entry_va(const struct vm_machine *machine, vm_entry_id id)
{
	const struct vm_table *table = &machine->tables[pagetable_of(id)];

	return table->va + (id % VM_TABLE_ENTRIES) * pagetable_span((enum vm_level)table->level);
}

bool pagetable_init_kernel(struct vm_machine *machine)
{
	uint64_t span = pagetable_span(VM_PUD), pages = machine->nr_frames + machine->nr_tables;
	unsigned huge = (unsigned)MIN((pages * VM_PAGE_SIZE + span - 1) / span, VM_TABLE_ENTRIES);
	uint32_t pud = table_alloc_locked(machine, VM_PUD, VM_KERNEL_BASE);

	if (pud == 0)
		return false;
	for (unsigned i = 0; i < huge; i++)
		*pagetable_entry(machine, pagetable_id(pud, i)) =
		    pte_make(i * span >> VM_PAGE_SHIFT,
		             PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PS | PTE_G | PTE_NX);
	machine->tables[pud].used = (uint16_t)huge;
	machine->kernel_pud = pud;
	return true;
}

int pagetable_create_locked(struct vm_space *space)
{
	struct vm_machine *machine = space->process->machine;
	uint32_t pgd = table_alloc_locked(machine, VM_PGD, 0);

	if (pgd == 0)
		return -ENOMEM;
	machine->tables[pgd].space = space;
	space->pgd = pgd;
	*pagetable_entry(machine, pagetable_id(pgd, pagetable_index(VM_KERNEL_BASE, VM_PGD))) =
	    pte_make(machine->nr_frames + machine->kernel_pud, PTE_P | PTE_RW | PTE_A);
	return 0;
}

/* --- Walking ---------------------------------------------------------------------------------- */

static bool rights_allow(uint64_t rights, uint64_t nx, enum vm_access access)
{
	uint64_t needed = PTE_P | PTE_US | (access == VM_ACCESS_WRITE ? PTE_RW : 0);

	return (rights & needed) == needed && !(access == VM_ACCESS_EXEC && (nx & PTE_NX));
}

/*
 * The walk: the frame, with accessed and dirty bits set, or VM_NO_FRAME where it ends in a fault.
 */
static uint64_t walk_for_access_locked(struct vm_space *space, uint64_t va, enum vm_access access)
{
	const struct vm_machine *machine = space->process->machine;
	uint64_t rights = ~UINT64_C(0), nx = 0;
	vm_entry_id ids[4];
	uint32_t table = space->pgd;

	for (int level = VM_PGD; level >= VM_PTE; level--) {
		ids[level] = pagetable_id(table, pagetable_index(va, (enum vm_level)level));
		uint64_t entry = *pagetable_entry(machine, ids[level]);
		if (!(entry & PTE_P) || !(entry & PTE_US))
			return VM_NO_FRAME;
		rights &= entry;
		nx |= entry;
		table = pte_table(machine, entry);
	}
	if (!rights_allow(rights, nx, access))
		return VM_NO_FRAME;
	/*
	 * Only where missing: entries of upper levels are shared by many, and a store takes their
	 * cache lines away.
	 */
	for (int level = VM_PGD; level >= VM_PTE; level--)
		if (!(*pagetable_entry(machine, ids[level]) & PTE_A))
			*pagetable_entry(machine, ids[level]) |= PTE_A;
	uint64_t *leaf = pagetable_entry(machine, ids[VM_PTE]);
	if (access == VM_ACCESS_WRITE)
		*leaf = (*leaf | PTE_D) & ~PTE_SOFT_CLEAN;
	tlb_fill_locked(space, va, *leaf, rights & PTE_RW);
	return pte_pfn(*leaf);
}

uint64_t pagetable_access_locked(struct vm_space *space, uint64_t va, enum vm_access access,
                                 bool *tlb)
{
	struct vm_machine *machine = space->process->machine;

	if (va >= VM_USER_END)
		return VM_NO_FRAME;
	uint64_t pfn = tlb_lookup_locked(space, va, access);
	*tlb = pfn != VM_NO_FRAME;
	if (!*tlb)
		pfn = walk_for_access_locked(space, va, access);
	if (pfn != VM_NO_FRAME && machine->policy->use != NULL && frame_is_ram(machine, pfn))
		machine->policy->use(machine, (vm_pfn)pfn);
	return pfn;
}

int pagetable_walk_locked(const struct vm_space *space, uint64_t va, vm_entry_id ids[4])
{
	const struct vm_machine *machine = space->process->machine;
	uint32_t table = space->pgd;

	for (int i = 0;; i++) {
		ids[i] = pagetable_id(table, pagetable_index(va, (enum vm_level)(VM_PGD - i)));
		uint64_t entry = *pagetable_entry(machine, ids[i]);
		if (i == 3 || !(entry & PTE_P) || (entry & PTE_PS))
			return i + 1;
		table = pte_table(machine, entry);
	}
}

vm_entry_id pagetable_entry_at_locked(const struct vm_space *space, uint64_t va,
                                      enum vm_level level)
{
	vm_entry_id ids[4];
	int depth = VM_PGD - (int)level;

	return pagetable_walk_locked(space, va, ids) > depth ? ids[depth] : 0;
}

uint64_t pagetable_next_locked(const struct vm_space *space, uint64_t va, uint64_t end)
{
	while (va < end) {
		vm_entry_id ids[4];
		int read = pagetable_walk_locked(space, va, ids);
		if (read == 4)
			return va;
		uint64_t span = pagetable_span((enum vm_level)(VM_PGD - read + 1));
		va = (va & -span) + span;
	}
	return end;
}

/* --- Sharing and owning ----------------------------------------------------------------------- */

void pagetable_attach_locked(struct vm_machine *machine, vm_entry_id id, uint32_t child,
                             uint64_t flags)
{
	uint64_t *entry = pagetable_entry(machine, id);
	uint64_t pfn = machine->nr_frames + child;

	if (*entry == 0)
		pagetable_at(machine, id)->used++;
	*entry = pte_make(pfn, flags);
	rmap_link_locked(machine, id, *entry);
}

/*
 * What a second table that maps the same must not write through: shared tables, and private pages,
 * which both sides now copy on write. A page of the cache keeps its right; a shared mapping of it
 * stays shared.
 */
static uint64_t without_private_write(const struct vm_machine *machine, uint64_t entry,
                                      enum vm_level level)
{
	uint64_t pfn = pte_pfn(entry);

	if (level == VM_PTE && (!(entry & PTE_P) || !frame_is_ram(machine, pfn) ||
	                        machine->frames[pfn].object != NULL))
		return entry;
	return entry & ~PTE_RW;
}

/*
 * A copy of table OLD, which keeps its other users. What it points to is shared by both then. 0: no
 * table page left.
 */
static uint32_t table_copy_locked(struct vm_machine *machine, uint32_t old)
{
	enum vm_level level = (enum vm_level)machine->tables[old].level;
	uint32_t copy = table_alloc_locked(machine, level, machine->tables[old].va);

	if (copy == 0)
		return 0;
	for (unsigned i = 0; i < VM_TABLE_ENTRIES; i++) {
		uint64_t *from = pagetable_entry(machine, pagetable_id(old, i));
		if (*from == 0)
			continue;
		*from = without_private_write(machine, *from, level);
		*pagetable_entry(machine, pagetable_id(copy, i)) = *from;
		rmap_link_locked(machine, pagetable_id(copy, i), *from);
	}
	machine->tables[copy].used = machine->tables[old].used;
	return copy;
}

/* Make the table behind entry ID, which may be missing, the own one of ID's table. */
static int own_child_locked(struct vm_space *space, vm_entry_id id, uint64_t va, bool create,
                            unsigned *copied)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t entry = *pagetable_entry(machine, id);
	enum vm_level level = (enum vm_level)pagetable_at(machine, id)->level;
	uint32_t child;

	if (entry == 0) {
		if (!create)
			return 0;
		child = table_alloc_locked(machine, (enum vm_level)(level - 1), va);
		if (child == 0)
			return -ENOMEM;
		pagetable_attach_locked(machine, id, child, PTE_TABLE);
		space->tables++;
		return 0;
	}
	child = pte_table(machine, entry);
	if (machine->tables[child].users > 1) {
		uint32_t copy = table_copy_locked(machine, child);
		if (copy == 0)
			return -ENOMEM;
		rmap_unlink_locked(machine, id, entry);
		pagetable_attach_locked(machine, id, copy, PTE_TABLE | (entry & PTE_A));
		if (copied != NULL)
			++*copied;
	} else {
		*pagetable_entry(machine, id) |= PTE_RW;
	}
	return 0;
}

int pagetable_own_locked(struct vm_space *space, uint64_t va, enum vm_level down_to, bool create,
                         vm_entry_id *id, unsigned *copied)
{
	struct vm_machine *machine = space->process->machine;
	uint32_t table = space->pgd;

	for (int level = VM_PGD;; level--) {
		*id = pagetable_id(table, pagetable_index(va, (enum vm_level)level));
		if (level == (int)down_to)
			return 0;
		int error = own_child_locked(space, *id, va, create, copied);
		uint64_t entry = *pagetable_entry(machine, *id);
		if (error != 0 || entry == 0) {
			*id = 0;
			return error;
		}
		table = pte_table(machine, entry);
	}
}

/* Own the path to VA down to LEVEL, if it exists. */
static int own_existing(struct vm_space *space, uint64_t va, enum vm_level level)
{
	struct vm_machine *machine = space->process->machine;
	vm_entry_id id;

	machine_lock(machine);
	int error = pagetable_own_locked(space, va, level, false, &id, NULL);
	machine_unlock(machine);
	return error;
}

uint64_t pagetable_next(struct vm_space *space, uint64_t va, uint64_t end)
{
	struct vm_machine *machine = space->process->machine;

	machine_lock(machine);
	va = pagetable_next_locked(space, va, end);
	machine_unlock(machine);
	return va;
}

int pagetable_own_range(struct vm_space *space, uint64_t start, uint64_t end, enum vm_level down_to)
{
	uint64_t step = pagetable_span(VM_PMD) << (down_to == VM_PTE ? 0 : 9);
	int error = own_existing(space, start, VM_PTE);

	if (error == 0)
		error = own_existing(space, end - 1, VM_PTE);
	for (uint64_t va = start; error == 0 && (va = pagetable_next(space, va, end)) < end;
	     va = (va & -step) + step)
		error = own_existing(space, va, down_to);
	return error;
}

/* --- Changing entries ------------------------------------------------------------------------- */

void pagetable_count_locked(struct vm_space *space, uint64_t entry, int sign)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t pfn = pte_pfn(entry);

	if (pte_is_swap(entry))
		space->swap += (uint64_t)sign;
	else if (frame_is_ram(machine, pfn))
		space->rss[frame_kind(&machine->frames[pfn])] += (uint64_t)sign;
	if (sign > 0)
		space->rss_peak =
		    MAX(space->rss_peak, space->rss[0] + space->rss[1] + space->rss[2]);
}

void pagetable_release_locked(struct vm_machine *machine, uint64_t entry)
{
	uint64_t pfn = pte_pfn(entry);

	if (pte_is_swap(entry))
		swap_put_locked(machine, pte_slot(entry));
	else if (frame_is_ram(machine, pfn))
		frame_put_locked(machine, (vm_pfn)pfn);
}

void pagetable_set_locked(struct vm_space *space, vm_entry_id id, uint64_t pfn, uint64_t flags)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t *entry = pagetable_entry(machine, id);

	pagetable_clear_locked(space, id);
	*entry = pte_make(pfn, flags);
	pagetable_at(machine, id)->used++;
	rmap_link_locked(machine, id, *entry);
	pagetable_count_locked(space, *entry, 1);
}

void pagetable_clear_locked(struct vm_space *space, vm_entry_id id)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t *entry = pagetable_entry(machine, id), old = *entry;

	if (old == 0)
		return;
	*entry = 0;
	pagetable_at(machine, id)->used--;
	tlb_flush_page_locked(space, pagetable_entry_va(machine, id));
	rmap_unlink_locked(machine, id, old);
	pagetable_count_locked(space, old, -1);
	pagetable_release_locked(machine, old);
}
