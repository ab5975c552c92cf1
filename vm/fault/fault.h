/*
 * fault.h - the page-fault handler.
 */
#ifndef VM_FAULT_FAULT_H
#define VM_FAULT_FAULT_H

#include "vm/internal.h"

/* On whose behalf the fault is taken: bits. */
enum {
	/*
	 * The kernel makes the access, not an instruction of the process: no signal is counted for
	 * a fatal fault, and no stack grows (faultin_page).
	 */
	FAULT_FOR_KERNEL = 1 << 0,
	/* A system call of the process makes it: no signal is counted, but a stack may grow. */
	FAULT_FOR_CALL = 1 << 1,
	/* Somebody else looks at the process: the fault counts for the machine only. */
	FAULT_FOR_OTHER = 1 << 2,
};

/*
 * Handle a page fault: the MMU refused ACCESS at VA. FLAGS are FAULT_ bits. Linux:
 * do_user_addr_fault and handle_mm_fault.
 *
 * On entry PROCESS is locked for reading, and the machine lock is not held. The caller pins no
 * frame, since the fault may wait for one.
 *
 * => In every case PROCESS is locked for reading on return, and the machine lock is not held. The
 *    process lock may have been dropped on the way: areas may have changed.
 * => 0: the page is mapped; try the access again. The process has not ended.
 * => -EFAULT (no area, or a guard page), -EACCES (protection), -EIO (SIGBUS), -ENOMEM (no frame or
 *    table page): the fault is fatal. The process may have ended (process->space is NULL).
 * => -ESRCH: the process has ended.
 *
 * With 0 or a fatal fault the outcome has been counted and recorded, and a copy of the record is
 * stored in TELL unless it is NULL. The copy holds a reference to the name of its file (a
 * refstring, or NULL), which the caller releases. With -ESRCH nothing is recorded, and
 * TELL is not written.
 */
int fault_handle(struct vm_process *process, uint64_t va, enum vm_access access, unsigned flags,
                 struct vm_fault *tell);

/* What faults have brought about. */
struct fault_effect {
	bool major;            /* a page had to be read */
	uint64_t clean, dirty; /* pages that went for them: no store had reached them, or one had */
};

/*
 * The same for many faults in a row: the machine lock is held on entry and on return, and as long as
 * nothing must be waited for, it is dropped only where a policy searches for long. FLAGS are 0.
 * What the fault brings about is added to EFFECT.
 */
int fault_handle_locked(struct vm_process *process, uint64_t va, enum vm_access access,
                        struct fault_effect *effect);

/*
 * Fill in RECORD with the fault that a read at VA would take now. Nothing is changed or recorded.
 * PROCESS is locked for reading and has not ended; the machine lock is not held. The kind, the
 * outcome, the area and the swap slot are filled in, the frame is not. An entry that is present is
 * predicted as if only page tables had to be copied.
 */
void fault_predict(struct vm_process *process, uint64_t va, struct vm_fault *record);

#endif
