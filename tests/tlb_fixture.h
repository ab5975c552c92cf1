/*
 * tlb_fixture.h - machines with a TLB of any shape, and whether an access was served by it.
 */
#ifndef TESTS_TLB_FIXTURE_H
#define TESTS_TLB_FIXTURE_H

#include "tests/pressure.h"

struct geometry {
	unsigned sets, ways; /* both 0: no TLB */
};

enum { GEOMETRIES = 6 };
extern const struct geometry geometries[GEOMETRIES];

/* A machine of 64 frames with such a TLB, to be ended with pressure_end. */
void begin(struct pressure *p, const struct geometry *geometry);

struct vm_tlb_info counts(struct vm_process *process);

/* Whether an access is served by the TLB, without a walk. It must be a hit of the tables. */
bool served(struct vm_process *process, uint64_t va, enum vm_access access);

/* A test TEST of a geometry, named /tlb/NAME/SETSxWAYS. */
void add(const char *name, const struct geometry *geometry, GTestDataFunc test);

#endif
