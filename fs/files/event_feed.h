/*
 * event_feed.h - the faults of all processes on their way from the engine to the readers of events.
 *
 * The engine puts them in under its own lock, so that must be quick and wait for nobody; one thread
 * takes them out. What it does not take in time is overwritten: records are numbered, and the taker
 * sees by their numbers what it missed.
 */
#ifndef FS_FILES_EVENT_FEED_H
#define FS_FILES_EVENT_FEED_H

#include "vm/vm.h"

#include <pthread.h>

enum { EVENT_FEED_MAX = 16384 }; /* records that are kept */

struct event_record {
	struct vm_fault fault;
	GRefString *file; /* what fault.file points to, or NULL */
	uint64_t number;
};

struct event_feed {
	pthread_mutex_t lock;
	pthread_cond_t wakeup;
	/* Under lock. */
	struct event_record *ring; /* number N stands at N % EVENT_FEED_MAX */
	/* the number of the next record, and of the next to be taken */
	uint64_t fed, taken;
	GRefString *last_file; /* most faults are of the same file as the one before */
	bool woken;
};

void event_feed_init(struct event_feed *feed);
void event_feed_clear(struct event_feed *feed);

/* A vm_fault_fn: CTX is the feed. */
void event_feed_put(void *ctx, const struct vm_fault *fault);

/* The number that the next record will have. */
uint64_t event_feed_next(struct event_feed *feed);

/*
 * Wait for records, or for event_feed_wake, and move up to COUNT of them, the oldest first, to
 * RECORDS. Returns how many. event_feed_release them.
 */
size_t event_feed_take(struct event_feed *feed, struct event_record *records, size_t count);
void event_feed_release(struct event_feed *feed, struct event_record *records, size_t count);

/* Make event_feed_take return, now or when it is called next. */
void event_feed_wake(struct event_feed *feed);

#endif
