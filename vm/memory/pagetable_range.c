#include "vm/memory/pagetable_range.h"
#include "vm/memory/tlb.h"

/* --- Each entry ------------------------------------------------------------------------------- */

/*
 * Call FN for the entries of [*VA, STOP), which are all in the table of ID, the entry for *VA.
 * Moves *VA past the last entry that FN has seen. False: FN asked to stop.
 */
static bool each_of_table_locked(struct vm_space *space, vm_entry_id id, enum vm_level level,
                                 uint64_t *va, uint64_t stop, pagetable_leaf_fn fn, void *ctx)
{
	bool going = true;

	for (; going && *va < stop; id++) {
		uint64_t at = *va;
		*va = pagetable_stop(at, stop, level);
		going = fn(ctx, space, id, at, level);
	}
	return going;
}

/*
 * pagetable_each_leaf, with the machine lock held. MAY_YIELD: the lock is dropped and taken again
 * after each piece. It is held on return.
 */
static uint64_t each_leaf_locked(struct vm_space *space, uint64_t va, uint64_t end, bool may_yield,
                                 pagetable_leaf_fn fn, void *ctx)
{
	struct vm_machine *machine = space->process->machine;
	enum vm_level level;
	vm_entry_id id;

	while ((va = pagetable_next_locked(space, va, end, &id, &level)) < end) {
		uint64_t stop = pagetable_piece(va, end);
		if (!each_of_table_locked(space, id, level, &va, stop, fn, ctx))
			break;
		/* Entries and tables may change meanwhile. The next walk starts at the top. */
		if (may_yield) {
			machine_unlock(machine);
			machine_lock(machine);
		}
	}
	return va;
}

uint64_t pagetable_each_leaf(struct vm_space *space, uint64_t start, uint64_t end,
                             pagetable_leaf_fn fn, void *ctx)
{
	struct vm_machine *machine = space->process->machine;

	machine_lock(machine);
	uint64_t va = each_leaf_locked(space, start, end, true, fn, ctx);
	machine_unlock(machine);
	return va;
}

uint64_t pagetable_each_leaf_locked(struct vm_space *space, uint64_t start, uint64_t end,
                                    pagetable_leaf_fn fn, void *ctx)
{
	return each_leaf_locked(space, start, end, false, fn, ctx);
}

/* The lowest address in [VA, END) that has a last-level table, or END. */
static uint64_t next_table_locked(const struct vm_space *space, uint64_t va, uint64_t end)
{
	enum vm_level level;
	vm_entry_id id;

	return pagetable_next_locked(space, va, end, &id, &level);
}

/* The same. Takes the machine lock. */
static uint64_t next_table(struct vm_space *space, uint64_t va, uint64_t end)
{
	struct vm_machine *machine = space->process->machine;

	machine_lock(machine);
	va = next_table_locked(space, va, end);
	machine_unlock(machine);
	return va;
}

/* --- Owning ----------------------------------------------------------------------------------- */

/* Make the tables on the path to VA, as far as they exist, SPACE's own down to LEVEL. */
static int own_existing(struct vm_space *space, uint64_t va, enum vm_level level)
{
	struct vm_machine *machine = space->process->machine;
	vm_entry_id id;

	machine_lock(machine);
	int error = pagetable_own_locked(space, va, level, false, &id, NULL);
	machine_unlock(machine);
	return error;
}

int pagetable_own_range(struct vm_space *space, uint64_t start, uint64_t end, enum vm_level down_to)
{
	/* What one table of level DOWN_TO translates: 2 MiB or 1 GiB. */
	enum vm_level step = down_to == VM_PTE ? VM_PMD : VM_PUD;
	/* The tables at both ends, which also translate addresses outside the range. */
	int error = own_existing(space, start, VM_PTE);

	if (error == 0)
		error = own_existing(space, end - 1, VM_PTE);
	for (uint64_t va = start; error == 0 && (va = next_table(space, va, end)) < end;
	     va = pagetable_stop(va, end, step))
		error = own_existing(space, va, down_to);
	return error;
}

/* --- Clearing --------------------------------------------------------------------------------- */

/*
 * SPACE stops using the shared last-level table to which ID points. ID is a PMD entry in a table of
 * SPACE's own. The other users keep the table.
 */
static void leave_shared_locked(struct vm_space *space, vm_entry_id id)
{
	struct vm_machine *machine = space->process->machine;
	uint32_t table = pte_table(machine, pte_get(machine, id));

	pte_unpoint_locked(machine, id);
	space->tables--;
	for (unsigned i = 0; i < VM_TABLE_ENTRIES; i++) {
		uint64_t leaf = pte_get(machine, pagetable_id(table, i));
		if (leaf != 0)
			pte_forget_locked(space, pagetable_id(table, i), leaf);
	}
}

/*
 * Empty the entries of [START, END), which are all in one last-level table; without GUARDS_TOO,
 * keep guard markers. A shared table must lie wholly in the range of the call, and SPACE stops
 * using it. Without GUARDS_TOO the table must be SPACE's own.
 *
 * => The machine lock is held on entry and on return, but dropped now and then. The process lock
 *    keeps a table that is SPACE's own: it neither becomes shared nor goes.
 */
static void clear_table_locked(struct vm_space *space, uint64_t start, uint64_t end,
                               bool guards_too)
{
	struct vm_machine *machine = space->process->machine;
	vm_entry_id pmd = pagetable_entry_at_locked(space, start, VM_PMD);
	uint32_t table = pte_table(machine, pte_get(machine, pmd));

	if (machine->tables[table].users > 1) {
		leave_shared_locked(space, pmd);
	} else {
		uint64_t spent = 0;
		/*
		 * From the top down. So the free list returns the frames in the order of addresses,
		 * which uses the host's caches better.
		 */
		for (uint64_t va = end; va > start; va -= VM_PAGE_SIZE) {
			vm_entry_id id =
			    pagetable_id(table, pagetable_index(va - VM_PAGE_SIZE, VM_PTE));
			uint64_t entry = pte_get(machine, id);
			if (entry != 0 && (guards_too || !pte_is_guard(entry)))
				pte_set_locked(space, id, 0);
			machine_spend_locked(machine, &spent, entry != 0);
		}
	}
	pagetable_trim_locked(space, start);
}

static void clear_range(struct vm_space *space, uint64_t start, uint64_t end, bool guards_too)
{
	struct vm_machine *machine = space->process->machine;

	machine_lock(machine);
	for (uint64_t va = start; (va = next_table_locked(space, va, end)) < end;) {
		uint64_t stop = pagetable_stop(va, end, VM_PMD);
		clear_table_locked(space, va, stop, guards_too);
		va = stop;
		/* Reclaim may change entries meanwhile. The next table is looked up afresh. */
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

void pagetable_trim_range(struct vm_space *space, uint64_t start, uint64_t end)
{
	struct vm_machine *machine = space->process->machine;

	machine_lock(machine);
	for (uint64_t va = start; (va = next_table_locked(space, va, end)) < end;
	     va = pagetable_stop(va, end, VM_PMD)) {
		pagetable_trim_locked(space, va);
		/* Let other threads have the lock; nothing is kept from before. */
		machine_unlock(machine);
		machine_lock(machine);
	}
	machine_unlock(machine);
}

/* --- Moving ----------------------------------------------------------------------------------- */

/*
 * Make the tables for [TO, LAST], to where the contents of one source table move. They may be two,
 * if the distance is not a multiple of 2 MiB.
 */
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

int pagetable_prepare_move(struct vm_space *space, uint64_t from, uint64_t to, uint64_t len)
{
	uint64_t end = from + len;
	int error = pagetable_own_range(space, from, end, VM_PTE);

	for (uint64_t va = from; error == 0 && (va = next_table(space, va, end)) < end;
	     va = pagetable_stop(va, end, VM_PMD)) {
		uint64_t last = pagetable_stop(va, end, VM_PMD) - VM_PAGE_SIZE;
		error = make_target(space, va - from + to, last - from + to);
	}
	if (error != 0)
		pagetable_trim_range(space, to, to + len);
	return error;
}

/* Move the contents of entry ID to the entry whose address is higher by the distance at CTX. */
static bool move_leaf(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                      enum vm_level level)
{
	pte_move_locked(space, id,
	                pagetable_entry_at_locked(space, va + *(const uint64_t *)ctx, level));
	return true;
}

void pagetable_move_range(struct vm_space *space, uint64_t from, uint64_t to, uint64_t len)
{
	uint64_t distance = to - from;

	pagetable_each_leaf(space, from, from + len, move_leaf, &distance);
	pagetable_trim_range(space, to, to + len);
}

/* --- For all users at once -------------------------------------------------------------------- */

void pagetable_evict_frame_locked(struct vm_machine *machine, vm_pfn pfn)
{
	while (machine->frames[pfn].rmap != 0)
		pte_set_for_all_locked(machine, machine->frames[pfn].rmap, 0);
}

static bool evict_leaf(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                       enum vm_level level)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t entry = pte_get(machine, id);
	int *left = ctx;

	if (entry != 0 && !pte_is_guard(entry))
		pte_set_for_all_locked(machine, id, 0);
	return --*left > 0;
}

uint64_t pagetable_evict_some_locked(struct vm_space *space, uint64_t start, uint64_t end)
{
	int left = HOLD_STEPS;

	return pagetable_each_leaf_locked(space, start, end, evict_leaf, &left);
}
