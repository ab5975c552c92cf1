/*
 * brk.c - brk: the system call gives the break after it, unchanged where it refuses.
 */
#include "tests/behaviours/behaviour.h"

static const struct row rows[] = {
    {"an address below the heap asks", "SYSCALL_DEFINE1(brk)", DO(BRK(0)), GIVES(H(0))},
    {"an address just below the heap asks", "SYSCALL_DEFINE1(brk)", DO(BRK(H(1)), BRK(H(0) - 1)), GIVES(H(1))},
    {"growing", "do_brk_flags", DO(BRK(H(2))), GIVES(H(2)), AREAS("H..H+2 rw-p")},
    {"growing brings nothing in", "do_brk_flags", DO(BRK(H(2))), RESIDENT("")},
    {"the break has byte granularity, its area has not", "SYSCALL_DEFINE1(brk)", DO(BRK(H(0) + 1)), GIVES(H(0) + 1),
     AREAS("H..H+1 rw-p")},
    {"within a page only the number changes", "SYSCALL_DEFINE1(brk)", DO(BRK(H(1)), BRK(H(0) + 5)), GIVES(H(0) + 5),
     AREAS("H..H+1 rw-p")},
    {"shrinking", "do_vmi_align_munmap", DO(BRK(H(3)), BRK(H(1))), GIVES(H(1)), AREAS("H..H+1 rw-p")},
    {"shrinking to nothing", "do_vmi_align_munmap", DO(BRK(H(3)), BRK(H(0))), GIVES(H(0)), AREAS("")},
    {"what was given back reads as zeros", "do_vmi_align_munmap",
     DO(BRK(H(1)), STORE(H(0), 'x'), BRK(H(0)), BRK(H(1)), LOAD(H(0))), READS("\0")},
    {"an area in the way", "SYSCALL_DEFINE1(brk)", DO(MMAP(H(2), PAGE, R, ANON | MAP_FIXED), BRK(H(3))), GIVES(H(0))},
    {"a page stays free below the next area", "SYSCALL_DEFINE1(brk)",
     DO(MMAP(H(2), PAGE, R, ANON | MAP_FIXED), BRK(H(2))), GIVES(H(0))},
    {"up to the free page below the next area", "SYSCALL_DEFINE1(brk)",
     DO(MMAP(H(2), PAGE, R, ANON | MAP_FIXED), BRK(H(1))), GIVES(H(1))},
    {"a page stays free below the guard gap of a stack", "SYSCALL_DEFINE1(brk)",
     DO(MMAP(H(300), PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN), BRK(H(44))), GIVES(H(0))},
    {"up to the free page below the guard gap", "SYSCALL_DEFINE1(brk)",
     DO(MMAP(H(300), PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN), BRK(H(43))), GIVES(H(43))},
    {"an address that is rounded up to 0", "SYSCALL_DEFINE1(brk)", DO(BRK(UINT64_MAX)), GIVES(H(0))},
    {"beyond user space", "check_brk_limits", DO(BRK(USER_END + PAGE)), GIVES(H(0))},
    {"more than RAM and swap", "do_brk_flags: security_vm_enough_memory_mm", DO(BRK(H(0) + (UINT64_C(1) << 44))),
     GIVES(H(0)), NEEDS(HEURISTIC)},
    {"the heap does not merge with what lies below it", "SYSCALL_DEFINE1(brk): vma_prev_limit",
     DO(MMAP(H(-1), PAGE, RW, ANON | MAP_FIXED), BRK(H(1))), AREAS("H-1..H rw-p; H..H+1 rw-p")},
    {"the heap merges with what it grows by", "do_brk_flags", DO(BRK(H(1)), BRK(H(2))), AREAS("H..H+2 rw-p")},
    {"the heap does not merge with a part that has other rights", "do_brk_flags",
     DO(BRK(H(1)), MPROTECT(H(0), PAGE, R), BRK(H(2))), AREAS("H..H+1 r--p; H+1..H+2 rw-p")},
    {"a heap that is not there cannot be given back", "SYSCALL_DEFINE1(brk)",
     DO(BRK(H(2)), MUNMAP(H(0), N(2)), BRK(H(0))), GIVES(H(2))},
    {"what was mapped over the heap goes with it", "SYSCALL_DEFINE1(brk)",
     DO(BRK(H(3)), MMAP_FILE(H(1), PAGE, R, MAP_PRIVATE | MAP_FIXED, F0_R, 0), BRK(H(1))), GIVES(H(1)),
     AREAS("H..H+1 rw-p")},
    {"growing after mlockall of the future brings pages in", "SYSCALL_DEFINE1(brk): populate",
     DO(MLOCKALL(MCL_FUTURE), BRK(H(2))), RESIDENT("H H+1"), NEEDS(ROOT)},
    {"a child has the break, too", "dup_mm", DO(BRK(H(1) + 7), FORK, CHILD, BRK(0)), GIVES(H(1) + 7)},
    {"a child's break is its own", "dup_mm", DO(BRK(H(1)), FORK, CHILD, BRK(H(3)), PARENT, BRK(0)), GIVES(H(1)),
     AREAS("H..H+1 rw-p")},
};

FAMILY(brk, rows);
