/*
 * progress.h - how far a trace is, on standard error where that is a terminal.
 */
#ifndef REPLAY_PROGRESS_H
#define REPLAY_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool on;
	bool shown;
	char *name;    /* of the trace, escaped */
	int64_t since; /* us, when it was shown last */
};

void progress_start(struct progress *progress, const char *name);

/* REFERENCES are done, and PART (0 to 1; negative: not known) of the trace. */
void progress_show(struct progress *progress, uint64_t references, double part);

/* Remove it from the terminal. */
void progress_end(struct progress *progress);

#endif
