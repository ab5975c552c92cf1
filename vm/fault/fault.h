/*
 * fault.h - the page-fault handler.
 */
#ifndef VM_FAULT_FAULT_H
#define VM_FAULT_FAULT_H

#include "vm/internal.h"

/* Who faults: bits. */
enum {
	/* no instruction of the process: a fatal fault is no signal (faultin_page) */
	FAULT_FOR_KERNEL = 1 << 0,
};

/*
 * PROCESS, locked for reading, wants ACCESS at VA and the MMU said no: make it possible, or find
 * that it is not. The lock may be dropped and taken again on the way, so what the caller knew of
 * areas may have changed. What happened has been counted and recorded; TELL, unless NULL, gets it
 * too, with a reference to its file's name (a GRefString or NULL).
 *
 * 0: try the access again. -EFAULT (no area), -EACCES (protection), -EIO (SIGBUS), -ENOMEM (no
 * frame or table page); -ESRCH: the process has ended meanwhile (nothing recorded). The caller
 * pins no frame, since the fault may wait for one. Linux: handle_mm_fault and do_user_addr_fault.
 */
int fault_handle(struct vm_process *process, uint64_t va, enum vm_access access, unsigned flags,
                 struct vm_fault *tell);

/* What a read at VA would come to, without doing it; the process is locked for reading. */
void fault_predict(struct vm_process *process, uint64_t va, struct vm_fault *record);

#endif
