#include "vm/memory/pte.h"
#include "vm/base/lock.h"
#include "vm/memory/frame.h"
#include "vm/memory/rmap.h"
#include "vm/memory/swap.h"
#include "vm/memory/tlb.h"

/* --- Storing and reporting -------------------------------------------------------------------- */

/*
 * Whether the change from OLD to NEW makes a copy of OLD in a TLB wrong: it translates to another
 * page, grants a right that NEW does not, or has an accessed, dirty or soft-dirty bit set that the
 * processor must set again.
 */
static bool takes(uint64_t old, uint64_t new)
{
	uint64_t lost = old & ~new &(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D);
	uint64_t gained = new & ~old &(PTE_NX | PTE_SOFT_CLEAN);

	return (old & PTE_P) && (lost | gained | ((old ^ new) & PTE_PFN_MASK)) != 0;
}

/*
 * Store NEW as entry ID and count its table's entries in use. If the change takes something from
 * the old entry, call the watcher and return true: the caller then flushes the simulated TLBs.
 */
static bool store_locked(struct vm_machine *machine, vm_entry_id id, uint64_t new)
{
	uint64_t *entry = &machine->table_mem[id], old = *entry;
	struct vm_table *table = pagetable_at(machine, id);
	bool taking = takes(old, new);

	*entry = new;
	/* The page may have lost the entry that kept it in memory (evictable.h). */
	machine->may_evict += (old & PTE_P) != 0;
	table->used = (uint16_t)(table->used + (new != 0) - (old != 0));
	machine->paths += table->level != VM_PTE;
	if (taking && machine->entry_watch != NULL)
		machine->entry_watch(machine->entry_watch_ctx, id);
	return taking;
}

void pte_watch(struct vm_machine *machine, vm_entry_watch_fn fn, void *ctx)
{
	machine_lock(machine);
	machine->entry_watch = fn;
	machine->entry_watch_ctx = ctx;
	machine_unlock(machine);
}

/* --- Counters and uses ------------------------------------------------------------------------ */

/* Count leaf ENTRY, which SPACE has gained (SIGN 1) or lost (-1), in the sizes of SPACE. */
static void count_locked(struct vm_space *space, uint64_t entry, int sign)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t pfn = pte_pfn(entry);

	if (pte_is_swap(entry))
		space->swap += (uint64_t)sign;
	else if (frame_is_ram(machine, pfn))
		space->rss[frame_kind(&machine->frames[pfn])] += (uint64_t)sign;
	else if (frame_is_vdso(machine, pfn))
		space->rss[VM_FRAME_FILE] += (uint64_t)sign;
	if (sign > 0)
		space->rss_peak =
		    MAX(space->rss_peak, space->rss[0] + space->rss[1] + space->rss[2]);
}

/* For rmap_table_spaces_locked; CTX points to the entry. */
static void uncount(void *ctx, struct vm_space *space)
{
	count_locked(space, *(const uint64_t *)ctx, -1);
}

/* The same, for an entry that was gained. */
static void count(void *ctx, struct vm_space *space)
{
	count_locked(space, *(const uint64_t *)ctx, 1);
}

/* One leaf less holds ENTRY. Free its frame or slot if that was the last use. */
static void release_locked(struct vm_machine *machine, uint64_t entry)
{
	uint64_t pfn = pte_pfn(entry);

	if (pte_is_swap(entry))
		swap_put_locked(machine, pte_slot(entry));
	else if (frame_is_ram(machine, pfn))
		frame_put_locked(machine, (vm_pfn)pfn);
}

/* --- Entries that map pages ------------------------------------------------------------------- */

void pte_set_locked(struct vm_space *space, vm_entry_id id, uint64_t new)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t old = pte_get(machine, id);

	if (store_locked(machine, id, new))
		tlb_flush_page_locked(space, pagetable_entry_va(machine, id));
	if (old != 0) {
		rmap_unlink_locked(machine, id, old);
		count_locked(space, old, -1);
	}
	if (new != 0) {
		rmap_link_locked(machine, id, new);
		count_locked(space, new, 1);
	}
	/*
	 * Last, because the old entry may hold the slot in whose cache the new frame is. The frame
	 * must not be without a use in between.
	 */
	if (old != 0)
		release_locked(machine, old);
}

void pte_set_for_all_locked(struct vm_machine *machine, vm_entry_id id, uint64_t new)
{
	struct vm_space *only = rmap_only_space_locked(machine, pagetable_of(id));
	uint64_t old = pte_get(machine, id);

	if (only != NULL) {
		pte_set_locked(only, id, new);
		return;
	}
	if (store_locked(machine, id, new))
		tlb_flush_entry_locked(machine, id);
	if (old != 0) {
		rmap_unlink_locked(machine, id, old);
		rmap_table_spaces_locked(machine, pagetable_of(id), uncount, &old);
	}
	if (new != 0) {
		rmap_link_locked(machine, id, new);
		rmap_table_spaces_locked(machine, pagetable_of(id), count, &new);
	}
	if (old != 0)
		release_locked(machine, old);
}

void pte_move_locked(struct vm_space *space, vm_entry_id from, vm_entry_id to)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t entry = pte_get(machine, from);

	if (entry == 0)
		return;
	if (store_locked(machine, from, 0))
		tlb_flush_page_locked(space, pagetable_entry_va(machine, from));
	/* The counters of SPACE and the use of the page stay the same. */
	rmap_unlink_locked(machine, from, entry);
	store_locked(machine, to, entry);
	rmap_link_locked(machine, to, entry);
}

void pte_forget_locked(struct vm_space *space, vm_entry_id id, uint64_t entry)
{
	tlb_flush_page_locked(space, pagetable_entry_va(space->process->machine, id));
	count_locked(space, entry, -1);
}

void pte_drop_locked(struct vm_machine *machine, vm_entry_id id)
{
	uint64_t old = pte_get(machine, id);

	if (old == 0)
		return;
	store_locked(machine, id, 0);
	rmap_unlink_locked(machine, id, old);
	release_locked(machine, old);
}

/* --- Bits ------------------------------------------------------------------------------------- */

void pte_change_locked(struct vm_machine *machine, vm_entry_id id, uint64_t set, uint64_t clear)
{
	if (store_locked(machine, id, (pte_get(machine, id) & ~clear) | set))
		tlb_flush_entry_locked(machine, id);
}

void pte_change_unflushed_locked(struct vm_machine *machine, vm_entry_id id, uint64_t set,
                                 uint64_t clear)
{
	store_locked(machine, id, (pte_get(machine, id) & ~clear) | set);
}

/* --- Entries that point to tables ------------------------------------------------------------- */

void pte_point_locked(struct vm_machine *machine, vm_entry_id id, uint32_t table, uint64_t flags)
{
	uint64_t old = pte_get(machine, id), new = pte_make(machine->nr_frames + table, flags);

	store_locked(machine, id, new);
	if (old != 0)
		rmap_unlink_locked(machine, id, old);
	rmap_link_locked(machine, id, new);
}

void pte_unpoint_locked(struct vm_machine *machine, vm_entry_id id)
{
	uint64_t old = pte_get(machine, id);

	store_locked(machine, id, 0);
	rmap_unlink_locked(machine, id, old);
}

/* --- Tables that nobody reaches yet ----------------------------------------------------------- */

void pte_init_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry)
{
	machine->table_mem[id] = entry;
}

void pte_init_copy_locked(struct vm_machine *machine, vm_entry_id id, uint64_t entry)
{
	machine->table_mem[id] = entry;
	pagetable_at(machine, id)->used++;
	rmap_link_locked(machine, id, entry);
}
