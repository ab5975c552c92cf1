/*
 * check.c - check every invariant of a machine. Tests do this after every step.
 *
 * Everything that is stored twice is counted afresh and compared. This file compares entries with
 * reverse maps, tables with their users, frames and slots with their lists. check_space.c checks
 * what a process has, check_object.c what processes share.
 */
#include "vm/look/check.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/base/pool.h"
#include "vm/cache/object.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable_range.h"
#include "vm/memory/rmap.h"
#include "vm/memory/swap.h"

/* --- Pools ------------------------------------------------------------------------------------ */

/* Whether the memory of THING can be what was given back: the whole pages of it are zeros. */
static bool is_cleared(const struct vm_pool *pool, uint32_t thing)
{
	const struct vm_pool_part *part = &pool->part[0];
	const uint64_t *words = (const uint64_t *)((char *)part->memory + thing * part->size);
	bool cleared = true;

	for (size_t i = 0; part->size == VM_PAGE_SIZE && i < VM_PAGE_SIZE / sizeof *words; i++)
		cleared &= words[i] == 0;
	return cleared;
}

/* Check the stack of POOL, whose things are WHAT ("frames"). */
static void check_pool(struct check *check, const char *what, const struct vm_pool *pool)
{
	uint32_t length = 0, above = 0, lowest = 0;

	for (uint32_t next = pool->top; next != 0 && length <= pool->count;
	     above = next, next = pool->links[next - 1].below, length++) {
		if (next > pool->used || pool->links[next - 1].above != above) {
			check_complain(check, "%s: the list of free %s at %u", what, what,
			               next - 1);
			return;
		}
		/* The last of them that has memory. */
		if (length < pool->count - pool->given)
			lowest = next;
		else if (!is_cleared(pool, next - 1))
			check_complain(check, "%s: %u was given back, and is not empty", what,
			               next - 1);
	}
	check_compare(check, what, pool->count, length);
	if (pool->given > pool->count || pool->first != lowest || pool->least > pool->count)
		check_complain(check, "%s: what was given back", what);
}

/* --- Tables ----------------------------------------------------------------------------------- */

/* Count the entries of TABLE, and for each what it points to. */
static void count_entries(struct check *check, uint32_t table)
{
	struct vm_machine *machine = check->machine;
	bool leaf = machine->tables[table].level == VM_PTE;
	unsigned used = 0;

	for (unsigned i = 0; i < VM_TABLE_ENTRIES; i++) {
		uint64_t entry = pte_get(machine, pagetable_id(table, i)), pfn = pte_pfn(entry);
		bool kernel = machine->tables[table].level == VM_PGD && i >= VM_TABLE_ENTRIES / 2;
		if (entry == 0 || kernel)
			continue;
		used++;
		if (leaf && pte_is_swap(entry))
			check->held[pte_slot(entry)]++;
		else if (leaf && frame_is_ram(machine, pfn))
			check->mapped[pfn]++;
		else if (!leaf)
			check->users[pte_table(machine, entry)]++;
	}
	if (used != machine->tables[table].used)
		check_complain(check, "table %u has %u entries in use, not %u", table, used,
		               machine->tables[table].used);
}

/*
 * Find which tables are in use, by number: those that are not free and not a page of the kernel's
 * own. Free with g_free.
 */
static bool *find_live_tables(struct check *check)
{
	const struct vm_machine *machine = check->machine;
	bool *live = g_new(bool, machine->table_pool.used);

	for (uint32_t t = 0; t < machine->table_pool.used; t++)
		live[t] = machine->tables[t].level != VM_TABLE_SPECIAL && t != machine->kernel_pud;
	const struct vm_pool *pool = &machine->table_pool;
	for (uint32_t next = pool->top; next != 0; next = pool->links[next - 1].below) {
		if (next > pool->used || !live[next - 1]) {
			check_complain(check, "table %u in the list of free tables", next - 1);
			break;
		}
		live[next - 1] = false;
	}
	check_pool(check, "tables", pool);
	return live;
}

/*
 * Count the chain from entry HEAD. All its members must point to PFN, a physical page; or, if SWAP,
 * hold the slot PFN.
 */
static uint32_t chain_length(struct check *check, vm_entry_id head, uint64_t pfn, bool swap)
{
	uint32_t length = 0;

	for (vm_entry_id id = head, prev = 0; id != 0;
	     prev = id, id = check->machine->links[id].next, length++)
		if (check->machine->links[id].prev != prev ||
		    pte_pfn(pte_get(check->machine, id)) != pfn ||
		    pte_is_swap(pte_get(check->machine, id)) != swap)
			check_complain(check, "reverse map of %s %#lx",
			               swap ? "slot" : "physical page", pfn);
	return length;
}

static void check_table_users(struct check *check, uint32_t number)
{
	const struct vm_table *table = &check->machine->tables[number];
	uint32_t length =
	    chain_length(check, table->rmap, check->machine->nr_frames + number, false);

	if (table->users != check->users[number] || table->users != length)
		check_complain(check, "table %u: %u users, counted %u, chain %u", number,
		               table->users, check->users[number], length);
	struct vm_table found = *table;
	if (table->only_at == check->machine->sharing &&
	    rmap_find_only_space_locked(check->machine, &found) != table->only)
		check_complain(check, "table %u: its only space is another", number);
}

static void check_tables(struct check *check)
{
	const struct vm_machine *machine = check->machine;
	bool *live = find_live_tables(check);
	uint32_t count = 1; /* the kernel's */

	for (uint32_t t = 1; t < machine->table_pool.used; t++)
		if (live[t])
			count_entries(check, t);
	for (uint32_t t = 1; t < machine->table_pool.used; t++) {
		count += live[t];
		if (live[t])
			check_table_users(check, t);
		else if (check->users[t] > 0)
			check_complain(check, "table %u is pointed to, but not in use", t);
	}
	check_compare(check, "tables", machine->table_count, count);
	g_free(live);
}

/* --- Frames ----------------------------------------------------------------------------------- */

/* Whether the bytes of PFN are all zeros. */
static bool is_zero(const struct vm_machine *machine, vm_pfn pfn)
{
	const uint64_t *word = machine_page(machine, pfn);

	for (size_t i = 0; i < VM_PAGE_SIZE / sizeof *word; i++)
		if (word[i] != 0)
			return false;
	return true;
}

static void check_frame(struct check *check, vm_pfn pfn)
{
	const struct vm_machine *machine = check->machine;
	const struct vm_frame *frame = &machine->frames[pfn];
	uint32_t length = chain_length(check, frame->rmap, pfn, false);

	if (frame->mapped != check->mapped[pfn] || frame->mapped != length)
		check_complain(check, "frame %u: mapped %u, counted %u, chain %u", pfn,
		               frame->mapped, check->mapped[pfn], length);
	if (frame->object != NULL && object_lookup_locked(frame->object, frame->index) != pfn)
		check_complain(check, "frame %u is not in the page cache", pfn);
	if ((frame->flags & FRAME_SWAPCACHE) && (frame->index >= machine->swap.touched ||
	                                         machine->swap.slots[frame->index].frame != pfn))
		check_complain(check, "frame %u is not in its slot", pfn);
	if (machine->twins[pfn] != NULL && frame->object == NULL)
		check_complain(check, "frame %u has a twin, but no page of a file", pfn);
	if (!machine->config.no_contents && frame_is_blank(machine, pfn) && !is_zero(machine, pfn))
		check_complain(check, "frame %u was cleared, but is not zero", pfn);
}

static void check_frames(struct check *check)
{
	const struct vm_machine *machine = check->machine;
	uint64_t in_use = 0, pages = 0, kinds[3] = {0}, cached_mapped = 0, swap_cached = 0;

	for (vm_pfn pfn = 0; pfn < machine->frame_pool.used; pfn++) {
		const struct vm_frame *frame = &machine->frames[pfn];
		check_frame(check, pfn);
		if (!frame_in_use(&machine->frames[pfn]))
			continue;
		in_use++;
		/* A transfer may still use a frame whose page is gone. */
		pages += frame_has_identity(frame);
		kinds[frame_kind(frame)]++;
		cached_mapped += frame->object != NULL && frame->mapped > 0;
		swap_cached += !!(frame->flags & FRAME_SWAPCACHE);
	}
	check_compare(check, "frames in the policy's list", machine->listed, pages);
	check_compare(check, "frames free", pool_free(&machine->frame_pool),
	              machine_ram_pages(machine) - in_use);
	check_compare(check, "anonymous frames", machine->count.frames[VM_FRAME_ANON],
	              kinds[VM_FRAME_ANON]);
	check_compare(check, "file frames", machine->count.frames[VM_FRAME_FILE],
	              kinds[VM_FRAME_FILE]);
	check_compare(check, "shared anonymous frames", machine->count.frames[VM_FRAME_SHMEM],
	              kinds[VM_FRAME_SHMEM]);
	check_compare(check, "mapped cache pages", machine->count.mapped, cached_mapped);
	check_compare(check, "frames in the swap cache", machine->count.swap_cached, swap_cached);
}

/* Each free frame is in the stack of free frames, or was never used. */
static void check_free_frames(struct check *check)
{
	const struct vm_machine *machine = check->machine;
	const struct vm_pool *pool = &machine->frame_pool;

	check_pool(check, "frames", pool);
	for (uint32_t next = pool->top; next != 0 && check->wrong == NULL;
	     next = pool->links[next - 1].below)
		if (frame_in_use(&machine->frames[next - 1]))
			check_complain(check, "frame %u in the list of free frames", next - 1);
}

static void check_twins(struct check *check)
{
	const struct vm_machine *machine = check->machine;
	const struct vm_pool *pool = &machine->twin_pool;
	uint64_t twins = 0;

	for (vm_pfn pfn = 0; pfn < machine->frame_pool.used; pfn++)
		twins += machine->twins[pfn] != NULL;
	check_pool(check, "twins", pool);
	check_compare(check, "twins free", pool_free(pool), machine->nr_frames - twins);
}

static void check_policy_list(struct check *check)
{
	const struct vm_machine *machine = check->machine;
	vm_pfn prev = VM_PFN_NONE;
	uint64_t length = 0;

	for (vm_pfn pfn = machine->oldest; pfn != VM_PFN_NONE;
	     prev = pfn, pfn = machine->order[pfn].newer) {
		if (machine->order[pfn].older != prev ||
		    !frame_has_identity(&machine->frames[pfn])) {
			check_complain(check, "frame %u in the policy's list", pfn);
			return;
		}
		length++;
	}
	if (machine->newest != prev)
		check_complain(check, "the policy's list ends at frame %u", prev);
	check_compare(check, "frames in the policy's list", machine->listed, length);
	const char *wrong = check->wrong == NULL && machine->policy->check != NULL
	                        ? machine->policy->check(machine)
	                        : NULL;
	if (wrong != NULL)
		check_complain(check, "policy %s: %s", machine->policy->name, wrong);
}

/* --- Slots ------------------------------------------------------------------------------------ */

static bool slot_in_use(const struct vm_slot *slot)
{
	return slot->mapped > 0 || slot->object != NULL || slot->pins > 0;
}

static void check_slot(struct check *check, uint32_t number)
{
	const struct vm_slot *slot = &check->machine->swap.slots[number];
	const struct vm_frame *frame =
	    slot->frame != VM_PFN_NONE ? &check->machine->frames[slot->frame] : NULL;
	uint32_t length = chain_length(check, slot->rmap, number, true);

	if (slot->mapped != check->held[number] || slot->mapped != length)
		check_complain(check, "slot %u: held %u, counted %u, chain %u", number,
		               slot->mapped, check->held[number], length);
	if (slot_in_use(slot) && frame != NULL &&
	    (frame->index != number || !(frame->flags & FRAME_SWAPCACHE)))
		check_complain(check, "slot %u and its frame", number);
}

static void check_free_slots(struct check *check)
{
	const struct vm_swap *swap = &check->machine->swap;
	uint32_t length = 0;

	for (uint32_t next = swap->free_list; next != 0 && length <= swap->touched; length++) {
		if (next > swap->touched || slot_in_use(&swap->slots[next - 1])) {
			check_complain(check, "slot %u in the list of free slots", next - 1);
			return;
		}
		next = swap->slots[next - 1].next;
	}
	check_compare(check, "slots used", swap->used, swap->touched - 1 - length);
}

static void check_slots(struct check *check)
{
	const struct vm_swap *swap = &check->machine->swap;
	uint32_t used = 0;

	for (uint32_t i = 0; i < swap->touched; i++) {
		check_slot(check, i);
		used += slot_in_use(&swap->slots[i]);
	}
	check_compare(check, "slots used", swap->used, used);
	check_free_slots(check);
}

/* --- All of it -------------------------------------------------------------------------------- */

/* Check every process, in the order of pids. Returns how many there are. */
static uint64_t check_processes(struct check *check)
{
	struct treap_link *link = treap_above(check->machine->processes, 0);
	uint64_t count = 0;

	for (; link != NULL; link = treap_above(check->machine->processes, link->key), count++)
		check_process(check, (pid_t)link->key, LIST_ENTRY(link, struct vm_process, table));
	return count;
}

static void check_machine(struct check *check)
{
	const struct vm_machine *machine = check->machine;

	check_tables(check);
	check_frames(check);
	check_free_frames(check);
	check_policy_list(check);
	check_slots(check);
	check_compare(check, "processes", machine->process_count, check_processes(check));
	check_objects(check);
	check_twins(check);
	check_users(check);
}

char *vm_machine_check(struct vm_machine *machine)
{
	struct check check = {.machine = machine};

	machine_lock(machine);
	check.mapped = g_new0(uint32_t, machine->frame_pool.used + 1);
	check.held = g_new0(uint32_t, machine->swap.touched + 1);
	check.users = g_new0(uint32_t, machine->table_pool.used);
	check.areas = g_hash_table_new(NULL, NULL);
	check.files = g_hash_table_new(NULL, NULL);
	check.programs = g_hash_table_new(NULL, NULL);
	check.charges = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	check_machine(&check);
	machine_unlock(machine);
	g_hash_table_unref(check.areas);
	g_hash_table_unref(check.files);
	g_hash_table_unref(check.programs);
	g_hash_table_unref(check.charges);
	g_free(check.mapped);
	g_free(check.held);
	g_free(check.users);
	return check.wrong;
}

/* --- Dropping what can be derived again ------------------------------------------------------- */

void vm_machine_drop_entries(struct vm_machine *machine)
{
	machine_lock(machine);
	for (vm_pfn pfn = 0; pfn < machine->frame_pool.used; pfn++) {
		const struct vm_frame *frame = &machine->frames[pfn];
		if (frame->object != NULL && !frame->object->shmem &&
		    !(frame->flags & (FRAME_DIRTY | FRAME_BUSY)))
			pagetable_evict_frame_locked(machine, pfn);
	}
	machine_unlock(machine);
}
