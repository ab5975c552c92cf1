/*
 * generator.h - random programs: one a seed.
 */
#ifndef TESTS_DIFFERENTIAL_GENERATOR_H
#define TESTS_DIFFERENTIAL_GENERATOR_H

#include "tests/differential/program.h"

/* What the host allows to be asked. */
struct abilities {
	/* a file system aligns large mappings of its files, as the engine does */
	bool large_files;
	/*
	 * Any limit can be set. Others may not map the lowest addresses, where one of two limits
	 * cannot be read.
	 */
	bool root;
	bool raise;      /* root may raise limits, too */
	bool guard_flag; /* smaps shows areas with guard pages (since 6.18) */
	/* execute-only memory can be read, since the processor has no protection keys */
	bool exec_only;
};

/* STEPS calls, the same for the same SEED and ABILITIES. */
void generate(struct program *program, uint32_t seed, uint32_t steps,
              const struct abilities *abilities);

#endif
