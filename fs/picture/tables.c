/*
 * tables.c - the layout of page tables for a picture. See tables.h.
 */
#include "fs/picture/tables.h"
#include "fs/text/rights.h"

#include <errno.h>
#include <string.h>

enum {
	/* other processes in which parents of shared tables are looked for */
	OTHERS_MAX = 32,
	/* tables of each of them that are looked at */
	OTHER_TABLES_MAX = 256,
	ENTRY_DIRTY = 1 << 6,
};

const char *level_name(enum vm_level level)
{
	static const char *const names[] = {
	    [VM_PTE] = "PTE", [VM_PMD] = "PMD", [VM_PUD] = "PUD", [VM_PGD] = "PGD"};

	return names[level];
}

/* Bytes that an entry of LEVEL translates. */
static uint64_t span_of(enum vm_level level)
{
	return UINT64_C(1) << (VM_PAGE_SHIFT + 9 * (int)level);
}

/* --- The process itself ----------------------------------------------------------------------- */

struct table_walk {
	struct tables *tables;
	int open[VM_PGD + 1]; /* the table of each level that the walk is in, or -1 */
	uint64_t next;        /* where to go on; 0: at the end */
};

static enum page_state state_of(const struct vm_entry_info *entry)
{
	switch (entry->kind) {
	case VM_ENTRY_TABLE:
		return STATE_TABLE;
	case VM_ENTRY_SWAP:
		return STATE_SWAPPED;
	case VM_ENTRY_GUARD:
		return STATE_GUARD;
	default:
		break;
	}
	if (entry->zero)
		return STATE_ZERO;
	if (entry->cow)
		return STATE_COW;
	if (entry->users > 1)
		return STATE_SHARED;
	return entry->raw & ENTRY_DIRTY ? STATE_DIRTY : STATE_CLEAN;
}

static int add_table(struct tables *tables, enum vm_level level, int parent)
{
	struct table *table = &tables->table[tables->count];

	table->level = level;
	table->parent = parent;
	memset(table->state, NO_STATE, sizeof table->state);
	return (int)tables->count++;
}

/* Whether the table that ENTRY of PARENT points to is shown; otherwise it is counted. */
static bool enter_table(struct table_walk *walk, const struct vm_entry_info *entry, int parent)
{
	struct tables *tables = walk->tables;
	enum vm_level below = (enum vm_level)(entry->level - 1);

	if (tables->count == TABLES_MAX || tables->table[parent].children == TABLE_CHILDREN) {
		tables->table[parent].folded++;
		return false;
	}
	tables->table[parent].children++;
	int number = add_table(tables, below, parent);
	struct table *table = &tables->table[number];
	table->va = entry->va;
	table->pfn = entry->pfn;
	table->raw = entry->raw;
	table->index = entry->index;
	table->users = entry->users;
	walk->open[below] = number;
	return true;
}

static bool add_entry(void *ctx, const struct vm_entry_info *entry)
{
	struct table_walk *walk = ctx;

	if (entry->va >= VM_USER_END)
		return false;
	int number = walk->open[entry->level];
	if (number < 0)
		return true;
	struct table *table = &walk->tables->table[number];
	table->in_use++;
	table->state[entry->index] = (uint8_t)state_of(entry);
	if (entry->kind != VM_ENTRY_TABLE || enter_table(walk, entry, number))
		return true;
	walk->next = entry->va + span_of(entry->level);
	return false;
}

static int look_at_tables(struct tables *tables, struct vm_process *process)
{
	struct table_walk walk = {.tables = tables, .open = {-1, -1, -1, 0}};
	uint64_t from;
	int error;

	do {
		from = walk.next;
		walk.next = 0;
		error = vm_process_entries(process, from, add_entry, &walk);
	} while (error == 0 && walk.next > from && walk.next < VM_USER_END);
	return error;
}

/* --- Other parents ---------------------------------------------------------------------------- */

struct other_walk {
	struct tables *tables;
	const struct vm_process_info *info;
	unsigned seen;
	uint64_t next;
};

/* Of a table below a shared one the parent is the same. So only the uppermost are looked for. */
static void note_parent(const struct other_walk *walk, const struct vm_entry_info *entry)
{
	struct tables *tables = walk->tables;

	for (unsigned i = 1; i < tables->count; i++) {
		struct table *table = &tables->table[i];
		const struct table *parent = &tables->table[table->parent];
		if (table->pfn != entry->pfn || parent->users > 1 ||
		    table->parent_count == TABLE_PARENTS)
			continue;
		struct table_parent *other = &table->parents[table->parent_count++];
		other->pid = walk->info->pid;
		other->index = entry->index;
		memcpy(other->comm, walk->info->comm, sizeof other->comm);
	}
}

static bool add_other_entry(void *ctx, const struct vm_entry_info *entry)
{
	struct other_walk *walk = ctx;

	if (entry->va >= VM_USER_END || walk->seen == OTHER_TABLES_MAX)
		return false;
	if (entry->level == VM_PTE) {
		/* No table is below it: on to the next table of this level. */
		walk->next = (entry->va & -span_of(VM_PMD)) + span_of(VM_PMD);
		return false;
	}
	walk->seen++;
	if (entry->kind == VM_ENTRY_TABLE)
		note_parent(walk, entry);
	return true;
}

static void look_at_other(struct tables *tables, struct vm_process *process)
{
	struct vm_process_info info;
	struct other_walk walk = {.tables = tables, .info = &info};
	uint64_t from;

	vm_process_summary(process, &info);
	do {
		from = walk.next;
		walk.next = 0;
		if (vm_process_entries(process, from, add_other_entry, &walk) != 0)
			return;
	} while (walk.next > from && walk.next < VM_USER_END);
}

static bool any_shared(const struct tables *tables)
{
	for (unsigned i = 1; i < tables->count; i++)
		if (tables->table[i].users > 1)
			return true;
	return false;
}

/* The younger processes first: children share tables with their parents. Then the older ones. */
static void look_at_others(struct tables *tables, const struct fs_mount *mount,
                           const struct fs_caller *caller)
{
	pid_t pid = tables->pid;

	for (unsigned i = 0; i < OTHERS_MAX; i++) {
		pid = vm_machine_next_pid(mount->machine, pid);
		if (pid == 0)
			pid = vm_machine_next_pid(mount->machine, 0);
		if (pid == tables->pid || pid == 0)
			return;
		struct vm_process *other = vm_process_find(mount->machine, pid);
		if (other == NULL)
			continue;
		struct vm_cred owner = vm_process_cred(other);
		if (rights_trace(mount, caller, &owner))
			look_at_other(tables, other);
		vm_process_unref(other);
	}
}

/* --- All -------------------------------------------------------------------------------------- */

struct tables *tables_look(const struct fs_mount *mount, struct vm_process *process,
                           const struct fs_caller *caller, int *error)
{
	struct tables *tables = g_try_new0(struct tables, 1);
	struct vm_process_info info;

	*error = -ENOMEM;
	if (tables == NULL)
		return NULL;
	vm_process_info(process, &info);
	tables->pid = info.pid;
	memcpy(tables->comm, info.comm, sizeof tables->comm);
	tables->total = info.tables;
	add_table(tables, VM_PGD, -1);
	tables->table[0].pfn = info.cr3 >> VM_PAGE_SHIFT;
	tables->table[0].users = 1;
	*error = look_at_tables(tables, process);
	if (*error != 0) {
		g_free(tables);
		return NULL;
	}
	if (any_shared(tables))
		look_at_others(tables, mount, caller);
	return tables;
}
