/*
 * lock.h - the two locks of the engine, and waiting while the machine lock is held.
 *
 * A thread holds at most one process lock and at most one machine lock. It takes the process lock
 * first. Neither lock is recursive. Debug builds assert all of this.
 */
#ifndef VM_BASE_LOCK_H
#define VM_BASE_LOCK_H

#include "vm/internal.h"

#include <errno.h>

/* Take and drop the machine lock, a mutex. */
void machine_lock(struct vm_machine *machine);
void machine_unlock(struct vm_machine *machine);

/*
 * Take the lock of PROCESS for reading or for writing, and drop it. Writers go first: no new reader
 * gets the lock while a writer waits. The process may have ended: process->space is NULL then.
 */
void process_read_lock(struct vm_process *process);
void process_write_lock(struct vm_process *process);
void process_unlock(struct vm_process *process);

/*
 * Take the lock of PROCESS for reading, unless the process has ended.
 *
 * => 0: the lock is held and process->space is not NULL.
 * => -ESRCH: the process has ended, and nothing is locked.
 */
static inline int process_enter(struct vm_process *process)
{
	process_read_lock(process);
	if (process->space != NULL)
		return 0;
	process_unlock(process);
	return -ESRCH;
}

/*
 * Wait for machine->io: some page is no longer busy or under write-back, or a frame is no longer
 * pinned. It need not be the page that the caller waits for, and the wait may end without a reason.
 * The machine lock is dropped meanwhile, so the caller must look again at all that it guards.
 */
void machine_wait_io_locked(struct vm_machine *machine);
/*
 * Wait on COND. As above, the machine lock is dropped meanwhile. Does not count in
 * machine->waiters, which frame_unpin_locked looks at: use it only for a COND that is always
 * signalled.
 */
void machine_wait_locked(struct vm_machine *machine, pthread_cond_t *cond);
/*
 * The same, but at most until CLOCK_MONOTONIC, by which COND measures time, shows WHEN (ns).
 * Returns 0, or ETIMEDOUT (positive).
 */
int machine_wait_until_locked(struct vm_machine *machine, pthread_cond_t *cond, int64_t when);

/*
 * The number of the present hold of the machine lock. As long as it is the same, nobody else has
 * changed what the lock guards.
 */
static inline uint64_t machine_hold_locked(const struct vm_machine *machine)
{
	return machine->hold;
}

/* Steps of a long loop over frames or entries in one hold of the machine lock. */
enum { HOLD_STEPS = 64 };

/*
 * Step number STEP of a long loop is done: now and then let others have the machine lock. Whatever
 * it guards must be looked at again.
 */
static inline void machine_yield_locked(struct vm_machine *machine, uint64_t step)
{
	if (step % HOLD_STEPS == HOLD_STEPS - 1) {
		machine_unlock(machine);
		machine_lock(machine);
	}
}

/*
 * The same for steps of different lengths: STEPS more are done. *SPENT, which begins with 0, counts
 * those of this hold. True: the lock was dropped.
 */
static inline bool machine_spend_locked(struct vm_machine *machine, uint64_t *spent, uint64_t steps)
{
	*spent += steps;
	if (*spent < HOLD_STEPS)
		return false;
	*spent = 0;
	machine_unlock(machine);
	machine_lock(machine);
	return true;
}

/*
 * Something has happened that threads in machine_wait_io_locked may wait for: input or output has
 * ended, or a frame or a slot can be had. Machine lock held.
 */
static inline void machine_wake_io_locked(struct vm_machine *machine)
{
	machine->may_evict++;
	if (machine->waiters > 0)
		pthread_cond_broadcast(&machine->io);
}

/*
 * For tests of what calls do to each other, in debug builds only. From now on FN is called on each
 * thread that has just dropped a lock (LOCK_DROPPED), which it may hold up, and on each that is
 * about to wait for a lock that another holds, or for a condition (LOCK_WAITS), which it may not
 * hold up. NULL ends it.
 */
void lock_watch(struct vm_machine *machine, lock_point_fn fn, void *ctx);

/*
 * Measure how long threads hold the machine lock, from now on, in debug builds only. A wait for a
 * condition ends a hold, and another begins after it. Counted is the CPU time of the thread, so
 * that other threads of the host do not matter. FN, unless NULL, is called on the thread at the end
 * of each hold, still under the lock, with CTX and the ns. A hold of more than LIMIT ns is reported
 * on stderr, with the callers of the function that ended it. LIMIT 0 ends the measuring.
 */
void lock_time(struct vm_machine *machine, int64_t limit, lock_hold_fn fn, void *ctx);

#endif
