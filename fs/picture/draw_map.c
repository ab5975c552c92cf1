/*
 * draw_map.c - the drawing of an address space: the highest address at the top, a strip for each
 * area, a square for each page or for as many as the group of areas needs.
 *
 * All squares are on a grid of SQUARE units.
 */
#include "fs/picture/draw.h"
#include "fs/picture/markup.h"
#include "fs/picture/svg.h"

#include <inttypes.h>
#include <string.h>

enum {
	COLUMNS = 48, /* squares in a line */
	LEFT = 12 * SQUARE,
	STRIP_END = LEFT + COLUMNS * SQUARE,
	PERM = STRIP_END + 12,
	NAME = PERM + 42,
	RIGHT = 880, /* the end of sizes */
	WIDTH = RIGHT + 10,
	TOP = 10,
	NAME_LENGTH = 21,
	/* of a name on hovering, and of all of them together */
	TITLE_LENGTH = 200,
	TITLES_LENGTH = 20000,
	/* beyond so many squares with pages they are no links any more, for the size of the file */
	LINKS_MAX = 1000,
};

struct map {
	GString *out;
	const struct space *space;
	bool links;
	int y;
};

/* --- Squares ---------------------------------------------------------------------------------- */

static char *square_title(const struct space_cell *cell, enum page_state state)
{
	GString *out = g_string_new(NULL);
	const uint64_t va = cell->va;

	g_string_append_printf(out, "%" PRIx64 " %s", va, state_word(state));
	if (state == STATE_SWAPPED)
		g_string_append_printf(out, ", slot %" PRIu64, cell->pfn);
	else if (state != STATE_GUARD)
		g_string_append_printf(out, ", frame 0x%" PRIx64, cell->pfn);
	if (cell->users > 1)
		g_string_append_printf(out, ", %" PRIu64 " users", cell->users);
	g_string_append_printf(out, "\nentry 0x%" PRIx64, cell->raw);
	g_string_append_printf(out, "\nPGD %u, PUD %u, PMD %u, PTE %u", (unsigned)(va >> 39 & 511),
	                       (unsigned)(va >> 30 & 511), (unsigned)(va >> 21 & 511),
	                       (unsigned)(va >> 12 & 511));
	return g_string_free(out, FALSE);
}

/* The square of a single page that has an entry. */
static void add_page(const struct map *map, const struct space_cell *cell, int x, int y)
{
	uint64_t pages;
	enum page_state state = space_state(cell->count, &pages);
	g_autofree char *title = square_title(cell, state);
	char attributes[96];

	if (map->links)
		g_string_append_printf(
		    map->out, "<a href='pagetable#:~:text=%016" PRIx64 "%%20PTE'>", cell->va);
	g_snprintf(attributes, sizeof attributes,
	           " data-k='%" PRIx64 "' data-f='%" PRIx64 "' data-e='%" PRIx64 "'", cell->va,
	           cell->pfn, cell->raw);
	palette_square(map->out, state, x, y, attributes, title);
	if (map->links)
		g_string_append(map->out, "</a>");
}

/* How many of the PAGES of a square that begins at VA have an entry, and of which state. */
static char *block_title(const struct space_cell *cell, uint64_t va, uint64_t pages)
{
	GString *out = g_string_new(NULL);
	const char *separator = ": ";

	g_string_append_printf(out, "%" PRIu64 " pages from %" PRIx64, pages, va);
	for (unsigned i = 0; i < PAGE_STATES; i++) {
		if (cell->count[i] == 0)
			continue;
		g_string_append_printf(out, "%s%u %s", separator, cell->count[i],
		                       state_word((enum page_state)i));
		separator = "; ";
	}
	return g_string_free(out, FALSE);
}

/* The square of many pages, filled as far as they have entries, in the state of most of them. */
static void add_block(const struct map *map, const struct space_row *row,
                      const struct space_cell *cell, uint64_t va, uint64_t block, int x, int y)
{
	uint64_t pages;
	enum page_state state = space_state(cell->count, &pages);
	int height = (int)MAX(9 * MIN(pages, block) / block, 3);
	g_autofree char *title = block_title(cell, va, block);
	char attributes[64];

	g_snprintf(attributes, sizeof attributes, " data-k='%" PRIx64 "' data-n='%" PRIu64 "'", va,
	           pages);
	if (height < 9)
		palette_run(map->out, row->file ? STATE_UNREAD : STATE_UNTOUCHED, x, y, 1, NULL);
	palette_part(map->out, state, x, y, height, attributes, title);
}

/* COUNT squares without an entry, from number FIRST of ROW on, in one line. */
static void add_empty(const struct map *map, const struct space_row *row, unsigned first,
                      unsigned count)
{
	enum page_state state = row->file ? STATE_UNREAD : STATE_UNTOUCHED;
	uint64_t va = row->start + ((uint64_t)first * row->per_cell << VM_PAGE_SHIFT);
	uint64_t pages = MIN(count * row->per_cell, row->pages - first * row->per_cell);
	char title[64];

	g_snprintf(title, sizeof title, "%" PRIx64 " %s: %" PRIu64 " pages", va, state_word(state),
	           pages);
	palette_run(map->out, state, LEFT + (int)(first % COLUMNS) * SQUARE,
	            map->y + (int)(first / COLUMNS) * SQUARE, count, title);
}

/* How many squares from FIRST on have no entry and are in the same line. */
static unsigned empty_run(const struct space_row *row, const struct space_cell *cells,
                          unsigned first)
{
	unsigned count = 0;

	while (first + count < row->cells && cells[first + count].looked == 0 &&
	       (count == 0 || (first + count) % COLUMNS != 0))
		count++;
	return count;
}

static void add_squares(const struct map *map, const struct space_row *row)
{
	const struct space_cell *cells = space_cells(map->space, row);

	for (unsigned i = 0, run; i < row->cells; i += MAX(run, 1)) {
		int x = LEFT + (int)(i % COLUMNS) * SQUARE;
		int y = map->y + (int)(i / COLUMNS) * SQUARE;
		uint64_t va = row->start + ((uint64_t)i * row->per_cell << VM_PAGE_SHIFT);

		run = empty_run(row, cells, i);
		if (run > 0)
			add_empty(map, row, i, run);
		else if (row->per_cell == 1)
			add_page(map, &cells[i], x, y);
		else
			add_block(map, row, &cells[i], va,
			          MIN(row->per_cell, row->pages - i * row->per_cell), x, y);
	}
}

/* A folded row has a bar: each state as long as its share of the pages. */
static void add_bar(const struct map *map, const struct space_row *row)
{
	unsigned at = 0;
	char title[64];

	for (unsigned i = 0; i < PAGE_STATES; i++) {
		uint64_t count = row->sum.count[i];
		unsigned squares = (unsigned)(count * COLUMNS / row->pages);

		if (count == 0)
			continue;
		squares = CLAMP(squares, 1, COLUMNS - at);
		if (squares == 0)
			break;
		g_snprintf(title, sizeof title, "%" PRIu64 " pages %s", count,
		           state_word((enum page_state)i));
		palette_bar(map->out, (enum page_state)i, LEFT + (int)(at * SQUARE), map->y,
		            (int)(squares * SQUARE) - 1, title);
		at += squares;
	}
	if (at < COLUMNS)
		palette_run(map->out, STATE_UNTOUCHED, LEFT + (int)(at * SQUARE), map->y,
		            COLUMNS - at, NULL);
}

/* --- Rows ------------------------------------------------------------------------------------- */

static const char *base_name(const char *name)
{
	const char *slash = *name == '/' ? strrchr(name, '/') : NULL;

	return slash != NULL && slash[1] != '\0' ? slash + 1 : name;
}

/* What an area is called whose name says nothing: shared memory, and what has none. */
static const char *word_of(const struct space_row *row)
{
	if (row->kind == KIND_SHARED)
		return kind_word(KIND_SHARED);
	if (row->name != NULL)
		return NULL;
	return row->kind == KIND_DATA || row->kind == KIND_LIBRARY ? "bss" : kind_word(row->kind);
}

static void add_name(const struct map *map, const struct space_row *row)
{
	const char *word = word_of(row);
	GString *out = map->out;

	if (row->areas > 1) {
		g_string_append_printf(out, "<text class='q' x='%d' y='%d'>", PERM, map->y + 10);
		markup_count(out, row->areas);
		g_string_append(out, " areas, folded</text>");
		return;
	}
	svg_text(out, "mono", PERM, map->y + 10, "%s", row->perm);
	g_string_append_printf(out, "<text%s x='%d' y='%d'>", word != NULL ? " class='q'" : "",
	                       NAME, map->y + 10);
	markup_short(out, word != NULL ? word : base_name(row->name), NAME_LENGTH);
	g_string_append(out, "</text>");
}

static void add_row_title(const struct map *map, const struct space_row *row)
{
	GString *out = map->out;

	g_string_append_printf(out, "<title>%08" PRIx64 "-%08" PRIx64, row->start, row->end);
	if (row->areas == 1)
		g_string_append_printf(out, " %s", row->perm);
	g_string_append_printf(out, " %s ", kind_word(row->kind));
	if (row->name != NULL)
		markup_short(out, row->name,
		             MIN(TITLE_LENGTH, TITLES_LENGTH / map->space->row_count));
	for (unsigned i = 0; i < PAGE_STATES; i++)
		if (row->sum.count[i] > 0)
			g_string_append_printf(out, "\n%" PRIu64 " %s", row->sum.count[i],
			                       state_word((enum page_state)i));
	g_string_append(out, "</title>");
}

static void add_row(struct map *map, const struct space_row *row)
{
	GString *out = map->out;
	unsigned lines = row->areas == 1 ? (row->cells + COLUMNS - 1) / COLUMNS : 1;

	g_string_append_printf(out,
	                       "<g class='area' data-k='m%" PRIx64 "' data-size='%" PRIu64 "'>",
	                       row->start, row->pages);
	g_string_append_printf(out,
	                       "<a href='maps#:~:text=%08" PRIx64 "%%2D%08" PRIx64
	                       "'><text class='mono e' x='%d' y='%d'>%" PRIx64 "</text>",
	                       row->start, row->areas == 1 ? row->end : row->start, LEFT - 6,
	                       map->y + 10, row->start);
	add_name(map, row);
	g_string_append_printf(out, "<text class='q e' x='%d' y='%d'>", RIGHT, map->y + 10);
	markup_size(out, row->pages << VM_PAGE_SHIFT);
	g_string_append(out, "</text>");
	add_row_title(map, row);
	g_string_append(out, "</a>\n");
	if (row->areas == 1)
		add_squares(map, row);
	else
		add_bar(map, row);
	g_string_append(out, "</g>\n");
	map->y += (int)MAX(lines, 1) * SQUARE + SQUARE;
}

/* A line over the gap of BYTES, and what is said of the group below it. */
static void add_gap(struct map *map, uint64_t bytes, const struct space_row *below)
{
	GString *out = map->out;

	g_string_append_printf(out, "<path class='rule' d='M%d %dH%d'/>", LEFT, map->y + 5,
	                       STRIP_END);
	g_string_append_printf(out, "<text class='q' x='%d' y='%d'>", PERM, map->y + 10);
	if (bytes > 0)
		g_string_append(out, "gap of ");
	if (bytes > 0)
		markup_size(out, bytes);
	if (below != NULL && below->areas == 1 && below->per_cell > 1) {
		g_string_append_printf(out, "%sa square: ", bytes > 0 ? "; " : "");
		markup_size(out, below->per_cell << VM_PAGE_SHIFT);
	}
	g_string_append(out, "</text>\n");
	map->y += 2 * SQUARE;
}

static void add_rows(struct map *map)
{
	const struct space *space = map->space;

	for (unsigned i = space->row_count; i-- > 0;) {
		const struct space_row *row = &space->rows[i];
		const struct space_row *above = i + 1 < space->row_count ? row + 1 : NULL;

		if (above != NULL && above->start > row->end)
			add_gap(map, above->start - row->end, above->group_start ? row : NULL);
		else if (above == NULL && row->areas == 1 && row->per_cell > 1)
			add_gap(map, 0, row);
		add_row(map, row);
	}
}

/* --- All -------------------------------------------------------------------------------------- */

/* How many squares show a page with an entry. */
static unsigned count_shown(const struct space *space)
{
	unsigned count = 0;

	for (unsigned i = 0; i < space->row_count; i++)
		for (unsigned c = 0; c < space->rows[i].cells; c++)
			count += space_cells(space, &space->rows[i])[c].looked > 0;
	return count;
}

static void add_heading(struct map *map)
{
	const struct vm_process_info *info = &map->space->info;
	GString *out = map->out;

	g_string_append_printf(out, "<text class='h' x='%d' y='%d'>Process %d ", 2 * SQUARE,
	                       map->y + 20, (int)info->pid);
	markup_text(out, info->comm);
	g_string_append(out, ": address space</text>\n");
	map->y += 4 * SQUARE;
}

static void add_summary(struct map *map)
{
	const struct vm_process_info *info = &map->space->info;
	GString *out = map->out;

	g_string_append_printf(out, "<text class='q' x='%d' y='%d'>", 2 * SQUARE, map->y + 10);
	markup_count(out, map->space->areas);
	g_string_append(out, " areas, ");
	markup_size(out, info->vm_total << VM_PAGE_SHIFT);
	g_string_append(out, "; resident ");
	markup_size(out, (info->rss_anon + info->rss_file + info->rss_shmem) << VM_PAGE_SHIFT);
	if (info->swap > 0)
		g_string_append(out, "; swapped out ");
	if (info->swap > 0)
		markup_size(out, info->swap << VM_PAGE_SHIFT);
	g_string_append(out, ". A square is a page, low addresses left.");
	if (map->space->sampled)
		g_string_append(out, " Numbers are estimates: not all pages were looked at.");
	g_string_append(out, "</text>\n");
	map->y += 3 * SQUARE;
}

void draw_map(GString *out, const struct space *space, bool alone)
{
	static const enum page_state states[] = {
	    STATE_UNTOUCHED, STATE_UNREAD, STATE_CLEAN, STATE_DIRTY,   STATE_SHARED,
	    STATE_COW,       STATE_LOCKED, STATE_ZERO,  STATE_SWAPPED, STATE_GUARD};
	struct map map = {.out = g_string_new(NULL),
	                  .space = space,
	                  .links = count_shown(space) <= LINKS_MAX,
	                  .y = TOP};

	if (alone)
		add_heading(&map);
	add_summary(&map);
	map.y =
	    palette_legend(map.out, states, G_N_ELEMENTS(states), 2 * SQUARE, map.y, 170, WIDTH);
	map.y += SQUARE;
	add_rows(&map);
	svg_begin(out, WIDTH, MAX(map.y, TOP) + SQUARE, "address space", alone);
	g_string_append_len(out, map.out->str, (gssize)map.out->len);
	svg_end(out);
	g_string_free(map.out, TRUE);
}

/* --- Small ------------------------------------------------------------------------------------ */

/* How wide an area is drawn: large ones wider, but so that small ones can be seen. */
static unsigned weight_of(const struct space_row *row)
{
	unsigned weight = 3;

	for (uint64_t pages = row->pages; pages > 0; pages /= 2)
		weight += 2;
	return weight;
}

static void add_small_row(GString *out, const struct space_row *row, int x, int width)
{
	int at = 0;

	g_string_append_printf(out, "<rect class='small' x='%d' y='0' width='%d' height='16'/>", x,
	                       width);
	for (unsigned i = 0; i < PAGE_STATES; i++) {
		uint64_t count = MIN(row->sum.count[i], row->pages);
		int part = (int)(count * (unsigned)width / row->pages);

		part = count > 0 ? CLAMP(part, MIN(2, width - at), width - at) : 0;
		if (part > 0)
			g_string_append_printf(
			    out, "<rect class='f-%s' x='%d' y='0' width='%d' height='16'/>",
			    state_id((enum page_state)i), x + at, part);
		at += part;
	}
}

void draw_small_map(GString *out, const struct space *space, int width)
{
	unsigned total = 0, at = 0;

	for (unsigned i = 0; i < space->row_count; i++)
		total += weight_of(&space->rows[i]);
	g_string_append_printf(out,
	                       "<svg class='picture smallmap' width='%d' height='16' role='img' "
	                       "viewBox='0 0 %d 16' aria-label='where its memory is'>",
	                       width, width);
	for (unsigned i = 0; i < space->row_count; i++) {
		unsigned x = at * (unsigned)width / total;

		at += weight_of(&space->rows[i]);
		add_small_row(out, &space->rows[i], (int)x,
		              (int)(at * (unsigned)width / total - x) - 1);
	}
	g_string_append(out, "</svg>");
}
