/*
 * engine_executor.h - runs a program in the engine, in a machine of its own.
 */
#ifndef TESTS_DIFFERENTIAL_ENGINE_EXECUTOR_H
#define TESTS_DIFFERENTIAL_ENGINE_EXECUTOR_H

#include "tests/differential/program.h"

/*
 * Run PROGRAM with new files in DIR. Every invariant is checked after each CHECK_EVERY steps, and
 * at the end. ANSWERS has been initialised with answers_init.
 */
void engine_run(const struct program *program, const char *dir, unsigned check_every,
                struct answers *answers);

#endif
