/*
 * turn.h - one turn of a program on the processor, and the thread that works for it.
 */
#ifndef FS_RUN_TURN_H
#define FS_RUN_TURN_H

#include "fs/run/syscall.h"

#include <time.h>

/* A thread that has the processor, or has lost it to another one (run.h). run->lock guards it. */
struct runner {
	struct run *run;
	struct program *program; /* that it works for, or NULL */
	bool in_user;            /* the program's own code runs */
	bool give_way;           /* the ticker wants it to end the turn */
	unsigned events;         /* system calls and faults of this turn */
	int64_t since; /* when it last went into or out of user code: CLOCK_MONOTONIC, ns */
	clockid_t cpu; /* the CPU time of the thread, and what it was then, ns; by an own clock */
	int64_t cpu_since;
	int64_t counted; /* `cpu` when the time of the program was last counted */
};

/* Whether RUNNER still has the processor. */
bool runner_goes_on_locked(struct runner *runner);
/* Whether others are ready. */
bool runner_shares_locked(const struct runner *runner);

/*
 * Count what RUNNER's thread has spent for its program since the last time, in user code or outside
 * it. By a clock of the machine's own only events count.
 */
void runner_count_locked(struct runner *runner);

/* How a turn ended. */
enum turn_end {
	TURN_OVER,    /* the program can go on, in its next turn */
	TURN_STOPPED, /* it is to be STOPPED */
	TURN_SLEEPS, /* it sleeps, has ended, or others have it already: it must not be looked at */
};

/*
 * Work for PROGRAM, which is ON_CPU, until its turn is over, or RUNNER is not the runner any more.
 * No lock held.
 */
enum turn_end turn_take(struct runner *runner, struct program *program);

#endif
