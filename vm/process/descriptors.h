/*
 * descriptors.h - the open files of a process, by descriptor. vm.h has the calls.
 *
 * Each open descriptor is charged to the user of the process (VM_FDS).
 */
#ifndef VM_PROCESS_DESCRIPTORS_H
#define VM_PROCESS_DESCRIPTORS_H

#include "vm/internal.h"

/*
 * Give CHILD, which nobody else can find and which has no descriptors, those of PARENT, which is
 * locked. Linux: copy_files.
 *
 * => -EAGAIN: its user or all users would have too many. -ENOMEM. CHILD has none
 */
int descriptors_copy(struct vm_process *child, const struct vm_process *parent);

/* Close those descriptors of PROCESS that exec closes. No lock is held. Linux: do_close_on_exec. */
void descriptors_exec(struct vm_process *process);

/* Release FDS, which were taken from PROCESS. No lock is held: dirty pages may be written. */
void descriptors_close(struct vm_process *process, struct array *fds);

#endif
