/*
 * sleep.c - system calls that wait for something inside the machine.
 */
#include "fs/run/state.h"

int64_t call_sleep_locked(struct call *call, const void *channel, int64_t deadline)
{
	struct program *program = call->program;

	if (signal_pending_locked(program))
		return -ERESTARTSYS;
	program->channel = channel;
	program->deadline = deadline;
	program->call_due = program->again = true;
	state_set_locked(program, PROGRAM_BLOCKED);
	if (deadline >= 0)
		run_alarm_locked(program->run, deadline);
	return CALL_SLEEPS;
}

bool call_timed_out(const struct call *call)
{
	const struct program *program = call->program;

	return program->again && program->deadline >= 0 &&
	       run_now(program->run) >= program->deadline;
}
