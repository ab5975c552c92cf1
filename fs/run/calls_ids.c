/*
 * calls_ids.c - who a program is: its process, and its user. A process keeps its user for its life;
 * to become who one is already succeeds.
 */
#include "fs/run/calls.h"

enum { UNCHANGED = -1 };

/* --- Processes -------------------------------------------------------------------------------- */

int64_t sys_getpid(struct call *call)
{
	return call->program->pid;
}

int64_t sys_gettid(struct call *call)
{
	return call->program->pid;
}

int64_t sys_getppid(struct call *call)
{
	struct vm_process_info info;

	vm_process_summary(call->process, &info);
	return info.ppid;
}

/* --- Users and groups ------------------------------------------------------------------------- */

static uint32_t own_uid(const struct call *call)
{
	return vm_process_cred(call->process).uid;
}

static uint32_t own_gid(const struct call *call)
{
	return vm_process_cred(call->process).gid;
}

int64_t sys_getuid(struct call *call)
{
	return own_uid(call);
}

int64_t sys_geteuid(struct call *call)
{
	return own_uid(call);
}

int64_t sys_getgid(struct call *call)
{
	return own_gid(call);
}

int64_t sys_getegid(struct call *call)
{
	return own_gid(call);
}

/* Whether the first COUNT arguments are OWN, or -1: no change, if that is allowed. */
static int64_t stay(const struct call *call, uint32_t own, int count, bool may_omit)
{
	for (int i = 0; i < count; i++) {
		uint32_t id = (uint32_t)call->arg[i];
		if (id == (uint32_t)UNCHANGED && !may_omit)
			return -EINVAL;
		if (id != own && id != (uint32_t)UNCHANGED)
			return -EPERM;
	}
	return 0;
}

int64_t sys_setuid(struct call *call)
{
	return stay(call, own_uid(call), 1, false);
}

int64_t sys_setgid(struct call *call)
{
	return stay(call, own_gid(call), 1, false);
}

int64_t sys_setreuid(struct call *call)
{
	return stay(call, own_uid(call), 2, true);
}

int64_t sys_setregid(struct call *call)
{
	return stay(call, own_gid(call), 2, true);
}

int64_t sys_setresuid(struct call *call)
{
	return stay(call, own_uid(call), 3, true);
}

int64_t sys_setresgid(struct call *call)
{
	return stay(call, own_gid(call), 3, true);
}

/* Store ID three times: real, effective, saved. */
static int64_t put_three(struct call *call, uint32_t id)
{
	for (int i = 0; i < 3; i++)
		if (call_put(call, call->arg[i], &id, sizeof id) != 0)
			return -EFAULT;
	return 0;
}

int64_t sys_getresuid(struct call *call)
{
	return put_three(call, own_uid(call));
}

int64_t sys_getresgid(struct call *call)
{
	return put_three(call, own_gid(call));
}

/* These two answer the old id, also if it is not changed. */
int64_t sys_setfsuid(struct call *call)
{
	return own_uid(call);
}

int64_t sys_setfsgid(struct call *call)
{
	return own_gid(call);
}

int64_t sys_getgroups(struct call *call)
{
	const GArray *groups = call->program->place->caller.groups;
	int room = (int)call->arg[0];
	unsigned count = groups != NULL ? groups->len : 0;

	if (room < 0)
		return -EINVAL;
	if (room == 0)
		return count;
	if ((unsigned)room < count)
		return -EINVAL;
	if (count > 0 && call_put(call, call->arg[1], groups->data, count * 4) != 0)
		return -EFAULT;
	return count;
}
