#include "vm/pagetable.h"
#include "vm/frame.h"
#include "vm/machine.h"
#include "vm/rmap.h"

#include <errno.h>
#include <string.h>

/* Entries that point to tables grant everything; the leaf decides. Linux's _PAGE_TABLE. */
#define PTE_TABLE (PTE_P | PTE_RW | PTE_US)

/* --- Table pages ---------------------------------------------------------------------------------- */

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
	machine->tables[number] =
	    (struct vm_table){.level = (uint8_t)level, .va = va & -(VM_TABLE_ENTRIES * pagetable_span(level))};
	return number;
}

static void table_free_locked(struct vm_machine *machine, uint32_t number)
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

static struct vm_table *table_at(const struct vm_machine *machine, vm_entry_id id)
{
	return &machine->tables[pagetable_of(id)];
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
		    pte_make(i * span >> VM_PAGE_SHIFT, PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PS | PTE_G | PTE_NX);
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

/* --- Walking -------------------------------------------------------------------------------------- */

static bool rights_allow(uint64_t rights, uint64_t nx, enum vm_access access)
{
	uint64_t needed = PTE_P | PTE_US | (access == VM_ACCESS_WRITE ? PTE_RW : 0);

	return (rights & needed) == needed && !(access == VM_ACCESS_EXEC && (nx & PTE_NX));
}

vm_entry_id pagetable_access_locked(const struct vm_space *space, uint64_t va, enum vm_access access)
{
	const struct vm_machine *machine = space->process->machine;
	uint64_t rights = ~UINT64_C(0), nx = 0;
	vm_entry_id ids[4];
	uint32_t table = space->pgd;

	for (int level = VM_PGD; level >= VM_PTE; level--) {
		ids[level] = pagetable_id(table, pagetable_index(va, (enum vm_level)level));
		uint64_t entry = *pagetable_entry(machine, ids[level]);
		if (!(entry & PTE_P) || !(entry & PTE_US))
			return 0;
		rights &= entry;
		nx |= entry;
		table = pte_table(machine, entry);
	}
	if (va >= VM_USER_END || !rights_allow(rights, nx, access))
		return 0;
	for (int level = VM_PGD; level >= VM_PTE; level--)
		*pagetable_entry(machine, ids[level]) |= PTE_A;
	if (access == VM_ACCESS_WRITE)
		*pagetable_entry(machine, ids[VM_PTE]) |= PTE_D;
	return ids[VM_PTE];
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

/* The entry for VA in the table of level LEVEL that SPACE reaches, or 0 if there is none. */
static vm_entry_id entry_at_locked(const struct vm_space *space, uint64_t va, enum vm_level level)
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

/* --- Sharing and owning --------------------------------------------------------------------------- */

/* Point entry ID, in a table of one user, to table CHILD. */
static void attach_locked(struct vm_machine *machine, vm_entry_id id, uint32_t child, uint64_t flags)
{
	uint64_t *entry = pagetable_entry(machine, id);
	uint64_t pfn = machine->nr_frames + child;

	if (*entry == 0)
		table_at(machine, id)->used++;
	*entry = pte_make(pfn, flags);
	rmap_link_locked(machine, id, pfn);
}

/*
 * What a second table that maps the same must not write through: shared tables, and private pages, which both sides now
 * copy on write. A page of the cache keeps its right; a shared mapping of it stays shared.
 */
static uint64_t without_private_write(const struct vm_machine *machine, uint64_t entry, enum vm_level level)
{
	uint64_t pfn = pte_pfn(entry);

	if (level == VM_PTE && (!frame_is_ram(machine, pfn) || machine->frames[pfn].object != NULL))
		return entry;
	return entry & ~PTE_RW;
}

/* A copy of table OLD, which keeps its other users. What it points to is shared by both then. 0: no table page left. */
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
		rmap_link_locked(machine, pagetable_id(copy, i), pte_pfn(*from));
	}
	machine->tables[copy].used = machine->tables[old].used;
	return copy;
}

/* Make the table behind entry ID, which may be missing, the own one of ID's table. */
static int own_child_locked(struct vm_space *space, vm_entry_id id, uint64_t va, bool create, unsigned *copied)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t entry = *pagetable_entry(machine, id);
	enum vm_level level = (enum vm_level)table_at(machine, id)->level;
	uint32_t child;

	if (entry == 0) {
		if (!create)
			return 0;
		child = table_alloc_locked(machine, (enum vm_level)(level - 1), va);
		if (child == 0)
			return -ENOMEM;
		attach_locked(machine, id, child, PTE_TABLE);
		space->tables++;
		return 0;
	}
	child = pte_table(machine, entry);
	if (machine->tables[child].users > 1) {
		uint32_t copy = table_copy_locked(machine, child);
		if (copy == 0)
			return -ENOMEM;
		rmap_unlink_locked(machine, id, pte_pfn(entry));
		attach_locked(machine, id, copy, PTE_TABLE | (entry & PTE_A));
		if (copied != NULL)
			++*copied;
	} else {
		*pagetable_entry(machine, id) |= PTE_RW;
	}
	return 0;
}

int pagetable_own_locked(struct vm_space *space, uint64_t va, enum vm_level down_to, bool create, vm_entry_id *id,
                         unsigned *copied)
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

static uint64_t next_table(struct vm_space *space, uint64_t va, uint64_t end)
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
	for (uint64_t va = start; error == 0 && (va = next_table(space, va, end)) < end; va = (va & -step) + step)
		error = own_existing(space, va, down_to);
	return error;
}

/* --- Changing entries ----------------------------------------------------------------------------- */

/* A frame came into (SIGN 1) or left (-1) SPACE. */
static void count_frame_locked(struct vm_space *space, uint64_t pfn, int sign)
{
	struct vm_machine *machine = space->process->machine;

	if (!frame_is_ram(machine, pfn))
		return;
	space->rss[frame_kind(&machine->frames[pfn])] += (uint64_t)sign;
	if (sign > 0)
		space->rss_peak = MAX(space->rss_peak, space->rss[0] + space->rss[1] + space->rss[2]);
}

void pagetable_set_locked(struct vm_space *space, vm_entry_id id, uint64_t pfn, uint64_t flags)
{
	struct vm_machine *machine = space->process->machine;

	pagetable_clear_locked(space, id);
	*pagetable_entry(machine, id) = pte_make(pfn, flags);
	table_at(machine, id)->used++;
	rmap_link_locked(machine, id, pfn);
	count_frame_locked(space, pfn, 1);
}

void pagetable_clear_locked(struct vm_space *space, vm_entry_id id)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t *entry = pagetable_entry(machine, id), pfn = pte_pfn(*entry);

	if (*entry == 0)
		return;
	*entry = 0;
	table_at(machine, id)->used--;
	rmap_unlink_locked(machine, id, pfn);
	count_frame_locked(space, pfn, -1);
	if (frame_is_ram(machine, pfn))
		frame_put_locked(machine, (vm_pfn)pfn);
}

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
		rmap_unlink_locked(machine, parent, machine->nr_frames + table);
		*pagetable_entry(machine, parent) = 0;
		table_at(machine, parent)->used--;
		table_free_locked(machine, table);
		space->tables--;
	}
}

/* SPACE leaves the last-level table behind ID (a PMD entry of its own), which others go on using. */
static void leave_shared_locked(struct vm_space *space, vm_entry_id id)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t *entry = pagetable_entry(machine, id);
	uint32_t table = pte_table(machine, *entry);

	for (unsigned i = 0; i < VM_TABLE_ENTRIES; i++) {
		uint64_t leaf = *pagetable_entry(machine, pagetable_id(table, i));
		if (leaf & PTE_P)
			count_frame_locked(space, pte_pfn(leaf), -1);
	}
	rmap_unlink_locked(machine, id, pte_pfn(*entry));
	*entry = 0;
	table_at(machine, id)->used--;
	space->tables--;
}

/* Empty [START, END), which one last-level table serves. */
static void clear_table_locked(struct vm_space *space, uint64_t start, uint64_t end)
{
	struct vm_machine *machine = space->process->machine;
	vm_entry_id pmd = entry_at_locked(space, start, VM_PMD);
	uint32_t table = pte_table(machine, *pagetable_entry(machine, pmd));

	if (machine->tables[table].users > 1)
		leave_shared_locked(space, pmd);
	else
		for (uint64_t va = start; va < end; va += VM_PAGE_SIZE)
			pagetable_clear_locked(space, pagetable_id(table, pagetable_index(va, VM_PTE)));
	pagetable_trim_locked(space, start);
}

void pagetable_clear_range(struct vm_space *space, uint64_t start, uint64_t end)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t span = pagetable_span(VM_PMD);

	machine_lock(machine);
	for (uint64_t va = start; (va = pagetable_next_locked(space, va, end)) < end;) {
		uint64_t stop = MIN((va & -span) + span, end);
		clear_table_locked(space, va, stop);
		va = stop;
		machine_unlock(machine);
		machine_lock(machine);
	}
	machine_unlock(machine);
}

/* --- Moving ---------------------------------------------------------------------------------------- */

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
	for (uint64_t va = start; (va = pagetable_next_locked(space, va, end)) < end; va = (va & -span) + span)
		pagetable_trim_locked(space, va);
	machine_unlock(machine);
}

int pagetable_prepare_move(struct vm_space *space, uint64_t from, uint64_t to, uint64_t len)
{
	uint64_t span = pagetable_span(VM_PMD), end = from + len;
	int error = pagetable_own_range(space, from, end, VM_PTE);

	for (uint64_t va = from; error == 0 && (va = next_table(space, va, end)) < end; va = (va & -span) + span) {
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
	vm_entry_id source = entry_at_locked(space, from, VM_PTE), target = entry_at_locked(space, to, VM_PTE);
	uint64_t entry = *pagetable_entry(machine, source);

	if (entry == 0)
		return;
	*pagetable_entry(machine, source) = 0;
	table_at(machine, source)->used--;
	rmap_unlink_locked(machine, source, pte_pfn(entry));
	*pagetable_entry(machine, target) = entry;
	table_at(machine, target)->used++;
	rmap_link_locked(machine, target, pte_pfn(entry));
}

void pagetable_move_range(struct vm_space *space, uint64_t from, uint64_t to, uint64_t len)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t span = pagetable_span(VM_PMD), end = from + len;

	for (uint64_t va = from; (va = next_table(space, va, end)) < end;) {
		uint64_t stop = MIN((va & -span) + span, end);
		machine_lock(machine);
		for (; va < stop; va += VM_PAGE_SIZE)
			move_entry_locked(space, va, va - from + to);
		machine_unlock(machine);
	}
	trim_range(space, to, to + len);
}

/* --- For all users at once ------------------------------------------------------------------------- */

static void forget_frame(void *ctx, struct vm_space *space)
{
	const uint64_t *pfn = ctx;

	count_frame_locked(space, *pfn, -1);
}

void pagetable_evict_locked(struct vm_machine *machine, vm_entry_id id)
{
	uint64_t *entry = pagetable_entry(machine, id);
	uint64_t pfn = pte_pfn(*entry);

	if (*entry == 0)
		return;
	*entry = 0;
	table_at(machine, id)->used--;
	rmap_table_spaces_locked(machine, pagetable_of(id), forget_frame, &pfn);
	rmap_unlink_locked(machine, id, pfn);
	if (frame_is_ram(machine, pfn))
		frame_put_locked(machine, (vm_pfn)pfn);
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
		vm_entry_id id = entry_at_locked(space, va, VM_PTE);
		uint64_t stop = MIN((va & -span) + span, end);
		for (; va < stop; va += VM_PAGE_SIZE)
			pagetable_evict_locked(machine, id++);
	}
}

/* --- Fork ------------------------------------------------------------------------------------------ */

void pagetable_share_locked(struct vm_space *parent, struct vm_space *child)
{
	struct vm_machine *machine = parent->process->machine;

	for (unsigned i = 0; i < VM_TABLE_ENTRIES / 2; i++) {
		uint64_t *entry = pagetable_entry(machine, pagetable_id(parent->pgd, i));
		if (*entry == 0)
			continue;
		*entry &= ~PTE_RW;
		attach_locked(machine, pagetable_id(child->pgd, i), pte_table(machine, *entry), *entry & ~PTE_PFN_MASK);
	}
	memcpy(child->rss, parent->rss, sizeof child->rss);
	child->rss_peak = child->rss[0] + child->rss[1] + child->rss[2];
	child->tables = parent->tables;
}

/* --- The end --------------------------------------------------------------------------------------- */

/* Drop the use of the table behind ID; the last user takes what it points to with it. */
static void drop_locked(struct vm_machine *machine, vm_entry_id id)
{
	uint64_t *entry = pagetable_entry(machine, id);
	uint64_t pfn = pte_pfn(*entry);
	bool leaf = table_at(machine, id)->level == VM_PTE;

	if (*entry == 0)
		return;
	*entry = 0;
	rmap_unlink_locked(machine, id, pfn);
	if (leaf) {
		if (frame_is_ram(machine, pfn))
			frame_put_locked(machine, (vm_pfn)pfn);
		return;
	}
	uint32_t table = (uint32_t)(pfn - machine->nr_frames);
	if (machine->tables[table].users > 0)
		return;
	for (unsigned i = 0; i < VM_TABLE_ENTRIES; i++)
		drop_locked(machine, pagetable_id(table, i));
	table_free_locked(machine, table);
	/* A breath for others: what is left of the tree hangs on tables that only we reach. */
	machine_unlock(machine);
	machine_lock(machine);
}

void pagetable_destroy(struct vm_space *space)
{
	struct vm_machine *machine = space->process->machine;

	machine_lock(machine);
	for (unsigned i = 0; i < VM_TABLE_ENTRIES / 2; i++)
		drop_locked(machine, pagetable_id(space->pgd, i));
	table_free_locked(machine, space->pgd);
	machine_unlock(machine);
}
