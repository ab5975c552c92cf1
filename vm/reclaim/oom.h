/*
 * oom.h - end a process when no frame can be freed.
 */
#ifndef VM_RECLAIM_OOM_H
#define VM_RECLAIM_OOM_H

#include "vm/internal.h"

/*
 * End the process with the most resident pages and swap entries, as Linux's OOM killer does
 * (oom_badness, without its page tables and oom_score_adj), and record a fault of kind VM_FAULT_OOM
 * for it. No lock is held. True: that process has ended, by us or by another thread at the same
 * time. False: no process has any page.
 */
bool oom_kill_largest(struct vm_machine *machine);

#endif
