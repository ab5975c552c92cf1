#include "replay/crew.h"

#include <pthread.h>
#include <string.h>

struct worker {
	struct crew *crew;
	unsigned number;
	pthread_t thread;
	uint64_t done; /* batches; under the lock */
};

struct crew {
	struct job **jobs;
	size_t nr_jobs;
	unsigned nr_workers; /* 0: the caller works */
	struct worker *workers;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* under the lock */
	uint64_t given;
	bool ended, given_up, failed;
	/* batch N is at N % CREW_WAITING; written while no worker can be at it */
	struct trace_batch *batches;
};

/* --- Work ------------------------------------------------------------------------------------- */

/*
 * Do with BATCH (NULL: at the end) the jobs from number FIRST on, every STEPth. False: one failed.
 */
static bool do_jobs(struct crew *crew, size_t first, size_t step, const struct trace_batch *batch)
{
	bool good = true;

	for (size_t i = first; i < crew->nr_jobs; i += step) {
		struct job *job = crew->jobs[i];

		if (job->error == NULL)
			job->error = batch != NULL ? job->take(job, batch) : job->finish(job);
		good = good && job->error == NULL;
	}
	return good;
}

/* Wait for the next batch. NULL: there is none any more. */
static const struct trace_batch *next_batch(struct worker *worker)
{
	struct crew *crew = worker->crew;
	const struct trace_batch *batch = NULL;

	pthread_mutex_lock(&crew->lock);
	while (worker->done == crew->given && !crew->ended)
		pthread_cond_wait(&crew->changed, &crew->lock);
	if (worker->done < crew->given && !crew->failed && !crew->given_up)
		batch = &crew->batches[worker->done % CREW_WAITING];
	pthread_mutex_unlock(&crew->lock);
	return batch;
}

static void batch_is_done(struct worker *worker, bool good)
{
	struct crew *crew = worker->crew;

	pthread_mutex_lock(&crew->lock);
	worker->done++;
	crew->failed = crew->failed || !good;
	pthread_cond_broadcast(&crew->changed);
	pthread_mutex_unlock(&crew->lock);
}

static void *work(void *data)
{
	struct worker *worker = data;
	struct crew *crew = worker->crew;
	const struct trace_batch *batch;

	while ((batch = next_batch(worker)) != NULL)
		batch_is_done(worker, do_jobs(crew, worker->number, crew->nr_workers, batch));
	pthread_mutex_lock(&crew->lock);
	bool finish = !crew->failed && !crew->given_up;
	pthread_mutex_unlock(&crew->lock);
	if (finish)
		do_jobs(crew, worker->number, crew->nr_workers, NULL);
	return NULL;
}

/* --- The caller ------------------------------------------------------------------------------- */

static void free_crew(struct crew *crew)
{
	pthread_mutex_destroy(&crew->lock);
	pthread_cond_destroy(&crew->changed);
	g_free(crew->workers);
	g_free(crew->batches);
	g_free(crew);
}

/* Start THREADS workers. Fewer than that may be had; then the others do their jobs. */
static bool start(struct crew *crew, unsigned threads)
{
	crew->workers = g_try_new0(struct worker, threads);
	crew->batches = g_try_new(struct trace_batch, CREW_WAITING);
	if (crew->workers == NULL || crew->batches == NULL)
		return false;
	/* Nobody looks at nr_workers before the lock is free. */
	pthread_mutex_lock(&crew->lock);
	for (unsigned i = 0; i < threads; i++) {
		struct worker *worker = &crew->workers[i];

		*worker = (struct worker){.crew = crew, .number = i};
		if (pthread_create(&worker->thread, NULL, work, worker) != 0)
			break;
		crew->nr_workers++;
	}
	pthread_mutex_unlock(&crew->lock);
	return true;
}

struct crew *crew_new(struct job **jobs, size_t count, unsigned threads, GError **error)
{
	struct crew *crew = g_try_new0(struct crew, 1);
	bool good = crew != NULL;

	if (good) {
		crew->jobs = jobs;
		crew->nr_jobs = count;
		pthread_mutex_init(&crew->lock, NULL);
		pthread_cond_init(&crew->changed, NULL);
		threads = (unsigned)MIN(threads, count);
		good = threads <= 1 || start(crew, threads);
	}
	if (good)
		return crew;
	if (crew != NULL)
		free_crew(crew);
	g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOMEM, "no memory for threads");
	return NULL;
}

/* The batch that the slowest worker is at. */
static uint64_t slowest(const struct crew *crew)
{
	uint64_t done = UINT64_MAX;

	for (unsigned i = 0; i < crew->nr_workers; i++)
		done = MIN(done, crew->workers[i].done);
	return done;
}

bool crew_give(struct crew *crew, const struct trace_batch *batch)
{
	if (crew->nr_workers == 0)
		return do_jobs(crew, 0, 1, batch);
	pthread_mutex_lock(&crew->lock);
	while (crew->given - slowest(crew) == CREW_WAITING && !crew->failed)
		pthread_cond_wait(&crew->changed, &crew->lock);
	if (!crew->failed) {
		struct trace_batch *to = &crew->batches[crew->given % CREW_WAITING];

		to->count = batch->count;
		memcpy(to->reference, batch->reference, batch->count * sizeof *batch->reference);
		memcpy(to->line, batch->line, batch->count * sizeof *batch->line);
		crew->given++;
	}
	pthread_cond_broadcast(&crew->changed);
	bool good = !crew->failed;
	pthread_mutex_unlock(&crew->lock);
	return good;
}

void crew_end(struct crew *crew, bool given_up)
{
	if (crew->nr_workers == 0 && !given_up)
		do_jobs(crew, 0, 1, NULL);
	pthread_mutex_lock(&crew->lock);
	crew->ended = true;
	crew->given_up = given_up;
	pthread_cond_broadcast(&crew->changed);
	pthread_mutex_unlock(&crew->lock);
	for (unsigned i = 0; i < crew->nr_workers; i++)
		pthread_join(crew->workers[i].thread, NULL);
	free_crew(crew);
}
