/*
 * curve.h - the faults of a policy with every number of frames.
 *
 * LRU and OPT are stack algorithms (Mattson, Gecsei, Slutz, Traiger: Evaluation techniques for
 * storage hierarchies, 1970): what is in N frames is also in N + 1. So all pages stand on one
 * stack; the first N are those in N frames. A touch of the page at depth D, from 1 on, is a hit
 * with D frames and more, and a fault with fewer.
 */
#ifndef REPLAY_CURVE_H
#define REPLAY_CURVE_H

#include <stdbool.h>
#include <stdint.h>

/* How many touches there were at each depth. All zeros at first. */
struct curve {
	uint64_t *at;    /* by depth, from 1 on; curve_faults: faults by frames */
	uint32_t pages;  /* the largest depth: the pages that were touched */
	uint32_t room;   /* depths that `at` has room for */
	uint64_t firsts; /* first touches, which are faults with any number of frames */
	bool added_up;   /* curve_add_up was called */
};

/* A first touch. False: no memory. */
bool curve_first(struct curve *curve);

static inline void curve_touch(struct curve *curve, uint32_t depth)
{
	curve->at[depth]++;
}

/* All touches are counted: turn them into faults. */
void curve_add_up(struct curve *curve);

/* The faults with FRAMES frames, at least 1, after curve_add_up. */
uint64_t curve_faults(const struct curve *curve, uint64_t frames);

void curve_clear(struct curve *curve);

#endif
