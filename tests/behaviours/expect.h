/*
 * expect.h - compares the answers of one side with what the row expects.
 *
 * Areas are written as "0..2 rw-p; T-1..T r--s f0+3": pages of the arena, or relative to T, the
 * page at mmap_base, or to H, the start of the heap; the rights as in maps; the file (f0, f1, f2,
 * or shm for shared anonymous memory) and the page in it. Resident pages are the private pages that
 * have an entry, including the zero page: "0 1 T-1".
 */
#ifndef TESTS_BEHAVIOURS_EXPECT_H
#define TESTS_BEHAVIOURS_EXPECT_H

#include "tests/behaviours/behaviour.h"

/*
 * Compare the ANSWERS of PROGRAM with ROW. TESTED is the step under test. Returns NULL if they are
 * as expected, else what differs.
 */
char *unexpected(const struct row *row, const struct program *program, unsigned tested,
                 const struct answers *answers, bool is_linux);

#endif
