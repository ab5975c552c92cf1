#include "vm/memory/walk.h"
#include "vm/memory/frame.h"
#include "vm/memory/pte.h"
#include "vm/memory/tlb.h"

/* Whether a user may make ACCESS. RIGHTS: as in struct vm_path, of all entries of the walk. */
static bool rights_allow(uint64_t rights, enum vm_access access)
{
	static const uint64_t needed[] = {
	    [VM_ACCESS_READ] = PTE_P | PTE_US,
	    [VM_ACCESS_WRITE] = PTE_P | PTE_US | PTE_RW,
	    [VM_ACCESS_EXEC] = PTE_P | PTE_US | PTE_NX,
	};

	return (needed[access] & ~rights) == 0;
}

bool pagetable_walk_upper_locked(struct vm_space *space, uint64_t va)
{
	const struct vm_machine *machine = space->process->machine;
	struct vm_path way = {.block = va >> UPPER_SHIFT,
	                      .change = machine->paths,
	                      .rights = ~UINT64_C(0),
	                      .table = space->pgd};

	if (!pagetable_step_locked(machine, &way, va, VM_PGD) ||
	    !pagetable_step_locked(machine, &way, va, VM_PUD))
		return false;
	*pagetable_upper_locked(space, va) = way;
	return true;
}

/* Set the accessed bits of the entries on the path to VA, which SPACE remembers. */
static void touch_path_locked(struct vm_space *space, uint64_t va)
{
	vm_entry_id ids[4];

	pagetable_walk_locked(space, va, ids);
	for (int i = 0; i < 3; i++)
		pte_touch_locked(space->process->machine, ids[i], false);
	space->path.rights |= PTE_A;
	struct vm_path *upper = pagetable_upper_locked(space, va);
	/* Since this path was walked, another one may have taken its place. */
	if (upper->block == va >> UPPER_SHIFT)
		upper->rights |= PTE_A;
}

/*
 * Walk the tables for ACCESS to VA, which the look TLB did not find. Returns the physical page
 * number, with the accessed and dirty bits set and the TLB filled. VM_NO_FRAME: the access faults,
 * and nothing has changed.
 */
static uint64_t walk_for_access_locked(struct vm_space *space, uint64_t va, enum vm_access access,
                                       const struct tlb_look *tlb)
{
	struct vm_machine *machine = space->process->machine;

	if (!pagetable_path_is_known_locked(space, va) &&
	    !pagetable_path_locked(space, va, &space->path))
		return VM_NO_FRAME;
	vm_entry_id id = pagetable_id(space->path.table, pagetable_index(va, VM_PTE));
	uint64_t entry = pte_get(machine, id);
	uint64_t rights = space->path.rights & (entry ^ PTE_NX);
	if (!rights_allow(rights, access))
		return VM_NO_FRAME;
	/* Only now is it known that the access succeeds: set the bits. */
	if (!(space->path.rights & PTE_A))
		touch_path_locked(space, va);
	uint64_t leaf = pte_touch_locked(machine, id, access == VM_ACCESS_WRITE);
	tlb_fill_locked(tlb, va, leaf, rights & PTE_RW);
	return pte_pfn(leaf);
}

uint64_t pagetable_access_locked(struct vm_space *space, uint64_t va, enum vm_access access,
                                 bool *tlb)
{
	struct vm_machine *machine = space->process->machine;
	struct tlb_look look;

	if (va >= VM_USER_END)
		return VM_NO_FRAME;
	uint64_t pfn = tlb_lookup_locked(space, va, access, &look);
	*tlb = pfn != VM_NO_FRAME;
	if (!*tlb)
		pfn = walk_for_access_locked(space, va, access, &look);
	if (pfn != VM_NO_FRAME && frame_is_ram(machine, pfn))
		frame_used_locked(machine, (vm_pfn)pfn);
	return pfn;
}

int pagetable_walk_locked(const struct vm_space *space, uint64_t va, vm_entry_id ids[4])
{
	const struct vm_machine *machine = space->process->machine;
	uint32_t table = space->pgd;

	for (int i = 0;; i++) {
		ids[i] = pagetable_id(table, pagetable_index(va, (enum vm_level)(VM_PGD - i)));
		uint64_t entry = pte_get(machine, ids[i]);
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

uint64_t pagetable_next_locked(const struct vm_space *space, uint64_t va, uint64_t end,
                               vm_entry_id *id, enum vm_level *level)
{
	while (va < end) {
		vm_entry_id ids[4];
		int read = pagetable_walk_locked(space, va, ids);
		*id = ids[read - 1];
		*level = (enum vm_level)(VM_PGD - read + 1);
		if (*level == VM_PTE || (pte_get(space->process->machine, *id) & PTE_PS))
			return va;
		va = pagetable_stop(va, end, *level);
	}
	return end;
}
