/*
 * check.c - is every invariant of a machine true? For tests, after every step.
 *
 * Everything that is kept twice is counted afresh here and compared: entries against reverse maps, tables against their
 * users, address spaces against their counters, entries against areas.
 */
#include "vm/area.h"
#include "vm/frame.h"
#include "vm/machine.h"
#include "vm/object.h"
#include "vm/pagetable.h"
#include "vm/rmap.h"
#include "vm/swap.h"
#include "vm/tlb.h"

struct check {
	struct vm_machine *machine;
	uint32_t *mapped; /* entries found, by frame */
	uint32_t *held;   /* entries found, by swap slot */
	uint32_t *users;  /* entries found, by table */
	char *wrong;      /* the first thing found, or NULL */
	/* the space that is being walked */
	const struct vm_space *space;
	uint64_t rss[3], swap, tables;
};

G_GNUC_PRINTF(2, 3) static void complain(struct check *check, const char *format, ...)
{
	va_list args;

	if (check->wrong != NULL)
		return;
	va_start(args, format);
	check->wrong = g_strdup_vprintf(format, args);
	va_end(args);
}

/* --- Entries against areas ------------------------------------------------------------------------- */

static void check_leaf(struct check *check, uint64_t va, uint64_t entry, bool writable)
{
	const struct vm_area *area = area_at(check->space, va);
	uint64_t pfn = pte_pfn(entry);
	bool ram = !pte_is_swap(entry) && frame_is_ram(check->machine, pfn);
	const struct vm_frame *frame = ram ? &check->machine->frames[pfn] : NULL;

	if (pte_is_swap(entry))
		check->swap++;
	else if (ram)
		check->rss[frame_kind(frame)]++;
	if (area == NULL) {
		complain(check, "entry for %#lx without an area", va);
		return;
	}
	if (pte_is_guard(entry)) {
		if (entry != pte_make_guard(check->machine))
			complain(check, "guard marker at %#lx", va);
		return;
	}
	if (!!(entry & PTE_US) != !!(area->flags & AREA_ACCESS) || !(entry & PTE_NX) != !!(area->flags & AREA_EXEC))
		complain(check, "rights of the entry for %#lx", va);
	if (writable && (!(area->flags & AREA_WRITE) || !ram))
		complain(check, "entry for %#lx is writable", va);
	if (ram && frame->object != NULL && (frame->object != area->object || frame->index != area_index(area, va)))
		complain(check, "page at %#lx is not its object's", va);
	if (writable && ram && frame->object == NULL && rmap_frame_users_locked(check->machine, (vm_pfn)pfn) > 1)
		complain(check, "private page at %#lx is writable and shared", va);
	if (writable && ram && frame->object != NULL && !frame->object->shmem && !(frame->flags & FRAME_DIRTY))
		complain(check, "clean file page at %#lx is writable", va);
}

/* --- The tree of tables ----------------------------------------------------------------------------- */

static void count_entries(struct check *check, uint32_t table)
{
	struct vm_machine *machine = check->machine;
	bool leaf = machine->tables[table].level == VM_PTE;
	unsigned used = 0;

	for (unsigned i = 0; i < VM_TABLE_ENTRIES; i++) {
		uint64_t entry = *pagetable_entry(machine, pagetable_id(table, i)), pfn = pte_pfn(entry);
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
		complain(check, "table %u has %u entries in use, not %u", table, used, machine->tables[table].used);
}

static void walk(struct check *check, uint32_t table, uint64_t base, bool writable)
{
	struct vm_machine *machine = check->machine;
	enum vm_level level = (enum vm_level)machine->tables[table].level;
	unsigned end = level == VM_PGD ? VM_TABLE_ENTRIES / 2 : VM_TABLE_ENTRIES;

	if (machine->tables[table].va != base)
		complain(check, "table %u stands at %#lx", table, base);
	for (unsigned i = 0; i < end; i++) {
		uint64_t entry = *pagetable_entry(machine, pagetable_id(table, i));
		uint64_t va = base + i * pagetable_span(level);
		if (entry == 0)
			continue;
		if (level == VM_PTE) {
			check_leaf(check, va, entry, writable && (entry & PTE_RW));
			continue;
		}
		uint32_t child = pte_table(machine, entry);
		if (machine->tables[child].users > 1 && (entry & PTE_RW))
			complain(check, "shared table at %#lx is writable", va);
		check->tables++;
		walk(check, child, va, writable && (entry & PTE_RW));
	}
}

static void check_space(struct check *check, const struct vm_space *space)
{
	check->space = space;
	check->rss[0] = check->rss[1] = check->rss[2] = check->swap = check->tables = 0;
	char *wrong = area_check(space);
	if (wrong != NULL)
		complain(check, "pid %d: %s", space->process->pid, wrong);
	g_free(wrong);
	walk(check, space->pgd, 0, true);
	for (int kind = 0; kind < 3; kind++)
		if (check->rss[kind] != space->rss[kind])
			complain(check, "pid %d: rss[%d] is %lu, counted %lu", space->process->pid, kind,
			         space->rss[kind], check->rss[kind]);
	if (check->swap != space->swap)
		complain(check, "pid %d: %lu swap entries, counted %lu", space->process->pid, space->swap, check->swap);
	char *stale = tlb_check_locked(space);
	if (stale != NULL)
		complain(check, "pid %d: %s", space->process->pid, stale);
	g_free(stale);
	if (check->tables != space->tables)
		complain(check, "pid %d: %lu tables, counted %lu", space->process->pid, space->tables, check->tables);
}

static gboolean check_process(gpointer key, gpointer value, gpointer ctx)
{
	const struct vm_process *process = value;

	if (process->space != NULL)
		check_space(ctx, process->space);
	return FALSE;
}

/* --- Frames, tables, objects ------------------------------------------------------------------------ */

static GArray *live_tables(const struct vm_machine *machine)
{
	GArray *live = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	bool *is_free = g_new0(bool, machine->tables_used);

	for (uint32_t t = machine->free_tables; t != 0; t = machine->tables[t].next_free)
		is_free[t] = true;
	for (uint32_t t = 1; t < machine->tables_used; t++)
		if (!is_free[t] && machine->tables[t].level != VM_TABLE_SPECIAL && t != machine->kernel_pud)
			g_array_append_val(live, t);
	g_free(is_free);
	return live;
}

/* The length of the chain from entry HEAD, whose members must all point to PFN. */
static uint32_t chain_length(struct check *check, vm_entry_id head, uint64_t pfn, bool swap)
{
	uint32_t length = 0;

	for (vm_entry_id id = head, prev = 0; id != 0; prev = id, id = check->machine->links[id].next, length++)
		if (check->machine->links[id].prev != prev || pte_pfn(*pagetable_entry(check->machine, id)) != pfn ||
		    pte_is_swap(*pagetable_entry(check->machine, id)) != swap)
			complain(check, "reverse map of %s %#lx", swap ? "slot" : "physical page", pfn);
	return length;
}

static void check_tables(struct check *check)
{
	struct vm_machine *machine = check->machine;
	GArray *live = live_tables(machine);

	for (guint i = 0; i < live->len; i++)
		count_entries(check, g_array_index(live, uint32_t, i));
	for (guint i = 0; i < live->len; i++) {
		uint32_t t = g_array_index(live, uint32_t, i);
		const struct vm_table *table = &machine->tables[t];
		uint32_t length = chain_length(check, table->rmap, machine->nr_frames + t, false);
		if (table->users != check->users[t] || table->users != length)
			complain(check, "table %u: %u users, counted %u, chain %u", t, table->users, check->users[t],
			         length);
	}
	if (machine->table_count != live->len + 1)
		complain(check, "%u tables, counted %u", machine->table_count, live->len + 1);
	g_array_unref(live);
}

static void check_frames(struct check *check)
{
	struct vm_machine *machine = check->machine;
	uint64_t in_use = 0, kinds[3] = {0}, cached_mapped = 0;

	for (vm_pfn pfn = 0; pfn < machine->frames_used; pfn++) {
		const struct vm_frame *frame = &machine->frames[pfn];
		uint32_t length = chain_length(check, frame->rmap, pfn, false);
		if (frame->mapped != check->mapped[pfn] || frame->mapped != length)
			complain(check, "frame %u: mapped %u, counted %u, chain %u", pfn, frame->mapped,
			         check->mapped[pfn], length);
		if (frame->object != NULL && object_lookup_locked(frame->object, frame->index) != pfn)
			complain(check, "frame %u is not in the page cache", pfn);
		if (frame->mapped == 0 && frame->object == NULL && frame->pins == 0 &&
		    !(frame->flags & FRAME_SWAPCACHE))
			continue;
		in_use++;
		kinds[frame_kind(frame)]++;
		cached_mapped += frame->object != NULL && frame->mapped > 0;
	}
	if (machine->listed != in_use)
		complain(check, "%lu frames in the policy's list, %lu in use", machine->listed, in_use);
	if (machine->nr_free + in_use != machine->nr_frames)
		complain(check, "%lu frames free, %lu in use of %lu", machine->nr_free, in_use, machine->nr_frames);
	for (int kind = 0; kind < 3; kind++)
		if (machine->count.frames[kind] != kinds[kind])
			complain(check, "%lu frames of kind %d, counted %lu", machine->count.frames[kind], kind,
			         kinds[kind]);
	if (machine->count.mapped != cached_mapped)
		complain(check, "%lu mapped cache pages, counted %lu", machine->count.mapped, cached_mapped);
}

static void check_slots(struct check *check)
{
	struct vm_swap *swap = &check->machine->swap;
	uint64_t used = 0;

	for (uint32_t i = 0; i < swap->touched; i++) {
		const struct vm_slot *slot = &swap->slots[i];
		uint32_t length = chain_length(check, slot->rmap, i, true);
		if (slot->mapped != check->held[i] || slot->mapped != length)
			complain(check, "slot %u: held %u, counted %u, chain %u", i, slot->mapped, check->held[i],
			         length);
		if (slot->frame != VM_PFN_NONE && check->machine->frames[slot->frame].index != i && slot->mapped > 0)
			complain(check, "slot %u and its frame", i);
		used += slot->mapped > 0 || slot->object != NULL || slot->pins > 0;
	}
	if (used != swap->used)
		complain(check, "%u slots used, counted %lu", swap->used, used);
}

static uint64_t list_length(const struct list_link *head)
{
	uint64_t length = 0;

	for (const struct list_link *l = head->next; l != head; l = l->next)
		length++;
	return length;
}

static void check_objects(struct check *check)
{
	struct vm_machine *machine = check->machine;
	uint64_t dirty = 0;

	for (struct list_link *l = machine->objects.next; l != &machine->objects; l = l->next) {
		const struct vm_object *object = LIST_ENTRY(l, struct vm_object, link);
		uint64_t on_dirty = list_length(&object->dirty), pages = on_dirty + list_length(&object->clean);
		if (object->pages != pages || object->dirty_pages != on_dirty ||
		    object->area_count != list_length(&object->areas))
			complain(check, "counts of object %lu", object->number);
		dirty += on_dirty;
	}
	if (dirty != machine->count.dirty)
		complain(check, "%lu dirty pages, counted %lu", machine->count.dirty, dirty);
}

char *vm_machine_check(struct vm_machine *machine)
{
	struct check check = {.machine = machine};

	machine_lock(machine);
	check.mapped = g_new0(uint32_t, machine->frames_used + 1);
	check.held = g_new0(uint32_t, machine->swap.touched + 1);
	check.users = g_new0(uint32_t, machine->tables_used);
	check_tables(&check);
	check_frames(&check);
	check_slots(&check);
	check_objects(&check);
	g_tree_foreach(machine->processes, check_process, &check);
	machine_unlock(machine);
	g_free(check.mapped);
	g_free(check.held);
	g_free(check.users);
	return check.wrong;
}

/* --- Derived state, thrown away ----------------------------------------------------------------------- */

void vm_machine_drop_entries(struct vm_machine *machine)
{
	machine_lock(machine);
	for (vm_pfn pfn = 0; pfn < machine->frames_used; pfn++) {
		const struct vm_frame *frame = &machine->frames[pfn];
		if (frame->object != NULL && !frame->object->shmem && !(frame->flags & (FRAME_DIRTY | FRAME_BUSY)))
			pagetable_evict_frame_locked(machine, pfn);
	}
	machine_unlock(machine);
}
