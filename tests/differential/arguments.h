/*
 * arguments.h - the arguments of random calls, for the generator.
 *
 * Arguments are mostly sensible: addresses lie in a few spots of some tens of pages, across the
 * borders of page tables, where the kernel chooses addresses itself, at the heap, and above a gap
 * that a growing stack needs; many repeat the ends of ranges that were used shortly before. Some
 * are wrong: not aligned, zero, huge, overflowing, with bits that mean nothing.
 *
 * Lengths are either small or beyond everything, so that both machines agree on what is too much.
 * None is so that a valid range would reach the host processes' own memory.
 */
#ifndef TESTS_DIFFERENTIAL_ARGUMENTS_H
#define TESTS_DIFFERENTIAL_ARGUMENTS_H

#include "tests/differential/generator.h"

enum { RECENT = 6, SPOTS = 5 };

/* A program on its way. */
struct generator {
	GRand *rand;
	const struct abilities *abilities;
	bool locks, small, unprivileged;
	bool limits, limits_data; /* limits are set; that of data too */
	unsigned recent;
	struct range ranges[RECENT];
	unsigned next_return;
	uint64_t returns[RECENT]; /* where return instructions were stored */
	unsigned main_spot;       /* where most of its addresses lie */
	uint32_t slot;
};

/* 0 to N - 1. */
unsigned pick(struct generator *g, unsigned n);
bool chance(struct generator *g, unsigned percent);
#define PICK_OF(g, table) ((table)[pick(g, G_N_ELEMENTS(table))])

/* A range near one that was used before, or in one of the spots; sometimes a wrong one. */
void pick_range(struct generator *g, uint64_t *addr, uint64_t *len);
/* LEN bytes at START have been used. */
void remember(struct generator *g, uint64_t start, uint64_t len);
uint64_t small_len(struct generator *g);
uint64_t huge_len(struct generator *g);
uint64_t pick_prot(struct generator *g);

#endif
