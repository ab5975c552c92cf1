/*
 * merging.c - which neighbours become one area: equal flags, the same open file at consecutive offsets, and anonymous
 * pages of compatible families (anon_vma).
 */
#include "tests/behaviours/behaviour.h"

static const struct row rows[] = {
    {"a neighbour above", "vma_merge_new_range", DO(AREA(0, 1, RW), AREA(1, 1, RW)), AREAS("0..2 rw-p")},
    {"a neighbour below", "vma_merge_new_range", DO(AREA(1, 1, RW), AREA(0, 1, RW)), AREAS("0..2 rw-p")},
    {"neighbours on both sides", "vma_merge_new_range", DO(AREA(0, 1, RW), AREA(2, 1, RW), AREA(1, 1, RW)),
     AREAS("0..3 rw-p")},
    {"not across a hole", "vma_merge_new_range", DO(AREA(0, 1, RW), AREA(2, 1, RW)), AREAS("0..1 rw-p; 2..3 rw-p")},

    /* flags */
    {"not with other rights", "is_mergeable_vma", DO(AREA(0, 1, RW), AREA(1, 1, R)), AREAS("0..1 rw-p; 1..2 r--p")},
    {"not with a lock", "is_mergeable_vma", DO(AREA(0, 1, RW), MLOCK(P(0), PAGE), AREA(1, 1, RW)),
     AREAS("0..1 rw-p; 1..2 rw-p")},
    {"not with noreserve", "is_mergeable_vma",
     DO(AREA(0, 1, RW), MMAP(P(1), PAGE, RW, ANON | MAP_FIXED | MAP_NORESERVE)), AREAS("0..1 rw-p; 1..2 rw-p"),
     NEEDS(HEURISTIC)},
    {"not with growsdown", "is_mergeable_vma", DO(AREA(0, 1, RW), STACK(1, 1)), AREAS("0..1 rw-p; 1..2 rw-p")},
    {"not with advice", "is_mergeable_vma", DO(AREA(0, 1, RW), MADVISE(P(0), PAGE, DONTFORK), AREA(1, 1, RW)),
     AREAS("0..1 rw-p; 1..2 rw-p")},
    {"with what became alike", "vma_modify_flags", DO(AREA(0, 1, R), AREA(1, 1, RW), MPROTECT(P(1), PAGE, R)),
     AREAS("0..2 r--p")},
    {"not with what is charged still", "mprotect_fixup: VM_ACCOUNT",
     DO(AREA(0, 1, R), AREA(1, 1, RW), STORE(P(1), 'x'), MPROTECT(P(1), PAGE, R)), AREAS("0..1 r--p; 1..2 r--p")},

    /* files */
    {"a file at consecutive offsets", "can_vma_merge_after", DO(FILE_P(0, 1, R, F0_R, 3), FILE_P(1, 2, R, F0_R, 4)),
     AREAS("0..3 r--p f0+3")},
    {"a file at other offsets", "can_vma_merge_after", DO(FILE_P(0, 1, R, F0_R, 3), FILE_P(1, 1, R, F0_R, 5)),
     AREAS("0..1 r--p f0+3; 1..2 r--p f0+5")},
    {"a file at the same offset", "can_vma_merge_after", DO(FILE_P(0, 1, R, F0_R, 0), FILE_P(1, 1, R, F0_R, 0)),
     AREAS("0..1 r--p f0+0; 1..2 r--p f0+0")},
    {"the same file opened twice", "is_mergeable_vma: vm_file", DO(FILE_P(0, 1, R, F0_R, 0), FILE_P(1, 1, R, F0_RW, 1)),
     AREAS("0..1 r--p f0+0; 1..2 r--p f0+1")},
    {"shared and private", "is_mergeable_vma", DO(FILE_S(0, 1, R, F0_RW, 0), FILE_P(1, 1, R, F0_RW, 1)),
     AREAS("0..1 r--s f0+0; 1..2 r--p f0+1")},
    {"a shared file", "can_vma_merge_before", DO(FILE_S(1, 1, RW, F0_RW, 1), FILE_S(0, 1, RW, F0_RW, 0)),
     AREAS("0..2 rw-s f0+0")},
    {"shared memory is a file of its own each time", "is_mergeable_vma: vm_file",
     DO(COMMON(0, 1, RW), COMMON(1, 1, RW)), AREAS("0..1 rw-s shm+0; 1..2 rw-s shm+0")},
    {"parts of one shared memory", "vma_modify_flags",
     DO(COMMON(0, 3, RW), MPROTECT(P(1), PAGE, R), MPROTECT(P(1), PAGE, RW)), AREAS("0..3 rw-s shm+0")},
    {"a file that closes a gap", "vma_merge_new_range",
     DO(FILE_P(0, 1, R, F0_R, 0), FILE_P(2, 1, R, F0_R, 2), FILE_P(1, 1, R, F0_R, 1)), AREAS("0..3 r--p f0+0")},
    {"a file with copies of its pages", "is_mergeable_anon_vma",
     DO(FILE_P(0, 1, RW, F0_R, 0), STORE(P(0), 'x'), FILE_P(1, 1, RW, F0_R, 1)), AREAS("0..2 rw-p f0+0")},

    /* families of anonymous pages */
    {"with an area that has pages", "is_mergeable_anon_vma", DO(AREA(0, 1, RW), STORE(P(0), 'x'), AREA(1, 1, RW)),
     AREAS("0..2 rw-p")},
    {"two areas with pages are two families, and what closes the gap goes with the lower", "can_vma_merge_right",
     DO(AREA(0, 1, RW), STORE(P(0), 'x'), AREA(2, 1, RW), STORE(P(2), 'x'), AREA(1, 1, RW)),
     AREAS("0..2 rw-p; 2..3 rw-p")},
    {"a load makes no family", "__anon_vma_prepare",
     DO(AREA(0, 1, RW), LOAD(P(0)), AREA(2, 1, RW), STORE(P(2), 'x'), AREA(1, 1, RW)), AREAS("0..3 rw-p")},
    {"a family outlives its pages", "is_mergeable_anon_vma",
     DO(AREA(0, 1, RW), STORE(P(0), 'x'), AREA(2, 1, RW), STORE(P(2), 'x'), MADVISE(P(2), PAGE, DONTNEED),
        AREA(1, 1, RW)),
     AREAS("0..2 rw-p; 2..3 rw-p")},
    {"neighbours with other rights take the same family", "find_mergeable_anon_vma",
     DO(AREA(0, 1, RW), AREA(1, 1, RWX), STORE(P(0), 'x'), STORE(P(1), 'x'), MPROTECT(P(1), PAGE, RW)),
     AREAS("0..2 rw-p")},
    {"neighbours with other flags take another family", "anon_vma_compatible",
     DO(AREA(0, 1, RW), AREA(1, 1, RW), MADVISE(P(1), PAGE, RANDOM), STORE(P(0), 'x'), STORE(P(1), 'x'),
        MADVISE(P(1), PAGE, NORMAL)),
     AREAS("0..1 rw-p; 1..2 rw-p")},
    {"parts of one family", "is_mergeable_anon_vma",
     DO(AREA(0, 3, RW), STORE(P(0), 'x'), MPROTECT(P(1), PAGE, R), MPROTECT(P(1), PAGE, RW)), AREAS("0..3 rw-p")},
    {"the parent's family may grow after a fork", "vma_had_uncowed_parents",
     DO(AREA(0, 1, RW), STORE(P(0), 'x'), FORK, AREA(1, 1, RW)), AREAS("0..2 rw-p")},
    {"the child's family may not grow", "vma_had_uncowed_parents",
     DO(AREA(0, 1, RW), STORE(P(0), 'x'), FORK, CHILD, AREA(1, 1, RW)), AREAS("0..1 rw-p; 1..2 rw-p")},
    {"what the child got without pages may grow", "vma_had_uncowed_parents",
     DO(AREA(0, 1, RW), FORK, CHILD, AREA(1, 1, RW)), AREAS("0..2 rw-p")},
    {"the child's parts of one family", "is_mergeable_anon_vma",
     DO(AREA(0, 2, RW), STORE(P(0), 'x'), FORK, CHILD, MPROTECT(P(1), PAGE, R), MPROTECT(P(1), PAGE, RW)),
     AREAS("0..2 rw-p")},
};

FAMILY(merging, rows);
