/*
 * calls_self.c - what a program sets about itself: its name, the bases of segments, how it is
 * scheduled.
 */
#include "fs/run/calls.h"

#include <asm/prctl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum {
	NAME_SIZE = 16,
	CPUS = 8,      /* bytes of a set of processors: bit 0 is the only one */
	PRIORITY = 20, /* what getpriority answers for a nice value of 0 */
};

/* --- prctl ------------------------------------------------------------------------------------ */

static int64_t set_name(struct call *call)
{
	char name[NAME_SIZE + 1] = {0};

	/* As strncpy_from_user: it may end before a page that is not there. */
	for (int i = 0; i < NAME_SIZE - 1; i++) {
		if (call_get(call, call->arg[1] + (unsigned)i, name + i, 1) != 0)
			return -EFAULT;
		if (name[i] == '\0')
			break;
	}
	return vm_process_set_comm(call->process, name);
}

static int64_t get_name(struct call *call)
{
	struct vm_process_info info;

	vm_process_summary(call->process, &info);
	return call_put(call, call->arg[1], info.comm, NAME_SIZE);
}

static int64_t set_death_signal(struct call *call)
{
	if (call->arg[1] > SIGNALS)
		return -EINVAL;
	run_lock(call->run);
	call->program->death_signal = (int)call->arg[1];
	run_unlock(call->run);
	return 0;
}

int64_t sys_prctl(struct call *call)
{
	const int death_signal = call->program->death_signal;

	switch ((int)call->arg[0]) {
	case PR_SET_NAME:
		return set_name(call);
	case PR_GET_NAME:
		return get_name(call);
	case PR_SET_PDEATHSIG:
		return set_death_signal(call);
	case PR_GET_PDEATHSIG:
		return call_put(call, call->arg[1], &death_signal, sizeof death_signal);
	case PR_GET_DUMPABLE:
		return 1;
	case PR_SET_DUMPABLE:
		return call->arg[1] <= 1 ? 0 : -EINVAL;
	case PR_GET_KEEPCAPS:
	case PR_GET_NO_NEW_PRIVS:
	case PR_GET_SECCOMP:
		return 0;
	case PR_SET_NO_NEW_PRIVS:
		/* No program has more rights than who runs it. */
		return call->arg[1] == 1 ? 0 : -EINVAL;
	case PR_CAPBSET_READ:
		return call->arg[1] <= 40 ? 1 : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* --- Registers -------------------------------------------------------------------------------- */

int64_t sys_arch_prctl(struct call *call)
{
	struct vm_regs *regs = vm_context_regs(call->program->context);
	uint64_t address = call->arg[1];
	int code = (int)call->arg[0];

	if ((code == ARCH_SET_FS || code == ARCH_SET_GS) && address >= VM_USER_END)
		return -EPERM;
	switch (code) {
	case ARCH_SET_FS:
		regs->fs_base = address;
		return 0;
	case ARCH_SET_GS:
		regs->gs_base = address;
		return 0;
	case ARCH_GET_FS:
		return call_put(call, address, &regs->fs_base, sizeof regs->fs_base);
	case ARCH_GET_GS:
		return call_put(call, address, &regs->gs_base, sizeof regs->gs_base);
	default:
		return -EINVAL;
	}
}

int64_t sys_personality(struct call *call)
{
	unsigned old = call->program->persona;

	if ((uint32_t)call->arg[0] != UINT32_MAX)
		call->program->persona = (unsigned)call->arg[0];
	return old;
}

int64_t sys_set_tid_address(struct call *call)
{
	call->program->clear_tid = call->arg[0];
	return call->program->pid;
}

/* A list for the locks that a thread holds at its end. Nobody else could want them. */
int64_t sys_set_robust_list(struct call *call)
{
	return call->arg[1] == 24 ? 0 : -EINVAL;
}

int64_t sys_rseq(struct call *call)
{
	return -ENOSYS;
}

int64_t sys_membarrier(struct call *call)
{
	/* MEMBARRIER_CMD_QUERY: there is nothing to be had, and nobody who needs it. */
	return call->arg[0] == 0 ? 0 : -EINVAL;
}

/* --- The processor ---------------------------------------------------------------------------- */

/* Give the turn away: become ready behind those that are. */
int64_t sys_sched_yield(struct call *call)
{
	struct program *program = call->program;

	if (program->again)
		return 0;
	run_lock(call->run);
	int64_t result = call_sleep_locked(call, &program->again, -1);
	if (result == CALL_SLEEPS)
		run_ready_locked(program);
	run_unlock(call->run);
	return result == CALL_SLEEPS ? result : 0;
}

/* 0 if there is a process PID; 0 is the caller. */
static int check_pid(const struct call *call, pid_t pid)
{
	struct vm_process *process;

	if (pid < 0)
		return -EINVAL;
	if (pid == 0)
		return 0;
	process = vm_process_find(run_machine(call->run), pid);
	if (process == NULL)
		return -ESRCH;
	vm_process_unref(process);
	return 0;
}

int64_t sys_sched_getaffinity(struct call *call)
{
	static const uint64_t set = 1;
	int error = check_pid(call, (pid_t)call->arg[0]);

	if (call->arg[1] < CPUS || call->arg[1] % CPUS != 0)
		return -EINVAL;
	if (error != 0)
		return error;
	return call_put(call, call->arg[2], &set, CPUS) != 0 ? -EFAULT : CPUS;
}

int64_t sys_sched_setaffinity(struct call *call)
{
	uint64_t set = 0;
	int error = check_pid(call, (pid_t)call->arg[0]);

	if (error != 0)
		return error;
	if (call_get(call, call->arg[2], &set, MIN(call->arg[1], CPUS)) != 0)
		return -EFAULT;
	return set & 1 ? 0 : -EINVAL;
}

/* SCHED_OTHER, whose priority is 0. */
int64_t sys_sched_getscheduler(struct call *call)
{
	return check_pid(call, (pid_t)call->arg[0]);
}

int64_t sys_sched_getparam(struct call *call)
{
	static const int priority;
	int error = check_pid(call, (pid_t)call->arg[0]);

	if (error == 0 && call->arg[1] == 0)
		error = -EINVAL;
	return error != 0 ? error : call_put(call, call->arg[1], &priority, sizeof priority);
}

int64_t sys_getcpu(struct call *call)
{
	static const unsigned first;

	for (int i = 0; i < 2; i++)
		if (call->arg[i] != 0 && call_put(call, call->arg[i], &first, sizeof first) != 0)
			return -EFAULT;
	return 0;
}

int64_t sys_getpriority(struct call *call)
{
	int which = (int)call->arg[0];

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	return which == PRIO_PROCESS && check_pid(call, (pid_t)call->arg[1]) != 0 ? -ESRCH
	                                                                          : PRIORITY;
}

/* All programs take equal turns. To be nice is allowed, and changes nothing. */
int64_t sys_setpriority(struct call *call)
{
	int which = (int)call->arg[0];

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	if (which == PRIO_PROCESS && check_pid(call, (pid_t)call->arg[1]) != 0)
		return -ESRCH;
	if ((int)call->arg[2] < 0 && vm_process_cred(call->process).uid != 0)
		return -EACCES;
	return 0;
}
