/*
 * files.c - the end of a file, and files that others write to, cut off and make longer while they are mapped.
 */
#include "tests/behaviours/behaviour.h"

static const struct row rows[] = {
    /* the end */
    {"the tail of the last page is zero", "mmap(2)", DO(FILE_P(0, 1, R, F1_R, 6), LOADS(P(0) + 122, 3)),
     READS("g\0\0")},
    {"the tail ends with its page", "filemap_fault", DO(FILE_P(0, 2, R, F1_R, 6), LOADS(P(1) - 2, 4)), BUS, AFTER(2)},
    {"a load behind the last page", "filemap_fault", DO(FILE_P(0, 2, R, F1_R, 6), LOAD(P(1))), BUS},
    {"a store behind the last page", "filemap_fault", DO(FILE_P(0, 2, RW, F1_R, 6), STORE(P(1), 'x')), BUS,
     RESIDENT("")},
    {"an empty file", "filemap_fault", DO(FILE_S(0, 1, R, F2_R, 0), LOAD(P(0))), BUS},
    {"shared memory that mremap made longer has an end, too", "shmem_fault",
     DO(COMMON(0, 1, RW), MREMAP(P(0), PAGE, N(2), 0), LOAD(P(1))), BUS, AREAS("0..2 rw-s shm+0")},
    {"a private copy of the last page may be written behind the end", "do_cow_fault",
     DO(FILE_P(0, 1, RW, F1_R, 6), STORE(P(0) + 123, 'x'), LOADS(P(0) + 122, 3)), READS("gx\0")},

    /* written to */
    {"a write shows in a shared mapping", "filemap_fault",
     DO(FILE_S(0, 1, R, F0_R, 0), LOAD(P(0)), FILE_WRITE(0, 0, 'x'), LOADS(P(0), 2)), READS("xA")},
    {"a write shows in a private mapping that was only read", "filemap_fault",
     DO(FILE_P(0, 1, RW, F0_R, 0), LOAD(P(0)), FILE_WRITE(0, 0, 'x'), LOADS(P(0), 2)), READS("xA")},
    {"a write does not show in a private copy", "wp_page_copy",
     DO(FILE_P(0, 1, RW, F0_R, 0), STORE(P(0) + 1, 'y'), FILE_WRITE(0, 0, 'x'), LOADS(P(0), 2)), READS("Ay")},
    {"a write behind the end does not show in a private copy", "wp_page_copy",
     DO(FILE_P(0, 1, RW, F1_R, 6), STORE(P(0), 'x'), FILE_WRITE(1, N(6) + 123, 'y'), LOADS(P(0) + 122, 2)),
     READS("g\0")},
    {"a write behind the end shows on the last page", "filemap_fault",
     DO(FILE_S(0, 1, R, F1_R, 6), LOAD(P(0)), FILE_WRITE(1, N(6) + 123, 'y'), LOADS(P(0) + 122, 3)), READS("gy\0")},
    {"a write behind the end makes the file longer", "filemap_fault",
     DO(FILE_S(0, 2, R, F2_R, 0), FILE_WRITE(2, 4097, 'x'), LOADS(P(1), 3)), READS("\0x\0")},
    {"a write keeps what was stored next to it", "do_shared_fault",
     DO(FILE_S(0, 1, RW, F0_RW, 0), STORE(P(0), 'y'), FILE_WRITE(0, 1, 'x'), LOADS(P(0), 3)), READS("yxA")},

    /* cut off and made longer */
    {"what is cut off is gone", "truncate_pagecache",
     DO(FILE_S(0, 2, R, F0_R, 0), LOAD(P(1)), FILE_RESIZE(0, N(1)), LOAD(P(1))), BUS, AREAS("0..2 r--s f0+0")},
    {"private copies are gone, too", "truncate_pagecache",
     DO(FILE_P(0, 2, RW, F0_R, 0), STORE(P(1), 'x'), FILE_RESIZE(0, N(1)), LOAD(P(1))), BUS, RESIDENT("")},
    {"private copies do not come back", "truncate_pagecache",
     DO(FILE_P(0, 2, RW, F0_R, 0), STORE(P(1), 'x'), FILE_RESIZE(0, N(1)), FILE_RESIZE(0, N(2)), LOADS(P(1), 2)),
     READS("\0\0")},
    {"the new last page is zero behind the end", "truncate_inode_pages_range",
     DO(FILE_S(0, 1, R, F0_R, 0), LOAD(P(0)), FILE_RESIZE(0, 10), LOADS(P(0) + 9, 3)), READS("A\0\0")},
    {"a private copy of the new last page stays as it was", "truncate_pagecache",
     DO(FILE_P(0, 1, RW, F0_R, 0), STORE(P(0), 'x'), FILE_RESIZE(0, 10), LOADS(P(0) + 9, 3)), READS("AAA"),
     RESIDENT("0")},
    {"the tail does not come back with a longer file", "truncate_inode_pages_range",
     DO(FILE_S(0, 1, R, F0_R, 0), FILE_RESIZE(0, 10), FILE_RESIZE(0, N(1)), LOADS(P(0) + 9, 3)), READS("A\0\0")},
    {"a longer file has no SIGBUS any more", "filemap_fault",
     DO(FILE_S(0, 1, R, F2_R, 0), FILE_RESIZE(2, PAGE), LOADS(P(0), 2)), READS("\0\0")},
    {"a longer file leaves private copies", "filemap_fault",
     DO(FILE_P(0, 1, RW, F1_R, 6), STORE(P(0), 'x'), FILE_RESIZE(1, N(9)), LOADS(P(0), 2)), READS("xg"), RESIDENT("0")},
    {"a locked private mapping gets its copies no more", "filemap_fault",
     DO(FILE_P(0, 1, RW, F0_R, 0), MLOCK(P(0), PAGE), FILE_RESIZE(0, 0), FILE_RESIZE(0, PAGE), LOAD(P(0))), READS("\0"),
     RESIDENT("")},
    {"a locked mapping loses its pages, too", "truncate_pagecache",
     DO(FILE_S(0, 1, R, F0_R, 0), MLOCK(P(0), PAGE), FILE_RESIZE(0, 0), LOAD(P(0))), BUS},
    {"guards outlive truncation", "zap_nonpresent_ptes: even_cows",
     DO(FILE_P(0, 1, RW, F0_R, 0), MADVISE(P(0), PAGE, GUARD_INSTALL), FILE_RESIZE(0, 0), LOAD(P(0))), SEGV(MAPERR)},
    {"a child's copy is gone, too", "truncate_pagecache",
     DO(FILE_P(0, 1, RW, F0_R, 0), STORE(P(0), 'x'), FORK, FILE_RESIZE(0, 0), CHILD, LOAD(P(0))), BUS},
};

FAMILY(files, rows);
