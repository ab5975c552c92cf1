#ifndef VM_ACCESS_H
#define VM_ACCESS_H

#include "vm/internal.h"

/* vm_access as the kernel itself does it (populate): a fatal fault stops it, but never ends the process. */
int access_range(struct vm_process *process, uint64_t va, uint64_t len, enum vm_access access, vm_fault_fn fn,
                 void *ctx);

/*
 * Bring in the pages of [VA, VA+LEN), which an area with FLAGS covers (populate_vma_page_range). The error of the page
 * that stopped it, as vm_access: -EFAULT where the area has no rights at all.
 */
int access_populate(struct vm_process *process, uint64_t va, uint64_t len, unsigned flags);

#endif
