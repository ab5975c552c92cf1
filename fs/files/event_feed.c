/*
 * event_feed.c - a ring of records. Its lock also guards the reference counts of file names,
 * wherever a record is.
 */
#include "fs/files/event_feed.h"

#include <string.h>

void event_feed_init(struct event_feed *feed)
{
	*feed = (struct event_feed){.ring = g_new0(struct event_record, EVENT_FEED_MAX)};
	pthread_mutex_init(&feed->lock, NULL);
	pthread_cond_init(&feed->wakeup, NULL);
}

static void drop_name(GRefString **name)
{
	g_clear_pointer(name, g_ref_string_release);
}

static void drop_names(struct event_record *record)
{
	drop_name(&record->file);
	drop_name(&record->other_file);
}

void event_feed_clear(struct event_feed *feed)
{
	for (size_t i = 0; i < EVENT_FEED_MAX; i++)
		drop_names(&feed->ring[i]);
	drop_name(&feed->last_file);
	g_free(feed->ring);
	pthread_cond_destroy(&feed->wakeup);
	pthread_mutex_destroy(&feed->lock);
}

/* A reference to FILE, or NULL if FILE is NULL. */
static GRefString *keep_name_locked(struct event_feed *feed, const char *file)
{
	if (file == NULL)
		return NULL;
	if (feed->last_file == NULL || strcmp(feed->last_file, file) != 0) {
		drop_name(&feed->last_file);
		feed->last_file = g_ref_string_new(file);
	}
	return g_ref_string_acquire(feed->last_file);
}

void event_feed_put(void *ctx, const struct vm_fault *fault)
{
	struct event_feed *feed = ctx;
	struct event_record *record;

	pthread_mutex_lock(&feed->lock);
	record = &feed->ring[feed->fed % EVENT_FEED_MAX];
	drop_names(record);
	record->fault = *fault;
	record->fault.file = record->file = keep_name_locked(feed, fault->file);
	record->other_file = keep_name_locked(feed, fault->other.file);
	record->fault.other.file = record->other_file;
	record->number = feed->fed;
	/*
	 * If the ring was not empty, the taker is still busy, and will look again before it waits.
	 */
	if (feed->fed++ == feed->taken)
		pthread_cond_signal(&feed->wakeup);
	pthread_mutex_unlock(&feed->lock);
}

uint64_t event_feed_next(struct event_feed *feed)
{
	uint64_t next;

	pthread_mutex_lock(&feed->lock);
	next = feed->fed;
	pthread_mutex_unlock(&feed->lock);
	return next;
}

size_t event_feed_take(struct event_feed *feed, struct event_record *records, size_t count)
{
	size_t got = 0;

	pthread_mutex_lock(&feed->lock);
	while (feed->fed == feed->taken && !feed->woken)
		pthread_cond_wait(&feed->wakeup, &feed->lock);
	feed->woken = false;
	/* The ring overflowed: go on with the oldest record left. */
	if (feed->fed - feed->taken > EVENT_FEED_MAX)
		feed->taken = feed->fed - EVENT_FEED_MAX;
	for (; got < count && feed->taken < feed->fed; got++) {
		struct event_record *record = &feed->ring[feed->taken++ % EVENT_FEED_MAX];
		records[got] = *record;
		record->file = record->other_file = NULL; /* the references moved along */
	}
	pthread_mutex_unlock(&feed->lock);
	return got;
}

void event_feed_release(struct event_feed *feed, struct event_record *records, size_t count)
{
	pthread_mutex_lock(&feed->lock);
	for (size_t i = 0; i < count; i++)
		drop_names(&records[i]);
	pthread_mutex_unlock(&feed->lock);
}

void event_feed_wake(struct event_feed *feed)
{
	pthread_mutex_lock(&feed->lock);
	feed->woken = true;
	pthread_cond_signal(&feed->wakeup);
	pthread_mutex_unlock(&feed->lock);
}
