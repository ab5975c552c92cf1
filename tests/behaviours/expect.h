/*
 * expect.h - what a side answered to a row, held against what the row says.
 *
 * Areas are written as "0..2 rw-p; T-1..T r--s f0+3": pages of the arena, T the page at mmap_base,
 * H that at the start of the heap; rights as in maps; the file, f0, f1, f2 or shm (shared anonymous
 * memory), and the page in it. Resident pages are the private ones that have an entry, the zero
 * page too: "0 1 T-1".
 */
#ifndef TESTS_BEHAVIOURS_EXPECT_H
#define TESTS_BEHAVIOURS_EXPECT_H

#include "tests/behaviours/behaviour.h"

/*
 * NULL if the ANSWERS of PROGRAM, whose step TESTED is the one under test, are as ROW expects; else
 * what differs.
 */
char *unexpected(const struct row *row, const struct program *program, unsigned tested,
                 const struct answers *answers, bool is_linux);

#endif
