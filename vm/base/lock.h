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

/*
 * For tests of what calls do to each other, in debug builds only. From now on FN is called on each
 * thread that has just dropped a lock (LOCK_DROPPED), which it may hold up, and on each that is about
 * to wait for a lock that another holds, or for a condition (LOCK_WAITS), which it may not hold up.
 * NULL ends it.
 */
void lock_watch(struct vm_machine *machine, lock_point_fn fn, void *ctx);

#endif
