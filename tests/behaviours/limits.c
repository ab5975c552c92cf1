/*
 * limits.c - RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_MEMLOCK: what counts, and how each call refuses what is too
 * much.
 */
#include "tests/behaviours/behaviour.h"

#define UNLIMITED UINT64_MAX
/* The process may have so many pages more, of all areas, of data, and locked. */
#define MAY_MAP(pages) SETRLIMIT(AS, N(pages), UNLIMITED)
#define MAY_WRITE(pages) SETRLIMIT(DATA, N(pages), UNLIMITED)
#define MAY_LOCK(pages) SETRLIMIT(MEMLOCK, N(pages), N(2048))

static const struct row rows[] = {
    /* the limits themselves */
    {"a soft limit above the hard one", "do_prlimit", DO(SETRLIMIT(AS, N(2), N(1))), FAILS(EINVAL)},
    {"others than root do not raise a hard limit", "do_prlimit",
     DO(SETRLIMIT(AS, N(1), N(2)), SETRLIMIT(AS, N(1), N(3))), FAILS(EPERM), AS_USER},
    {"a soft limit up to the hard one", "do_prlimit", DO(SETRLIMIT(AS, N(1), N(2)), SETRLIMIT(AS, N(2), N(2))),
     GIVES(0), AS_USER},
    {"a child has them, too", "copy_signal", DO(MAY_MAP(2), FORK, CHILD, AREA(0, 3, RW)), FAILS(ENOMEM)},

    /* address space */
    {"as: up to it", "may_expand_vm", DO(MAY_MAP(2), AREA(0, 2, RW)), AREAS("0..2 rw-p")},
    {"as: beyond it", "may_expand_vm", DO(MAY_MAP(2), AREA(0, 3, RW)), FAILS(ENOMEM), AREAS("")},
    {"as: memory without rights counts", "may_expand_vm", DO(MAY_MAP(2), AREA(0, 3, NONE)), FAILS(ENOMEM)},
    {"as: shared memory counts", "may_expand_vm", DO(MAY_MAP(2), FILE_S(0, 3, R, F0_R, 0)), FAILS(ENOMEM)},
    {"as: what is replaced does not count", "__mmap_prepare", DO(AREA(0, 2, RW), MAY_MAP(2), AREA(0, 2, R)),
     AREAS("0..2 r--p")},
    {"as: what was unmapped does not count", "vm_stat_account",
     DO(MAY_MAP(2), AREA(0, 2, RW), MUNMAP(P(0), PAGE), AREA(5, 1, RW)), AREAS("1..2 rw-p; 5..6 rw-p")},
    {"as: mremap", "check_prep_vma", DO(AREA(0, 1, RW), MAY_MAP(2), MREMAP(P(0), PAGE, N(3), 0)), FAILS(ENOMEM)},
    {"as: a second view", "check_prep_vma", DO(COMMON(0, 1, RW), MAY_MAP(1), MREMAP(P(0), 0, PAGE, MREMAP_MAYMOVE)),
     FAILS(ENOMEM)},
    {"as: moving takes no more", "move_vma",
     DO(AREA(0, 2, RW), MAY_MAP(2), MREMAP(P(0), N(2), N(2), MREMAP_MAYMOVE | MREMAP_FIXED, P(9))), GIVES(P(9))},
    {"as: dontunmap takes more", "mremap_to",
     DO(AREA(0, 2, RW), MAY_MAP(2), MREMAP(P(0), N(2), N(2), MREMAP_MAYMOVE | MREMAP_DONTUNMAP)), FAILS(ENOMEM)},
    {"as: brk", "do_brk_flags", DO(MAY_MAP(2), BRK(H(3))), GIVES(H(0))},
    {"as: a stack", "acct_stack_growth", DO(STACK(1000, 1), MAY_MAP(2), STORE(P(998), 'x')), SEGV(MAPERR),
     AREAS("1000..1001 rw-p")},
    {"as: a type unknown goes before it", "do_mmap", DO(MAY_MAP(2), MMAP(0, N(3), RW, MAP_ANONYMOUS)), FAILS(EINVAL)},

    /* data: private, writable, and no stack */
    {"data: up to it", "is_data_mapping", DO(MAY_WRITE(2), AREA(0, 2, RW)), AREAS("0..2 rw-p")},
    {"data: beyond it", "is_data_mapping", DO(MAY_WRITE(2), AREA(0, 3, RW)), FAILS(ENOMEM)},
    {"data: a private file that may be written counts", "is_data_mapping", DO(MAY_WRITE(2), FILE_P(0, 3, RW, F0_R, 0)),
     FAILS(ENOMEM)},
    {"data: read-only memory does not count", "is_data_mapping", DO(MAY_WRITE(2), AREA(0, 3, R)), AREAS("0..3 r--p")},
    {"data: shared memory does not count", "is_data_mapping", DO(MAY_WRITE(2), COMMON(0, 3, RW)),
     AREAS("0..3 rw-s shm+0")},
    {"data: a stack does not count", "is_data_mapping", DO(MAY_WRITE(2), STACK(0, 3)), AREAS("0..3 rw-p")},
    {"data: mprotect", "mprotect_fixup", DO(AREA(0, 3, R), MAY_WRITE(2), MPROTECT(P(0), N(3), RW)), FAILS(ENOMEM),
     AREAS("0..3 r--p")},
    {"data: brk", "do_brk_flags", DO(MAY_WRITE(2), BRK(H(3))), GIVES(H(0))},
    {"data: brk up to it", "do_brk_flags", DO(MAY_WRITE(2), BRK(H(2))), GIVES(H(2))},

    /* stack */
    {"stack: up to it", "acct_stack_growth", DO(SETRLIMIT(STACK, N(4), UNLIMITED), STACK(1000, 1), STORE(P(997), 'x')),
     OK, AREAS("997..1001 rw-p")},
    {"stack: beyond it", "acct_stack_growth", DO(SETRLIMIT(STACK, N(4), UNLIMITED), STACK(1000, 1), STORE(P(996), 'x')),
     SEGV(MAPERR)},
    {"stack: what is mapped at once does not count", "acct_stack_growth",
     DO(SETRLIMIT(STACK, N(4), UNLIMITED), STACK(1000, 9)), AREAS("1000..1009 rw-p")},
    {"stack: what lies below mmap_base does not move", "mmap_base",
     DO(SETRLIMIT(STACK, N(4), UNLIMITED), MMAP(0, PAGE, RW, ANON)), GIVES(T(1))},

    /* locked memory */
    {"memlock: up to it", "do_mlock", DO(AREA(0, 2, RW), MAY_LOCK(2), MLOCK(P(0), N(2))), GIVES(0), RESIDENT("0 1"),
     NEEDS(ROOT), AS_USER},
    {"memlock: beyond it", "do_mlock", DO(AREA(0, 3, RW), MAY_LOCK(2), MLOCK(P(0), N(3))), FAILS(ENOMEM), RESIDENT(""),
     NEEDS(ROOT), AS_USER},
    {"memlock: root is not bound", "do_mlock", DO(AREA(0, 3, RW), MAY_LOCK(2), MLOCK(P(0), N(3))), GIVES(0),
     NEEDS(ROOT)},
    {"memlock: what is locked already counts once", "count_mm_mlocked_page_nr",
     DO(AREA(0, 2, RW), MAY_LOCK(2), MLOCK(P(0), N(2)), MLOCK(P(0), N(2))), GIVES(0), NEEDS(ROOT), AS_USER},
    {"memlock: what was unlocked does not count", "mlock_fixup",
     DO(AREA(0, 3, RW), MAY_LOCK(2), MLOCK(P(0), N(2)), MUNLOCK(P(0), PAGE), MLOCK(P(2), PAGE)), GIVES(0),
     RESIDENT("0 1 2"), NEEDS(ROOT), AS_USER},
    {"memlock: a hole counts as long as nothing says otherwise", "do_mlock",
     DO(AREA(0, 1, RW), MAY_LOCK(2), MLOCK(P(0), N(3))), FAILS(ENOMEM), AREAS("0..1 rw-p"), NEEDS(ROOT), AS_USER},
    {"memlock: a locked mapping", "mlock_future_ok", DO(MAY_LOCK(2), MMAP(0, N(3), RW, ANON | MAP_LOCKED)),
     FAILS(EAGAIN), NEEDS(ROOT), AS_USER},
    {"memlock: a locked mapping goes before an unknown type", "do_mmap",
     DO(MAY_LOCK(2), MMAP(0, N(3), RW, MAP_ANONYMOUS | MAP_LOCKED)), FAILS(EAGAIN), NEEDS(ROOT), AS_USER},
    {"memlock: a locked mapping goes before the file's mode", "do_mmap",
     DO(MAY_LOCK(2), MMAP_FILE(0, N(3), RW, MAP_SHARED | MAP_LOCKED, F0_R, 0)), FAILS(EAGAIN), NEEDS(ROOT), AS_USER},
    {"memlock: what a locked mapping would replace counts, too", "mlock_future_ok",
     DO(MAY_LOCK(2), MMAP(P(0), N(2), RW, ANON | MAP_FIXED | MAP_LOCKED),
        MMAP(P(0), N(2), RW, ANON | MAP_FIXED | MAP_LOCKED)),
     FAILS(EAGAIN), NEEDS(ROOT), AS_USER},
    {"memlock: mremap of locked memory", "check_prep_vma",
     DO(AREA(0, 2, RW), MAY_LOCK(2), MLOCK(P(0), N(2)), MREMAP(P(0), N(2), N(3), 0)), FAILS(EAGAIN), NEEDS(ROOT),
     AS_USER},
    {"memlock: a locked stack", "acct_stack_growth",
     DO(STACK(1000, 2), MAY_LOCK(2), MLOCK(P(1000), N(2)), STORE(P(999), 'x')), SEGV(MAPERR), NEEDS(ROOT), AS_USER},
    {"memlock: mlockall counts all areas", "SYSCALL_DEFINE1(mlockall)",
     DO(AREA(0, 3, NONE), MAY_LOCK(2), MLOCKALL(MCL_CURRENT)), FAILS(ENOMEM), NEEDS(ROOT), AS_USER},
    {"memlock: mlockall of the future counts none", "SYSCALL_DEFINE1(mlockall)",
     DO(AREA(0, 3, RW), MAY_LOCK(2), MLOCKALL(MCL_FUTURE)), GIVES(0), NEEDS(ROOT), AS_USER},
    {"memlock: mlockall of the future binds what comes", "mlock_future_ok",
     DO(MAY_LOCK(2), MLOCKALL(MCL_FUTURE), AREA(0, 3, RW)), FAILS(EAGAIN), NEEDS(ROOT), AS_USER},
    {"memlock: brk after mlockall of the future", "check_brk_limits", DO(MAY_LOCK(2), MLOCKALL(MCL_FUTURE), BRK(H(3))),
     GIVES(H(0)), NEEDS(ROOT), AS_USER},
    {"memlock of 0: mlock", "can_do_mlock", DO(AREA(0, 1, RW), MAY_LOCK(0), MLOCK(P(0), PAGE)), FAILS(EPERM),
     NEEDS(ROOT), AS_USER},
    {"memlock of 0: mlock of nothing", "can_do_mlock", DO(MAY_LOCK(0), MLOCK(P(0), 0)), FAILS(EPERM), NEEDS(ROOT),
     AS_USER},
    {"memlock of 0: an unknown flag of mlock2 goes before it", "SYSCALL_DEFINE3(mlock2)",
     DO(MAY_LOCK(0), MLOCK2(P(0), PAGE, 2)), FAILS(EINVAL), NEEDS(ROOT), AS_USER},
    {"memlock of 0: mlockall", "can_do_mlock", DO(MAY_LOCK(0), MLOCKALL(MCL_FUTURE)), FAILS(EPERM), NEEDS(ROOT),
     AS_USER},
    {"memlock of 0: no flags of mlockall go before it", "SYSCALL_DEFINE1(mlockall)", DO(MAY_LOCK(0), MLOCKALL(0)),
     FAILS(EINVAL), NEEDS(ROOT), AS_USER},
    {"memlock of 0: munlock", "SYSCALL_DEFINE2(munlock)",
     DO(AREA(0, 1, RW), MLOCK(P(0), PAGE), MAY_LOCK(0), MUNLOCK(P(0), PAGE)), GIVES(0), NEEDS(ROOT), AS_USER},
    {"memlock of 0: a locked mapping", "can_do_mlock", DO(MAY_LOCK(0), MMAP(0, PAGE, RW, ANON | MAP_LOCKED)),
     FAILS(EPERM), NEEDS(ROOT), AS_USER},
    {"memlock of 0: a locked mapping goes before an unknown type", "do_mmap",
     DO(MAY_LOCK(0), MMAP(0, PAGE, RW, MAP_ANONYMOUS | MAP_LOCKED)), FAILS(EPERM), NEEDS(ROOT), AS_USER},
    {"memlock of 0: an area in the way goes before it", "do_mmap",
     DO(AREA(0, 1, RW), MAY_LOCK(0), MMAP(P(0), PAGE, RW, ANON | MAP_FIXED_NOREPLACE | MAP_LOCKED)), FAILS(EEXIST),
     NEEDS(ROOT), AS_USER},
};

FAMILY(limits, rows);
