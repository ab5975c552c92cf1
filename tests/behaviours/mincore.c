/*
 * mincore.c - mincore: its range, and its vector. Which pages of files are in memory is up to the
 * host.
 */
#include "tests/behaviours/behaviour.h"

static const struct row rows[] = {
    {"an address within a page", "SYSCALL_DEFINE3(mincore)",
     DO(AREA(0, 1, RW), MINCORE(P(0) + 1, PAGE)), FAILS(EINVAL)},
    {"an address within a page is checked before a missing mapping", "SYSCALL_DEFINE3(mincore)",
     DO(MINCORE(P(0) + 1, PAGE)), FAILS(EINVAL)},
    {"an address within a page is checked before the end of user space", "SYSCALL_DEFINE3(mincore)",
     DO(MINCORE(USER_END + 1, PAGE)), FAILS(EINVAL)},
    {"a length of 0, mapped or not", "SYSCALL_DEFINE3(mincore)", DO(MINCORE(P(0), 0)), GIVES(0)},
    {"a length of 0 at the end of user space", "SYSCALL_DEFINE3(mincore): access_ok",
     DO(MINCORE(USER_END, 0)), GIVES(0)},
    {"a length of 0 beyond user space", "SYSCALL_DEFINE3(mincore): access_ok",
     DO(MINCORE(USER_END + PAGE, 0)), FAILS(ENOMEM)},
    {"nothing mapped there", "do_mincore", DO(MINCORE(P(0), PAGE)), FAILS(ENOMEM)},
    {"beyond user space", "SYSCALL_DEFINE3(mincore): access_ok", DO(MINCORE(USER_END + PAGE, PAGE)),
     FAILS(ENOMEM)},
    {"a range that wraps around", "SYSCALL_DEFINE3(mincore): access_ok",
     DO(AREA(0, 1, RW), MINCORE(P(0), -N(2))), FAILS(ENOMEM)},
    {"an area", "do_mincore", DO(AREA(0, 2, RW), MINCORE(P(0), N(2))), GIVES(0)},
    {"an area without rights", "do_mincore", DO(AREA(0, 2, NONE), MINCORE(P(0), N(2))), GIVES(0)},
    {"two areas side by side", "do_mincore", DO(AREA(0, 1, RW), AREA(1, 1, R), MINCORE(P(0), N(2))),
     GIVES(0)},
    {"a hole at the end", "do_mincore", DO(AREA(0, 2, RW), MINCORE(P(0), N(3))), FAILS(ENOMEM)},
    {"a length is rounded up to pages", "SYSCALL_DEFINE3(mincore)",
     DO(AREA(0, 1, RW), MINCORE(P(0), PAGE + 1)), FAILS(ENOMEM)},
    {"it brings nothing in", "mincore(2)", DO(AREA(0, 2, RW), MINCORE(P(0), N(2))), RESIDENT("")},

    /* the vector */
    {"a page that was stored to", "mincore_pte_range",
     DO(AREA(0, 3, RW), STORE(P(1), 'x'), MINCORE(P(0), N(3))), VECTOR("010")},
    {"the zero page", "mincore_pte_range", DO(AREA(0, 2, RW), LOAD(P(1)), MINCORE(P(0), N(2))),
     VECTOR("01")},
    {"a page without rights", "mincore_pte_range",
     DO(AREA(0, 2, RW), STORE(P(0), 'x'), MPROTECT(P(0), N(2), NONE), MINCORE(P(0), N(2))),
     VECTOR("10")},
    {"a page that was dropped", "mincore_pte_range",
     DO(AREA(0, 1, RW), STORE(P(0), 'x'), MADVISE(P(0), PAGE, DONTNEED), MINCORE(P(0), PAGE)),
     VECTOR("0")},
    {"a guard page", "mincore_pte_range: pte_none_mostly",
     DO(AREA(0, 2, RW), MADVISE(P(0), PAGE, GUARD_INSTALL), STORE(P(1), 'x'), MINCORE(P(0), N(2))),
     VECTOR("01")},
    {"a page of shared memory that is not mapped here", "mincore_page",
     DO(COMMON(0, 2, RW), STORE(P(1), 'x'), MADVISE(P(0), N(2), DONTNEED), MINCORE(P(0), N(2))),
     VECTOR("01")},
    {"a page of shared memory that another process brought in", "mincore_page",
     DO(COMMON(0, 2, RW), FORK, CHILD, STORE(P(0), 'x'), PARENT, MINCORE(P(0), N(2))),
     VECTOR("10")},
    {"pages on two sides of a border between tables", "walk_page_range",
     DO(AREA(510, 4, RW), STORE(P(511), 'x'), STORE(P(512), 'x'), MINCORE(P(510), N(4))),
     VECTOR("0110")},
    {"a child's pages", "copy_present_ptes",
     DO(AREA(0, 2, RW), STORE(P(0), 'x'), FORK, CHILD, MINCORE(P(0), N(2))), VECTOR("10")},
};

FAMILY(mincore, rows);
