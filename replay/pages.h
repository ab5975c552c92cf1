/*
 * pages.h - pages get numbers, in the order of their first touch: 0, 1, 2, ...
 *
 * So what is known of a page can stand in an array.
 */
#ifndef REPLAY_PAGES_H
#define REPLAY_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGES_NONE UINT32_MAX

enum { PAGES_BLOCK = 64 }; /* neighbours that stand together */

/* The numbers of neighbours, plus one; 0: not touched yet. */
struct pages_block {
	uint64_t first;   /* page, a multiple of PAGES_BLOCK */
	uint32_t *number; /* NULL: the place is free */
};

struct pages {
	uint32_t count; /* pages that have a number */
	/* a hash table of blocks with MASK + 1 places, about half of them in use at most */
	struct pages_block *blocks;
	size_t mask, blocks_used;
	struct pages_block last; /* the one looked up last */
};

/* PAGES is all zeros at first. */
void pages_clear(struct pages *pages);

/* Make the block of PAGE, which is made if there is none, the last one. False: no memory. */
bool pages_find_block(struct pages *pages, uint64_t page);

/* The number of PAGE. It is new if it is the count before. PAGES_NONE: no memory. */
static inline uint32_t pages_number(struct pages *pages, uint64_t page)
{
	if ((pages->last.number == NULL || page - pages->last.first >= PAGES_BLOCK) &&
	    !pages_find_block(pages, page))
		return PAGES_NONE;
	uint32_t *number = &pages->last.number[page - pages->last.first];
	if (*number == 0 && pages->count < PAGES_NONE - 1)
		*number = ++pages->count;
	return *number - 1;
}

#endif
