/*
 * swap_fixture.h - what the tests of swap share: a machine with room, and how much of it is used.
 */
#ifndef TESTS_SWAP_FIXTURE_H
#define TESTS_SWAP_FIXTURE_H

#include "tests/pressure.h"

#define FAR (ARENA + 1024 * PAGE)

extern const struct pressure_size roomy;

uint64_t slots_used(struct pressure *p);
uint64_t frames_used(struct pressure *p);

/* Eight private pages at ARENA and eight shared ones at FAR, all in swap. */
void swap_out_eight(struct pressure *p);

#endif
