/*
 * check_space.c - check one process. Its entries are compared with its areas, and both with the
 * counters of its address space.
 */
#include "vm/base/user.h"
#include "vm/look/check.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/rmap.h"
#include "vm/memory/swap.h"
#include "vm/memory/tlb.h"
#include "vm/process/event.h"
#include "vm/process/process.h"
#include "vm/space/area.h"

/* The check of one address space. */
struct visit {
	struct check *check;
	const struct vm_space *space;
	struct vm_space found; /* only its counters are used: as counted in areas and entries */
};

static void complain(const struct visit *visit, const char *what, uint64_t va)
{
	check_complain(visit->check, "pid %d: %s at %#lx", visit->space->process->pid, what, va);
}

/* --- Entries ---------------------------------------------------------------------------------- */

/*
 * What is wrong with ENTRY, which translates VA in AREA, or NULL. ENTRY is neither empty nor a
 * guard marker. WRITABLE: all levels grant RW.
 */
static const char *entry_fault(const struct vm_machine *machine, const struct vm_area *area,
                               uint64_t va, uint64_t entry, bool writable)
{
	uint64_t pfn = pte_pfn(entry);
	bool ram = !pte_is_swap(entry) && frame_is_ram(machine, pfn);
	const struct vm_frame *frame = ram ? &machine->frames[pfn] : NULL;
	bool cached = ram && frame->object != NULL,
	     private = pte_is_swap(entry) || (ram && frame->object == NULL);

	if (!!(entry & PTE_US) != !!(area->flags & AREA_ACCESS) ||
	    !(entry & PTE_NX) != !!(area->flags & AREA_EXEC))
		return "rights of the entry";
	if (!!(entry & PTE_LOCKED) != !!(area->flags & AREA_LOCKED))
		return "lock of the entry";
	if (writable && (!(area->flags & AREA_WRITE) || !ram))
		return "writable entry";
	if ((entry & PTE_P) && (entry & PTE_RW) && area_waits_for_store(area, entry))
		return "writable entry of a soft-clean page";
	if (cached && (frame->object != area->object || frame->index != area_index(area, va)))
		return "page of another object";
	if (writable && cached && !frame->object->shmem && !(frame->flags & FRAME_DIRTY))
		return "writable clean file page";
	if (writable && private && rmap_frame_users_locked(machine, (vm_pfn)pfn) > 1)
		return "writable shared private page";
	if (private && area->anon_vma == 0)
		return "private page of no family";
	return NULL;
}

static void check_leaf(struct visit *visit, uint64_t va, uint64_t entry, bool writable)
{
	const struct vm_machine *machine = visit->check->machine;
	const struct vm_area *area = area_at(visit->space, va);

	if (pte_is_swap(entry))
		visit->found.swap++;
	else if (frame_is_ram(machine, pte_pfn(entry)) && !pte_is_guard(entry))
		visit->found.rss[frame_kind(&machine->frames[pte_pfn(entry)])]++;
	else if (frame_is_vdso(machine, pte_pfn(entry)))
		visit->found.rss[VM_FRAME_FILE]++;
	if (area == NULL) {
		complain(visit, "entry without an area", va);
	} else if (pte_is_guard(entry)) {
		if (entry != pte_make_guard(machine))
			complain(visit, "guard marker", va);
	} else {
		const char *wrong = entry_fault(machine, area, va, entry, writable);
		if (wrong != NULL)
			complain(visit, wrong, va);
	}
}

/* Check that PATH, to a table of LEVEL that translates 1 << SHIFT bytes, is that of a walk. */
static void check_path(const struct visit *visit, const struct vm_path *path, enum vm_level level,
                       int shift)
{
	const struct vm_machine *machine = visit->check->machine;
	uint64_t va = path->block << shift, rights = ~UINT64_C(0);
	int above = VM_PGD - (int)level;
	vm_entry_id ids[4];

	if (path->change != machine->paths)
		return;
	int levels = pagetable_walk_locked(visit->space, va, ids);
	for (int i = 0; i < above && i < levels; i++)
		rights &= pte_get(machine, ids[i]) ^ PTE_NX;
	/* A processor may have set more accessed bits since. */
	if (levels <= above || pagetable_of(ids[above]) != path->table ||
	    (path->rights & ~rights) || ((rights & ~path->rights) & ~PTE_A))
		complain(visit, "stale path", va);
}

/* Check that the paths that are known, if they are valid, are those of walks. */
static void check_paths(const struct visit *visit)
{
	check_path(visit, &visit->space->path, VM_PTE, PATH_SHIFT);
	for (int i = 0; i < VM_UPPER_PATHS; i++)
		check_path(visit, &visit->space->upper[i], VM_PMD, UPPER_SHIFT);
}

/*
 * Check all entries below TABLE, which translates addresses from BASE on. WRITABLE: all levels
 * above grant RW.
 */
static void walk(struct visit *visit, uint32_t table, uint64_t base, bool writable)
{
	struct vm_machine *machine = visit->check->machine;
	enum vm_level level = (enum vm_level)machine->tables[table].level;
	unsigned end = level == VM_PGD ? VM_TABLE_ENTRIES / 2 : VM_TABLE_ENTRIES;

	if (machine->tables[table].va != base)
		complain(visit, "table that stands elsewhere", base);
	for (unsigned i = 0; i < end; i++) {
		uint64_t entry = pte_get(machine, pagetable_id(table, i));
		uint64_t va = base + i * pagetable_span(level);
		if (entry == 0)
			continue;
		if (level == VM_PTE) {
			check_leaf(visit, va, entry, writable && (entry & PTE_RW));
			continue;
		}
		uint32_t child = pte_table(machine, entry);
		if (machine->tables[child].users > 1 && (entry & PTE_RW))
			complain(visit, "writable shared table", va);
		visit->found.tables++;
		walk(visit, child, va, writable && (entry & PTE_RW));
	}
}

/* --- The TLB ---------------------------------------------------------------------------------- */

/* Check that ENTRY of the TLB grants nothing that a walk of the tables does not. */
static void check_tlb_entry(void *ctx, const struct vm_tlb_entry *entry)
{
	const struct visit *visit = ctx;
	const struct vm_machine *machine = visit->check->machine;
	uint64_t rights = ~UINT64_C(0), leaf = 0;
	vm_entry_id ids[4];
	int levels = pagetable_walk_locked(visit->space, entry->va, ids);

	for (int i = 0; i < levels; i++) {
		leaf = pte_get(machine, ids[i]);
		rights &= leaf;
	}
	if (levels < 4 || !(rights & PTE_P) || !(rights & PTE_US) || pte_pfn(leaf) != entry->pfn ||
	    (entry->writable && !(rights & PTE_RW)) || (entry->executable && (leaf & PTE_NX)) ||
	    (entry->dirty && !(leaf & PTE_D)))
		complain(visit, "stale TLB entry", entry->va);
}

/* --- Areas ------------------------------------------------------------------------------------ */

/* Count one more reference to FILE, which may be NULL. */
static void note_file(struct check *check, struct vm_file *file)
{
	guint refs = GPOINTER_TO_UINT(g_hash_table_lookup(check->files, file));

	if (file != NULL)
		g_hash_table_insert(check->files, file, GUINT_TO_POINTER(refs + 1));
}

/* Count one more process that runs FILE, which may be NULL. */
static void note_program(struct check *check, struct vm_file *file)
{
	note_file(check, file);
	if (file == NULL)
		return;
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(check->programs, file->object));
	g_hash_table_insert(check->programs, file->object, GUINT_TO_POINTER(count + 1));
}

/*
 * The counter for the kind of AREA (vm_stat_account), or NULL. All areas and locked areas have
 * counters besides.
 */
static uint64_t *counter_of(struct vm_space *counters, const struct vm_area *area)
{
	if ((area->flags & (AREA_EXEC | AREA_WRITE | AREA_GROWSDOWN)) == AREA_EXEC)
		return &counters->exec_pages;
	if (area->flags & AREA_GROWSDOWN)
		return &counters->stack_pages;
	return (area->flags & (AREA_WRITE | AREA_SHARED)) == AREA_WRITE ? &counters->data_pages
	                                                                : NULL;
}

/* Count AREA in all that counts areas. */
static void count_area(struct visit *visit, struct vm_area *area)
{
	struct check *check = visit->check;
	uint64_t pages = area_pages(area), *counter = counter_of(&visit->found, area);

	if (counter != NULL)
		*counter += pages;
	if (area->flags & AREA_LOCKED)
		visit->found.locked_pages += pages;
	if (area->flags & AREA_ACCOUNT)
		check->committed += pages;
	if (area->object != NULL)
		g_hash_table_add(check->areas, area);
	note_file(check, area->file);
}

static void check_area(struct visit *visit, struct vm_area *area)
{
	if (area->space != visit->space)
		complain(visit, "area of another space", area->start);
	if (area->file != NULL ? area->object != area->file->object
	                       : area->object != NULL && area->name == NULL)
		complain(visit, "area whose object is not its file's", area->start);
	if (area->anon_inherited && area->anon_vma == 0)
		complain(visit, "area with inherited pages of no family", area->start);
	count_area(visit, area);
	check_note(visit->check, visit->space->process->user, VM_AREAS, 1);
}

/* --- The counters ----------------------------------------------------------------------------- */

static void compare_counters(const struct visit *visit)
{
	static const struct {
		const char *name;
		size_t offset;
	} counters[] = {
	    {"anonymous pages", offsetof(struct vm_space, rss[VM_FRAME_ANON])},
	    {"file pages", offsetof(struct vm_space, rss[VM_FRAME_FILE])},
	    {"shared anonymous pages", offsetof(struct vm_space, rss[VM_FRAME_SHMEM])},
	    {"swap entries", offsetof(struct vm_space, swap)},
	    {"tables", offsetof(struct vm_space, tables)},
	    {"data_pages", offsetof(struct vm_space, data_pages)},
	    {"stack_pages", offsetof(struct vm_space, stack_pages)},
	    {"exec_pages", offsetof(struct vm_space, exec_pages)},
	    {"locked_pages", offsetof(struct vm_space, locked_pages)},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(counters); i++) {
		uint64_t kept = G_STRUCT_MEMBER(uint64_t, visit->space, counters[i].offset);
		uint64_t found = G_STRUCT_MEMBER(uint64_t, &visit->found, counters[i].offset);
		if (kept != found)
			check_complain(visit->check, "pid %d: %lu %s, counted %lu",
			               visit->space->process->pid, kept, counters[i].name, found);
	}
}

static void check_bounds(const struct visit *visit)
{
	const struct vm_space *space = visit->space;
	pid_t pid = space->process->pid;

	if (space->rss_peak < space->rss[0] + space->rss[1] + space->rss[2])
		check_complain(visit->check, "pid %d: rss_peak is %lu, less than now", pid,
		               space->rss_peak);
	if (space->peak_pages < space->total_pages)
		check_complain(visit->check, "pid %d: peak_pages is %lu, less than now", pid,
		               space->peak_pages);
	if (space->layout.brk < space->layout.start_brk)
		check_complain(visit->check, "pid %d: brk %#lx below its start", pid,
		               space->layout.brk);
}

/* Report WRONG, the sentence of another checker or NULL, and free it. */
static void pass_on(const struct visit *visit, char *wrong)
{
	if (wrong != NULL)
		check_complain(visit->check, "pid %d: %s", visit->space->process->pid, wrong);
	g_free(wrong);
}

static void check_space(struct check *check, struct vm_space *space)
{
	struct visit visit = {.check = check, .space = space};

	pass_on(&visit, area_check(space));
	for (struct vm_area *area = space->first; area != NULL; area = area->next)
		check_area(&visit, area);
	if (check->machine->tables[space->pgd].space != space)
		complain(&visit, "top-level table of another space", 0);
	walk(&visit, space->pgd, 0, true);
	check_paths(&visit);
	compare_counters(&visit);
	check_bounds(&visit);
	check->locked += visit.found.locked_pages;
	note_program(check, space->exe);
	tlb_each_locked(space, check_tlb_entry, &visit);
}

/* --- The process ------------------------------------------------------------------------------ */

/* Check that PROCESS, its parent and its children agree. */
static void check_family(struct check *check, const struct vm_process *process)
{
	const struct vm_process *parent = process->parent;

	if (parent != NULL && (process_find_locked(check->machine, process->ppid) != parent ||
	                       list_empty(&process->sibling)))
		check_complain(check, "pid %d: not its parent's child", process->pid);
	check_list(check, &process->children, check->machine->process_count);
	for (const struct list_link *l = process->children.next;
	     l != &process->children && check->wrong == NULL; l = l->next)
		if (LIST_ENTRY(l, struct vm_process, sibling)->parent != process)
			check_complain(check, "pid %d: a child with another parent", process->pid);
}

/* What a process is charged for that it has also as a zombie. */
static void note_rest(struct check *check, const struct vm_process *process)
{
	check_note(check, process->user, VM_PROCESSES, 1);
	check_note(check, process->user, VM_NOTES, process->event_room * sizeof *process->events);
	if (process->environ != NULL)
		check_environ(check, process->environ);
}

void check_process(struct check *check, pid_t pid, const struct vm_process *process)
{
	if (process->zombie) {
		if (process->oom_space != NULL || !list_empty(&process->children))
			check_complain(check, "pid %d: a zombie that has something", pid);
		note_rest(check, process);
		return;
	}
	if (process->pid != pid || process->space == NULL || process->space->process != process ||
	    process->oom_space != process->space) {
		check_complain(check, "pid %d: pid or space", pid);
		return;
	}
	check_family(check, process);
	for (size_t i = 0; i < process->fds.len; i++) {
		struct vm_file *file = ARRAY_AT(&process->fds, struct vm_file *, i);
		note_file(check, file);
		check_note(check, process->user, VM_FDS, file != NULL);
	}
	note_rest(check, process);
	if (process->user->uid != process->cred.uid)
		check_complain(check, "pid %d: another user's", pid);
	check_space(check, process->space);
}
