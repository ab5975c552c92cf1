/*
 * event_feed.h - takes the faults of all processes from the engine to the readers of events.
 *
 * The engine puts records in while it holds its own lock, so this must be quick and must not wait.
 * One thread takes records out. If it is too slow, old records are overwritten. Records are
 * numbered, so it sees how many it missed.
 */
#ifndef FS_FILES_EVENT_FEED_H
#define FS_FILES_EVENT_FEED_H

#include "vm/vm.h"

#include <pthread.h>

enum { EVENT_FEED_MAX = 16384 }; /* records that the ring holds */

struct event_record {
	struct vm_fault fault;
	/* fault.file and fault.other.file point to them; NULL if there is none */
	GRefString *file, *other_file;
	uint64_t number;
};

struct event_feed {
	pthread_mutex_t lock;
	pthread_cond_t wakeup;
	/* Under lock. */
	struct event_record *ring; /* number N is at N % EVENT_FEED_MAX */
	/* the number of the next record, and of the next one to be taken */
	uint64_t fed, taken;
	GRefString *last_file; /* most faults are in the same file as the fault before */
	bool woken;
};

/* Set up an empty feed. event_feed_clear frees what it holds, once nobody uses it. */
void event_feed_init(struct event_feed *feed);
void event_feed_clear(struct event_feed *feed);

/* Put a copy of FAULT in. It is a vm_fault_fn whose CTX is the feed. */
void event_feed_put(void *ctx, const struct vm_fault *fault);

/* The number that the next record will get. */
uint64_t event_feed_next(struct event_feed *feed);

/*
 * Wait until there are records or event_feed_wake is called. Then move up to COUNT records to
 * RECORDS, the oldest first. Returns how many; 0 is possible. Give them back with
 * event_feed_release.
 */
size_t event_feed_take(struct event_feed *feed, struct event_record *records, size_t count);
void event_feed_release(struct event_feed *feed, struct event_record *records, size_t count);

/* Make event_feed_take return, now or when it is called the next time. */
void event_feed_wake(struct event_feed *feed);

#endif
