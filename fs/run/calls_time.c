/*
 * calls_time.c - system calls on time. All clocks begin with the machine (run_now); that of the day
 * has the time of the host at that moment.
 */
#include "fs/run/calls.h"
#include "fs/run/calltime.h"
#include "util/nanoseconds.h"

#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

enum {
	CLOCK_TICK = 10000000, /* ns: USER_HZ is 100 */
	COARSE = 4000000,      /* ns of the clocks that are quick and not exact: HZ is 250 */
};

/* --- Times in memory -------------------------------------------------------------------------- */

static int ns_of(const struct timespec *time, int64_t *ns)
{
	if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= NS_PER_SEC)
		return -EINVAL;
	*ns = MIN(time->tv_sec, CALL_LONGEST) * NS_PER_SEC + time->tv_nsec;
	return 0;
}

int call_get_time(struct call *call, uint64_t va, int64_t *ns)
{
	struct timespec time;

	return call_get(call, va, &time, sizeof time) != 0 ? -EFAULT : ns_of(&time, ns);
}

int call_put_time(struct call *call, uint64_t va, int64_t ns)
{
	const struct timespec time = {ns / NS_PER_SEC, ns % NS_PER_SEC};

	return call_put(call, va, &time, sizeof time);
}

int64_t call_deadline(const struct call *call, int64_t ns)
{
	return run_now(call->run) + MIN(ns, CALL_LONGEST * NS_PER_SEC);
}

/* --- Clocks ----------------------------------------------------------------------------------- */

/* When the machine started, by the clock of the day. */
static int64_t day_begin(const struct call *call)
{
	struct vm_machine_info info;

	vm_machine_info(run_machine(call->run), &info);
	return info.start;
}

static int64_t used_time(const struct program *program)
{
	run_lock(program->run);
	run_count_locked(program->run);
	int64_t used = program->used.user + program->used.system;
	run_unlock(program->run);
	return used;
}

/* Store the time of CLOCK. -EINVAL: there is none, or it is another process's. */
static int read_clock(const struct call *call, clockid_t clock, int64_t *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*ns = day_begin(call) + run_now(call->run);
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = run_now(call->run);
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = used_time(call->program);
		return 0;
	default:
		return -EINVAL;
	}
}

int64_t sys_clock_gettime(struct call *call)
{
	int64_t ns;
	int error = read_clock(call, (clockid_t)call->arg[0], &ns);

	return error != 0 ? error : call_put_time(call, call->arg[1], ns);
}

int64_t sys_clock_getres(struct call *call)
{
	clockid_t clock = (clockid_t)call->arg[0];
	bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
	int64_t ns;
	int error = read_clock(call, clock, &ns);

	if (error != 0 || call->arg[1] == 0)
		return error;
	return call_put_time(call, call->arg[1], coarse ? COARSE : 1);
}

int64_t sys_clock_settime(struct call *call)
{
	int64_t ns;
	int error = call_get_time(call, call->arg[1], &ns);

	if (error == 0)
		error = read_clock(call, (clockid_t)call->arg[0], &ns);
	/* The machine's time is not the program's to set, even if it is root's. */
	return error != 0 ? error : -EPERM;
}

int64_t sys_gettimeofday(struct call *call)
{
	static const struct timezone zone;
	int64_t ns = day_begin(call) + run_now(call->run);
	const struct timeval time = {ns / NS_PER_SEC, ns % NS_PER_SEC / NS_PER_US};

	if (call->arg[0] != 0 && call_put(call, call->arg[0], &time, sizeof time) != 0)
		return -EFAULT;
	return call->arg[1] != 0 ? call_put(call, call->arg[1], &zone, sizeof zone) : 0;
}

int64_t sys_time(struct call *call)
{
	int64_t seconds = (day_begin(call) + run_now(call->run)) / NS_PER_SEC;

	if (call->arg[0] != 0 && call_put(call, call->arg[0], &seconds, sizeof seconds) != 0)
		return -EFAULT;
	return seconds;
}

int64_t sys_times(struct call *call)
{
	const struct program *program = call->program;

	run_lock(call->run);
	const struct tms times = {
	    .tms_utime = program->used.user / CLOCK_TICK,
	    .tms_stime = program->used.system / CLOCK_TICK,
	    .tms_cutime = program->children_used.user / CLOCK_TICK,
	    .tms_cstime = program->children_used.system / CLOCK_TICK,
	};
	run_unlock(call->run);
	if (call->arg[0] != 0 && call_put(call, call->arg[0], &times, sizeof times) != 0)
		return -EFAULT;
	return run_now(call->run) / CLOCK_TICK;
}

/* --- Sleeping --------------------------------------------------------------------------------- */

/*
 * Sleep until DEADLINE. -EINTR stands for a signal. What is left goes to the struct timespec at
 * LEFT, unless that is 0.
 */
static int64_t sleep_until(struct call *call, int64_t deadline, uint64_t left)
{
	int64_t now = run_now(call->run);

	if (now >= deadline)
		return 0;
	run_lock(call->run);
	int64_t result = call_sleep_locked(call, &call->program->restart, deadline);
	run_unlock(call->run);
	if (result != -ERESTARTSYS)
		return result;
	if (left != 0 && call_put_time(call, left, deadline - now) != 0)
		return -EFAULT;
	return -EINTR;
}

/* A relative sleep, or its rest by restart_syscall. arg[1] of restart: where what is left goes. */
static int64_t sleep_on(struct call *call)
{
	struct restart *restart = &call->program->restart;
	int64_t result = sleep_until(call, restart->deadline, restart->arg[1]);

	return result == -EINTR ? -ERESTART_RESTARTBLOCK : result;
}

/* Sleep NS from the first time that this call is made. */
static int64_t sleep_for(struct call *call, int64_t ns, uint64_t left)
{
	struct program *program = call->program;

	if (!program->again) {
		program->restart = (struct restart){sleep_on, {0, left}, call_deadline(call, ns)};
	}
	return sleep_on(call);
}

int64_t sys_restart_syscall(struct call *call)
{
	return call->program->restart.fn != NULL ? call->program->restart.fn(call) : -EINTR;
}

int64_t sys_nanosleep(struct call *call)
{
	int64_t ns;
	int error = call_get_time(call, call->arg[0], &ns);

	return error != 0 ? error : sleep_for(call, ns, call->arg[1]);
}

/* DEADLINE of CLOCK, by run_now. */
static int64_t to_machine_time(const struct call *call, clockid_t clock, int64_t deadline)
{
	int64_t now;

	read_clock(call, clock, &now);
	return deadline <= now ? 0 : call_deadline(call, deadline - now);
}

int64_t sys_clock_nanosleep(struct call *call)
{
	clockid_t clock = (clockid_t)call->arg[0];
	int64_t ns, now;

	if (clock == CLOCK_THREAD_CPUTIME_ID || read_clock(call, clock, &now) != 0)
		return -EINVAL;
	int error = call_get_time(call, call->arg[2], &ns);
	if (error != 0)
		return error;
	if (!(call->arg[1] & TIMER_ABSTIME))
		return sleep_for(call, ns, call->arg[3]);
	int64_t result = sleep_until(call, to_machine_time(call, clock, ns), 0);
	return result == -EINTR ? -ERESTARTNOHAND : result;
}
