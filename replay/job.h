/*
 * job.h - something that is to be done with all references of a trace.
 *
 * The trace is parsed once. Every job gets every batch, in order, from one thread at a time.
 */
#ifndef REPLAY_JOB_H
#define REPLAY_JOB_H

#include "trace/trace.h"

struct job {
	/* NULL: it went well; else a sentence, why not. It is owned by the job. */
	char *(*take)(struct job *job, const struct trace_batch *batch);
	/* After the last batch. */
	char *(*finish)(struct job *job);
	char *error; /* the first one; then the job gets nothing more */
};

#endif
