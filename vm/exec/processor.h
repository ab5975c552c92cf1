/*
 * processor.h - the host's processor, as ld.so (glibc 2.36) sees it. It decides in which subfolders
 * ld.so looks for libraries.
 */
#ifndef VM_EXEC_PROCESSOR_H
#define VM_EXEC_PROCESSOR_H

#include <stdbool.h>

struct processor {
	unsigned level; /* of the x86-64 psABI, 1 to 4: 3 is x86-64-v3 */
	bool avx512;    /* ld.so also looks in subfolders named "avx512_1" */
	/* $PLATFORM: "x86_64", or on some Intel processors "haswell" or "xeon_phi"; static */
	const char *platform;
};

/* Fill in *PROCESSOR by cpuid. */
void processor_read(struct processor *processor);

#endif
