/*
 * exit.c - the end of programs, and what their families hear. Linux: kernel/exit.c, and
 * do_notify_parent in kernel/signal.c.
 *
 * At its end a program first leaves the processor, then its memory and files go, without a lock;
 * only then it is a zombie for which others may wait. So who reads the end of a pipe, and then
 * waits, finds all closed.
 */
#include "fs/run/exit.h"
#include "fs/run/run.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* --- News for the parent ---------------------------------------------------------------------- */

void program_end_info(const struct program *program, siginfo_t *info)
{
	*info = signal_child_info(program);
	if (WIFEXITED(program->status)) {
		info->si_code = CLD_EXITED;
		info->si_status = WEXITSTATUS(program->status);
	} else {
		info->si_code = WCOREDUMP(program->status) ? CLD_DUMPED : CLD_KILLED;
		info->si_status = WTERMSIG(program->status);
	}
}

/*
 * Tell the parent that PROGRAM has ended. True: it does not want to know the status, so the zombie
 * is gone at once. Linux: do_notify_parent.
 */
static bool tell_end_locked(struct program *program)
{
	struct program *parent = program->parent;
	bool ignored = false, gone = false;

	if (parent == NULL)
		return program->orphan;
	if (program->exit_signal == SIGCHLD) {
		const struct signal_action *action = &parent->signals.action[SIGCHLD - 1];
		ignored = action->handler == (uint64_t)(uintptr_t)SIG_IGN;
		gone = ignored || (action->flags & SA_NOCLDWAIT);
	}
	if (program->exit_signal != 0 && !ignored) {
		siginfo_t info;
		program_end_info(program, &info);
		info.si_signo = program->exit_signal;
		signal_send_locked(parent, &info);
	}
	run_wake_locked(program->run, parent);
	return gone;
}

/* --- Families --------------------------------------------------------------------------------- */

void program_end_vfork_locked(struct program *program)
{
	struct program *parent = program->parent;

	if (parent == NULL || parent->vfork_child != program)
		return;
	g_clear_pointer(&parent->vfork_child, program_unref);
	run_wake_locked(parent->run, &parent->vfork_child);
}

static void leave_parent_locked(struct program *program)
{
	program_end_vfork_locked(program);
	list_remove(&program->sibling);
	program->parent = NULL;
}

void program_orphan_locked(struct program *program)
{
	leave_parent_locked(program);
	program->orphan = true;
	if (program->death_signal != 0) {
		siginfo_t info;
		memset(&info, 0, sizeof info);
		info.si_signo = program->death_signal;
		signal_send_locked(program, &info);
	}
	if (program->waitable)
		program_release_locked(program);
}

static void orphan_children_locked(struct program *program)
{
	while (!list_empty(&program->children))
		program_orphan_locked(LIST_ENTRY(program->children.next, struct program, sibling));
}

void program_release_locked(struct program *program)
{
	if (program->released)
		return;
	/* Its memory is on its way out: the thread that sees to that comes back here. */
	if (!program->waitable) {
		program->orphan = true;
		return;
	}
	program->released = true;
	leave_parent_locked(program);
	vm_process_release(program->process);
	run_changed_locked(program->run);
	g_hash_table_remove(run_programs_locked(program->run), GINT_TO_POINTER(program->pid));
	/* The table's reference. */
	program_unref(program);
}

/* --- The end ---------------------------------------------------------------------------------- */

static void log_end(struct program *program, int status)
{
	g_autofree char *line = NULL;

	if (WIFEXITED(status)) {
		line = g_strdup_printf("+++ exited with %d +++", WEXITSTATUS(status));
	} else {
		g_autofree char *name = signal_name(WTERMSIG(status));
		line = g_strdup_printf("+++ killed by %s +++", name);
	}
	call_log_line(&program->log, line);
}

/* PROGRAM leaves the processor with STATUS. False: it has done so before. */
static bool begin_end(struct program *program, int status)
{
	run_lock(program->run);
	bool first = program->state != PROGRAM_ENDED;
	if (first) {
		/* Before anybody sees that it has ended, and looks at its calls. */
		log_end(program, status);
		program->status = status;
		program->futex = 0;
		program->signals.alarm = 0;
		run_leave_locked(program);
	}
	run_unlock(program->run);
	return first;
}

void program_exit(struct program *program, int status)
{
	struct run *run = program->run;

	if (!begin_end(program, status))
		return;
	/* Whoever calls has a reference, but perhaps only by the table of programs. */
	program_ref(program);
	vm_process_exit(program->process, 0);
	run_lock(run);
	orphan_children_locked(program);
	g_clear_pointer(&program->vfork_child, program_unref);
	program->waitable = true;
	program_end_vfork_locked(program);
	if (tell_end_locked(program) || program->orphan)
		program_release_locked(program);
	run_changed_locked(run);
	run_unlock(run);
	program_unref(program);
}

void program_process_ended(void *ctx, struct vm_process *process, int status)
{
	struct run *run = ctx;

	run_lock(run);
	struct program *program = program_find_locked(run, vm_process_pid(process));
	run_unlock(run);
	if (program == NULL)
		return;
	program_exit(program, status);
	program_unref(program);
}
