/*
 * swap_fixture.h - what the tests of swap share: pages that are in it.
 */
#ifndef TESTS_SWAP_FIXTURE_H
#define TESTS_SWAP_FIXTURE_H

#include "tests/pressure.h"

#define FAR (ARENA + 1024 * PAGE)

/* Eight private pages at ARENA and eight shared ones at FAR, all in swap. */
void swap_out_eight(struct pressure *p);

#endif
