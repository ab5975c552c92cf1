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

/*
 * Touches that are not counted yet: their counts come from the host's memory meanwhile. A trace of
 * many pages would wait for each.
 */
enum { CURVE_WAITING = 8 };

/* How many touches there were at each depth. All zeros at first. */
struct curve {
	uint32_t waiting[CURVE_WAITING]; /* the depths of the last touches; 0: none */
	unsigned next;                   /* where the next one waits */
	uint64_t *at;                    /* by depth, from 1 on; curve_faults: faults by frames */
	uint32_t pages;                  /* the largest depth: the pages that were touched */
	uint32_t room;                   /* depths that `at` has room for */
	uint64_t firsts; /* first touches, which are faults with any number of frames */
	bool added_up;   /* curve_add_up was called */
};

/* A first touch. False: no memory. */
bool curve_first(struct curve *curve);

static inline void curve_touch(struct curve *curve, uint32_t depth)
{
	uint32_t *place = &curve->waiting[curve->next++ % CURVE_WAITING];

	/* at[0] counts what nobody asks for. */
	curve->at[*place]++;
	*place = depth;
	__builtin_prefetch(&curve->at[depth], 1);
}

/* Count the touches that wait. */
void curve_settle(struct curve *curve);

/* All touches were made: turn them into faults. */
void curve_add_up(struct curve *curve);

/* The faults with FRAMES frames, at least 1, after curve_add_up. */
uint64_t curve_faults(const struct curve *curve, uint64_t frames);

void curve_clear(struct curve *curve);

#endif
