/*
 * munmap.c - munmap: what it refuses, and what is left.
 */
#include "tests/behaviours/behaviour.h"

static const struct row rows[] = {
    {"an address within a page", "do_vmi_munmap", DO(AREA(0, 1, RW), MUNMAP(P(0) + 1, PAGE)), FAILS(EINVAL),
     AREAS("0..1 rw-p")},
    {"a length of 0", "do_vmi_munmap", DO(AREA(0, 1, RW), MUNMAP(P(0), 0)), FAILS(EINVAL)},
    {"beyond user space", "do_vmi_munmap", DO(MUNMAP(USER_END, PAGE)), FAILS(EINVAL)},
    {"across the end of user space", "do_vmi_munmap", DO(MUNMAP(USER_END - PAGE, N(2))), FAILS(EINVAL)},
    {"a length that is rounded up to 0", "do_vmi_munmap", DO(MUNMAP(P(0), UINT64_MAX)), FAILS(EINVAL)},
    {"nothing there is no failure", "munmap(2)", DO(MUNMAP(P(0), N(4))), GIVES(0)},
    {"a length is rounded up to pages", "do_vmi_munmap", DO(AREA(0, 3, RW), MUNMAP(P(0), PAGE + 1)),
     AREAS("2..3 rw-p")},
    {"the beginning", "vms_gather_munmap_vmas", DO(AREA(0, 3, RW), MUNMAP(P(0), PAGE)), AREAS("1..3 rw-p")},
    {"the end", "vms_gather_munmap_vmas", DO(AREA(0, 3, RW), MUNMAP(P(2), PAGE)), AREAS("0..2 rw-p")},
    {"the middle splits an area", "vms_gather_munmap_vmas", DO(AREA(0, 3, RW), MUNMAP(P(1), PAGE)),
     AREAS("0..1 rw-p; 2..3 rw-p")},
    {"the upper part of a file mapping keeps its offset", "__split_vma",
     DO(FILE_P(0, 3, R, F0_R, 4), MUNMAP(P(1), PAGE)), AREAS("0..1 r--p f0+4; 2..3 r--p f0+6")},
    {"several areas and the holes between them", "vms_gather_munmap_vmas",
     DO(AREA(0, 2, RW), AREA(3, 1, R), AREA(5, 2, NONE), MUNMAP(P(1), N(5))), AREAS("0..1 rw-p; 6..7 ---p")},
    {"an access is a fault without an area", "bad_area",
     DO(AREA(0, 2, RW), STORE(P(0), 'x'), MUNMAP(P(0), PAGE), LOAD(P(0))), SEGV(MAPERR)},
    {"pages go at once", "unmap_vmas", DO(AREA(0, 3, RW), STORE(P(0), 'x'), STORE(P(1), 'x'), MUNMAP(P(0), PAGE)),
     RESIDENT("1")},
    {"private bytes are lost", "unmap_vmas",
     DO(AREA(0, 1, RW), STORE(P(0), 'x'), MUNMAP(P(0), PAGE), AREA(0, 1, RW), LOAD(P(0))), READS("\0")},
    {"a private copy of a file's page is lost", "unmap_vmas",
     DO(FILE_P(0, 1, RW, F0_R, 0), STORE(P(0), 'x'), MUNMAP(P(0), PAGE), FILE_P(0, 1, RW, F0_R, 0), LOAD(P(0))),
     READS("A")},
    {"what was stored to a shared file stays", "mmap(2)",
     DO(FILE_S(0, 1, RW, F0_RW, 0), STORE(P(0), 'x'), MUNMAP(P(0), PAGE), FILE_P(0, 1, R, F0_R, 0), LOAD(P(0))),
     READS("x")},
    {"shared memory stays as long as another area maps it", "shmem_fault",
     DO(COMMON(0, 1, RW), STORE(P(0), 'x'), MREMAP(P(0), 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, P(5)),
        MUNMAP(P(0), PAGE), LOAD(P(5))),
     READS("x")},
    {"a locked area", "mlock(2)", DO(AREA(0, 3, RW), MLOCK(P(0), N(3)), MUNMAP(P(1), PAGE)),
     AREAS("0..1 rw-p; 2..3 rw-p"), RESIDENT("0 2")},
    {"the lowest page of a stack, which then grows again", "expand_downwards",
     DO(STACK(10, 2), MUNMAP(P(10), PAGE), STORE(P(10), 'x')), AREAS("10..12 rw-p")},
};

FAMILY(munmap, rows);
