/*
 * shrink.h - shortens a failing program.
 */
#ifndef TESTS_DIFFERENTIAL_SHRINK_H
#define TESTS_DIFFERENTIAL_SHRINK_H

#include "tests/differential/program.h"

/* Whether PROGRAM still fails in the same way. */
typedef bool (*fails_fn)(void *ctx, const struct program *program);

/* Leave out steps and simplify numbers, as long as PROGRAM still fails. */
void shrink(struct program *program, fails_fn fails, void *ctx);

#endif
