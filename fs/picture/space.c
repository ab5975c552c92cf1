/*
 * space.c - the layout of an address space for a picture. See space.h.
 *
 * Two walks: over the areas, which gives rows, groups and the scale of each; then over the entries,
 * which fall into the squares. Areas may change between the two. An entry that is in no row then is
 * passed over.
 */
#include "fs/picture/space.h"

#include <errno.h>
#include <string.h>

/* Areas that are this far apart are in different groups. */
#define GROUP_GAP (UINT64_C(2) << 20)

const struct space_options space_whole = {
    .rows = 240, .cells_per_row = 480, .cells = 2000, .entries = 100000};
const struct space_options space_small = {
    .rows = 16, .cells_per_row = 1, .cells = 16, .entries = 1000};

static const char *const kind_words[AREA_KINDS] = {
    [KIND_TEXT] = "program text",   [KIND_DATA] = "data",
    [KIND_HEAP] = "heap",           [KIND_STACK] = "stack",
    [KIND_LIBRARY] = "libraries",   [KIND_FILE] = "mapped files",
    [KIND_ANONYMOUS] = "anonymous", [KIND_SHARED] = "shared memory",
    [KIND_KERNEL] = "vdso, vvar",
};

const char *kind_word(enum area_kind kind)
{
	return kind_words[kind];
}

/* --- Areas ------------------------------------------------------------------------------------ */

/* A walk over the areas. */
struct row_walk {
	struct space *space;
	const char *exe;
	unsigned room;    /* rows that there is memory for */
	unsigned at_once; /* how many areas are folded into one row */
	/* of the area before */
	uint64_t end;
	enum area_kind kind;
};

static bool is_shmem(const struct vm_area_info *area)
{
	return area->name != NULL && strcmp(area->name, "/dev/zero (deleted)") == 0;
}

static bool is_library(const char *path)
{
	const char *base = strrchr(path, '/');

	return base != NULL && (g_str_has_suffix(base, ".so") || strstr(base, ".so.") != NULL);
}

/* An area without a file that continues the data of a program or library is its bss. */
static enum area_kind kind_without_name(const struct row_walk *walk,
                                        const struct vm_area_info *area)
{
	bool continues = area->start == walk->end && area->perm[1] == 'w';

	if (continues && (walk->kind == KIND_DATA || walk->kind == KIND_TEXT))
		return KIND_DATA;
	return continues && walk->kind == KIND_LIBRARY ? KIND_LIBRARY : KIND_ANONYMOUS;
}

static enum area_kind kind_of(const struct row_walk *walk, const struct vm_area_info *area)
{
	const char *name = area->name;

	if (name == NULL || *name == '\0')
		return kind_without_name(walk, area);
	if (is_shmem(area))
		return KIND_SHARED;
	if (strcmp(name, "[heap]") == 0)
		return KIND_HEAP;
	if (strcmp(name, "[stack]") == 0)
		return KIND_STACK;
	if (*name == '[')
		return g_str_has_prefix(name, "[anon") ? KIND_ANONYMOUS : KIND_KERNEL;
	if (walk->exe != NULL && strcmp(name, walk->exe) == 0)
		return area->perm[1] == 'w' ? KIND_DATA : KIND_TEXT;
	return is_library(name) ? KIND_LIBRARY : KIND_FILE;
}

/* Heap and stack stay by themselves: they are what one looks for. */
static bool stands_alone(const struct space_row *row)
{
	return row->kind == KIND_HEAP || row->kind == KIND_STACK;
}

static void fold(struct space_row *row, const struct vm_area_info *area)
{
	row->end = area->end;
	row->areas++;
	row->pages += (area->end - area->start) >> VM_PAGE_SHIFT;
}

static struct space_row row_of(const struct vm_area_info *area, enum area_kind kind)
{
	struct space_row row = {
	    .start = area->start,
	    .end = area->end,
	    .offset = area->offset,
	    .kind = kind,
	    .name = g_strdup(area->name),
	    .file = area->ino != 0 && !is_shmem(area),
	    .areas = 1,
	    .pages = (area->end - area->start) >> VM_PAGE_SHIFT,
	};

	memcpy(row.perm, area->perm, sizeof row.perm);
	return row;
}

static bool add_area(void *ctx, const struct vm_area_info *area)
{
	struct row_walk *walk = ctx;
	struct space *space = walk->space;
	struct space_row *last = space->row_count > 0 ? &space->rows[space->row_count - 1] : NULL;
	enum area_kind kind = kind_of(walk, area);
	struct space_row row = row_of(area, kind);
	bool folded = last != NULL && !stands_alone(last) && !stands_alone(&row) &&
	              last->areas < walk->at_once;

	if (folded || space->row_count == walk->room) {
		fold(last, area);
		g_free(row.name);
	} else {
		row.group_start = last == NULL || area->start - last->end >= GROUP_GAP;
		space->rows[space->row_count++] = row;
	}
	space->kinds[kind].areas++;
	space->kinds[kind].pages += row.pages;
	space->areas++;
	walk->end = area->end;
	walk->kind = kind;
	return true;
}

static int look_at_areas(struct space *space, struct vm_process *process,
                         const struct space_options *options)
{
	struct row_walk walk = {.space = space,
	                        .exe = space->exe,
	                        .room = MIN(space->info.areas + 8, options->rows + 40),
	                        .at_once = 1};

	if (space->info.areas > options->rows)
		walk.at_once = (unsigned)(space->info.areas / options->rows) + 1;
	space->rows = g_try_new0(struct space_row, walk.room);
	if (space->rows == NULL)
		return -ENOMEM;
	return vm_process_areas(process, 0, add_area, &walk);
}

/* --- Scale ------------------------------------------------------------------------------------ */

/* The row after the group that begins at ROW. */
static unsigned group_end(const struct space *space, unsigned row)
{
	do
		row++;
	while (row < space->row_count && !space->rows[row].group_start);
	return row;
}

/* Set the scale of each group so that no strip has more than MOST squares. Returns the squares. */
static uint64_t set_scale(struct space *space, unsigned most)
{
	uint64_t cells = 0;

	for (unsigned from = 0, end; from < space->row_count; from = end) {
		uint64_t largest = 1, per_cell = 1;

		end = group_end(space, from);
		for (unsigned i = from; i < end; i++)
			if (space->rows[i].areas == 1)
				largest = MAX(largest, space->rows[i].pages);
		while ((largest + per_cell - 1) / per_cell > most)
			per_cell *= 2;
		for (unsigned i = from; i < end; i++) {
			struct space_row *row = &space->rows[i];
			row->per_cell = row->areas == 1 ? per_cell : row->pages;
			row->first_cell = (unsigned)cells;
			row->cells = (unsigned)((row->pages + row->per_cell - 1) / row->per_cell);
			cells += row->cells;
		}
	}
	return cells;
}

static int make_cells(struct space *space, const struct space_options *options)
{
	unsigned most = options->cells_per_row;
	uint64_t cells;

	while ((cells = set_scale(space, most)) > options->cells && most > 1)
		most /= 2;
	space->cells = g_try_new0(struct space_cell, MAX(cells, 1));
	return space->cells != NULL ? 0 : -ENOMEM;
}

/* --- Entries ---------------------------------------------------------------------------------- */

enum { ENTRY_DIRTY = 1 << 6, ENTRY_LOCKED = 1 << 10 };

/* A walk over the entries, which may stop behind a square of which enough has been seen. */
struct entry_walk {
	struct space *space;
	unsigned row;
	unsigned enough; /* entries of one square */
	uint64_t next;   /* where to go on; 0: at the end */
};

static enum page_state state_of(const struct vm_entry_info *entry)
{
	if (entry->kind == VM_ENTRY_GUARD)
		return STATE_GUARD;
	if (entry->kind == VM_ENTRY_SWAP)
		return STATE_SWAPPED;
	if (entry->zero)
		return STATE_ZERO;
	if (entry->raw & ENTRY_LOCKED)
		return STATE_LOCKED;
	if (entry->cow)
		return STATE_COW;
	if (entry->users > 1)
		return STATE_SHARED;
	return entry->raw & ENTRY_DIRTY ? STATE_DIRTY : STATE_CLEAN;
}

static void count_entry(struct space_cell *cell, const struct vm_entry_info *entry)
{
	bool resident = entry->kind == VM_ENTRY_PAGE && !entry->zero;

	cell->count[state_of(entry)]++;
	cell->dirty += resident && (entry->raw & ENTRY_DIRTY);
	cell->looked++;
	cell->va = entry->va;
	cell->raw = entry->raw;
	cell->pfn = entry->pfn;
	cell->users = entry->users;
}

/* Of CELL only the pages before VA were seen; the others count as they do. */
static void estimate(struct space_cell *cell, uint64_t start, uint64_t va, uint64_t pages)
{
	uint64_t seen = MAX((va - start) >> VM_PAGE_SHIFT, 1);

	for (unsigned i = 0; i < PAGE_STATES; i++)
		cell->count[i] = (uint32_t)(cell->count[i] * pages / seen);
	cell->dirty = (uint32_t)(cell->dirty * pages / seen);
}

static bool add_entry(void *ctx, const struct vm_entry_info *entry)
{
	struct entry_walk *walk = ctx;
	struct space *space = walk->space;

	if (entry->va >= VM_USER_END)
		return false;
	if (entry->level != VM_PTE)
		return true;
	while (walk->row < space->row_count && space->rows[walk->row].end <= entry->va)
		walk->row++;
	if (walk->row == space->row_count)
		return false;
	const struct space_row *row = &space->rows[walk->row];
	if (entry->va < row->start)
		return true;
	uint64_t span = row->areas == 1 ? row->per_cell << VM_PAGE_SHIFT : row->end - row->start;
	uint64_t index = (entry->va - row->start) / span, start = row->start + index * span;
	struct space_cell *cell = &space->cells[row->first_cell + index];
	count_entry(cell, entry);
	space->looked++;
	if (cell->looked < walk->enough || start + span <= entry->va + VM_PAGE_SIZE)
		return true;
	uint64_t end = MIN(start + span, row->end);
	/* Only pages count, of several areas: the gaps between them have none. */
	if (row->areas == 1)
		estimate(cell, start, entry->va + VM_PAGE_SIZE, (end - start) >> VM_PAGE_SHIFT);
	space->sampled = true;
	walk->next = end;
	return false;
}

static int look_at_entries(struct space *space, struct vm_process *process,
                           const struct space_options *options, unsigned cells)
{
	struct entry_walk walk = {.space = space,
	                          .enough = MAX(options->entries / MAX(cells, 1), 8)};
	uint64_t from;
	int error;

	do {
		from = walk.next;
		walk.next = 0;
		error = vm_process_entries(process, from, add_entry, &walk);
	} while (error == 0 && walk.next > from);
	return error;
}

/* --- Sums ------------------------------------------------------------------------------------- */

static void add_cell(struct space_sum *sum, const struct space_cell *cell)
{
	for (unsigned i = 0; i < PAGE_STATES; i++)
		sum->count[i] += cell->count[i];
	sum->dirty += cell->dirty;
}

static void add_sums(struct space *space)
{
	for (unsigned i = 0; i < space->row_count; i++) {
		struct space_row *row = &space->rows[i];
		row->sum.pages = row->pages;
		row->sum.areas = row->areas;
		for (unsigned c = 0; c < row->cells; c++) {
			add_cell(&row->sum, &space_cells(space, row)[c]);
			add_cell(&space->kinds[row->kind], &space_cells(space, row)[c]);
		}
	}
}

enum page_state space_state(const uint32_t *count, uint64_t *pages)
{
	enum page_state most = STATE_UNTOUCHED;

	*pages = 0;
	for (unsigned i = 0; i < PAGE_STATES; i++) {
		*pages += count[i];
		if (count[i] > 0 && (most == STATE_UNTOUCHED || count[i] >= count[most]))
			most = (enum page_state)i;
	}
	return most;
}

/* --- All -------------------------------------------------------------------------------------- */

void space_clear(struct space *space)
{
	for (unsigned i = 0; i < space->row_count; i++)
		g_free(space->rows[i].name);
	g_free(space->rows);
	g_free(space->cells);
	g_free(space->exe);
	*space = (struct space){0};
}

int space_look(struct space *space, struct vm_process *process, const struct space_options *options)
{
	int error;

	*space = (struct space){0};
	vm_process_info(process, &space->info);
	space->exe = vm_process_exe(process);
	error = look_at_areas(space, process, options);
	if (error == 0)
		error = make_cells(space, options);
	if (error == 0 && space->row_count > 0) {
		const struct space_row *last = &space->rows[space->row_count - 1];
		error = look_at_entries(space, process, options, last->first_cell + last->cells);
	}
	if (error == 0)
		add_sums(space);
	else
		space_clear(space);
	return error;
}
