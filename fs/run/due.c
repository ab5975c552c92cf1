/*
 * due.c - what happens at a time: the end of sleeps, and alarms.
 */
#include "fs/run/state.h"

/* Wake those whose deadline is over at NOW. Returns the next deadline, or INT64_MAX. */
static int64_t wake_late_locked(struct run *run, int64_t now)
{
	struct list_link *link = run->blocked.next;
	int64_t next = INT64_MAX;

	while (link != &run->blocked) {
		struct program *program = LIST_ENTRY(link, struct program, queue);
		link = link->next;
		if (program->deadline >= 0 && program->deadline <= now)
			run_ready_locked(program);
		else if (program->deadline >= 0)
			next = MIN(next, program->deadline);
	}
	return next;
}

int64_t due_look_locked(struct run *run)
{
	int64_t now = run_now(run), next = wake_late_locked(run, now);

	return MIN(next, signal_alarms_locked(run, now));
}
