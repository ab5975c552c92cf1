#include "vm/base/lock.h"
#include "util/nanoseconds.h"

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
/* Only to see whether it must wait: release builds need not know. */
#define TRY(lock) (lock)
#else
#define HOLD(counter, n) ((void)0)
#define EXPECT(condition) ((void)0)
#define POINT(machine, which) ((void)0)
#define TRY(lock) false
#endif

void machine_lock(struct vm_machine *machine)
{
	EXPECT(held_machines == 0);
	pthread_mutex_lock(&machine->lock);
	HOLD(held_machines, 1);
}

void machine_unlock(struct vm_machine *machine)
{
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
	pthread_cond_wait(cond, &machine->lock);
}

void machine_wait_io_locked(struct vm_machine *machine)
{
	machine->waiters++;
	POINT(machine, LOCK_WAITS);
	pthread_cond_wait(&machine->io, &machine->lock);
	machine->waiters--;
}

int machine_wait_until_locked(struct vm_machine *machine, pthread_cond_t *cond, int64_t when)
{
	struct timespec time = ns_to_timespec(when);

	return pthread_cond_timedwait(cond, &machine->lock, &time);
}

void lock_watch(struct vm_machine *machine, lock_point_fn fn, void *ctx)
{
	machine_lock(machine);
	machine->point_ctx = ctx;
	__atomic_store_n(&machine->point, fn, __ATOMIC_RELEASE);
	machine_unlock(machine);
}
