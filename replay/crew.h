/*
 * crew.h - threads that do the jobs of a trace, while it is parsed.
 *
 *     crew_new
 *       crew_give      a batch for all jobs
 *     crew_end         the jobs are finished
 *
 * Each job belongs to one thread. With one thread there is none beside the caller's, who does the
 * jobs in crew_give. A thread that is slow holds up the caller after CREW_WAITING batches.
 */
#ifndef REPLAY_CREW_H
#define REPLAY_CREW_H

#include "replay/job.h"

enum { CREW_WAITING = 32 };

struct crew;

/* A crew for the COUNT jobs at JOBS, of THREADS threads or fewer. NULL with *ERROR set (NOMEM). */
struct crew *crew_new(struct job **jobs, size_t count, unsigned threads, GError **error);

/* False: a job has failed, and its `error` says why. */
bool crew_give(struct crew *crew, const struct trace_batch *batch);

/*
 * Wait until all batches are done, and finish the jobs, unless GIVEN_UP. Frees CREW. Jobs may have
 * failed.
 */
void crew_end(struct crew *crew, bool given_up);

#endif
