/*
 * compare.h - what the two sides answered, compared.
 */
#ifndef TESTS_DIFFERENTIAL_COMPARE_H
#define TESTS_DIFFERENTIAL_COMPARE_H

#include "tests/differential/program.h"

struct comparison {
	bool fold;       /* adjacent areas that look the same count as one */
	bool guard_flag; /* the host shows areas with guard pages */
};

struct difference {
	/* what kind of difference: the same for the same bug, as far as can be seen */
	char *signature;
	char *text;    /* what exactly */
	uint32_t step; /* where it showed; the number of steps if at the end */
};

/* Whether the answers differ; then DIFFERENCE is filled in, to be cleared. */
bool compare(const struct program *program, const struct comparison *how,
             const struct answers *host, const struct answers *engine,
             struct difference *difference);
void difference_clear(struct difference *difference);

#endif
