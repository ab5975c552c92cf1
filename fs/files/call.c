/*
 * call.c - see call.h.
 *
 * An answer is sent by whoever sets `answered` first: the thread that runs the call, or the thread
 * for interrupts. Before it sends, it makes sure that on_interrupt is not running and does not come
 * any more: libfuse calls it with the lock of the request held, and then frees the request.
 *
 * Lock: calls->lock. No function of libfuse, of the engine or of a class is called while it is
 * held.
 */
#include "fs/files/call.h"
#include "fs/base/budget.h"
#include "fs/files/turns.h"

#include "util/nanoseconds.h"

#include <errno.h>
#include <string.h>

enum {
	/* libfuse has 256 threads (options.c). The rest is for requests that end at once. */
	MAX_RUNNING = 224,
	MAX_OF_USER = 112,
	/* of one user to one process: its file may hang, and others shall not */
	MAX_OF_PROCESS = 32,
	MAX_WAITING = 1024, /* of one user */
	/* How long a call that is interrupted may go on: most calls end before. */
	GRACE_MS = 200,
};

/* Calls of a user, or of a user to a process. Under the lock. */
struct count {
	guint64 key;
	unsigned running, waiting;
};

/* A call on its way. */
struct job {
	struct fs_call call;
	struct fs_calls *calls;
	struct count *user, *lane;
	char *bytes;                /* its own copy of call.bytes, or NULL */
	struct budget_share share;  /* for `bytes` */
	bool answered, interrupted; /* atomic */
	int refs;                   /* atomic */
	struct turn turn;           /* of the thread that runs it */
	/* Under the lock. */
	struct list_link link;   /* in calls->waiting */
	struct list_link expiry; /* in calls->expiring */
	int64_t expires;         /* monotonic, ns; 0: not interrupted */
};

struct fs_calls {
	void (*handle_put)(struct fs_handle *handle);
	struct turns turns;
	pthread_t thread;
	pthread_mutex_t lock;
	/* Under lock. */
	pthread_cond_t wake;
	GHashTable *users; /* of struct count, by uid */
	GHashTable *lanes; /* of struct count, by uid and pid */
	unsigned running;
	struct list_link waiting; /* of struct job */
	/* of struct job, a reference each: the interrupted, in the order of their time */
	struct list_link expiring;
	bool stopped;
};

/* The job that this thread runs, or NULL. */
static __thread struct job *current;

static void job_unref(struct job *job)
{
	if (!g_atomic_int_dec_and_test(&job->refs))
		return;
	job->calls->handle_put(job->call.handle);
	g_free(job->bytes);
	budget_close(&job->share);
	g_free(job);
}

/* --- Answers ---------------------------------------------------------------------------------- */

/* Whether it is the caller of this function who answers JOB. */
static bool claim(struct job *job)
{
	if (__atomic_exchange_n(&job->answered, true, __ATOMIC_ACQ_REL))
		return false;
	/* This waits for a call of on_interrupt that is running, and prevents further ones. */
	fuse_req_interrupt_func(job->call.req, NULL, NULL);
	return true;
}

bool call_claim(void)
{
	return current == NULL || claim(current);
}

bool call_is_interrupted(void)
{
	return current != NULL && __atomic_load_n(&current->interrupted, __ATOMIC_ACQUIRE);
}

/* The engine asks between two pieces of work, when it holds no lock. */
static bool ask_interrupted(void *ctx)
{
	turn_wait(&current->calls->turns, &current->turn);
	return call_is_interrupted();
}

/* --- Interrupts ------------------------------------------------------------------------------- */

/* libfuse holds the lock of REQ: it must not be answered here. */
static void on_interrupt(fuse_req_t req, void *data)
{
	struct job *job = data;
	struct fs_calls *calls = job->calls;

	pthread_mutex_lock(&calls->lock);
	if (job->expires == 0) {
		g_atomic_int_inc(&job->refs);
		job->expires = ns_now(CLOCK_MONOTONIC) + GRACE_MS * NS_PER_MS;
		list_append(&calls->expiring, &job->expiry);
		pthread_cond_signal(&calls->wake);
	}
	pthread_mutex_unlock(&calls->lock);
}

/* The time of JOB is over. */
static void expire(struct job *job)
{
	__atomic_store_n(&job->interrupted, true, __ATOMIC_RELEASE);
	if (claim(job))
		fuse_reply_err(job->call.req, EINTR);
	job_unref(job);
}

static void *expire_main(void *data)
{
	struct fs_calls *calls = data;

	pthread_mutex_lock(&calls->lock);
	while (!calls->stopped || !list_empty(&calls->expiring)) {
		if (list_empty(&calls->expiring)) {
			pthread_cond_wait(&calls->wake, &calls->lock);
			continue;
		}
		struct job *job = LIST_ENTRY(calls->expiring.next, struct job, expiry);
		bool ended = __atomic_load_n(&job->answered, __ATOMIC_ACQUIRE);
		if (!ended && ns_now(CLOCK_MONOTONIC) < job->expires) {
			struct timespec when = ns_to_timespec(job->expires);
			pthread_cond_timedwait(&calls->wake, &calls->lock, &when);
			continue;
		}
		list_remove(&job->expiry);
		pthread_mutex_unlock(&calls->lock);
		expire(job);
		pthread_mutex_lock(&calls->lock);
	}
	pthread_mutex_unlock(&calls->lock);
	return NULL;
}

/* --- Running ---------------------------------------------------------------------------------- */

/* The count in TABLE for KEY, made if need be. */
static struct count *get_count_locked(GHashTable *table, guint64 key)
{
	struct count *count = g_hash_table_lookup(table, &key);

	if (count == NULL) {
		count = g_new0(struct count, 1);
		count->key = key;
		g_hash_table_add(table, count);
	}
	return count;
}

static void put_count_locked(GHashTable *table, struct count *count)
{
	if (count->running + count->waiting == 0)
		g_hash_table_remove(table, count);
}

/* Whether one more call of JOB's user to JOB's file may run. */
static bool may_run_locked(const struct job *job)
{
	/* Commands to the machine are about many things. */
	unsigned most = job->call.handle->node.pid != 0 ? MAX_OF_PROCESS : MAX_OF_USER;

	return job->calls->running < MAX_RUNNING && job->user->running < MAX_OF_USER &&
	       job->lane->running < most;
}

static void start_locked(struct job *job)
{
	job->calls->running++;
	job->user->running++;
	job->lane->running++;
}

/* The first call that waits and may run now, or NULL. */
static struct job *take_waiting_locked(struct fs_calls *calls)
{
	for (struct list_link *l = calls->waiting.next; l != &calls->waiting; l = l->next) {
		struct job *job = LIST_ENTRY(l, struct job, link);
		if (!may_run_locked(job))
			continue;
		list_remove(&job->link);
		job->user->waiting--;
		job->lane->waiting--;
		start_locked(job);
		return job;
	}
	return NULL;
}

/* JOB has ended. Returns a job that waited and may run now, or NULL. */
static struct job *next_job(struct job *job)
{
	struct fs_calls *calls = job->calls;

	pthread_mutex_lock(&calls->lock);
	calls->running--;
	job->user->running--;
	job->lane->running--;
	put_count_locked(calls->lanes, job->lane);
	put_count_locked(calls->users, job->user);
	struct job *next = take_waiting_locked(calls);
	pthread_mutex_unlock(&calls->lock);
	job_unref(job);
	return next;
}

/* Run JOB, unless it was interrupted while it waited, and then those that wait for it. */
static void run_jobs(struct job *job)
{
	for (; job != NULL; job = next_job(job)) {
		if (__atomic_load_n(&job->answered, __ATOMIC_ACQUIRE))
			continue;
		current = job;
		turn_begin(&job->turn);
		vm_interrupt(ask_interrupted, NULL);
		job->call.run(&job->call);
		vm_interrupt(NULL, NULL);
		turn_end(&job->calls->turns, &job->turn);
		current = NULL;
	}
}

/* Let JOB wait. 0 or a negative errno. */
static int enqueue_locked(struct job *job)
{
	if (job->user->waiting == MAX_WAITING)
		return -EAGAIN;
	if (job->call.bytes != NULL) {
		if (!budget_resize(&job->share, job->call.size))
			return -ENOMEM;
		job->bytes = g_try_malloc(MAX(job->call.size, 1));
		if (job->bytes == NULL)
			return -ENOMEM;
		memcpy(job->bytes, job->call.bytes, job->call.size);
		job->call.bytes = job->bytes;
	}
	job->user->waiting++;
	job->lane->waiting++;
	list_append(&job->calls->waiting, &job->link);
	return 0;
}

/* Count JOB and let it run, which sets *RUNS, or let it wait. 0 or a negative errno. */
static int enter(struct job *job, bool *runs)
{
	struct fs_calls *calls = job->calls;
	guint64 uid = job->call.caller.uid;
	int error = 0;

	pthread_mutex_lock(&calls->lock);
	job->user = get_count_locked(calls->users, uid);
	job->lane = get_count_locked(calls->lanes, uid << 32 | job->call.handle->node.pid);
	*runs = may_run_locked(job);
	if (*runs)
		start_locked(job);
	else
		error = enqueue_locked(job);
	if (error != 0) {
		put_count_locked(calls->lanes, job->lane);
		put_count_locked(calls->users, job->user);
	}
	pthread_mutex_unlock(&calls->lock);
	return error;
}

void call_submit(struct fs_calls *calls, const struct fs_call *call)
{
	struct job *job = g_try_new0(struct job, 1);
	bool runs;

	if (job == NULL) {
		calls->handle_put(call->handle);
		fuse_reply_err(call->req, ENOMEM);
		return;
	}
	*job = (struct job){.call = *call, .calls = calls, .refs = 1};
	budget_open(call->handle->mount->budget, call->caller.uid, &job->share);
	fuse_req_interrupt_func(call->req, on_interrupt, job);
	int error = enter(job, &runs);
	if (runs)
		run_jobs(job);
	if (error == 0)
		return;
	if (claim(job))
		fuse_reply_err(job->call.req, -error);
	job_unref(job);
}

/* --- All of them ------------------------------------------------------------------------------ */

struct fs_calls *calls_new(void (*handle_put)(struct fs_handle *handle))
{
	struct fs_calls *calls = g_new0(struct fs_calls, 1);
	pthread_condattr_t attr;

	calls->handle_put = handle_put;
	calls->users = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	calls->lanes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	list_init(&calls->waiting);
	list_init(&calls->expiring);
	turns_init(&calls->turns, g_get_num_processors());
	pthread_mutex_init(&calls->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&calls->wake, &attr);
	pthread_condattr_destroy(&attr);
	errno = pthread_create(&calls->thread, NULL, expire_main, calls);
	if (errno == 0)
		return calls;
	turns_clear(&calls->turns);
	g_hash_table_unref(calls->users);
	g_hash_table_unref(calls->lanes);
	g_free(calls);
	return NULL;
}

void calls_free(struct fs_calls *calls)
{
	pthread_mutex_lock(&calls->lock);
	calls->stopped = true;
	pthread_cond_signal(&calls->wake);
	pthread_mutex_unlock(&calls->lock);
	pthread_join(calls->thread, NULL);
	turns_clear(&calls->turns);
	g_hash_table_unref(calls->users);
	g_hash_table_unref(calls->lanes);
	pthread_cond_destroy(&calls->wake);
	pthread_mutex_destroy(&calls->lock);
	g_free(calls);
}
