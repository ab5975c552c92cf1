/*
 * usage_fixture.h - what tests of smaps and its relatives share: mapped files, and what an area has.
 */
#ifndef TESTS_USAGE_FIXTURE_H
#define TESTS_USAGE_FIXTURE_H

#include "tests/pressure.h"

/* What vm_process_usage says about the area of VA, without its name. */
struct vm_area_usage usage_at(struct vm_process *process, uint64_t va);

/* The file PATH, opened for reading and writing, somewhere in PROCESS. */
uint64_t file_at(struct pressure *p, struct vm_process *process, const char *path, uint64_t pages, int flags);

#endif
