/*
 * oom.h - out of memory.
 */
#ifndef VM_RECLAIM_OOM_H
#define VM_RECLAIM_OOM_H

#include "vm/internal.h"

/*
 * End the process with the most frames and swap slots, as Linux's OOM killer does. No lock is held.
 * False: no process has any.
 */
bool oom_kill_largest(struct vm_machine *machine);

#endif
