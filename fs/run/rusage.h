/*
 * rusage.h - what a program has used, as getrusage(2) and wait4(2) show it.
 */
#ifndef FS_RUN_RUSAGE_H
#define FS_RUN_RUSAGE_H

#include "fs/run/program.h"

#include <sys/resource.h>

/* What PROGRAM has used; if CHILDREN, with its children that were waited for. run->lock held. */
void rusage_fill(struct rusage *usage, const struct program *program, bool children);
/* What PROGRAM's children have used that were waited for. run->lock held. */
void rusage_fill_children(struct rusage *usage, const struct program *program);

#endif
