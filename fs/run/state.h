/*
 * state.h - what the programs of a mount share: for run.c and runner.c alone.
 */
#ifndef FS_RUN_STATE_H
#define FS_RUN_STATE_H

#include "fs/run/turn.h"

#include <pthread.h>

struct run {
	struct fs_mount *mount;
	bool no_cpu;
	pthread_mutex_t lock;
	/* the lock guards all below */
	pthread_cond_t work;    /* something is ready, or the runner is to end */
	pthread_cond_t tick;    /* the ticker has something to look at */
	pthread_cond_t changed; /* for run_wait_locked */
	GHashTable *programs;
	struct list_link ready, blocked; /* of struct program, by queue */
	struct runner *runner;           /* who has the processor; NULL: nobody yet */
	unsigned threads;                /* runners, also those that have lost the processor */
	pthread_t ticker;
	int64_t looks;             /* when the ticker looks again (CLOCK_MONOTONIC, ns) */
	struct program_times used; /* by all programs, also those that have ended */
	double average[3];         /* of how many were runnable, over 1, 5, 15 minutes */
	int64_t samples;           /* of which that is made */
	bool opened, stopping;
	/* why the processor could not be opened, if that will not change: an errno, a sentence */
	int failed;
	char *failed_why;
};

/* The ticker looks once an hour in any case, ns. No sum of times is longer. */
#define STATE_LONGEST (INT64_C(3600) * 1000000000)

/* Let the ticker look at WHEN (CLOCK_MONOTONIC, ns) at the latest. */
void state_look_by_locked(struct run *run, int64_t when);
/*
 * Wake programs whose time has come, and send alarms (due.c). Returns when something is due next
 * (run_now), or INT64_MAX.
 */
int64_t due_look_locked(struct run *run);
/* PROGRAM is in STATE from now on, and in the list of those that are. */
void state_set_locked(struct program *program, enum program_state state);

#endif
