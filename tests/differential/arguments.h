/*
 * arguments.h - the arguments of random calls, for the generator.
 *
 * Most arguments make sense. Addresses lie in a few spots of some tens of pages: across the borders
 * of page tables, where the kernel itself chooses addresses, at the heap, and above free space into
 * which a stack can grow. Many repeat the ends of ranges that were used shortly before. Some
 * arguments are wrong: not aligned, zero, huge, overflowing, or with unknown bits.
 *
 * Lengths are either small or far too large for any machine, so that both sides agree on what is
 * too large. No valid range reaches the host processes' own memory.
 */
#ifndef TESTS_DIFFERENTIAL_ARGUMENTS_H
#define TESTS_DIFFERENTIAL_ARGUMENTS_H

#include "tests/differential/generator.h"

enum { RECENT = 6, SPOTS = 5 };

/* A program while it is being generated. */
struct generator {
	GRand *rand;
	const struct abilities *abilities;
	bool locks, small, unprivileged;
	bool limits, limits_data; /* the program sets limits; the data limit too */
	unsigned recent;
	struct range ranges[RECENT];
	unsigned next_return;
	uint64_t returns[RECENT]; /* where return instructions were stored */
	unsigned main_spot;       /* the spot of most of its addresses */
	uint32_t slot;
};

/* A number from 0 to N - 1. */
unsigned pick(struct generator *g, unsigned n);
bool chance(struct generator *g, unsigned percent);
#define PICK_OF(g, table) ((table)[pick(g, G_N_ELEMENTS(table))])

/* A range near one that was used before, or in one of the spots. Sometimes it is invalid. */
void pick_range(struct generator *g, uint64_t *addr, uint64_t *len);
/* Note that LEN bytes at START have been used. */
void remember(struct generator *g, uint64_t start, uint64_t len);
uint64_t small_len(struct generator *g);
uint64_t huge_len(struct generator *g);
uint64_t pick_prot(struct generator *g);

#endif
