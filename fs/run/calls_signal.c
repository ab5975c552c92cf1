/*
 * calls_signal.c - system calls on signals: handlers, masks, waiting, the alternate stack.
 * calls_kill.c sends them.
 */
#include "fs/run/calls.h"
#include "fs/run/calltime.h"
#include "fs/run/signal_frame.h"

#include <string.h>

enum { SET_SIZE = 8 }; /* sizeof(sigset_t) of the kernel */

static struct signals *signals_of(struct call *call)
{
	return &call->program->signals;
}

/* Read the set at VA. 0, -EFAULT. */
static int get_set(struct call *call, uint64_t va, uint64_t *set)
{
	int error = call_get(call, va, set, sizeof *set);

	*set &= ~SIGNALS_SURE;
	return error;
}

/* --- Handlers --------------------------------------------------------------------------------- */

int64_t sys_rt_sigaction(struct call *call)
{
	int number = (int)call->arg[0];
	struct {
		uint64_t handler, flags, restorer, mask;
	} new, old;

	if (call->arg[3] != SET_SIZE || number < 1 || number > SIGNALS)
		return -EINVAL;
	if (call->arg[1] != 0 && call_get(call, call->arg[1], &new, sizeof new) != 0)
		return -EFAULT;
	if (call->arg[1] != 0 && (SIGNALS_SURE & signal_bit(number)))
		return -EINVAL;
	run_lock(call->run);
	const struct signal_action action = signals_of(call)->action[number - 1];
	if (call->arg[1] != 0) {
		const struct signal_action wanted = {new.handler, new.flags, new.restorer,
		                                     new.mask};
		signal_set_action_locked(call->program, number, &wanted);
	}
	run_unlock(call->run);
	if (call->arg[2] == 0)
		return 0;
	old.handler = action.handler, old.flags = action.flags;
	old.restorer = action.restorer, old.mask = action.mask;
	return call_put(call, call->arg[2], &old, sizeof old);
}

int64_t sys_rt_sigreturn(struct call *call)
{
	struct program *program = call->program;
	uint64_t mask = program->signals.blocked;
	int error = signal_frame_pop(program, &mask);

	run_lock(call->run);
	program->signals.blocked = mask & ~SIGNALS_SURE;
	run_unlock(call->run);
	if (error != 0)
		signal_force(program, SIGSEGV, SI_KERNEL, 0, (unsigned)program->signals.trap_vector,
		             program->signals.trap_error);
	return CALL_REGS_SET;
}

/* --- Masks ------------------------------------------------------------------------------------ */

/* What is blocked becomes as HOW and SET say. */
static int change_blocked(struct call *call, int how, uint64_t set)
{
	struct signals *signals = signals_of(call);
	int error = 0;

	run_lock(call->run);
	if (how == SIG_BLOCK)
		signals->blocked |= set;
	else if (how == SIG_UNBLOCK)
		signals->blocked &= ~set;
	else if (how == SIG_SETMASK)
		signals->blocked = set;
	else
		error = -EINVAL;
	run_unlock(call->run);
	return error;
}

int64_t sys_rt_sigprocmask(struct call *call)
{
	uint64_t set, old = signals_of(call)->blocked;
	int error = 0;

	if (call->arg[3] != SET_SIZE)
		return -EINVAL;
	if (call->arg[1] != 0) {
		error = get_set(call, call->arg[1], &set);
		if (error == 0)
			error = change_blocked(call, (int)call->arg[0], set);
	}
	if (error == 0 && call->arg[2] != 0)
		error = call_put(call, call->arg[2], &old, sizeof old);
	return error;
}

int64_t sys_rt_sigpending(struct call *call)
{
	const struct signals *signals = signals_of(call);

	if (call->arg[1] > SET_SIZE)
		return -EINVAL;
	run_lock(call->run);
	uint64_t set = signals->pending & signals->blocked;
	run_unlock(call->run);
	return call_put(call, call->arg[0], &set, call->arg[1]);
}

/* --- Waiting ---------------------------------------------------------------------------------- */

int64_t sys_pause(struct call *call)
{
	run_lock(call->run);
	int64_t result = call_sleep_locked(call, signals_of(call), -1);
	run_unlock(call->run);
	return result == -ERESTARTSYS ? -ERESTARTNOHAND : result;
}

int64_t sys_rt_sigsuspend(struct call *call)
{
	struct signals *signals = signals_of(call);
	uint64_t set;

	if (call->arg[1] != SET_SIZE)
		return -EINVAL;
	if (get_set(call, call->arg[0], &set) != 0)
		return -EFAULT;
	run_lock(call->run);
	/* Made again it has the old mask already. */
	if (!signals->restore_blocked)
		signals->saved_blocked = signals->blocked;
	signals->restore_blocked = true;
	signals->blocked = set;
	int64_t result = call_sleep_locked(call, signals, -1);
	run_unlock(call->run);
	return result == -ERESTARTSYS ? -ERESTARTNOHAND : result;
}

/* Wait for a signal of SET. Its number, or what the call answers. run->lock held. */
static int64_t wait_signal_locked(struct call *call, uint64_t set, int64_t deadline,
                                  siginfo_t *info)
{
	struct signals *signals = signals_of(call);
	int number = signal_take_locked(call->program, set, info);

	signals->waited = 0;
	if (number != 0)
		return number;
	if (deadline == 0 || call_timed_out(call))
		return -EAGAIN;
	signals->waited = set;
	int64_t result = call_sleep_locked(call, &signals->waited, deadline);
	if (result != CALL_SLEEPS)
		signals->waited = 0;
	return result == -ERESTARTSYS ? -EINTR : result;
}

int64_t sys_rt_sigtimedwait(struct call *call)
{
	int64_t deadline = -1;
	siginfo_t info;
	uint64_t set;

	if (call->arg[3] != SET_SIZE)
		return -EINVAL;
	if (get_set(call, call->arg[0], &set) != 0)
		return -EFAULT;
	if (call->arg[2] != 0) {
		int64_t timeout;
		int error = call_get_time(call, call->arg[2], &timeout);
		if (error != 0)
			return error;
		deadline = timeout == 0           ? 0
		           : call->program->again ? call->program->deadline
		                                  : call_deadline(call, timeout);
	}
	run_lock(call->run);
	int64_t result = wait_signal_locked(call, set, deadline, &info);
	run_unlock(call->run);
	if (result > 0 && call->arg[1] != 0 &&
	    call_put(call, call->arg[1], &info, sizeof info) != 0)
		return -EFAULT;
	return result;
}

/* --- The alternate stack ---------------------------------------------------------------------- */

int64_t sys_sigaltstack(struct call *call)
{
	struct signals *signals = signals_of(call);
	uint64_t sp = vm_context_regs(call->program->context)->rsp;
	stack_t new, old;
	int error = 0;

	if (call->arg[0] != 0 && call_get(call, call->arg[0], &new, sizeof new) != 0)
		return -EFAULT;
	memset(&old, 0, sizeof old);
	run_lock(call->run);
	old.ss_sp = (void *)(uintptr_t)signals->stack;
	old.ss_size = signals->stack_size;
	if (signals->stack_size == 0)
		old.ss_flags = SS_DISABLE;
	else if (signal_on_stack(signals, sp))
		old.ss_flags = SS_ONSTACK;
	old.ss_flags |= signals->stack_flags & (int)SS_AUTODISARM;
	if (call->arg[0] != 0)
		error = signal_set_stack_locked(signals, sp, &new);
	run_unlock(call->run);
	if (error == 0 && call->arg[1] != 0)
		error = call_put(call, call->arg[1], &old, sizeof old);
	return error;
}
