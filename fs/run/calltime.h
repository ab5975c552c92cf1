/*
 * calltime.h - times in the memory of programs.
 */
#ifndef FS_RUN_CALLTIME_H
#define FS_RUN_CALLTIME_H

#include "fs/run/syscall.h"

/* Longer times count as a hundred years, so that sums of times fit into 64 bits. */
#define CALL_LONGEST INT64_C(3155760000)

/* Read the struct timespec at VA, in ns, no more than CALL_LONGEST s. 0, -EFAULT, -EINVAL. */
int call_get_time(struct call *call, uint64_t va, int64_t *ns);
/* Store NS at VA as a struct timespec. 0, -EFAULT. */
int call_put_time(struct call *call, uint64_t va, int64_t ns);

/* The time of run_now that is NS from now. */
int64_t call_deadline(const struct call *call, int64_t ns);

#endif
