/*
 * eventfile.c - the file events: a log of lines that all readers share, and reads that wait.
 *
 *     engine -> event_feed -> the events' thread, which renders lines -> log -> readers
 *
 * Lines are made only while a reader is open, and the log keeps the last of them, up to LOG_MAX.
 * Each reader has its own place in the log. A reader that was too slow goes on with the oldest line
 * left, after a line that says how many events it missed. If the feed overflowed, all readers see
 * such a line. Of processes into which it may not look, a reader sees neither addresses nor names.
 *
 * Only the events' thread answers a read that waits. on_interrupt must not: libfuse calls it with
 * the lock of the request held, and an answer would free the request. Before the thread answers, it
 * makes sure that no such call is running or can still come.
 *
 * Locks: events->lock comes first, then those of the engine and the feed. No function of libfuse is
 * called while it is held.
 */
#include "fs/files/eventfile.h"
#include "fs/files/event_feed.h"
#include "fs/text/render.h"
#include "fs/text/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

enum {
	BATCH = 256,              /* lines made at a time */
	READ_BYTES = 64 << 10,    /* the most that one read gets */
	ANSWERS = 64,             /* reads that are answered at a time: each has its own text */
	LOG_MAX = EVENT_FEED_MAX, /* lines that the log keeps, ... */
	LOG_BYTES = 8 << 20,      /* ... if they have no more bytes than this */
};

struct log_line {
	char *text;           /* without a newline */
	struct vm_cred owner; /* of the process that it is about, ... */
	struct vm_cred other; /* ... and of the other one, see struct vm_fault */
	uint64_t number;      /* of the event */
};

struct fs_events {
	struct vm_machine *machine;
	struct event_feed feed;
	pthread_t thread;
	pthread_mutex_t lock;
	/* Under lock. */
	struct log_line *log; /* line number N, counted from the first ever, is at N % LOG_MAX */
	uint64_t made;        /* lines made so far */
	uint64_t oldest;      /* the number of the oldest line that is kept */
	size_t bytes;         /* in all lines that are kept */
	struct list_link readers, parked;
	bool stopped;
};

struct reader {
	struct fs_events *events;
	const struct fs_mount *mount;
	struct fs_caller opener;
	struct list_link link; /* in events->readers */
	/* Under events->lock. */
	uint64_t at;   /* the number of the line to read next */
	uint64_t next; /* the number of the next event, if none is lost */
	GString *rest; /* the end of a line that did not fit into the last read */
	struct fuse_pollhandle *pollhandle;
};

/* A read that waits. */
struct parked {
	struct list_link link; /* in events->parked, later in a list of those to be answered */
	struct reader *reader;
	fuse_req_t req;
	size_t size;
	bool interrupted; /* under events->lock */
	GString *text;    /* the answer, or NULL */
};

/* --- Readers ---------------------------------------------------------------------------------- */

/* Whether a read would find something. */
static bool reader_ready_locked(const struct reader *reader)
{
	const struct fs_events *events = reader->events;

	return reader->rest->len > 0 ||
	       (events->made > 0 &&
	        events->log[(events->made - 1) % LOG_MAX].number >= reader->next);
}

/*
 * Append the next line, after a line that says how many events were lost before it, if any. False
 * if there is no next line.
 */
static bool add_line_locked(struct reader *reader, GString *out)
{
	const struct fs_events *events = reader->events;
	const struct log_line *line;

	reader->at = MAX(reader->at, events->oldest);
	do {
		if (reader->at == events->made)
			return false;
		line = &events->log[reader->at++ % LOG_MAX];
	} while (line->number < reader->next); /* it is older than this open */
	if (line->number > reader->next)
		g_string_append_printf(out, "# %" G_GUINT64_FORMAT " events lost\n",
		                       line->number - reader->next);
	if (!rights_trace(reader->mount, &reader->opener, &line->owner))
		fault_line_masked(out, line->text, false);
	else if (!rights_trace(reader->mount, &reader->opener, &line->other))
		fault_line_masked(out, line->text, true);
	else
		g_string_append(out, line->text);
	g_string_append_c(out, '\n');
	reader->next = line->number + 1;
	return true;
}

/*
 * Take up to SIZE bytes of lines, the last of which may be cut. Returns NULL if there is nothing to
 * read yet.
 */
static GString *reader_take_locked(struct reader *reader, size_t size)
{
	GString *text = g_string_new_len(reader->rest->str, (gssize)reader->rest->len);

	size = MIN(size, READ_BYTES);
	while (text->len < size && add_line_locked(reader, text))
		;
	if (text->len == 0) {
		g_string_free(text, TRUE);
		return NULL;
	}
	size = MIN(size, text->len);
	g_string_truncate(reader->rest, 0);
	g_string_append_len(reader->rest, text->str + size, (gssize)(text->len - size));
	return g_string_truncate(text, size);
}

static void reply_text(fuse_req_t req, GString *text)
{
	fuse_reply_buf(req, text->str, text->len);
	g_string_free(text, TRUE);
}

/* --- Requests that wait ----------------------------------------------------------------------- */

static void on_interrupt(fuse_req_t req, void *data)
{
	struct parked *parked = data;
	struct fs_events *events = parked->reader->events;

	pthread_mutex_lock(&events->lock);
	parked->interrupted = true;
	pthread_mutex_unlock(&events->lock);
	event_feed_wake(&events->feed);
}

static bool parked_ready_locked(const struct parked *parked)
{
	return parked->interrupted || parked->reader->events->stopped ||
	       reader_ready_locked(parked->reader);
}

static void park(fuse_req_t req, struct reader *reader, size_t size)
{
	struct fs_events *events = reader->events;
	struct parked *parked = g_new0(struct parked, 1);
	bool ready;

	*parked = (struct parked){.reader = reader, .req = req, .size = size};
	fuse_req_interrupt_func(req, on_interrupt, parked);
	pthread_mutex_lock(&events->lock);
	list_append(&events->parked, &parked->link);
	ready = parked_ready_locked(parked);
	pthread_mutex_unlock(&events->lock);
	/* From here on the events' thread may have answered PARKED and freed it. */
	if (ready)
		event_feed_wake(&events->feed);
}

/* Move reads that can be answered now to READY, up to ANSWERS of them. False: there are no more. */
static bool collect_parked_locked(struct fs_events *events, struct list_link *ready)
{
	struct list_link *next;
	int count = 0;

	for (struct list_link *l = events->parked.next; l != &events->parked; l = next) {
		struct parked *parked = LIST_ENTRY(l, struct parked, link);
		next = l->next;
		if (!parked_ready_locked(parked))
			continue;
		if (count++ == ANSWERS)
			return true;
		parked->text = reader_take_locked(parked->reader, parked->size);
		list_remove(l);
		list_append(ready, l);
	}
	return false;
}

static void answer_parked(struct parked *parked)
{
	/* This waits for a call of on_interrupt that is running, and prevents further ones. */
	fuse_req_interrupt_func(parked->req, NULL, NULL);
	if (parked->text != NULL)
		reply_text(parked->req, parked->text);
	else if (parked->interrupted)
		fuse_reply_err(parked->req, EINTR);
	else
		fuse_reply_buf(parked->req, NULL, 0);
	g_free(parked);
}

/* --- The thread ------------------------------------------------------------------------------- */

static char *render_line(const struct event_record *record)
{
	GString *line = g_string_new(NULL);

	fault_line(line, &record->fault, true);
	return g_string_free(line, FALSE);
}

static void log_drop_oldest_locked(struct fs_events *events)
{
	struct log_line *line = &events->log[events->oldest++ % LOG_MAX];

	events->bytes -= strlen(line->text);
	g_clear_pointer(&line->text, g_free);
}

/* Takes TEXT over. */
static void log_append_locked(struct fs_events *events, const struct event_record *record,
                              char *text)
{
	const struct vm_fault *fault = &record->fault;

	if (events->made - events->oldest == LOG_MAX)
		log_drop_oldest_locked(events);
	events->log[events->made++ % LOG_MAX] = (struct log_line){
	    .text = text,
	    .owner = fault->owner,
	    .other = fault->other.there ? fault->other.owner : fault->owner,
	    .number = record->number,
	};
	events->bytes += strlen(text);
	while (events->bytes > LOG_BYTES)
		log_drop_oldest_locked(events);
}

/* Move the poll handles of readers that now have something to read to HANDLES. */
static void collect_polls_locked(struct fs_events *events, GPtrArray *handles)
{
	for (struct list_link *l = events->readers.next; l != &events->readers; l = l->next) {
		struct reader *reader = LIST_ENTRY(l, struct reader, link);
		if (reader->pollhandle != NULL && reader_ready_locked(reader))
			g_ptr_array_add(handles, g_steal_pointer(&reader->pollhandle));
	}
}

/* Answer some of the reads that can be answered. False: there are no more. */
static bool answer_some(struct fs_events *events)
{
	struct list_link ready;

	list_init(&ready);
	pthread_mutex_lock(&events->lock);
	bool more = collect_parked_locked(events, &ready);
	pthread_mutex_unlock(&events->lock);
	while (!list_empty(&ready)) {
		struct parked *parked = LIST_ENTRY(ready.next, struct parked, link);
		list_remove(&parked->link);
		answer_parked(parked);
	}
	return more;
}

/*
 * Answer the reads that can be answered, and wake the pollers. Returns false once the events were
 * stopped. The lock is dropped before anything is sent: what was collected is no longer in the
 * lists of EVENTS, so nobody else touches it.
 */
static bool wake_readers(struct fs_events *events)
{
	g_autoptr(GPtrArray) handles = g_ptr_array_new();
	bool stopped;

	/* First, so that what is parked from now on is still answered. */
	pthread_mutex_lock(&events->lock);
	stopped = events->stopped;
	pthread_mutex_unlock(&events->lock);
	while (answer_some(events))
		;
	pthread_mutex_lock(&events->lock);
	collect_polls_locked(events, handles);
	pthread_mutex_unlock(&events->lock);
	for (guint i = 0; i < handles->len; i++) {
		fuse_lowlevel_notify_poll(handles->pdata[i]);
		fuse_pollhandle_destroy(handles->pdata[i]);
	}
	return !stopped;
}

static void *events_thread(void *data)
{
	struct fs_events *events = data;
	struct event_record records[BATCH];
	char *lines[BATCH];

	do {
		size_t count = event_feed_take(&events->feed, records, BATCH);
		for (size_t i = 0; i < count; i++)
			lines[i] = render_line(&records[i]);
		pthread_mutex_lock(&events->lock);
		for (size_t i = 0; i < count; i++)
			log_append_locked(events, &records[i], lines[i]);
		pthread_mutex_unlock(&events->lock);
		event_feed_release(&events->feed, records, count);
	} while (wake_readers(events));
	return NULL;
}

struct fs_events *fs_events_new(struct vm_machine *machine)
{
	struct fs_events *events = g_new0(struct fs_events, 1);

	events->machine = machine;
	events->log = g_new0(struct log_line, LOG_MAX);
	list_init(&events->readers);
	list_init(&events->parked);
	pthread_mutex_init(&events->lock, NULL);
	event_feed_init(&events->feed);
	errno = pthread_create(&events->thread, NULL, events_thread, events);
	if (errno == 0)
		return events;
	fs_events_free(events);
	return NULL;
}

void fs_events_stop(struct fs_events *events)
{
	pthread_mutex_lock(&events->lock);
	events->stopped = true;
	pthread_mutex_unlock(&events->lock);
	event_feed_wake(&events->feed);
	pthread_join(events->thread, NULL);
}

void fs_events_free(struct fs_events *events)
{
	event_feed_clear(&events->feed);
	for (size_t i = 0; i < LOG_MAX; i++)
		g_free(events->log[i].text);
	g_free(events->log);
	pthread_mutex_destroy(&events->lock);
	g_free(events);
}

/* --- The file --------------------------------------------------------------------------------- */

static int eventfile_open(struct fs_handle *handle)
{
	struct fs_events *events = handle->mount->events;
	struct reader *reader = g_new0(struct reader, 1);

	*reader = (struct reader){.events = events,
	                          .mount = handle->mount,
	                          .opener = handle->opener,
	                          .rest = g_string_new(NULL)};
	pthread_mutex_lock(&events->lock);
	if (list_empty(&events->readers))
		vm_machine_watch(events->machine, event_feed_put, &events->feed);
	list_append(&events->readers, &reader->link);
	reader->at = events->made;
	reader->next = event_feed_next(&events->feed);
	pthread_mutex_unlock(&events->lock);
	handle->state = reader;
	return 0;
}

static void eventfile_release(struct fs_handle *handle)
{
	struct reader *reader = handle->state;
	struct fs_events *events = reader->events;

	pthread_mutex_lock(&events->lock);
	list_remove(&reader->link);
	if (list_empty(&events->readers))
		vm_machine_watch(events->machine, NULL, NULL);
	pthread_mutex_unlock(&events->lock);
	if (reader->pollhandle != NULL)
		fuse_pollhandle_destroy(reader->pollhandle);
	g_string_free(reader->rest, TRUE);
	g_free(reader);
}

static void eventfile_read(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                           size_t size, off_t offset, int flags)
{
	struct reader *reader = handle->state;
	GString *text;

	pthread_mutex_lock(&reader->events->lock);
	text = reader_take_locked(reader, size);
	pthread_mutex_unlock(&reader->events->lock);
	if (text != NULL)
		reply_text(req, text);
	else if (flags & O_NONBLOCK)
		fuse_reply_err(req, EAGAIN);
	else
		park(req, reader, size);
}

static void eventfile_poll(fuse_req_t req, struct fs_handle *handle,
                           struct fuse_pollhandle *pollhandle)
{
	struct reader *reader = handle->state;
	struct fuse_pollhandle *old = NULL;
	bool ready;

	pthread_mutex_lock(&reader->events->lock);
	ready = reader_ready_locked(reader);
	if (pollhandle != NULL) {
		old = reader->pollhandle;
		reader->pollhandle = pollhandle;
	}
	pthread_mutex_unlock(&reader->events->lock);
	if (old != NULL)
		fuse_pollhandle_destroy(old);
	fuse_reply_poll(req, ready ? POLLIN | POLLRDNORM : 0);
}

const struct file_class eventfile_class = {
    .open = eventfile_open,
    .release = eventfile_release,
    .read = eventfile_read,
    .poll = eventfile_poll,
    .stream = true,
};
