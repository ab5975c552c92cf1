/*
 * palette.h - THE table of what pictures show: each state of a page has one colour, one pattern
 * and one word, the same in all pictures and pages.
 *
 * A state can be told without its colour: each has a pattern of its own.
 */
#ifndef FS_PICTURE_PALETTE_H
#define FS_PICTURE_PALETTE_H

#include <glib.h>
#include <stdbool.h>

/* The states of a page. Where several apply, it is shown in the last of them. */
enum page_state {
	STATE_UNTOUCHED, /* no entry, and no file */
	STATE_UNREAD,    /* no entry; it is a page of a file */
	STATE_CLEAN,
	STATE_DIRTY,
	STATE_SHARED,
	STATE_COW,
	STATE_LOCKED,
	STATE_ZERO,
	STATE_SWAPPED,
	STATE_GUARD,
	PAGE_STATES,
	/* of frames and of page tables */
	STATE_FREE = PAGE_STATES,
	STATE_TABLE,
	STATES
};

/* The side of a square with the gap to the next one: drawings are on a grid of it. */
enum { SQUARE = 10, PALETTE_RUN = 84 };

/* The word for STATE ("copy-on-write"), and its name in classes and ids ("cow"). */
const char *state_word(enum page_state state);
const char *state_id(enum page_state state);

/* Append the rules of CSS: the colours, light and dark, and how squares are filled. */
void palette_css(GString *out);

/*
 * Append a <defs> with a square for each state. Once in each document: the squares in drawings
 * refer to them. (Fills with <pattern> would be shorter. But Chromium prints each of them as a
 * picture of the whole page.)
 */
void palette_defs(GString *out);

/* Append a square of STATE at X, Y. ATTRIBUTES and TITLE are markup; "" or NULL: none. */
void palette_square(GString *out, enum page_state state, int x, int y, const char *attributes,
                    const char *title);
/* The same, but only the lowest HEIGHT units of it, 1 to SQUARE - 1. */
void palette_part(GString *out, enum page_state state, int x, int y, int height,
                  const char *attributes, const char *title);
/* COUNT squares in a line, at most PALETTE_RUN, of STATE_UNTOUCHED, STATE_UNREAD or STATE_FREE. */
void palette_run(GString *out, enum page_state state, int x, int y, unsigned count,
                 const char *title);
/* A bar of WIDTH units in the colour of STATE, which begins with its square. */
void palette_bar(GString *out, enum page_state state, int x, int y, int width, const char *title);

/*
 * Append the legend of COUNT states as part of a drawing, from X, Y on, in columns of WIDTH units
 * up to RIGHT. Returns where the next thing below may stand.
 */
int palette_legend(GString *out, const enum page_state *states, unsigned count, int x, int y,
                   int width, int right);

#endif
