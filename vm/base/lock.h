/*
 * lock.h - the two locks of the engine, and waiting while one is held.
 *
 * A thread holds at most one process lock and the machine lock, and takes the process lock first.
 * Debug builds assert it.
 */
#ifndef VM_BASE_LOCK_H
#define VM_BASE_LOCK_H

#include "vm/internal.h"

/* The machine lock, a mutex. */
void machine_lock(struct vm_machine *machine);
void machine_unlock(struct vm_machine *machine);

/* The lock of one process: for reading, for writing. */
void process_read_lock(struct vm_process *process);
void process_write_lock(struct vm_process *process);
void process_unlock(struct vm_process *process);

/* Lock PROCESS for reading, unless it has ended: -ESRCH, and nothing is locked. */
int process_enter(struct vm_process *process);

/*
 * Wait until some page is no longer busy or under write-back. The machine lock is dropped
 * meanwhile: whatever it guards must be looked at again.
 */
void machine_wait_io_locked(struct vm_machine *machine);
/* Wait on COND. The machine lock is dropped meanwhile. */
void machine_wait_locked(struct vm_machine *machine, pthread_cond_t *cond);
/*
 * Wait on COND until CLOCK_MONOTONIC shows WHEN (ns). 0 or ETIMEDOUT. The machine lock is dropped
 * meanwhile.
 */
int machine_wait_until_locked(struct vm_machine *machine, pthread_cond_t *cond, int64_t when);

#endif
