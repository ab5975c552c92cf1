/*
 * lru.h - the curve of LRU, in one pass.
 *
 * The depth of a page on the stack of LRU is the number of pages that were touched since its last
 * touch, itself included. Touches are numbered; a bit for each number says whether it is still the
 * last touch of its page. So the depth is the number of bits from there on. Bits are counted in
 * blocks, and the counts of the blocks are kept as a Fenwick tree, so a touch costs the logarithm
 * of the number of pages. When the numbers are used up, the touches that still count are numbered
 * anew: memory grows with the number of pages, not with that of touches.
 */
#ifndef REPLAY_LRU_H
#define REPLAY_LRU_H

#include "replay/curve.h"

struct lru {
	struct curve curve;
	uint32_t *last; /* by page: the number of its last touch */
	uint32_t last_room;
	uint64_t *bits;     /* by number */
	uint32_t *tree;     /* by block, from 1 on */
	uint32_t room, top; /* numbers that there are, and that are used */
	uint32_t newest;    /* page touched last */
};

/*
 * Page number PAGE (pages.h) is touched. LRU is all zeros at first. False: no memory, or more than
 * 2^29 pages.
 */
bool lru_touch(struct lru *lru, uint32_t page);

/* Page number PAGE will be touched soon. */
static inline void lru_prefetch(const struct lru *lru, uint32_t page)
{
	if (page < lru->curve.pages)
		__builtin_prefetch(&lru->last[page]);
}

void lru_clear(struct lru *lru);

#endif
