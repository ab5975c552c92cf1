/*
 * calls_limits.c - what programs may use, and have used: limits and usage. Linux: kernel/sys.c.
 */
#include "fs/run/calls.h"
#include "fs/run/rusage.h"
#include "util/nanoseconds.h"

/* --- Limits ----------------------------------------------------------------------------------- */

/* Which limit of the engine RESOURCE is. False: none. */
static bool find_limit(unsigned resource, enum vm_limit *limit)
{
	switch (resource) {
	case RLIMIT_AS:
		*limit = VM_LIMIT_AS;
		return true;
	case RLIMIT_STACK:
		*limit = VM_LIMIT_STACK;
		return true;
	case RLIMIT_DATA:
		*limit = VM_LIMIT_DATA;
		return true;
	case RLIMIT_MEMLOCK:
		*limit = VM_LIMIT_MEMLOCK;
		return true;
	case RLIMIT_CORE:
		*limit = VM_LIMIT_CORE;
		return true;
	case RLIMIT_NOFILE:
		*limit = VM_LIMIT_NOFILE;
		return true;
	default:
		return false;
	}
}

static struct rlimit read_limit(struct vm_process *process, unsigned resource)
{
	enum vm_limit limit;
	uint64_t soft, hard;

	if (find_limit(resource, &limit)) {
		vm_process_limit(process, limit, &soft, &hard);
		return (struct rlimit){soft, hard};
	}
	return (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
}

/*
 * The limits that the engine has are set. Of the others there is nothing to set: they take what
 * leaves the value as it is, or says less, which is forgotten.
 */
static int store_limit(struct vm_process *process, unsigned resource, const struct rlimit *wanted)
{
	const struct rlimit old = read_limit(process, resource);
	enum vm_limit limit;

	if (wanted->rlim_cur > wanted->rlim_max)
		return -EINVAL;
	if (find_limit(resource, &limit))
		return vm_process_set_limit(process, limit, wanted->rlim_cur, wanted->rlim_max);
	return wanted->rlim_max > old.rlim_max ? -EPERM : 0;
}

int64_t sys_getrlimit(struct call *call)
{
	unsigned resource = (unsigned)call->arg[0];

	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	const struct rlimit limit = read_limit(call->process, resource);
	return call_put(call, call->arg[1], &limit, sizeof limit);
}

int64_t sys_setrlimit(struct call *call)
{
	struct rlimit limit;

	if (call_get(call, call->arg[1], &limit, sizeof limit) != 0)
		return -EFAULT;
	if ((unsigned)call->arg[0] >= RLIM_NLIMITS)
		return -EINVAL;
	return store_limit(call->process, (unsigned)call->arg[0], &limit);
}

/* The process PID, 0: the caller, if the caller may see and set its limits. */
static struct vm_process *limited_process(struct call *call, pid_t pid, int *error)
{
	uid_t uid = vm_process_cred(call->process).uid;
	struct vm_process *process =
	    pid == 0 ? vm_process_ref(call->process) : vm_process_find(run_machine(call->run), pid);

	*error = process != NULL ? 0 : -ESRCH;
	if (process != NULL && uid != 0 && uid != vm_process_cred(process).uid)
		*error = -EPERM;
	if (*error != 0)
		g_clear_pointer(&process, vm_process_unref);
	return process;
}

int64_t sys_prlimit64(struct call *call)
{
	unsigned resource = (unsigned)call->arg[1];
	struct rlimit new, old;
	int error;

	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	if (call->arg[2] != 0 && call_get(call, call->arg[2], &new, sizeof new) != 0)
		return -EFAULT;
	struct vm_process *process = limited_process(call, (pid_t)call->arg[0], &error);
	if (process == NULL)
		return error;
	old = read_limit(process, resource);
	if (call->arg[2] != 0)
		error = store_limit(process, resource, &new);
	vm_process_unref(process);
	if (error == 0 && call->arg[3] != 0)
		error = call_put(call, call->arg[3], &old, sizeof old);
	return error;
}

/* --- Usage ------------------------------------------------------------------------------------ */

static struct timeval timeval_of(int64_t ns)
{
	return (struct timeval){ns / NS_PER_SEC, ns % NS_PER_SEC / NS_PER_US};
}

static void add_times(struct rusage *usage, int64_t user, int64_t system)
{
	usage->ru_utime = timeval_of(user);
	usage->ru_stime = timeval_of(system);
}

void rusage_fill(struct rusage *usage, const struct program *program, bool children)
{
	struct vm_process_info info;
	int64_t user = program->used.user, system = program->used.system;

	vm_process_summary(program->process, &info);
	*usage = (struct rusage){0};
	usage->ru_minflt = (long)info.minor_faults;
	usage->ru_majflt = (long)info.major_faults;
	usage->ru_maxrss = (long)(info.rss_peak * (VM_PAGE_SIZE / 1024));
	if (children) {
		usage->ru_minflt += (long)info.child_minor_faults;
		usage->ru_majflt += (long)info.child_major_faults;
		user += program->children_used.user;
		system += program->children_used.system;
	}
	add_times(usage, user, system);
}

void rusage_fill_children(struct rusage *usage, const struct program *program)
{
	struct vm_process_info info;

	vm_process_summary(program->process, &info);
	*usage = (struct rusage){0};
	usage->ru_minflt = (long)info.child_minor_faults;
	usage->ru_majflt = (long)info.child_major_faults;
	add_times(usage, program->children_used.user, program->children_used.system);
}

int64_t sys_getrusage(struct call *call)
{
	int who = (int)call->arg[0];
	struct rusage usage;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	run_lock(call->run);
	if (who == RUSAGE_CHILDREN)
		rusage_fill_children(&usage, call->program);
	else
		rusage_fill(&usage, call->program, false);
	run_unlock(call->run);
	return call_put(call, call->arg[1], &usage, sizeof usage);
}
