/*
 * calls_group.c - process groups and sessions. Linux: kernel/sys.c.
 */
#include "fs/run/calls.h"

/* The caller if PID is 0 or its own, else the program PID. A reference, or NULL. */
static struct program *find_locked(struct call *call, pid_t pid)
{
	if (pid == 0 || pid == call->program->pid)
		return program_ref(call->program);
	return program_find_locked(call->run, pid);
}

/* Whether SESSION has a group GROUP. */
static bool has_group_locked(struct run *run, pid_t session, pid_t group)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, run_programs_locked(run));
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct program *program = value;
		if (program->group == group && program->session == session)
			return true;
	}
	return false;
}

/* Whether CALLER may put TARGET into GROUP. 0, -ESRCH, -EPERM, -EACCES. */
static int check_group_locked(const struct program *caller, const struct program *target,
                              pid_t group)
{
	if (target != caller && target->parent != caller)
		return -ESRCH;
	if (target->session != caller->session)
		return -EPERM;
	if (target != caller && target->execed)
		return -EACCES;
	/* The leader of a session stays where it is. */
	if (target->session == target->pid)
		return -EPERM;
	if (group != target->pid && !has_group_locked(caller->run, caller->session, group))
		return -EPERM;
	return 0;
}

/* PROGRAM is in GROUP and SESSION from now on, and its process, too. */
static void join_locked(struct program *program, pid_t group, pid_t session)
{
	program->group = group;
	program->session = session;
	vm_process_set_group(program->process, group, session);
}

int64_t sys_setpgid(struct call *call)
{
	pid_t group = (pid_t)call->arg[1];
	int error = -ESRCH;

	if (group < 0)
		return -EINVAL;
	run_lock(call->run);
	struct program *target = find_locked(call, (pid_t)call->arg[0]);
	if (target != NULL) {
		group = group != 0 ? group : target->pid;
		error = check_group_locked(call->program, target, group);
		if (error == 0)
			join_locked(target, group, target->session);
		program_unref(target);
	}
	run_unlock(call->run);
	return error;
}

int64_t sys_getpgid(struct call *call)
{
	run_lock(call->run);
	struct program *target = find_locked(call, (pid_t)call->arg[0]);
	pid_t group = target != NULL ? target->group : -ESRCH;
	if (target != NULL)
		program_unref(target);
	run_unlock(call->run);
	return group;
}

int64_t sys_getpgrp(struct call *call)
{
	run_lock(call->run);
	pid_t group = call->program->group;
	run_unlock(call->run);
	return group;
}

int64_t sys_getsid(struct call *call)
{
	run_lock(call->run);
	struct program *target = find_locked(call, (pid_t)call->arg[0]);
	pid_t session = target != NULL ? target->session : -ESRCH;
	if (target != NULL)
		program_unref(target);
	run_unlock(call->run);
	return session;
}

static bool group_exists_locked(struct run *run, pid_t group)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, run_programs_locked(run));
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (((const struct program *)value)->group == group)
			return true;
	return false;
}

int64_t sys_setsid(struct call *call)
{
	struct program *program = call->program;
	int64_t result = -EPERM;

	run_lock(call->run);
	if (!group_exists_locked(call->run, program->pid)) {
		join_locked(program, program->pid, program->pid);
		result = program->pid;
	}
	run_unlock(call->run);
	return result;
}
