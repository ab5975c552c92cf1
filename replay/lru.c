#include "replay/lru.h"

#include <glib.h>

#include <string.h>

enum {
	WORD = 64,
	BLOCK = 256, /* numbers in a block */
	LEAST_ROOM = 4096,
};
#define MOST_PAGES (1u << 29)

/* --- The tree --------------------------------------------------------------------------------- */

static uint32_t blocks(const struct lru *lru)
{
	return lru->room / BLOCK;
}

static void tree_add(struct lru *lru, uint32_t number, uint32_t change)
{
	for (uint32_t i = number / BLOCK + 1; i <= blocks(lru); i += i & -i)
		lru->tree[i] += change;
}

/* How many bits are set below NUMBER. */
static uint32_t count_below(const struct lru *lru, uint32_t number)
{
	uint32_t count = 0, word = number / WORD;

	for (uint32_t i = number / BLOCK; i > 0; i &= i - 1)
		count += lru->tree[i];
	for (uint32_t w = number / BLOCK * (BLOCK / WORD); w < word; w++)
		count += (uint32_t)__builtin_popcountll(lru->bits[w]);
	if (number % WORD != 0)
		count += (uint32_t)__builtin_popcountll(lru->bits[word] << (WORD - number % WORD));
	return count;
}

static void set(struct lru *lru, uint32_t number)
{
	lru->bits[number / WORD] |= UINT64_C(1) << number % WORD;
	tree_add(lru, number, 1);
}

static void clear(struct lru *lru, uint32_t number)
{
	lru->bits[number / WORD] &= ~(UINT64_C(1) << number % WORD);
	tree_add(lru, number, (uint32_t)-1);
}

/* --- Numbering anew --------------------------------------------------------------------------- */

/* ROOM numbers, the first PAGES of which are used, one for each page. */
static bool set_room(struct lru *lru, uint32_t room, uint32_t pages)
{
	uint64_t *bits = g_try_new0(uint64_t, room / WORD);
	uint32_t *tree = g_try_new0(uint32_t, room / BLOCK + 1);

	if (bits == NULL || tree == NULL) {
		g_free(bits);
		g_free(tree);
		return false;
	}
	g_free(lru->bits);
	g_free(lru->tree);
	lru->bits = bits;
	lru->tree = tree;
	lru->room = room;
	lru->top = pages;
	for (uint32_t number = 0; number < pages; number++) {
		bits[number / WORD] |= UINT64_C(1) << number % WORD;
		tree[number / BLOCK + 1]++;
	}
	for (uint32_t i = 1, up; i <= blocks(lru); i++)
		if ((up = i + (i & -i)) <= blocks(lru))
			tree[up] += tree[i];
	return true;
}

/* Room for as many touches again as make the work for it small. PAGES have been touched. */
static bool renumber(struct lru *lru, uint32_t pages)
{
	uint32_t room = LEAST_ROOM;

	if (pages > MOST_PAGES)
		return false;
	for (uint32_t page = 0; page < pages; page++)
		lru->last[page] = count_below(lru, lru->last[page]);
	while (room < 4 * pages)
		room *= 2;
	return set_room(lru, room, pages);
}

/* --- Touches ---------------------------------------------------------------------------------- */

/* The array of last touches has room for one page more. */
static bool grow_last(struct lru *lru)
{
	uint32_t room = lru->last_room == 0 ? 1024 : 2 * lru->last_room;
	uint32_t *last;

	if (lru->curve.pages < lru->last_room)
		return true;
	last = room > lru->last_room ? g_try_renew(uint32_t, lru->last, room) : NULL;
	if (last == NULL)
		return false;
	lru->last = last;
	lru->last_room = room;
	return true;
}

bool lru_touch(struct lru *lru, uint32_t page)
{
	uint32_t pages = lru->curve.pages;

	if (page < pages && page == lru->newest) {
		curve_touch(&lru->curve, 1);
		return true;
	}
	if (lru->top == lru->room && !renumber(lru, pages))
		return false;
	if (page < pages) {
		uint32_t number = lru->last[page];

		curve_touch(&lru->curve, pages - count_below(lru, number));
		clear(lru, number);
	} else if (!grow_last(lru) || !curve_first(&lru->curve)) {
		return false;
	}
	lru->newest = page;
	lru->last[page] = lru->top;
	set(lru, lru->top++);
	return true;
}

void lru_clear(struct lru *lru)
{
	curve_clear(&lru->curve);
	g_free(lru->last);
	g_free(lru->bits);
	g_free(lru->tree);
	*lru = (struct lru){0};
}
