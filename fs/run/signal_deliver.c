/*
 * signal_deliver.c - what pending signals do to the program before it returns to user code, and
 * what becomes of the system call that they interrupt. Linux: arch_do_signal_or_restart,
 * get_signal, handle_signal.
 */
#include "fs/run/exit.h"
#include "fs/run/signal_frame.h"
#include "fs/run/syscall.h"

#include <string.h>

enum {
	SYSCALL_LENGTH = 2, /* bytes of the syscall instruction */
	RESTART_SYSCALL = 219,
	VECTOR_PROTECTION = 13,
};

/* What became of a signal, or that there is none. */
enum next { NEXT_NONE, NEXT_HANDLER, NEXT_DEATH, NEXT_STOPPED };

/* --- The interrupted system call -------------------------------------------------------------- */

static bool is_restart(int64_t result)
{
	return result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND ||
	       result == -ERESTART_RESTARTBLOCK;
}

static void make_again(struct vm_regs *regs, uint64_t number)
{
	regs->rax = number;
	regs->rip -= SYSCALL_LENGTH;
}

/* RESULT is the answer of a call that is interrupted by a handler, with ACTION. */
static void answer_before_handler(struct program *program, int64_t result,
                                  const struct signal_action *action)
{
	struct vm_regs *regs = vm_context_regs(program->context);

	if (result == -ERESTARTNOINTR || (result == -ERESTARTSYS && (action->flags & SA_RESTART)))
		make_again(regs, regs->orig_rax);
	else
		regs->rax = (uint64_t)-EINTR;
	program->restart.fn = NULL;
}

/* RESULT is the answer of a call, and no handler runs before the program goes on. */
static void answer(struct program *program, int64_t result)
{
	struct vm_regs *regs = vm_context_regs(program->context);

	if (result == -ERESTART_RESTARTBLOCK)
		make_again(regs, RESTART_SYSCALL);
	else if (is_restart(result))
		make_again(regs, regs->orig_rax);
	else if (result != CALL_REGS_SET)
		regs->rax = (uint64_t)result;
}

/* --- Which signal ----------------------------------------------------------------------------- */

/* Stop PROGRAM by the signal NUMBER. Once the lock is dropped, others may continue it. */
static void stop_locked(struct program *program, int number, int64_t result)
{
	program->signals.result = result;
	program->state = PROGRAM_STOPPED;
	program->stop = STOP_SIGNAL;
	signal_tell_stop_locked(program, number);
}

static bool stops_by_default(int number)
{
	return number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

static bool ignored_by_default(int number)
{
	return number == SIGCHLD || number == SIGCONT || number == SIGURG || number == SIGWINCH;
}

static void log_signal(struct program *program, const siginfo_t *info)
{
	g_autofree char *name = signal_name(info->si_signo);
	g_autofree char *line = g_strdup_printf("--- %s {si_code=%d} ---", name, info->si_code);

	call_log_line(&program->log, line);
}

/* Take the next signal that does something, and store in *DELIVERY what it is. */
static enum next next_locked(struct program *program, int64_t result, struct delivery *delivery)
{
	struct signals *signals = &program->signals;
	int number;

	while ((number = signal_take_locked(program, ~signals->blocked, &delivery->info)) != 0) {
		struct signal_action *action = &signals->action[number - 1];
		delivery->number = number;
		delivery->action = *action;
		delivery->mask =
		    signals->restore_blocked ? signals->saved_blocked : signals->blocked;
		if (action->handler == (uint64_t)(uintptr_t)SIG_IGN)
			continue;
		if (action->handler != (uint64_t)(uintptr_t)SIG_DFL) {
			if (action->flags & SA_RESETHAND)
				action->handler = (uint64_t)(uintptr_t)SIG_DFL;
			return NEXT_HANDLER;
		}
		if (ignored_by_default(number))
			continue;
		if (!stops_by_default(number))
			return NEXT_DEATH;
		stop_locked(program, number, result);
		return NEXT_STOPPED;
	}
	if (signals->restore_blocked)
		signals->blocked = signals->saved_blocked;
	signals->restore_blocked = false;
	return NEXT_NONE;
}

static enum next next(struct program *program, int64_t *result, struct delivery *delivery)
{
	struct signals *signals = &program->signals;

	run_lock(program->run);
	/* It was stopped in a call, whose answer it has not got yet. */
	if (signals->result != CALL_REGS_SET) {
		*result = signals->result;
		signals->result = CALL_REGS_SET;
	}
	enum next found = program->state == PROGRAM_ENDED ? NEXT_STOPPED
	                                                  : next_locked(program, *result, delivery);
	run_unlock(program->run);
	return found;
}

/* --- Handlers --------------------------------------------------------------------------------- */

/* The handler of DELIVERY runs: what is blocked meanwhile (signal_delivered). */
static void block_for_handler(struct program *program, const struct delivery *delivery)
{
	struct signals *signals = &program->signals;

	run_lock(program->run);
	signals->restore_blocked = false;
	signals->blocked |= delivery->action.mask;
	if (!(delivery->action.flags & SA_NODEFER))
		signals->blocked |= signal_bit(delivery->number);
	if (signals->stack_flags & SS_AUTODISARM) {
		signals->stack = signals->stack_size = 0;
		signals->stack_flags = SS_DISABLE;
	}
	run_unlock(program->run);
}

static void set_default(struct program *program, int number)
{
	run_lock(program->run);
	program->signals.action[number - 1].handler = (uint64_t)(uintptr_t)SIG_DFL;
	run_unlock(program->run);
}

static void enter_handler(struct program *program, const struct delivery *delivery)
{
	if (signal_frame_push(program, delivery) == 0) {
		block_for_handler(program, delivery);
		return;
	}
	/* force_sigsegv: one whose own frame cannot be stored has no handler. */
	if (delivery->number == SIGSEGV)
		set_default(program, SIGSEGV);
	signal_force(program, SIGSEGV, SI_KERNEL, 0, (unsigned)program->signals.trap_vector,
	             program->signals.trap_error);
}

/* Remember where PROGRAM goes on, for those who look while it runs. */
static void note_place(struct program *program)
{
	const struct vm_regs *regs = vm_context_regs(program->context);

	__atomic_store_n(&program->last_pc, regs->rip, __ATOMIC_RELAXED);
	__atomic_store_n(&program->last_sp, regs->rsp, __ATOMIC_RELAXED);
}

bool signal_return_to_user(struct program *program, int64_t result)
{
	const struct vm_regs *regs = vm_context_regs(program->context);
	struct delivery delivery;
	enum next found;

	if (program->leaves) {
		program_exit(program, program->leave_status);
		return false;
	}
	for (;;) {
		while ((found = next(program, &result, &delivery)) == NEXT_HANDLER) {
			log_signal(program, &delivery.info);
			if (is_restart(result))
				answer_before_handler(program, result, &delivery.action);
			else
				answer(program, result);
			result = CALL_REGS_SET;
			enter_handler(program, &delivery);
		}
		if (found == NEXT_STOPPED)
			return false;
		if (found == NEXT_DEATH) {
			log_signal(program, &delivery.info);
			program_exit(program, delivery.number);
			return false;
		}
		answer(program, result);
		result = CALL_REGS_SET;
		if (vm_is_canonical(regs->rip))
			break;
		/* The processor would refuse to return there (fixup_bad_iret). */
		signal_force(program, SIGSEGV, SI_KERNEL, 0, VECTOR_PROTECTION, 0);
	}
	note_place(program);
	return true;
}
