/*
 * guest.h - a processor that runs user code holds the machine lock meanwhile. Whoever wants the
 * lock makes it leave user code.
 *
 * The thread that runs user code enters it only if nobody waits for the lock (guest_enter_locked),
 * and whoever waits looks whether user code runs. Each says what it does before it looks at what
 * the other does. So either the thread sees the waiter, or the waiter sees the thread.
 */
#ifndef VM_BASE_GUEST_H
#define VM_BASE_GUEST_H

#include "vm/internal.h"

/* Whoever waits for the machine lock says so here, before and after. */
void guest_wait_begin(struct vm_machine *machine);
void guest_wait_end(struct vm_machine *machine);

/* User code may run in another thread: make it stop soon. Any lock may be held. */
void guest_kick(struct vm_machine *machine);

/*
 * This thread is about to run user code. False: it must not, because somebody waits for the lock,
 * or wants no user code to run (vm_cpu_hold). EVEN: never mind.
 */
bool guest_enter_locked(struct vm_machine *machine, bool even);
/* Whether vm_cpu_hold keeps user code from running. */
static inline bool guest_is_held(const struct vm_machine *machine)
{
	return __atomic_load_n(&machine->guest.holds, __ATOMIC_SEQ_CST) > 0;
}
/* User code does not run any more. */
void guest_leave_locked(struct vm_machine *machine);

/*
 * Somebody has wanted the lock. Stay away for a moment, until it is quiet: loops that take the lock
 * again and again get on, because each kick costs much more than one step of theirs. The machine
 * lock is not held.
 */
void guest_stay_out(struct vm_machine *machine);

/*
 * So that guest_kick can interrupt this thread: its signal is not blocked, and does nothing. Only the
 * first call of a thread has anything to do.
 */
void guest_init(void);

#endif
