/*
 * stack.c - areas that grow down: how far, what stops them, and for which neighbours the guard gap
 * of 256 pages counts.
 */
#include "tests/behaviours/behaviour.h"

static const struct row rows[] = {
    {"a store below makes it grow", "expand_stack", DO(STACK(1000, 1), STORE(P(999), 'x')), OK,
     AREAS("999..1001 rw-p"), RESIDENT("999")},
    {"a load below makes it grow", "expand_stack", DO(STACK(1000, 1), LOAD(P(999))), READS("\0"),
     AREAS("999..1001 rw-p")},
    {"a store across its lower end makes it grow", "expand_stack",
     DO(STACK(1000, 1), STORES(P(1000) - 2, 4, 'a'), LOADS(P(1000) - 2, 4)), READS("abcd"),
     AREAS("999..1001 rw-p"), RESIDENT("999 1000")},
    {"page 0 is never part of it", "expand_downwards: mmap_min_addr",
     DO(MMAP(PAGE, PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN), LOAD(0)), SEGV(MAPERR),
     NEEDS(ROOT)},
    {"far below, at once", "expand_downwards", DO(STACK(1000, 1), STORE(P(500), 'x')), OK,
     AREAS("500..1001 rw-p"), RESIDENT("500")},
    {"an area that does not grow", "bad_area", DO(AREA(1000, 1, RW), STORE(P(999), 'x')),
     SEGV(MAPERR)},
    {"up to RLIMIT_STACK", "acct_stack_growth", DO(STACK(3000, 1), LOAD(P(3001 - 2048))),
     READS("\0"), AREAS("953..3001 rw-p")},
    {"not beyond RLIMIT_STACK", "acct_stack_growth", DO(STACK(3000, 1), LOAD(P(3001 - 2049))),
     SEGV(MAPERR), AREAS("3000..3001 rw-p")},
    {"the limit counts from the area's end", "acct_stack_growth",
     DO(STACK(3000, 1000), LOAD(P(4000 - 2049))), SEGV(MAPERR)},
    {"rights are checked after it has grown", "lock_mm_and_find_vma",
     DO(STACK(1000, 1), MPROTECT(P(1000), PAGE, R), STORE(P(999), 'x')), SEGV(ACCERR),
     AREAS("999..1001 r--p")},
    {"an area without rights grows, too", "lock_mm_and_find_vma",
     DO(STACK(1000, 1), MPROTECT(P(1000), PAGE, NONE), LOAD(P(999))), SEGV(ACCERR),
     AREAS("999..1001 ---p")},

    /* neighbours below */
    {"256 pages above a neighbour", "expand_downwards: stack_guard_gap",
     DO(AREA(0, 1, RW), STACK(1000, 1), STORE(P(257), 'x')), OK,
     AREAS("0..1 rw-p; 257..1001 rw-p")},
    {"255 pages above a neighbour", "expand_downwards: stack_guard_gap",
     DO(AREA(0, 1, RW), STACK(1000, 1), STORE(P(256), 'x')), SEGV(MAPERR),
     AREAS("0..1 rw-p; 1000..1001 rw-p")},
    {"a read-only neighbour counts", "vma_is_accessible",
     DO(AREA(0, 1, R), STACK(10, 1), STORE(P(9), 'x')), SEGV(MAPERR)},
    {"a file counts", "vma_is_accessible",
     DO(FILE_S(0, 1, R, F0_R, 0), STACK(10, 1), STORE(P(9), 'x')), SEGV(MAPERR)},
    {"a neighbour without rights does not count", "vma_is_accessible",
     DO(AREA(0, 1, NONE), STACK(10, 1), STORE(P(1), 'x')), OK, AREAS("0..1 ---p; 1..11 rw-p")},
    {"a neighbour that grows down itself does not count", "expand_downwards",
     DO(STACK(0, 1), STACK(10, 1), STORE(P(1), 'x')), OK, AREAS("0..1 rw-p; 1..11 rw-p")},
    {"only the next one counts", "expand_downwards",
     DO(AREA(0, 1, RW), AREA(1, 1, NONE), STACK(10, 1), STORE(P(2), 'x')), OK,
     AREAS("0..1 rw-p; 1..2 ---p; 2..11 rw-p")},
    {"an access to the neighbour does not make it grow", "find_vma",
     DO(AREA(0, 1, NONE), STACK(1, 1), LOAD(P(0))), SEGV(ACCERR), AREAS("0..1 ---p; 1..2 rw-p")},
    {"what was mapped in the gap stops it", "expand_downwards",
     DO(STACK(1000, 1), AREA(998, 1, RW), STORE(P(999), 'x')), SEGV(MAPERR)},

    /* only accesses */
    {"mprotect below does not make it grow", "do_mprotect_pkey",
     DO(STACK(1000, 1), MPROTECT(P(999), N(2), R)), FAILS(ENOMEM)},
    {"mlock below does not make it grow", "apply_vma_lock_flags",
     DO(STACK(1000, 1), MLOCK(P(999), N(2))), FAILS(ENOMEM), AREAS("1000..1001 rw-p")},
    {"madvise populate below does not make it grow", "madvise_populate",
     DO(STACK(1000, 1), MADVISE(P(999), N(2), POPULATE_WRITE)), FAILS(ENOMEM),
     AREAS("1000..1001 rw-p")},

    /* afterwards */
    {"a stack that grew reads as zeros", "expand_stack",
     DO(STACK(1000, 1), STORE(P(998), 'x'), LOAD(P(999))), READS("\0"), RESIDENT("998 999")},
    {"growing up to a stack does not merge with it", "expand_downwards",
     DO(STACK(0, 1), STACK(10, 1), STORE(P(1), 'x'), LOAD(P(0))), READS("\0"),
     AREAS("0..1 rw-p; 1..11 rw-p")},
    {"mapping a stack below merges", "vma_merge_new_range", DO(STACK(10, 1), STACK(9, 1)),
     AREAS("9..11 rw-p")},
    {"a locked stack grows", "acct_stack_growth",
     DO(STACK(1000, 1), MLOCK(P(1000), PAGE), STORE(P(998), 'x')), OK, AREAS("998..1001 rw-p")},
    {"a child's stack grows by itself", "expand_stack",
     DO(STACK(1000, 1), FORK, CHILD, STORE(P(998), 'x'), PARENT, LOAD(P(999))), READS("\0"),
     AREAS("999..1001 rw-p")},
};

FAMILY(stack, rows);
