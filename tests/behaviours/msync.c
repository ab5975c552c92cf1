/*
 * msync.c - msync: its flags, its range, and what it lets others see.
 */
#include "tests/behaviours/behaviour.h"

static const struct row rows[] = {
    {"an unknown flag", "SYSCALL_DEFINE3(msync)", DO(AREA(0, 1, RW), MSYNC(P(0), PAGE, 8)), FAILS(EINVAL)},
    {"an unknown flag goes before nothing there", "SYSCALL_DEFINE3(msync)", DO(MSYNC(P(0), PAGE, 8)), FAILS(EINVAL)},
    {"an address within a page", "SYSCALL_DEFINE3(msync)", DO(AREA(0, 1, RW), MSYNC(P(0) + 1, PAGE, MS_SYNC)),
     FAILS(EINVAL)},
    {"both async and sync", "SYSCALL_DEFINE3(msync)", DO(AREA(0, 1, RW), MSYNC(P(0), PAGE, MS_ASYNC | MS_SYNC)),
     FAILS(EINVAL)},
    {"both async and sync go before a length of 0", "SYSCALL_DEFINE3(msync)", DO(MSYNC(P(0), 0, MS_ASYNC | MS_SYNC)),
     FAILS(EINVAL)},
    {"a range that wraps around", "SYSCALL_DEFINE3(msync)", DO(AREA(0, 1, RW), MSYNC(P(0), -N(2), MS_ASYNC)),
     FAILS(ENOMEM)},
    {"a length of 0, mapped or not", "SYSCALL_DEFINE3(msync)", DO(MSYNC(P(0), 0, MS_SYNC)), GIVES(0)},
    {"a length that is rounded up to 0", "SYSCALL_DEFINE3(msync)", DO(MSYNC(P(0), UINT64_MAX, MS_SYNC)), GIVES(0)},
    {"no flags", "msync(2)", DO(AREA(0, 1, RW), MSYNC(P(0), PAGE, 0)), GIVES(0)},
    {"anonymous memory", "SYSCALL_DEFINE3(msync)", DO(AREA(0, 1, RW), STORE(P(0), 'x'), MSYNC(P(0), PAGE, MS_SYNC)),
     GIVES(0)},
    {"nothing there", "SYSCALL_DEFINE3(msync)", DO(MSYNC(P(0), PAGE, MS_SYNC)), FAILS(ENOMEM)},
    {"a hole at the beginning, async", "SYSCALL_DEFINE3(msync)", DO(AREA(1, 1, RW), MSYNC(P(0), N(2), MS_ASYNC)),
     FAILS(ENOMEM)},
    {"a hole at the end", "SYSCALL_DEFINE3(msync)", DO(AREA(0, 1, RW), MSYNC(P(0), N(2), MS_SYNC)), FAILS(ENOMEM)},
    {"invalidate of a locked area", "SYSCALL_DEFINE3(msync)",
     DO(AREA(0, 1, RW), MLOCK(P(0), PAGE), MSYNC(P(0), PAGE, MS_INVALIDATE)), FAILS(EBUSY)},
    {"sync of a locked area", "SYSCALL_DEFINE3(msync)",
     DO(AREA(0, 1, RW), MLOCK(P(0), PAGE), MSYNC(P(0), PAGE, MS_SYNC)), GIVES(0)},
    {"a locked area goes before a hole in front of it", "SYSCALL_DEFINE3(msync)",
     DO(AREA(1, 1, RW), MLOCK(P(1), PAGE), MSYNC(P(0), N(2), MS_INVALIDATE | MS_ASYNC)), FAILS(EBUSY)},
    {"a locked area goes before a hole behind it", "SYSCALL_DEFINE3(msync)",
     DO(AREA(0, 1, RW), MLOCK(P(0), PAGE), MSYNC(P(0), N(2), MS_INVALIDATE)), FAILS(EBUSY)},
    {"what was stored is in the file", "vfs_fsync_range",
     DO(FILE_S(0, 1, RW, F0_RW, 0), STORE(P(0), 'x'), MSYNC(P(0), PAGE, MS_SYNC), FILE_P(5, 1, R, F0_R, 0), LOAD(P(5))),
     READS("x")},
    {"what was stored privately is not", "SYSCALL_DEFINE3(msync)",
     DO(FILE_P(0, 1, RW, F0_RW, 0), STORE(P(0), 'x'), MSYNC(P(0), PAGE, MS_SYNC), FILE_P(5, 1, R, F0_R, 0), LOAD(P(5))),
     READS("A")},
    {"invalidate loses no store", "SYSCALL_DEFINE3(msync)",
     DO(FILE_S(0, 1, RW, F0_RW, 0), STORE(P(0), 'x'), MSYNC(P(0), PAGE, MS_INVALIDATE), LOAD(P(0))), READS("x")},
};

FAMILY(msync, rows);
