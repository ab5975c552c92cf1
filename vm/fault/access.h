#ifndef VM_FAULT_ACCESS_H
#define VM_FAULT_ACCESS_H

#include "vm/internal.h"

/*
 * One access to each page of [VA, VA+LEN) by the kernel itself: a fatal fault stops it, with
 * vm_access's errno, but is no signal.
 */
int access_range(struct vm_process *process, uint64_t va, uint64_t len, enum vm_access access);

/*
 * Bring in the pages of [VA, VA+LEN), which an area with FLAGS covers (populate_vma_page_range).
 * The error of the page that stopped it, as vm_access: -EFAULT where the area has no rights at all.
 */
int access_populate(struct vm_process *process, uint64_t va, uint64_t len, unsigned flags);

#endif
