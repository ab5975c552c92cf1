/*
 * draw_tables.c - the drawing of page tables as a tree: a column for each level, a box for each
 * table with its 512 entries, a line from each entry to the table that it points to. A table that
 * other processes share has lines from their entries, too.
 */
#include "fs/picture/draw.h"
#include "fs/picture/markup.h"
#include "fs/picture/svg.h"

#include <inttypes.h>

enum {
	LEFT = 2 * SQUARE,
	WIDTH = 890,
	DOT = 3, /* an entry is so wide, and LINE high */
	LINE = 4,
	DOTS = 64, /* entries in a line */
	GRID_WIDTH = DOTS * DOT,
	GRID_HEIGHT = TABLE_ENTRIES / DOTS * LINE,
	COLUMN = GRID_WIDTH + 28,
	TITLE = 16,
	BOX_HEIGHT = TITLE + GRID_HEIGHT + 22,
	PITCH = BOX_HEIGHT + 16,
	CHIP = 22,
	/* with more runs of entries than this a line of a table is drawn as one bar */
	RUNS_MAX = 2000,
};

struct tree {
	GString *out;
	const struct tables *tables;
	int y[TABLES_MAX], height[TABLES_MAX];
	bool coarse; /* too many runs of entries to draw each */
};

/* --- Layout ----------------------------------------------------------------------------------- */

/* The heights of subtrees, from the last table to the first: parents come before children. */
static void measure(struct tree *tree)
{
	const struct tables *tables = tree->tables;
	int below[TABLES_MAX] = {0};

	for (unsigned i = tables->count; i-- > 0;) {
		const struct table *table = &tables->table[i];
		tree->height[i] = MAX(PITCH, below[i]) + (int)table->parent_count * CHIP;
		if (table->parent >= 0)
			below[table->parent] += tree->height[i];
	}
}

/* Each table stands where its first child does; children stand below each other. */
static void place(struct tree *tree, int top)
{
	const struct tables *tables = tree->tables;
	int next[TABLES_MAX];

	for (unsigned i = 0; i < tables->count; i++) {
		int parent = tables->table[i].parent;
		tree->y[i] = parent < 0 ? top : next[parent];
		if (parent >= 0)
			next[parent] += tree->height[i];
		next[i] = tree->y[i];
	}
}

static int x_of(enum vm_level level)
{
	return LEFT + (VM_PGD - (int)level) * COLUMN;
}

/* --- Boxes ------------------------------------------------------------------------------------ */

static unsigned run_at(const struct table *table, unsigned first)
{
	unsigned run = 1;

	while ((first + run) % DOTS != 0 && table->state[first + run] == table->state[first])
		run++;
	return run;
}

static bool has_many_runs(const struct tables *tables)
{
	unsigned runs = 0;

	for (unsigned i = 0; i < tables->count; i++)
		for (unsigned at = 0; at < TABLE_ENTRIES; at += run_at(&tables->table[i], at))
			runs += tables->table[i].state[at] != NO_STATE;
	return runs > RUNS_MAX;
}

/* Each line of 64 entries as a bar, as long as many are in use, in the state of most of them. */
static void add_coarse_entries(const struct tree *tree, const struct table *table, int x, int y)
{
	for (unsigned line = 0; line < TABLE_ENTRIES / DOTS; line++) {
		unsigned count[STATES + 1] = {0}, most = 0;

		for (unsigned i = 0; i < DOTS; i++)
			count[table->state[line * DOTS + i]]++;
		for (unsigned i = 0; i < STATES; i++)
			most = count[i] > count[most] ? i : most;
		if (count[NO_STATE] == DOTS)
			continue;
		g_string_append_printf(tree->out,
		                       "<rect class='f-%s' x='%d' y='%d' width='%u' height='%d'>"
		                       "<title>%u to %u: %u in use, mostly %s</title></rect>",
		                       state_id((enum page_state)most), x, y + (int)line * LINE,
		                       (DOTS - count[NO_STATE]) * DOT, LINE - 1, line * DOTS,
		                       line * DOTS + DOTS - 1, DOTS - count[NO_STATE],
		                       state_word((enum page_state)most));
	}
}

/* Runs of entries in the same state, in one line, are one rectangle. */
static void add_entries(const struct tree *tree, unsigned number)
{
	const struct table *table = &tree->tables->table[number];
	int x = x_of(table->level), y = tree->y[number] + TITLE;

	g_string_append_printf(tree->out,
	                       "<rect class='box' x='%d' y='%d' width='%d' height='%d'/>", x - 2,
	                       y - 2, GRID_WIDTH + 3, GRID_HEIGHT + 3);
	if (tree->coarse) {
		add_coarse_entries(tree, table, x, y);
		return;
	}
	for (unsigned i = 0, run; i < TABLE_ENTRIES; i += run) {
		run = run_at(table, i);
		if (table->state[i] == NO_STATE)
			continue;
		enum page_state state = (enum page_state)table->state[i];
		g_string_append_printf(tree->out,
		                       "<rect class='f-%s' x='%u' y='%u' width='%u' height='%d'>"
		                       "<title>%u",
		                       state_id(state), (unsigned)x + i % DOTS * DOT,
		                       (unsigned)y + i / DOTS * LINE, run * DOT, LINE, i);
		if (run > 1)
			g_string_append_printf(tree->out, " to %u", i + run - 1);
		g_string_append_printf(tree->out, ": %s</title></rect>", state_word(state));
	}
}

static void add_caption(const struct tree *tree, unsigned number)
{
	const struct table *table = &tree->tables->table[number];
	int x = x_of(table->level), y = tree->y[number];

	svg_text(tree->out, "mono", x, y + 10, "%s 0x%" PRIx64, level_name(table->level),
	         table->pfn);
	svg_text(tree->out, "l e", x + GRID_WIDTH, y + 10, "%u in use", table->in_use);
	y += TITLE + GRID_HEIGHT + 14;
	if (table->folded > 0)
		svg_text(tree->out, "l", x, y, "%u more tables, folded", table->folded);
	else if (table->parent < 0)
		svg_text(tree->out, "l", x, y, "CR3; upper half: the kernel's");
	else
		svg_text(tree->out, "mono q", x, y, "%" PRIx64, table->va);
	if (table->users > 1)
		svg_text(tree->out, "l e", x + GRID_WIDTH, y, "%" PRIu64 " users", table->users);
}

static void add_table(const struct tree *tree, unsigned number)
{
	const struct table *table = &tree->tables->table[number];

	g_string_append_printf(tree->out,
	                       "<g class='table' data-k='t%" PRIx64 "' data-level='%d' "
	                       "data-va='%" PRIx64 "' data-raw='%" PRIx64 "'>"
	                       "<a href='pagetable#:~:text=pfn%%3D0x%" PRIx64 "'>",
	                       table->pfn, (int)table->level, table->va, table->raw, table->pfn);
	add_caption(tree, number);
	g_string_append(tree->out, "</a>");
	add_entries(tree, number);
	g_string_append(tree->out, "</g>\n");
}

/* --- Lines ------------------------------------------------------------------------------------ */

static void add_line(const struct tree *tree, int x1, int y1, int x2, int y2)
{
	g_string_append_printf(tree->out, "<path class='edge' d='M%d %dC%d %d %d %d %d %d'/>\n", x1,
	                       y1, x1 + 16, y1, x2 - 16, y2, x2, y2);
}

/* From the right edge of the parent, at the height of the entry, to the table. */
static void add_own_line(const struct tree *tree, unsigned number)
{
	const struct table *table = &tree->tables->table[number];
	int y = tree->y[table->parent] + TITLE + (int)(table->index / DOTS) * LINE + 2;

	add_line(tree, x_of(table->level) - COLUMN + GRID_WIDTH + 2, y, x_of(table->level) - 3,
	         tree->y[number] + TITLE + GRID_HEIGHT / 2);
}

/* The entries of other processes that point to table NUMBER, each as a box in its column. */
static void add_other_parents(const struct tree *tree, unsigned number)
{
	const struct table *table = &tree->tables->table[number];
	int x = x_of(table->level) - COLUMN;
	int y = tree->y[number] + tree->height[number] - (int)table->parent_count * CHIP;

	for (unsigned i = 0; i < table->parent_count; i++, y += CHIP) {
		const struct table_parent *parent = &table->parents[i];
		g_string_append_printf(tree->out,
		                       "<a href='../%d/index.html'><rect class='box' x='%d' "
		                       "y='%d' width='%d' height='%d'/>"
		                       "<text class='l' x='%d' y='%d'>%s[%u] of %d ",
		                       (int)parent->pid, x - 2, y, GRID_WIDTH + 3, CHIP - 4, x + 4,
		                       y + 13, level_name((enum vm_level)(table->level + 1)),
		                       parent->index, (int)parent->pid);
		markup_short(tree->out, parent->comm, 14);
		g_string_append(tree->out, "</text></a>");
		add_line(tree, x + GRID_WIDTH + 2, y + 9, x_of(table->level) - 3,
		         tree->y[number] + TITLE + GRID_HEIGHT / 2);
	}
}

/* --- All -------------------------------------------------------------------------------------- */

static int add_heading(const struct tree *tree, int y, bool alone)
{
	const struct tables *tables = tree->tables;

	if (alone) {
		g_string_append_printf(tree->out, "<text class='h' x='%d' y='%d'>Process %d ", LEFT,
		                       y + 20, (int)tables->pid);
		markup_text(tree->out, tables->comm);
		g_string_append(tree->out, ": page tables</text>\n");
		y += 4 * SQUARE;
	}
	g_string_append_printf(tree->out, "<text class='q' x='%d' y='%d'>", LEFT, y + 10);
	markup_count(tree->out, tables->total);
	g_string_append(tree->out, " tables; a box is a table, a dot one of its 512 entries.");
	if (tree->coarse)
		g_string_append(tree->out, " Lines of 64 entries are folded.");
	if (tables->total > tables->count) {
		g_string_append(tree->out, " Folded: ");
		markup_count(tree->out, tables->total - tables->count);
		g_string_append_c(tree->out, '.');
	}
	g_string_append(tree->out, "</text>\n");
	return y + 2 * SQUARE;
}

void draw_tables(GString *out, const struct tables *tables, bool alone)
{
	static const enum page_state states[] = {STATE_TABLE,   STATE_CLEAN, STATE_DIRTY,
	                                         STATE_SHARED,  STATE_COW,   STATE_ZERO,
	                                         STATE_SWAPPED, STATE_GUARD};
	struct tree tree = {
	    .out = g_string_new(NULL), .tables = tables, .coarse = has_many_runs(tables)};
	int y = add_heading(&tree, SQUARE, alone);

	y = palette_legend(tree.out, states, G_N_ELEMENTS(states), LEFT, y, 170, WIDTH) + SQUARE;
	measure(&tree);
	place(&tree, y);
	for (unsigned i = 0; i < tables->count; i++) {
		if (i > 0)
			add_own_line(&tree, i);
		add_other_parents(&tree, i);
	}
	for (unsigned i = 0; i < tables->count; i++)
		add_table(&tree, i);
	svg_begin(out, WIDTH, y + tree.height[0] + SQUARE, "page tables", alone);
	g_string_append_len(out, tree.out->str, (gssize)tree.out->len);
	svg_end(out);
	g_string_free(tree.out, TRUE);
}
