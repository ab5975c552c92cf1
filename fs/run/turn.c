/*
 * turn.c - one turn of a program.
 *
 *     make the system call that is due, if there is one
 *     repeat
 *         deliver signals
 *         run user code until it stops
 *         system call: make it;  fault: have it handled;  exception: a signal
 *     until the slice is used up, or the program sleeps, stops or ends
 */
#include "fs/run/calls.h"
#include "fs/run/state.h"
#include "util/nanoseconds.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum {
	SLICE_EVENTS = 64,
	/*
	 * Faults in a row at one place, with the same registers, after which a program cannot get
	 * on: an instruction needs more pages than there are frames.
	 */
	STUCK_FAULTS = 256,
	ERROR_PRESENT = 1 << 0,  /* of a page fault: the page was present, ... */
	ERROR_RESERVED = 1 << 3, /* ... with bits that the processor does not know */
};

/* --- System calls ----------------------------------------------------------------------------- */

/* Make the system call that the registers of PROGRAM ask for. What it answers: see call_fn. */
static int64_t make_call(struct program *program)
{
	const struct vm_regs *regs = vm_context_regs(program->context);
	struct call call = {
	    .run = program->run,
	    .program = program,
	    .process = program->process,
	    .number = regs->orig_rax,
	    .row = call_row_find(regs->orig_rax),
	    .arg = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9},
	};

	int64_t result = call.row != NULL ? call.row->fn(&call) : -ENOSYS;
	if (result == CALL_SLEEPS)
		return result;
	program->call_due = program->again = false;
	call_log_note(&call, result);
	return result;
}

/* The program has come to a system call, which stops it if `until` asks for that. */
static bool stops_at_call(struct program *program)
{
	const struct vm_regs *regs = vm_context_regs(program->context);
	struct run *run = program->run;

	run_lock(run);
	bool stops = program->until_call >= 0 && (uint64_t)program->until_call == regs->orig_rax;
	if (stops) {
		program->until_call = -1;
		program->stop = STOP_UNTIL;
	}
	run_unlock(run);
	return stops;
}

/* --- Faults ----------------------------------------------------------------------------------- */

/* The record of the last fault. */
static void keep_fault(void *ctx, const struct vm_fault *fault)
{
	struct vm_fault *kept = ctx;

	*kept = *fault;
}

/* Whether PROGRAM takes one fault after the other and gets nowhere. */
static bool is_stuck(struct program *program)
{
	const struct vm_regs *regs = vm_context_regs(program->context);
	struct stuck *stuck = &program->stuck;

	/*
	 * Of what an instruction works with, only memory may have changed; but it has stored none.
	 */
	if (memcmp(&stuck->regs, regs, sizeof *regs) != 0)
		*stuck = (struct stuck){*regs, 0};
	return ++stuck->faults > STUCK_FAULTS;
}

/* The signal of a fault that ended with ERROR: its number and si_code. */
static void fault_signal(struct program *program, const struct vm_cpu_exit *stopped,
                         const struct vm_fault *fault, int error)
{
	int number = SIGSEGV, code = SEGV_MAPERR;

	if (error == -EACCES)
		code = SEGV_ACCERR;
	else if (error == -EIO)
		number = SIGBUS, code = BUS_ADRERR;
	uint64_t bits = stopped->error_code & ~(uint64_t)ERROR_RESERVED;
	/* Without any right a page is not present to Linux. Here it is, for the supervisor. */
	if (g_str_has_prefix(fault->area_perm, "---"))
		bits &= ~(uint64_t)ERROR_PRESENT;
	/* Nobody learns what the kernel has there (sanitize_error_code). */
	if (fault->va >= VM_USER_END)
		bits |= ERROR_PRESENT;
	signal_force(program, number, code, fault->va, stopped->vector, bits);
}

static void take_fault(struct program *program, const struct vm_cpu_exit *stopped)
{
	struct vm_fault fault = {.va = stopped->address};
	int error =
	    vm_access(program->process, stopped->address, 1, stopped->access, keep_fault, &fault);

	if (error == -ESRCH)
		return;
	if (error == -ENOMEM || (error == 0 && is_stuck(program)))
		/* As Linux, whose fault handler calls the OOM killer. */
		program_exit(program, SIGKILL);
	else if (error != 0)
		fault_signal(program, stopped, &fault, error);
}

/* --- User code -------------------------------------------------------------------------------- */

/*
 * An event of PROGRAM. On a clock of the machine's own each takes 1 us, so that a program that
 * waits for a time comes to its end, and does the same in every run.
 */
static void count_event(struct runner *runner, struct program *program)
{
	runner->events++;
	if (!run_mount(runner->run)->own_clock)
		return;
	vm_machine_pass(run_machine(runner->run), NS_PER_US);
	run_lock(runner->run);
	run_charge_locked(program, true, NS_PER_US);
	run_unlock(runner->run);
}

/* How the program wants to run, as stop_wanted, steps and until say. run->lock held. */
static unsigned how_to_run_locked(const struct program *program)
{
	if (program->steps > 0)
		return VM_CPU_STEP;
	if (!program->has_until)
		return 0;
	return VM_CPU_BREAK | (program->until_away ? VM_CPU_AWAY : 0);
}

/*
 * May PROGRAM enter user code? True: it may, HOW and UNTIL say in which way. False: its turn is
 * over, and *END says how.
 */
static bool enter_user(struct runner *runner, struct program *program, unsigned *how,
                       uint64_t *until, enum turn_end *end)
{
	run_lock(runner->run);
	runner_count_locked(runner);
	if (run_mount(runner->run)->own_clock)
		due_look_locked(runner->run);
	bool over =
	    !runner_goes_on_locked(runner) || program->state == PROGRAM_ENDED ||
	    /* It came after the last look, and nobody will kick: the next turn delivers it. */
	    signal_pending_locked(program) ||
	    ((runner->give_way || runner->events >= SLICE_EVENTS) && runner_shares_locked(runner));
	if (runner->events >= SLICE_EVENTS)
		runner->events = 0;
	*end = TURN_OVER;
	if (program->stop_wanted) {
		program->stop_wanted = false;
		program->stop = STOP_ASKED;
		*end = TURN_STOPPED;
		over = true;
	}
	*how = how_to_run_locked(program);
	*until = program->until;
	runner->in_user = !over;
	runner->since = ns_now(CLOCK_MONOTONIC);
	if (run_mount(runner->run)->own_clock)
		runner->cpu_since = ns_now(runner->cpu);
	run_unlock(runner->run);
	return !over;
}

static void leave_user(struct runner *runner)
{
	run_lock(runner->run);
	runner_count_locked(runner);
	runner->in_user = false;
	runner->since = ns_now(CLOCK_MONOTONIC);
	run_unlock(runner->run);
}

/* PROGRAM is to stop before it does anything. */
static bool stops_now(struct program *program)
{
	run_lock(program->run);
	bool stops = program->stop_wanted;
	program->stop_wanted = false;
	if (stops)
		program->stop = STOP_ASKED;
	run_unlock(program->run);
	return stops;
}

/* A step is done. Whether it was the last one that `step` asked for. */
static bool was_last_step(struct program *program)
{
	run_lock(program->run);
	bool last = program->steps > 0 && --program->steps == 0;
	if (last)
		program->stop = STOP_STEPPED;
	run_unlock(program->run);
	return last;
}

static void reach_breakpoint(struct program *program)
{
	run_lock(program->run);
	program->has_until = false;
	program->stop = STOP_UNTIL;
	run_unlock(program->run);
}

/* What handling a stop of user code led to. */
struct handled {
	int64_t result; /* what a system call answered, or CALL_REGS_SET */
	bool stops;     /* the program is to stop, once its registers are set */
	bool call_due;  /* it stops before a system call */
};

static void handle_call(struct program *program, unsigned how, struct handled *handled)
{
	struct vm_regs *regs = vm_context_regs(program->context);

	regs->orig_rax = regs->rax;
	regs->rax = (uint64_t)-ENOSYS;
	program->stuck.faults = 0;
	program->call_due = true;
	handled->call_due = stops_at_call(program);
	if (!handled->call_due)
		handled->result = make_call(program);
	/* A syscall instruction is a step, too. */
	if (how == VM_CPU_STEP && handled->result != CALL_SLEEPS)
		handled->stops = was_last_step(program);
}

static struct handled handle_stop(struct program *program, unsigned how,
                                  const struct vm_cpu_exit *stopped)
{
	struct handled handled = {.result = CALL_REGS_SET};

	switch (stopped->stop) {
	case VM_CPU_SYSCALL:
		handle_call(program, how, &handled);
		break;
	case VM_CPU_FAULT:
		take_fault(program, stopped);
		break;
	case VM_CPU_EXCEPTION:
		signal_exception(program, stopped->vector, stopped->error_code);
		break;
	case VM_CPU_STEPPED:
		handled.stops = was_last_step(program);
		break;
	case VM_CPU_BREAKPOINT:
		reach_breakpoint(program);
		handled.stops = true;
		break;
	case VM_CPU_INTERRUPTED:
		break;
	}
	return handled;
}

enum turn_end turn_take(struct runner *runner, struct program *program)
{
	struct handled handled = {.result = CALL_REGS_SET};
	enum turn_end end;
	struct vm_cpu_exit stopped;
	uint64_t until;
	unsigned how;

	if (stops_now(program))
		return TURN_STOPPED;
	if (program->call_due) {
		handled.result = make_call(program);
		/* The step that it was is done only now. */
		handled.stops = handled.result != CALL_SLEEPS && was_last_step(program);
	}
	for (;;) {
		if (handled.result == CALL_SLEEPS)
			return TURN_SLEEPS;
		if (handled.call_due)
			return TURN_STOPPED;
		if (!signal_return_to_user(program, handled.result))
			return TURN_SLEEPS;
		if (handled.stops)
			return TURN_STOPPED;
		if (!enter_user(runner, program, &how, &until, &end))
			return end;
		int error = vm_cpu_run(program->process, program->context, how, until, &stopped);
		leave_user(runner);
		program->until_away &= vm_context_regs(program->context)->rip == until;
		/* Its process was ended by somebody else, or the host does not run it. */
		if (error != 0) {
			program_exit(program, SIGKILL);
			return TURN_OVER;
		}
		if (stopped.stop != VM_CPU_INTERRUPTED)
			count_event(runner, program);
		handled = handle_stop(program, how, &stopped);
	}
}
