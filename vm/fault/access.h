/*
 * access.h - accesses that the kernel makes on behalf of a process: to populate areas, or to test
 * them. The accesses of the process itself are vm_read, vm_write and vm_access (vm.h).
 *
 * Rule: no lock is held. Each function locks PROCESS for reading. It drops that lock after every
 * few hundred pages, and whenever a fault has to wait, so areas may change on the way.
 */
#ifndef VM_FAULT_ACCESS_H
#define VM_FAULT_ACCESS_H

#include "vm/internal.h"

/*
 * Make one access of the kind ACCESS to each page of [VA, VA+LEN), in order. LEN (bytes) is at
 * least 1. The first fatal fault stops it. It is recorded, but the process gets no signal for it,
 * and no stack grows (faultin_page).
 *
 * Returns 0, or what stopped it: -EFAULT (no area), -EACCES (protection), -EIO (SIGBUS), -ENOMEM
 * (no frame or table page), -ESRCH (the process has ended). Earlier pages stay.
 */
int access_range(struct vm_process *process, uint64_t va, uint64_t len, enum vm_access access);

/*
 * Bring in the pages of [VA, VA+LEN), which lie in an area with FLAGS (AREA_). LEN (bytes) is at
 * least 1. Pages of a private writable area are written to, so that they are copied now; all others
 * are read. Linux: populate_vma_page_range.
 *
 * Returns 0 or the errno of the first page that failed, as access_range. -EFAULT also if FLAGS
 * grant no access at all.
 */
int access_populate(struct vm_process *process, uint64_t va, uint64_t len, unsigned flags);

/*
 * With segv_kill, end PROCESS if ERROR, the result of an access by the process itself, is that of a
 * fatal fault with a signal.
 */
void access_kill_if_fatal(struct vm_process *process, int error);

#endif
