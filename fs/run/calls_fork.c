/*
 * calls_fork.c - fork and its kin. Linux: kernel/fork.c.
 *
 * The child of a vfork is that of a fork, with memory of its own; its parent waits all the same.
 * If the child ends without an exec, the top of the parent's stack becomes as the child has left
 * it: there posix_spawn's child says why it could not execute the program. There are no threads:
 * who wants one is told so.
 */
#include "fs/run/calls.h"
#include "fs/run/console.h"

#include <limits.h>
#include <sched.h>
#include <string.h>

enum { SHARED_STACK = 4096 }; /* bytes above rsp that a vfork's child may give back */

/* What clone is asked for. */
struct fork_args {
	uint64_t flags, stack, parent_tid, child_tid, tls;
};

/* --- Which clones there are ------------------------------------------------------------------- */

static int64_t refuse_thread(struct call *call)
{
	static const char line[] = "vasfs: threads are not simulated\n";

	run_lock(call->run);
	console_output_locked(call->program->place->console, line, strlen(line));
	run_unlock(call->run);
	return -ENOSYS;
}

/* 0, or why there can be no such child. */
static int64_t check_flags(struct call *call, uint64_t flags)
{
	const uint64_t namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
	                            CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;

	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if (flags & CLONE_THREAD)
		return refuse_thread(call);
	/* Memory that two programs share is that of threads, unless one of them waits. */
	if ((flags & CLONE_VM) && !(flags & CLONE_VFORK))
		return refuse_thread(call);
	if (flags & namespaces)
		return -EPERM;
	if ((flags & (CLONE_PIDFD | CLONE_PARENT)) || (flags & CSIGNAL) > SIGNALS)
		return -EINVAL;
	return 0;
}

/* --- The child -------------------------------------------------------------------------------- */

/* Store what CHILD, which does not run yet, is to find. Errors of these stores are ignored. */
static void prepare_child(struct call *call, struct program *child, const struct fork_args *args)
{
	struct vm_regs *regs = vm_context_regs(child->context);
	const pid_t pid = child->pid;

	if (args->stack != 0)
		regs->rsp = args->stack;
	if (args->flags & CLONE_SETTLS)
		regs->fs_base = args->tls;
	if (args->flags & CLONE_PARENT_SETTID)
		call_put(call, args->parent_tid, &pid, sizeof pid);
	if (args->flags & CLONE_CHILD_SETTID)
		vm_copy_out(child->process, args->child_tid, &pid, sizeof pid);
	if (args->flags & CLONE_CHILD_CLEARTID)
		child->clear_tid = args->child_tid;
}

/* --- vfork ------------------------------------------------------------------------------------ */

/* Wait until the child of a vfork has called exec, or ended. Only SIGKILL ends that early. */
static int64_t wait_for_child(struct call *call)
{
	struct program *program = call->program;
	int64_t result = program->vfork_pid;

	run_lock(call->run);
	if (program->vfork_child != NULL)
		result = call_sleep_locked(call, &program->vfork_child, -1);
	if (result != CALL_SLEEPS) {
		g_clear_pointer(&program->vfork_child, program_unref);
		program->signals.blocked = program->vfork_blocked;
		program->vfork_pid = 0;
	}
	run_unlock(call->run);
	return result;
}

static void begin_vfork_locked(struct program *program, struct program *child)
{
	program->vfork_child = program_ref(child);
	program->vfork_pid = child->pid;
	program->vfork_blocked = program->signals.blocked;
	program->signals.blocked = ~signal_bit(SIGKILL);
}

static int64_t do_fork(struct call *call, const struct fork_args *args)
{
	struct program *program = call->program;
	bool vfork = args->flags & CLONE_VFORK;
	int error;

	if (program->vfork_pid != 0)
		return wait_for_child(call);
	struct program *child = program_fork(program, (int)(args->flags & CSIGNAL), &error);
	if (child == NULL)
		return error;
	pid_t pid = child->pid;
	prepare_child(call, child, args);
	run_lock(call->run);
	if (vfork && child->state != PROGRAM_ENDED)
		begin_vfork_locked(program, child);
	else
		vfork = false;
	run_ready_locked(child);
	run_unlock(call->run);
	program_unref(child);
	return vfork ? wait_for_child(call) : pid;
}

int64_t sys_clone(struct call *call)
{
	const struct fork_args args = {.flags = (uint32_t)call->arg[0],
	                               .stack = call->arg[1],
	                               .parent_tid = call->arg[2],
	                               .child_tid = call->arg[3],
	                               .tls = call->arg[4]};
	int64_t error = check_flags(call, args.flags);

	if (error == 0 && (args.flags & CLONE_SETTLS) && args.tls >= VM_USER_END)
		error = -EPERM;
	return error != 0 ? error : do_fork(call, &args);
}

/* The C library takes clone then. */
int64_t sys_clone3(struct call *call)
{
	return -ENOSYS;
}

int64_t sys_fork(struct call *call)
{
	return do_fork(call, &(struct fork_args){.flags = SIGCHLD});
}

int64_t sys_vfork(struct call *call)
{
	return do_fork(call, &(struct fork_args){.flags = SIGCHLD | CLONE_VFORK | CLONE_VM});
}

/* The stack of the parent that waits for the end of a vfork by PROGRAM; 0: nobody does. */
static uint64_t waiting_stack(struct program *program, struct vm_process **process)
{
	struct program *parent;
	uint64_t sp = 0;

	run_lock(program->run);
	parent = program->parent;
	if (parent != NULL && parent->vfork_child == program && parent->state == PROGRAM_BLOCKED) {
		sp = vm_context_regs(parent->context)->rsp;
		*process = vm_process_ref(parent->process);
	}
	run_unlock(program->run);
	return sp;
}

/* PROGRAM ends. What it has changed on the stack of a parent that shares it, the parent gets. */
static void hand_stack_back(struct program *program)
{
	uint8_t ours[256], theirs[256];
	struct vm_process *parent = NULL;
	uint64_t sp = waiting_stack(program, &parent), end = sp + SHARED_STACK;

	if (sp == 0)
		return;
	for (; sp < end; sp += sizeof ours) {
		if (vm_peek(program->process, sp, ours, sizeof ours) != sizeof ours ||
		    vm_peek(parent, sp, theirs, sizeof theirs) != sizeof theirs)
			break;
		if (memcmp(ours, theirs, sizeof ours) != 0)
			vm_copy_out(parent, sp, ours, sizeof ours);
	}
	vm_process_unref(parent);
}

/* --- The end ---------------------------------------------------------------------------------- */

/* The program ends once the call is noted in its log (signal_return_to_user). */
int64_t sys_exit_group(struct call *call)
{
	hand_stack_back(call->program);
	call->program->leaves = true;
	call->program->leave_status = (int)(call->arg[0] & 0xff) << 8;
	return CALL_REGS_SET;
}

int64_t sys_exit(struct call *call)
{
	return sys_exit_group(call);
}
