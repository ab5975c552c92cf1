#include "vm/base/lock.h"
#include "util/nanoseconds.h"
#include "vm/base/guest.h"

#include <execinfo.h>
#include <stdio.h>
#include <unistd.h>

/* How long a thread waits for the machine lock before it must have it. */
enum { PATIENCE_US = 200 };

#ifndef NDEBUG
/* How many locks this thread holds, to check their order. */
static __thread int held_machines, held_processes;
#define HOLD(counter, n) ((counter) += (n))
#define EXPECT(condition) g_assert(condition)

static void point(struct vm_machine *machine, enum lock_point point)
{
	lock_point_fn fn = __atomic_load_n(&machine->point, __ATOMIC_ACQUIRE);

	/* With the machine lock held, a dropped process lock is no place to be held up at. */
	if (fn != NULL && (point == LOCK_WAITS || held_machines == 0))
		fn(machine->point_ctx, point);
}
#define POINT(machine, which) point(machine, which)

/* When this thread's hold of a machine lock began, in CPU time of the thread; 0: not measured. */
static __thread int64_t hold_began;

static void hold_begin(const struct vm_machine *machine)
{
	if (__atomic_load_n(&machine->hold_limit, __ATOMIC_RELAXED) > 0)
		hold_began = ns_now(CLOCK_THREAD_CPUTIME_ID);
}

/* Say how long the hold was that ends now, and who held the lock: addresses for addr2line. */
static void complain(int64_t ns)
{
	void *callers[16];
	int count = backtrace(callers, G_N_ELEMENTS(callers));

	fprintf(stderr, "# a machine lock was held for %d us by\n", (int)(ns / NS_PER_US));
	backtrace_symbols_fd(callers, count, STDERR_FILENO);
}

static void hold_end(struct vm_machine *machine)
{
	int64_t began = hold_began, limit = __atomic_load_n(&machine->hold_limit, __ATOMIC_RELAXED);

	hold_began = 0;
	if (began == 0 || limit == 0)
		return;
	int64_t took = ns_now(CLOCK_THREAD_CPUTIME_ID) - began;
	if (machine->hold_fn != NULL)
		machine->hold_fn(machine->hold_ctx, took);
	if (took > limit)
		complain(took);
}
#define TIME_BEGIN(machine) hold_begin(machine)
#define TIME_END(machine) hold_end(machine)
/* Only to see whether it must wait: release builds need not know. */
#define TRY(lock) (lock)
#else
#define HOLD(counter, n) ((void)0)
#define EXPECT(condition) ((void)0)
#define POINT(machine, which) ((void)0)
#define TIME_BEGIN(machine) ((void)0)
#define TIME_END(machine) ((void)0)
#define TRY(lock) false
#endif

/* The lock has just been taken. */
static void begin_hold(struct vm_machine *machine)
{
	machine->hold++;
	TIME_BEGIN(machine);
}

/* Try for a while. A thread that drops the lock can take it again before those who wait wake up. */
static bool lock_in_time(struct vm_machine *machine)
{
	struct timespec when = ns_to_timespec(ns_now(CLOCK_REALTIME) + PATIENCE_US * NS_PER_US);

	return pthread_mutex_timedlock(&machine->lock, &when) == 0;
}

/* From here until this thread has the lock, nobody new may try to get it. */
static void lock_in_turn(struct vm_machine *machine)
{
	pthread_mutex_lock(&machine->turn);
	__atomic_add_fetch(&machine->hungry, 1, __ATOMIC_RELAXED);
	/* User code may have begun to run since the last kick. */
	do
		guest_kick(machine);
	while (!lock_in_time(machine));
	__atomic_sub_fetch(&machine->hungry, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&machine->turn);
}

void machine_lock(struct vm_machine *machine)
{
	bool free = __atomic_load_n(&machine->hungry, __ATOMIC_RELAXED) == 0;

	EXPECT(held_machines == 0);
	if (!free || pthread_mutex_trylock(&machine->lock) != 0) {
		guest_wait_begin(machine);
		if (!free || !lock_in_time(machine))
			lock_in_turn(machine);
		guest_wait_end(machine);
	}
	__atomic_store_n(&machine->guest.locks, machine->guest.locks + 1, __ATOMIC_RELAXED);
	HOLD(held_machines, 1);
	begin_hold(machine);
}

void machine_unlock(struct vm_machine *machine)
{
	TIME_END(machine);
	HOLD(held_machines, -1);
	pthread_mutex_unlock(&machine->lock);
	POINT(machine, LOCK_DROPPED);
}

void process_read_lock(struct vm_process *process)
{
	EXPECT(held_machines == 0 && held_processes == 0);
	if (!TRY(pthread_rwlock_tryrdlock(&process->lock) == 0)) {
		POINT(process->machine, LOCK_WAITS);
		pthread_rwlock_rdlock(&process->lock);
	}
	HOLD(held_processes, 1);
}

void process_write_lock(struct vm_process *process)
{
	EXPECT(held_machines == 0 && held_processes == 0);
	if (!TRY(pthread_rwlock_trywrlock(&process->lock) == 0)) {
		POINT(process->machine, LOCK_WAITS);
		pthread_rwlock_wrlock(&process->lock);
	}
	HOLD(held_processes, 1);
}

void process_unlock(struct vm_process *process)
{
	HOLD(held_processes, -1);
	pthread_rwlock_unlock(&process->lock);
	POINT(process->machine, LOCK_DROPPED);
}

void machine_wait_locked(struct vm_machine *machine, pthread_cond_t *cond)
{
	POINT(machine, LOCK_WAITS);
	TIME_END(machine);
	pthread_cond_wait(cond, &machine->lock);
	begin_hold(machine);
}

void machine_wait_io_locked(struct vm_machine *machine)
{
	machine->waiters++;
	POINT(machine, LOCK_WAITS);
	TIME_END(machine);
	pthread_cond_wait(&machine->io, &machine->lock);
	begin_hold(machine);
	machine->waiters--;
}

int machine_wait_until_locked(struct vm_machine *machine, pthread_cond_t *cond, int64_t when)
{
	struct timespec time = ns_to_timespec(when);

	TIME_END(machine);
	int error = pthread_cond_timedwait(cond, &machine->lock, &time);
	begin_hold(machine);
	return error;
}

void lock_watch(struct vm_machine *machine, lock_point_fn fn, void *ctx)
{
	machine_lock(machine);
	machine->point_ctx = ctx;
	__atomic_store_n(&machine->point, fn, __ATOMIC_RELEASE);
	machine_unlock(machine);
}

void lock_time(struct vm_machine *machine, int64_t limit, lock_hold_fn fn, void *ctx)
{
	machine_lock(machine);
	machine->hold_fn = fn;
	machine->hold_ctx = ctx;
	__atomic_store_n(&machine->hold_limit, limit, __ATOMIC_RELAXED);
	machine_unlock(machine);
}
