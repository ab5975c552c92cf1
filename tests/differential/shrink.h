/*
 * shrink.h - a failing program made short.
 */
#ifndef TESTS_DIFFERENTIAL_SHRINK_H
#define TESTS_DIFFERENTIAL_SHRINK_H

#include "tests/differential/program.h"

/* Whether PROGRAM still fails in the way that is looked into. */
typedef bool (*fails_fn)(void *ctx, const struct program *program);

/* Leave out steps, and make numbers simpler, as long as PROGRAM fails. */
void shrink(struct program *program, fails_fn fails, void *ctx);

#endif
