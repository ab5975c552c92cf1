/*
 * generator.h - random programs: one a seed.
 */
#ifndef TESTS_DIFFERENTIAL_GENERATOR_H
#define TESTS_DIFFERENTIAL_GENERATOR_H

#include "tests/differential/program.h"

/* What the host allows to be asked. */
struct abilities {
	bool large_files; /* a file system aligns large mappings of its files, as the engine does */
	bool low;  /* root may map the lowest addresses; for others there are two limits, one of which cannot be read */
	bool lock; /* no limit on locked memory binds us */
	bool exec_only; /* execute-only memory can be read, since the processor has no protection keys */
};

/* STEPS calls, the same for the same SEED and ABILITIES. */
void generate(struct program *program, uint32_t seed, uint32_t steps, const struct abilities *abilities);

#endif
