/*
 * madvise_all.h - every advice of madvise, and some numbers that are none.
 */
#ifndef TESTS_MADVISE_ALL_H
#define TESTS_MADVISE_ALL_H

#include "tests/vm_fixture.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

#define A(page) (ARENA + (page)*PAGE)
#define FIXED_ANON (PRIVATE_ANON | MAP_FIXED)
#define FIXED_SHARED (SHARED_ANON | MAP_FIXED)

static const int all_advice[] = {
    MADV_NORMAL,
    MADV_RANDOM,
    MADV_SEQUENTIAL,
    MADV_WILLNEED,
    MADV_DONTNEED,
    MADV_FREE,
    MADV_REMOVE,
    MADV_DONTFORK,
    MADV_DOFORK,
    MADV_WIPEONFORK,
    MADV_KEEPONFORK,
    MADV_DONTDUMP,
    MADV_DODUMP,
    MADV_COLD,
    MADV_PAGEOUT,
    MADV_POPULATE_READ,
    MADV_POPULATE_WRITE,
    MADV_GUARD_INSTALL,
    MADV_GUARD_REMOVE,
    MADV_DONTNEED_LOCKED,
    5,
    99,
    -1,
};

/* The last so many of them are none. */
enum { NO_ADVICE = 3 };

#endif
