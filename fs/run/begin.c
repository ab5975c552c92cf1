/*
 * begin.c - how programs begin: by the command `run`, or as children of others.
 */
#include "fs/run/exit.h"
#include "fs/run/run.h"

#include <errno.h>
#include <signal.h>

/*
 * A program of PROCESS that nobody knows yet, with the reference that is returned. The caller gives
 * it its context and its place.
 */
static struct program *program_alloc(struct run *run, struct vm_process *process)
{
	struct program *program = g_new0(struct program, 1);

	program->run = run;
	program->process = vm_process_ref(process);
	program->pid = vm_process_pid(process);
	program->refs = 1;
	program->deadline = -1;
	program->until_call = -1;
	program->state = PROGRAM_STOPPED;
	program->stop = STOP_NEW;
	program->exit_signal = SIGCHLD;
	list_init(&program->queue);
	list_init(&program->children);
	list_init(&program->sibling);
	call_log_init(&program->log);
	return program;
}

/*
 * PROGRAM is complete: it is found from now on. -ESRCH: its process has ended meanwhile. From here
 * on the end of the process is the end of the program.
 */
static int publish_locked(struct program *program)
{
	struct run *run = program->run;

	vm_machine_on_exit(run_machine(run), program_process_ended, run);
	int error = vm_process_keep(program->process);
	if (error == 0)
		g_hash_table_insert(run_programs_locked(run), GINT_TO_POINTER(program->pid),
		                    program_ref(program));
	return error;
}

struct program *program_new_locked(struct run *run, struct vm_process *process,
                                   const struct fs_caller *caller, int *error)
{
	struct vm_process_info info;

	*error = vm_process_alive(process) ? 0 : -ESRCH;
	if (*error != 0)
		return NULL;
	vm_process_info(process, &info);
	if (!info.kernel_only) {
		*error = -EINVAL;
		return NULL;
	}
	/* What it does to host files is done as CALLER, but its owner decides what that is. */
	if (caller->uid != info.cred.uid || caller->gid != info.cred.gid) {
		*error = -EPERM;
		return NULL;
	}
	struct program *program = program_alloc(run, process);
	program->context = vm_context_new(run_machine(run));
	program->place = place_new(run_mount(run), caller, error);
	if (program->context == NULL)
		*error = -ENOMEM;
	if (*error == 0) {
		vm_context_reset(program->context, info.layout.pc, info.layout.sp);
		signals_init(&program->signals);
		program->group = info.group;
		program->session = info.session;
		place_show_cwd(program->place, process);
		*error = place_open_console(program);
	}
	if (*error == 0)
		*error = publish_locked(program);
	if (*error != 0)
		g_clear_pointer(&program, program_unref);
	return program;
}

/* What CHILD has from PARENT, beside its memory. 0, -ENOMEM. */
static int inherit(struct program *child, const struct program *parent)
{
	child->context = vm_context_copy(parent->context);
	if (child->context == NULL)
		return -ENOMEM;
	child->place = place_copy(parent->place);
	struct vm_regs *regs = vm_context_regs(child->context);
	regs->rax = 0;
	regs->orig_rax = UINT64_MAX;
	child->persona = parent->persona;
	child->last_pc = regs->rip;
	child->last_sp = regs->rsp;
	return 0;
}

static int join_family_locked(struct program *child, struct program *parent)
{
	int error = publish_locked(child);

	if (error != 0)
		return error;
	signals_fork(&child->signals, &parent->signals);
	child->group = parent->group;
	child->session = parent->session;
	child->parent = parent;
	list_append(&parent->children, &child->sibling);
	/* Another thread may have ended the parent meanwhile. */
	if (parent->state == PROGRAM_ENDED)
		program_orphan_locked(child);
	return 0;
}

struct program *program_fork(struct program *parent, int exit_signal, int *error)
{
	struct run *run = parent->run;
	struct vm_cred cred = vm_process_cred(parent->process);
	struct vm_process *process = vm_fork(parent->process, &cred, error);

	if (process == NULL)
		return NULL;
	struct program *child = program_alloc(run, process);
	child->exit_signal = exit_signal;
	*error = inherit(child, parent);
	if (*error == 0) {
		run_lock(run);
		*error = join_family_locked(child, parent);
		run_unlock(run);
	}
	if (*error != 0) {
		vm_process_exit(process, 0);
		g_clear_pointer(&child, program_unref);
	}
	vm_process_unref(process);
	return child;
}
