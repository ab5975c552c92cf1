/*
 * run.h - the replay of one trace.
 */
#ifndef REPLAY_RUN_H
#define REPLAY_RUN_H

#include "replay/options.h"
#include "replay/result.h"

struct run;

/* Replay TRACE. NULL with *ERROR set: the sentence begins with the name of the trace. */
struct run *replay_trace(const struct options *options, const char *trace, GError **error);

/* What came of it. */
const struct result *replay_result(const struct run *run);

void replay_free(struct run *run);

#endif
