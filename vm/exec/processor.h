/*
 * processor.h - the host's processor as ld.so (glibc 2.36) sees it.
 */
#ifndef VM_EXEC_PROCESSOR_H
#define VM_EXEC_PROCESSOR_H

#include <stdbool.h>

struct processor {
	unsigned level; /* 3 is x86-64-v3 */
	bool avx512;    /* "avx512_1" is among the names of its subfolders */
	/* $PLATFORM: "x86_64", on some of Intel's "haswell" or "xeon_phi" */
	const char *platform;
};

void processor_read(struct processor *processor);

#endif
