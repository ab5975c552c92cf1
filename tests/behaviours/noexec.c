/*
 * noexec.c - files on a mount with the option noexec: what may be done with a mapping of them.
 */
#include "tests/behaviours/behaviour.h"

#define ON_NOEXEC NEEDS(NOEXEC)

static const struct row rows[] = {
    /* mmap */
    {"private and executable", "do_mmap: path_noexec",
     DO(MMAP_FILE(0, PAGE, RX, MAP_PRIVATE, F0_R, 0)), FAILS(EPERM), ON_NOEXEC},
    {"shared and executable", "do_mmap: path_noexec",
     DO(MMAP_FILE(0, PAGE, RX, MAP_SHARED, F0_R, 0)), FAILS(EPERM), ON_NOEXEC},
    {"shared-validate, writable and executable", "do_mmap: path_noexec",
     DO(MMAP_FILE(0, PAGE, RWX, MAP_SHARED_VALIDATE, F0_RW, 0)), FAILS(EPERM), ON_NOEXEC},
    {"executable only", "do_mmap: path_noexec", DO(MMAP_FILE(0, PAGE, X, MAP_PRIVATE, F0_R, 0)),
     FAILS(EPERM), ON_NOEXEC},
    {"private without x", "do_mmap", DO(FILE_P(0, 1, RW, F0_R, 1)), AREAS("0..1 rw-p f0+1"),
     ON_NOEXEC},
    {"shared without x", "do_mmap", DO(FILE_S(0, 1, RW, F0_RW, 1)), AREAS("0..1 rw-s f0+1"),
     ON_NOEXEC},
    {"without any right", "do_mmap", DO(FILE_P(0, 1, NONE, F0_R, 0)), AREAS("0..1 ---p f0+0"),
     ON_NOEXEC},
    {"executable anonymous memory", "do_mmap",
     DO(MMAP_FILE(P(0), PAGE, RWX, ANON | MAP_FIXED, F0_R, 0)), AREAS("0..1 rwxp"), ON_NOEXEC},
    {"the file's mode is checked before x", "do_mmap",
     DO(MMAP_FILE(0, PAGE, X, MAP_PRIVATE, F0_W, 0)), FAILS(EACCES), ON_NOEXEC},
    {"an unknown flag is checked before x", "do_mmap",
     DO(MMAP_FILE(0, PAGE, RX, MAP_SHARED_VALIDATE | MAP_SYNC, F0_R, 0)), FAILS(EOPNOTSUPP),
     ON_NOEXEC},
    {"x is checked before growsdown", "do_mmap",
     DO(MMAP_FILE(0, PAGE, RX, MAP_PRIVATE | MAP_GROWSDOWN, F0_R, 0)), FAILS(EPERM), ON_NOEXEC},
    {"a fixed mapping that is refused keeps what is there", "do_mmap",
     DO(AREA(0, 1, RW), STORE(P(0), 'x'), FILE_P(0, 1, RX, F0_R, 0)), FAILS(EPERM),
     AREAS("0..1 rw-p"), RESIDENT("0"), ON_NOEXEC},

    /* mprotect */
    {"private memory never becomes executable", "do_mprotect_pkey: VM_MAYEXEC",
     DO(FILE_P(0, 1, R, F0_R, 0), MPROTECT(P(0), PAGE, RX)), FAILS(EACCES), AREAS("0..1 r--p f0+0"),
     ON_NOEXEC},
    {"nor does shared memory", "do_mprotect_pkey: VM_MAYEXEC",
     DO(FILE_S(0, 1, RW, F0_RW, 0), MPROTECT(P(0), PAGE, X)), FAILS(EACCES),
     AREAS("0..1 rw-s f0+0"), ON_NOEXEC},
    {"nor a private copy", "do_mprotect_pkey: VM_MAYEXEC",
     DO(FILE_P(0, 1, RW, F0_R, 0), STORE(P(0), 'x'), MPROTECT(P(0), PAGE, RWX)), FAILS(EACCES),
     AREAS("0..1 rw-p f0+0"), RESIDENT("0"), ON_NOEXEC},
    {"areas before it become executable", "do_mprotect_pkey",
     DO(AREA(0, 1, RW), FILE_P(1, 1, RW, F0_R, 0), MPROTECT(P(0), N(2), RX)), FAILS(EACCES),
     AREAS("0..1 r-xp; 1..2 rw-p f0+0"), ON_NOEXEC},
    {"other rights can be changed", "do_mprotect_pkey",
     DO(FILE_P(0, 1, R, F0_R, 0), MPROTECT(P(0), PAGE, RW)), AREAS("0..1 rw-p f0+0"), ON_NOEXEC},

    /* what keeps it */
    {"a moved mapping never becomes executable", "copy_vma",
     DO(FILE_P(0, 1, R, F0_R, 0), MREMAP(P(0), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, P(4)),
        MPROTECT(P(4), PAGE, RX)),
     FAILS(EACCES), AREAS("4..5 r--p f0+0"), ON_NOEXEC},
    {"nor one that grew", "vma_expand",
     DO(FILE_P(0, 1, R, F0_R, 0), MREMAP(P(0), PAGE, N(2), 0), MPROTECT(P(1), PAGE, RX)),
     FAILS(EACCES), AREAS("0..2 r--p f0+0"), ON_NOEXEC},
    {"nor that of a child", "dup_mmap",
     DO(FILE_P(0, 1, R, F0_R, 0), FORK, CHILD, MPROTECT(P(0), PAGE, RX)), FAILS(EACCES), ON_NOEXEC},
    {"nor after advice", "madvise_vma_behavior",
     DO(FILE_P(0, 2, R, F0_R, 0), MADVISE(P(0), PAGE, SEQUENTIAL), MPROTECT(P(0), PAGE, RX)),
     FAILS(EACCES), AREAS("0..1 r--p f0+0; 1..2 r--p f0+1"), ON_NOEXEC},
    {"a fetch", "access_error", DO(FILE_P(0, 1, R, F0_R, 0), FETCH(P(0))), SEGV(ACCERR), ON_NOEXEC},
    {"neighbours of one file merge", "vma_merge",
     DO(FILE_P(0, 1, R, F0_R, 0), FILE_P(1, 1, R, F0_R, 1)), AREAS("0..2 r--p f0+0"), ON_NOEXEC},
};

FAMILY(noexec, rows);
