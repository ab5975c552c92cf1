/*
 * palette.c - the colours, patterns and words of pictures. See palette.h.
 */
#include "fs/picture/palette.h"

/* A square without a fill, and one with. Marks in it are of class k: the colour of the ink. */
#define HOLLOW "<rect class='o' x='.75' y='.75' width='7.5' height='7.5' rx='1'/>"
#define SOLID(id) "<rect class='f-" id "' width='9' height='9' rx='1'/>"
#define LINES(path) "<path class='k' d='" path "'/>"

static const struct {
	const char *id, *word;
	const char *light, *dark; /* colours */
	const char *square;       /* 9 x 9 */
} table[STATES] = {
    [STATE_UNTOUCHED] = {"untouched", "untouched", "#c9ced6", "#47505b", HOLLOW},
    [STATE_UNREAD] = {"unread", "file page not read", "#8b98a9", "#6f7d8e",
                      HOLLOW "<circle class='f-unread' cx='4.5' cy='4.5' r='1.3'/>"},
    [STATE_CLEAN] = {"clean", "resident, clean", "#8fbce6", "#3f78ad", SOLID("clean")},
    [STATE_DIRTY] = {"dirty", "resident, dirty", "#e8883a", "#e08a3c",
                     SOLID("dirty") "<rect class='m' x='3' y='3' width='3' height='3'/>"},
    [STATE_SHARED] = {"shared", "shared with others", "#58b08c", "#3f9877",
                      SOLID("shared") LINES("M1 3h7M1 6h7")},
    [STATE_COW] = {"cow", "copy-on-write", "#b98bd3", "#9a6fb8",
                   SOLID("cow") LINES("M1 8L8 1M1 4L4 1M5 8L8 5")},
    [STATE_LOCKED] = {"locked", "locked", "#6d86c9", "#6a83cf",
                      SOLID("locked") LINES("M3 1v7M6 1v7")},
    [STATE_ZERO] = {"zero", "zero page", "#f1d36b", "#c9a93a",
                    SOLID("zero") "<circle class='k' cx='4.5' cy='4.5' r='2'/>"},
    [STATE_SWAPPED] = {"swapped", "swapped out", "#8d7b6a", "#a99683",
                       "<rect class='o-swapped' x='.75' y='.75' width='7.5' height='7.5' rx='1'/>"
                       "<path class='o-swapped' d='M2 2l5 5M7 2l-5 5'/>"},
    [STATE_GUARD] = {"guard", "guard page", "#d6544f", "#d8605b",
                     SOLID("guard") LINES("M1 1l7 7M8 1l-7 7")},
    [STATE_FREE] = {"free", "free", "#c9ced6", "#47505b", HOLLOW},
    [STATE_TABLE] = {"table", "points to a table", "#5b6673", "#aab4c0", SOLID("table")},
};

const char *state_word(enum page_state state)
{
	return table[state].word;
}

const char *state_id(enum page_state state)
{
	return table[state].id;
}

static void add_colours(GString *out, bool dark)
{
	for (unsigned i = 0; i < STATES; i++)
		g_string_append_printf(out, "--%s:%s;", table[i].id,
		                       dark ? table[i].dark : table[i].light);
}

void palette_css(GString *out)
{
	g_string_append(out, ":root{");
	add_colours(out, false);
	g_string_append(out, "}\n@media screen and (prefers-color-scheme:dark){:root{");
	add_colours(out, true);
	g_string_append(out, "}}\n");
	for (unsigned i = 0; i < STATES; i++)
		g_string_append_printf(
		    out, ".f-%s{fill:var(--%s);stroke:none}.b-%s{background:var(--%s)}\n",
		    table[i].id, table[i].id, table[i].id, table[i].id);
}

/* PALETTE_RUN squares in a line. */
static void add_run_def(GString *out, enum page_state state)
{
	g_string_append_printf(out, "<g id='r-%s'><path class='o' d='", table[state].id);
	for (int i = 0; i < PALETTE_RUN; i++)
		g_string_append_printf(out, "M%d.75 .75h7.5v7.5h-7.5z", i * SQUARE);
	g_string_append(out, "'/>");
	if (state == STATE_UNREAD)
		g_string_append_printf(out, "<path class='dots' d='M4.5 4.5h%d'/>",
		                       (PALETTE_RUN - 1) * SQUARE);
	g_string_append(out, "</g>");
}

void palette_defs(GString *out)
{
	g_string_append(out, "<defs>");
	for (unsigned i = 0; i < STATES; i++)
		g_string_append_printf(out,
		                       "<g id='s-%s'>%s<rect class='hit' width='9' height='9'/>"
		                       "</g>\n",
		                       table[i].id, table[i].square);
	add_run_def(out, STATE_UNTOUCHED);
	add_run_def(out, STATE_UNREAD);
	g_string_append(out, "</defs>\n");
}

static void add_title(GString *out, const char *title)
{
	if (title != NULL)
		g_string_append_printf(out, "<title>%s</title>", title);
}

void palette_square(GString *out, enum page_state state, int x, int y, const char *attributes,
                    const char *title)
{
	g_string_append_printf(out, "<use class='s-%s' href='#s-%s' x='%d' y='%d'%s>",
	                       table[state].id, table[state].id, x, y, attributes);
	add_title(out, title);
	g_string_append(out, "</use>");
}

void palette_part(GString *out, enum page_state state, int x, int y, int height,
                  const char *attributes, const char *title)
{
	enum { WHOLE = SQUARE - 1 };

	if (height >= WHOLE) {
		palette_square(out, state, x, y, attributes, title);
		return;
	}
	g_string_append_printf(out, "<svg class='s-%s' x='%d' y='%d' width='9' height='%d'%s>",
	                       table[state].id, x, y + WHOLE - height, height, attributes);
	add_title(out, title);
	g_string_append_printf(out, "<use href='#s-%s' y='%d'/></svg>", table[state].id,
	                       height - WHOLE);
}

void palette_run(GString *out, enum page_state state, int x, int y, unsigned count,
                 const char *title)
{
	const char *id = table[state == STATE_UNREAD ? STATE_UNREAD : STATE_UNTOUCHED].id;

	g_string_append_printf(out, "<svg class='s-%s' x='%d' y='%d' width='%u' height='9'>",
	                       table[state].id, x, y, count * SQUARE - 1);
	add_title(out, title);
	g_string_append_printf(out, "<use href='#r-%s'/></svg>", id);
}

void palette_bar(GString *out, enum page_state state, int x, int y, int width, const char *title)
{
	g_string_append_printf(out, "<g><rect class='f-%s' x='%d' y='%d' width='%d' height='9'>",
	                       table[state].id, x, y, width);
	add_title(out, title);
	g_string_append(out, "</rect>");
	if (width >= SQUARE - 1)
		palette_square(out, state, x, y, "", title);
	g_string_append(out, "</g>");
}

int palette_legend(GString *out, const enum page_state *states, unsigned count, int x, int y,
                   int width, int right)
{
	int left = x;

	for (unsigned i = 0; i < count; i++, x += width) {
		if (x + width > right) {
			x = left;
			y += 2 * SQUARE;
		}
		palette_square(out, states[i], x, y, "", NULL);
		g_string_append_printf(out, "<text class='l' x='%d' y='%d'>%s</text>", x + 16,
		                       y + 10, table[states[i]].word);
	}
	g_string_append_c(out, '\n');
	return y + 2 * SQUARE;
}
