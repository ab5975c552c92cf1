/*
 * compare.h - compares the answers of the two sides.
 */
#ifndef TESTS_DIFFERENTIAL_COMPARE_H
#define TESTS_DIFFERENTIAL_COMPARE_H

#include "tests/differential/program.h"

struct comparison {
	bool fold;       /* count adjacent areas that look the same as one */
	bool guard_flag; /* the host shows areas with guard pages */
};

struct difference {
	/* the kind of difference: as far as possible the same for the same bug */
	char *signature;
	char *text;    /* the details */
	uint32_t step; /* where the difference showed; the number of steps if at the end */
};

/* Whether the answers differ. If so, DIFFERENCE is filled in and must be cleared. */
bool compare(const struct program *program, const struct comparison *how,
             const struct answers *host, const struct answers *engine,
             struct difference *difference);
void difference_clear(struct difference *difference);

#endif
