/*
 * placement.c - where the kernel puts a mapping: arch_get_unmapped_area_topdown and the functions
 * that it uses.
 */
#include "tests/behaviours/behaviour.h"

/* MAP_32BIT searches from here on. */
#define LOW UINT64_C(0x40000000)
/* MAP_ABOVE4G, Linux 6.6. */
#define ABOVE_4G 0x80
#define HUGE_PAGE N(512)
/* The highest two MiB below mmap_base that start at a multiple of two MiB. */
#define HIGHEST_HUGE UINT64_C(0x7ffff7c00000)

static const struct row rows[] = {
    {"the first one ends at mmap_base", "arch_get_unmapped_area_topdown",
     DO(MMAP(0, N(2), RW, ANON)), GIVES(T(2))},
    {"the next one lies below, and merges", "unmapped_area_topdown",
     DO(MMAP(0, N(2), RW, ANON), MMAP(0, PAGE, RW, ANON)), GIVES(T(3)), AREAS("T-3..T rw-p")},
    {"the highest hole is used", "unmapped_area_topdown",
     DO(MMAP(0, N(6), RW, ANON), MUNMAP(T(5), PAGE), MUNMAP(T(2), PAGE), MMAP(0, PAGE, R, ANON)),
     GIVES(T(2))},
    {"a hole that is too small is skipped", "unmapped_area_topdown",
     DO(MMAP(0, N(6), RW, ANON), MUNMAP(T(2), PAGE), MMAP(0, N(2), R, ANON)), GIVES(T(8))},
    {"the upper end of a larger hole is used", "unmapped_area_topdown",
     DO(MMAP(0, N(8), RW, ANON), MUNMAP(T(6), N(4)), MMAP(0, N(2), R, ANON)), GIVES(T(4))},
    {"what lies above mmap_base does not matter", "arch_get_unmapped_area_topdown",
     DO(MMAP(T(-16), PAGE, RW, ANON | MAP_FIXED), MMAP(0, PAGE, RW, ANON)), GIVES(T(1))},
    {"the search goes down as far as it must", "unmapped_area_topdown",
     DO(MMAP(P(0), T(0) - P(0), NONE, ANON | MAP_FIXED), MMAP(0, PAGE, RW, ANON)), GIVES(P(-1)),
     FINALLY(MUNMAP(P(0), T(0) - P(0)))},
    {"above4g does not go below four GiB, but up", "arch_get_unmapped_area_topdown: bottomup",
     DO(MMAP(P(0), T(0) - P(0), NONE, ANON | MAP_FIXED), MMAP(0, PAGE, RW, ANON | ABOVE_4G)),
     GIVES(T(0)), FINALLY(MUNMAP(P(0), T(-1) - P(0)))},

    /* hints */
    {"a free hint is used", "arch_get_unmapped_area_topdown", DO(MMAP(P(5), N(2), RW, ANON)),
     GIVES(P(5))},
    {"a hint is rounded down", "round_hint_to_min", DO(MMAP(P(5) + 4095, PAGE, RW, ANON)),
     GIVES(P(5))},
    {"a hint within page 0 is ignored", "round_hint_to_min", DO(MMAP(1, PAGE, RW, ANON)),
     GIVES(T(1))},
    {"a hint that is occupied", "arch_get_unmapped_area_topdown",
     DO(AREA(5, 1, RW), MMAP(P(5), PAGE, RW, ANON)), GIVES(T(1))},
    {"a hint whose end is occupied", "arch_get_unmapped_area_topdown",
     DO(AREA(5, 1, RW), MMAP(P(4), N(2), RW, ANON)), GIVES(T(2))},
    {"a hint that just fits", "arch_get_unmapped_area_topdown",
     DO(AREA(5, 1, R), AREA(7, 1, R), MMAP(P(6), PAGE, RW, ANON)), GIVES(P(6))},
    {"a hint beyond user space", "mmap_address_hint_valid", DO(MMAP(USER_END, PAGE, RW, ANON)),
     GIVES(T(1))},
    {"a hint above mmap_base", "arch_get_unmapped_area_topdown", DO(MMAP(T(-16), PAGE, RW, ANON)),
     GIVES(T(-16)), FINALLY(MUNMAP(T(-16), PAGE))},
    {"a hint of -1", "mmap_address_hint_valid", DO(MMAP(UINT64_MAX, PAGE, RW, ANON)), GIVES(T(1))},
    {"a hint that ends beyond user space", "mmap_address_hint_valid",
     DO(MMAP(USER_END - PAGE, N(2), RW, ANON)), GIVES(T(2))},

    /* the guard gap below areas that grow down */
    {"a hint in the guard gap is refused", "vm_start_gap",
     DO(STACK(300, 1), MMAP(P(44), PAGE, RW, ANON)), GIVES(T(1))},
    {"a hint that ends at the guard gap is used", "vm_start_gap",
     DO(STACK(300, 1), MMAP(P(43), PAGE, RW, ANON)), GIVES(P(43))},
    {"fixed may map in the guard gap", "mmap(2)", DO(STACK(300, 1), AREA(299, 1, R)),
     AREAS("299..300 r--p; 300..301 rw-p")},
    {"no gap is kept above an area that grows down", "vm_start_gap",
     DO(STACK(300, 1), MMAP(P(301), PAGE, RW, ANON)), GIVES(P(301))},
    {"the search keeps the guard gap free", "unmapped_area_topdown",
     DO(MMAP(T(1), PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN), MMAP(0, PAGE, RW, ANON)),
     GIVES(T(258))},
    {"a hole that the guard gap fills ends the search above it",
     "unmapped_area_topdown: high_limit",
     DO(MMAP(T(1), PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN),
        MMAP(T(102), PAGE, RW, ANON | MAP_FIXED), MMAP(0, PAGE, RW, ANON)),
     GIVES(T(258))},

    /* 32bit */
    {"32bit searches upwards from one GiB", "find_start_end",
     DO(MMAP(0, PAGE, RW, ANON | MAP_32BIT)), GIVES(LOW)},
    {"32bit uses the lowest hole", "unmapped_area",
     DO(MMAP(0, N(3), RW, ANON | MAP_32BIT), MUNMAP(LOW + PAGE, PAGE),
        MMAP(0, PAGE, RW, ANON | MAP_32BIT)),
     GIVES(LOW + PAGE)},
    {"32bit uses a hint", "arch_get_unmapped_area",
     DO(MMAP(LOW + N(9), PAGE, RW, ANON | MAP_32BIT)), GIVES(LOW + N(9))},
    {"32bit uses a hint below one GiB", "arch_get_unmapped_area",
     DO(MMAP(P(0), PAGE, RW, ANON | MAP_32BIT)), GIVES(P(0))},
    {"32bit does not use a hint beyond two GiB", "arch_get_unmapped_area",
     DO(MMAP(UINT64_C(0x80000000), PAGE, RW, ANON | MAP_32BIT)), GIVES(LOW)},
    {"32bit has one GiB", "find_start_end",
     DO(MMAP(0, (UINT64_C(1) << 30) + PAGE, NONE, ANON | MAP_32BIT)), FAILS(ENOMEM)},
    {"32bit leaves fixed alone", "arch_get_unmapped_area",
     DO(MMAP(T(9), PAGE, RW, ANON | MAP_32BIT | MAP_FIXED)), GIVES(T(9))},

    /* alignment for huge pages */
    {"two MiB are aligned", "thp_get_unmapped_area_vmflags", DO(MMAP(0, HUGE_PAGE, RW, ANON)),
     GIVES(HIGHEST_HUGE)},
    {"two MiB and a page are not aligned", "__get_unmapped_area",
     DO(MMAP(0, HUGE_PAGE + PAGE, RW, ANON)), GIVES(T(513))},
    {"two MiB with a hint are not aligned", "__get_unmapped_area",
     DO(AREA(0, 1, R), MMAP(P(0), HUGE_PAGE, RW, ANON)), GIVES(T(512))},
    {"two MiB of shared memory are not aligned", "shmem_get_unmapped_area",
     DO(MMAP(0, HUGE_PAGE, RW, SHARED_ANON)), GIVES(T(512))},
    {"two MiB, 32bit, leave the first two free", "thp_get_unmapped_area_vmflags",
     DO(MMAP(0, HUGE_PAGE, RW, ANON | MAP_32BIT)), GIVES(LOW + HUGE_PAGE)},
    {"two MiB of a file are aligned", "thp_get_unmapped_area",
     DO(MMAP_FILE(0, HUGE_PAGE, R, MAP_PRIVATE, F0_R, 0)), GIVES(HIGHEST_HUGE), NEEDS(ALIGNED)},
    {"more than two MiB of a file are aligned", "thp_get_unmapped_area",
     DO(MMAP_FILE(0, HUGE_PAGE + PAGE, R, MAP_PRIVATE, F0_R, 0)), GIVES(HIGHEST_HUGE),
     NEEDS(ALIGNED)},
    {"two MiB of a file that hold no aligned part are not aligned", "__thp_get_unmapped_area",
     DO(MMAP_FILE(0, HUGE_PAGE, R, MAP_PRIVATE, F0_R, PAGE)), GIVES(T(512)), NEEDS(ALIGNED)},
};

FAMILY(placement, rows);
