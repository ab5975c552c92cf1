/*
 * oom.h - end a process when no frame can be freed.
 */
#ifndef VM_RECLAIM_OOM_H
#define VM_RECLAIM_OOM_H

#include "vm/internal.h"

/*
 * End the process that has the most points (vm_process_set_oom_adj), as Linux's OOM killer does,
 * and record a fault of kind VM_FAULT_OOM for it. No lock is held. True: that process has ended, by
 * us or by another thread at the same time. False: no process has any page, or all that have are
 * spared.
 */
bool oom_kill_worst(struct vm_machine *machine);

#endif
