/*
 * calls_kill.c - system calls that send signals, at once or at a time.
 */
#include "fs/run/calls.h"
#include "fs/run/calltime.h"
#include "util/nanoseconds.h"

#include <string.h>
#include <sys/time.h>

enum { EVERYBODY = -1 };

/* --- Sending ---------------------------------------------------------------------------------- */

/*
 * May CALLER send NUMBER to TARGET, and to nobody else? Root may, and who has the same user id;
 * SIGCONT may go to anybody in the session. Linux: kill_ok_by_cred.
 */
static bool may_signal(const struct program *caller, const struct program *target, int number)
{
	uid_t uid = vm_process_cred(caller->process).uid;

	return uid == 0 || uid == vm_process_cred(target->process).uid ||
	       (number == SIGCONT && caller->session == target->session);
}

/* 0, -EPERM. A zombie may be sent what one likes. */
static int send_locked(const struct program *caller, struct program *target, const siginfo_t *info)
{
	if (!may_signal(caller, target, info->si_signo))
		return -EPERM;
	if (info->si_signo != 0)
		signal_send_locked(target, info);
	return 0;
}

static bool is_addressed(const struct program *caller, const struct program *target, pid_t pid)
{
	if (pid == EVERYBODY)
		return target != caller;
	return target->group == (pid == 0 ? caller->group : -pid);
}

/*
 * Send INFO to a group, or to all. Linux: 0 if one got it, else the last error. There is no process
 * 1 that is left out.
 */
static int send_many_locked(struct program *caller, pid_t pid, const siginfo_t *info)
{
	bool sent = false;
	int error = -ESRCH;
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, run_programs_locked(caller->run));
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct program *target = value;
		if (!is_addressed(caller, target, pid))
			continue;
		int result = send_locked(caller, target, info);
		sent = sent || result == 0;
		error = result;
	}
	return sent ? 0 : error;
}

/*
 * To a process that is no program: the engine has what signals do to it. No lock held. 0, -EPERM,
 * -ESRCH.
 */
static int send_to_process(const struct program *caller, pid_t pid, int number)
{
	struct vm_process *process =
	    pid > 0 ? vm_process_find(run_machine(caller->run), pid) : NULL;
	uid_t uid = vm_process_cred(caller->process).uid;
	int error = -ESRCH;

	if (process == NULL)
		return error;
	if (uid != 0 && uid != vm_process_cred(process).uid)
		error = -EPERM;
	else
		error = vm_process_kill(process, number);
	vm_process_unref(process);
	return error;
}

static int64_t send_one(struct call *call, pid_t pid, const siginfo_t *info)
{
	run_lock(call->run);
	struct program *target = program_find_locked(call->run, pid);
	int error = target != NULL ? send_locked(call->program, target, info) : -ESRCH;
	run_unlock(call->run);
	if (target == NULL)
		return send_to_process(call->program, pid, info->si_signo);
	program_unref(target);
	return error;
}

static siginfo_t own_info(const struct call *call, int number, int code)
{
	return signal_info(number, code, call->program->pid, vm_process_cred(call->process).uid);
}

static bool is_signal(int number)
{
	return number >= 0 && number <= SIGNALS;
}

int64_t sys_kill(struct call *call)
{
	pid_t pid = (pid_t)call->arg[0];
	siginfo_t info = own_info(call, (int)call->arg[1], SI_USER);

	if (!is_signal(info.si_signo))
		return -EINVAL;
	if (pid > 0)
		return send_one(call, pid, &info);
	if (pid == INT_MIN)
		return -ESRCH;
	run_lock(call->run);
	int error = send_many_locked(call->program, pid, &info);
	run_unlock(call->run);
	return error;
}

int64_t sys_tkill(struct call *call)
{
	siginfo_t info = own_info(call, (int)call->arg[1], SI_TKILL);

	if ((pid_t)call->arg[0] <= 0 || !is_signal(info.si_signo))
		return -EINVAL;
	return send_one(call, (pid_t)call->arg[0], &info);
}

int64_t sys_tgkill(struct call *call)
{
	siginfo_t info = own_info(call, (int)call->arg[2], SI_TKILL);

	if ((pid_t)call->arg[0] <= 0 || (pid_t)call->arg[1] <= 0 || !is_signal(info.si_signo))
		return -EINVAL;
	/* There is one thread in each process. */
	if (call->arg[0] != call->arg[1])
		return -ESRCH;
	return send_one(call, (pid_t)call->arg[1], &info);
}

int64_t sys_rt_sigqueueinfo(struct call *call)
{
	pid_t pid = (pid_t)call->arg[0];
	siginfo_t info;

	if (call_get(call, call->arg[2], &info, sizeof info) != 0)
		return -EFAULT;
	info.si_signo = (int)call->arg[1];
	if (!is_signal(info.si_signo))
		return -EINVAL;
	/* Nobody may claim to be the kernel, but to oneself. */
	if ((info.si_code >= 0 || info.si_code == SI_TKILL) && pid != call->program->pid)
		return -EPERM;
	return send_one(call, pid, &info);
}

/* --- At a time -------------------------------------------------------------------------------- */

/* Let the alarm come in VALUE ns, and every INTERVAL ns. What was left of the old one, or 0. */
static int64_t set_alarm(struct call *call, int64_t value, int64_t interval, int64_t *old_interval)
{
	struct signals *signals = &call->program->signals;
	int64_t now = run_now(call->run), left = 0;

	run_lock(call->run);
	if (signals->alarm != 0)
		left = MAX(signals->alarm - now, NS_PER_US);
	*old_interval = signals->alarm_interval;
	signals->alarm = value == 0 ? 0 : value > INT64_MAX - now ? INT64_MAX - 1 : now + value;
	signals->alarm_interval = interval;
	if (value != 0)
		run_alarm_locked(call->run, signals->alarm);
	run_unlock(call->run);
	return left;
}

int64_t sys_alarm(struct call *call)
{
	int64_t interval,
	    left = set_alarm(call, (int64_t)(uint32_t)call->arg[0] * NS_PER_SEC, 0, &interval);

	/* In whole seconds, but not 0 for one that is still to come (alarm_setitimer). */
	int64_t seconds = left / NS_PER_SEC, rest = left % NS_PER_SEC;
	return seconds + ((seconds == 0 && rest > 0) || rest >= NS_PER_SEC / 2);
}

static struct timeval timeval_of(int64_t ns)
{
	return (struct timeval){ns / NS_PER_SEC, ns % NS_PER_SEC / NS_PER_US};
}

static int timeval_ns(const struct timeval *time, int64_t *ns)
{
	if (time->tv_sec < 0 || time->tv_usec < 0 || time->tv_usec >= 1000000)
		return -EINVAL;
	*ns = MIN(time->tv_sec, CALL_LONGEST) * NS_PER_SEC + time->tv_usec * NS_PER_US;
	return 0;
}

static int put_timer(struct call *call, uint64_t va, int64_t value, int64_t interval)
{
	const struct itimerval timer = {timeval_of(interval), timeval_of(value)};

	return call_put(call, va, &timer, sizeof timer);
}

/* The timers that count the processor's time never run: -EINVAL. */
static bool is_real_timer(const struct call *call)
{
	return (int)call->arg[0] == ITIMER_REAL;
}

int64_t sys_getitimer(struct call *call)
{
	const struct signals *signals = &call->program->signals;

	if (!is_real_timer(call))
		return -EINVAL;
	run_lock(call->run);
	int64_t left =
	    signals->alarm != 0 ? MAX(signals->alarm - run_now(call->run), NS_PER_US) : 0;
	int64_t interval = signals->alarm_interval;
	run_unlock(call->run);
	return put_timer(call, call->arg[1], left, interval);
}

int64_t sys_setitimer(struct call *call)
{
	struct itimerval timer = {0};
	int64_t value, interval, old_interval;

	if (!is_real_timer(call))
		return -EINVAL;
	if (call->arg[1] != 0 && call_get(call, call->arg[1], &timer, sizeof timer) != 0)
		return -EFAULT;
	if (timeval_ns(&timer.it_value, &value) != 0 ||
	    timeval_ns(&timer.it_interval, &interval) != 0)
		return -EINVAL;
	int64_t left = set_alarm(call, value, interval, &old_interval);
	return call->arg[2] != 0 ? put_timer(call, call->arg[2], left, old_interval) : 0;
}
