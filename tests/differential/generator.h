/*
 * generator.h - random programs, one for each seed.
 */
#ifndef TESTS_DIFFERENTIAL_GENERATOR_H
#define TESTS_DIFFERENTIAL_GENERATOR_H

#include "tests/differential/program.h"

/* What the host supports. */
struct abilities {
	/* the file system aligns large mappings of its files, as the engine does */
	bool large_files;
	/*
	 * any limit can be set; other users cannot map the lowest addresses, where one of two
	 * limits cannot be read
	 */
	bool root;
	bool raise;      /* root may raise limits too */
	bool guard_flag; /* smaps shows areas with guard pages (since 6.18) */
	/* execute-only memory can be read, because the processor has no protection keys */
	bool exec_only;
};

/* Generate STEPS calls. The same SEED and ABILITIES give the same program. */
void generate(struct program *program, uint32_t seed, uint32_t steps,
              const struct abilities *abilities);

#endif
