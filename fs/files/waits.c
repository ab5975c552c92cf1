/*
 * waits.c - see waits.h.
 *
 * Only the thread answers a request that was put aside. on_interrupt must not: libfuse calls it
 * with the lock of the request held, and an answer would free the request. Before the thread
 * answers, it makes sure that no such call is running or can still come (as eventfile.c does).
 */
#include "fs/files/waits.h"

#include "fs/files/call.h"
#include "util/nanoseconds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

enum {
	MOST_BYTES = 64 << 10, /* of one read or write */
	/*
	 * The end of a process without a program is no news of a program: look from time to time.
	 */
	LOOK_MS = 500,
};

struct fs_waits {
	struct fs_mount *mount;
	struct run *run;
	pthread_t thread;
	/* Under run->lock. */
	struct list_link parked; /* of struct waiting */
	struct list_link polls;  /* of struct waits_poll */
	GHashTable *writers;     /* by pid: how many have its console open */
	bool stopped;
	/* While nobody waits, the thread does not look at each change of a program. */
	pthread_mutex_t lock; /* comes after run->lock */
	pthread_cond_t work;
	bool idle; /* under lock: there is nothing in the lists */
};

/* There is something to look at. */
static void rouse(struct fs_waits *waits)
{
	pthread_mutex_lock(&waits->lock);
	waits->idle = false;
	pthread_cond_signal(&waits->work);
	pthread_mutex_unlock(&waits->lock);
	run_changed_locked(waits->run);
}

/* --- Requests --------------------------------------------------------------------------------- */

static void waiting_free(struct waiting *waiting)
{
	budget_close(&waiting->share);
	g_free(waiting->bytes);
	g_free(waiting);
}

static void answer(struct waiting *waiting)
{
	if (waiting->result < 0)
		fuse_reply_err(waiting->req, (int)-waiting->result);
	else if (waiting->writes)
		fuse_reply_write(waiting->req, (size_t)waiting->result);
	else
		fuse_reply_buf(waiting->req, waiting->bytes, (size_t)waiting->result);
	waiting_free(waiting);
}

/* Whether WAITING has its answer now. */
static bool is_done_locked(struct waiting *waiting)
{
	if (waiting->try_locked(waiting))
		return true;
	if (!waiting->interrupted && !waiting->waits->stopped)
		return false;
	waiting->result = -EINTR;
	return true;
}

static void on_interrupt(fuse_req_t req, void *data)
{
	struct waiting *waiting = data;
	struct fs_waits *waits = waiting->waits;

	run_lock(waits->run);
	waiting->interrupted = true;
	rouse(waits);
	run_unlock(waits->run);
}

/* From the moment that it is in the list on, the thread may have answered WAITING and freed it. */
static void park(struct waiting *waiting)
{
	struct fs_waits *waits = waiting->waits;

	fuse_req_interrupt_func(waiting->req, on_interrupt, waiting);
	run_lock(waits->run);
	list_append(&waits->parked, &waiting->link);
	rouse(waits);
	run_unlock(waits->run);
}

static struct waiting *waiting_new(fuse_req_t req, struct fs_handle *handle, const char *buf,
                                   size_t size)
{
	struct waiting *waiting = g_try_new0(struct waiting, 1);

	if (waiting == NULL)
		return NULL;
	*waiting = (struct waiting){.waits = handle->mount->waits,
	                            .req = req,
	                            .handle = handle,
	                            .writes = buf != NULL,
	                            .size = MIN(size, MOST_BYTES)};
	budget_open(handle->mount->budget, handle->opener.uid, &waiting->share);
	if (budget_resize(&waiting->share, sizeof(*waiting) + waiting->size))
		waiting->bytes = g_try_malloc(MAX(waiting->size, 1));
	if (waiting->bytes == NULL) {
		waiting_free(waiting);
		return NULL;
	}
	if (buf != NULL)
		memcpy(waiting->bytes, buf, waiting->size);
	return waiting;
}

void waits_request(fuse_req_t req, struct fs_handle *handle,
                   bool (*try_locked)(struct waiting *waiting), const char *buf, size_t size,
                   int flags)
{
	struct fs_waits *waits = handle->mount->waits;
	struct waiting *waiting;

	/* From now on nobody else answers it. */
	if (!call_claim())
		return;
	if (waits == NULL || (waiting = waiting_new(req, handle, buf, size)) == NULL) {
		fuse_reply_err(req, waits == NULL ? ENXIO : ENOMEM);
		return;
	}
	waiting->try_locked = try_locked;
	run_lock(waits->run);
	bool done = is_done_locked(waiting);
	run_unlock(waits->run);
	if (!done && flags & O_NONBLOCK) {
		waiting->result = -EAGAIN;
		done = true;
	}
	if (done)
		answer(waiting);
	else
		park(waiting);
}

/* --- Poll ------------------------------------------------------------------------------------- */

void waits_poll(fuse_req_t req, struct fs_handle *handle, struct waits_poll *poll,
                unsigned (*ready_locked)(struct fs_handle *handle),
                struct fuse_pollhandle *pollhandle)
{
	struct fs_waits *waits = handle->mount->waits;
	struct fuse_pollhandle *old = pollhandle;
	unsigned ready = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

	if (waits != NULL) {
		run_lock(waits->run);
		ready = ready_locked(handle);
		if (pollhandle != NULL) {
			old = poll->pollhandle;
			if (old == NULL)
				list_append(&waits->polls, &poll->link);
			poll->handle = handle;
			poll->pollhandle = pollhandle;
			poll->ready_locked = ready_locked;
			poll->told = ready;
			rouse(waits);
		}
		run_unlock(waits->run);
	}
	if (old != NULL)
		fuse_pollhandle_destroy(old);
	fuse_reply_poll(req, ready);
}

void waits_poll_end(struct fs_mount *mount, struct waits_poll *poll)
{
	struct fuse_pollhandle *pollhandle;

	if (mount->waits == NULL)
		return;
	run_lock(mount->run);
	pollhandle = g_steal_pointer(&poll->pollhandle);
	if (pollhandle != NULL)
		list_remove(&poll->link);
	run_unlock(mount->run);
	if (pollhandle != NULL)
		fuse_pollhandle_destroy(pollhandle);
}

/* --- Writers ---------------------------------------------------------------------------------- */

unsigned waits_count_writer(struct fs_waits *waits, pid_t pid, int change)
{
	gpointer key = GINT_TO_POINTER(pid);

	run_lock(waits->run);
	int count = GPOINTER_TO_INT(g_hash_table_lookup(waits->writers, key)) + change;
	if (count > 0)
		g_hash_table_insert(waits->writers, key, GINT_TO_POINTER(count));
	else
		g_hash_table_remove(waits->writers, key);
	run_unlock(waits->run);
	return (unsigned)count;
}

/* --- The thread ------------------------------------------------------------------------------- */

/* Move what can be answered to READY, and handles that can be notified to HANDLES. */
static void collect_locked(struct fs_waits *waits, struct list_link *ready, GPtrArray *handles)
{
	struct list_link *next;

	for (struct list_link *l = waits->parked.next; l != &waits->parked; l = next) {
		struct waiting *waiting = LIST_ENTRY(l, struct waiting, link);
		next = l->next;
		if (!is_done_locked(waiting))
			continue;
		list_remove(l);
		list_append(ready, l);
	}
	for (struct list_link *l = waits->polls.next; l != &waits->polls; l = next) {
		struct waits_poll *poll = LIST_ENTRY(l, struct waits_poll, link);
		next = l->next;
		if ((poll->ready_locked(poll->handle) & ~poll->told) == 0)
			continue;
		list_remove(l);
		g_ptr_array_add(handles, g_steal_pointer(&poll->pollhandle));
	}
}

static void send(struct list_link *ready, GPtrArray *handles)
{
	while (!list_empty(ready)) {
		struct waiting *waiting = LIST_ENTRY(ready->next, struct waiting, link);
		list_remove(&waiting->link);
		/* This waits for a call of on_interrupt that is running; none comes after. */
		fuse_req_interrupt_func(waiting->req, NULL, NULL);
		answer(waiting);
	}
	for (guint i = 0; i < handles->len; i++) {
		fuse_lowlevel_notify_poll(handles->pdata[i]);
		fuse_pollhandle_destroy(handles->pdata[i]);
	}
	g_ptr_array_set_size(handles, 0);
}

/* Wait until there is something in the lists. */
static void await_work(struct fs_waits *waits)
{
	pthread_mutex_lock(&waits->lock);
	while (waits->idle)
		pthread_cond_wait(&waits->work, &waits->lock);
	pthread_mutex_unlock(&waits->lock);
}

/* Nothing is in the lists: await_work waits from now on. */
static void rest_locked(struct fs_waits *waits)
{
	pthread_mutex_lock(&waits->lock);
	waits->idle = true;
	pthread_mutex_unlock(&waits->lock);
}

static void *waits_thread(void *data)
{
	struct fs_waits *waits = data;
	g_autoptr(GPtrArray) handles = g_ptr_array_new();
	struct list_link ready;
	bool stopped = false;

	list_init(&ready);
	while (!stopped) {
		await_work(waits);
		run_lock(waits->run);
		/* First, so that what is parked from now on is still answered. */
		stopped = waits->stopped;
		collect_locked(waits, &ready, handles);
		if (list_empty(&ready) && handles->len == 0 && !stopped) {
			if (list_empty(&waits->parked) && list_empty(&waits->polls))
				rest_locked(waits);
			else
				run_wait_locked(waits->run,
				                ns_now(CLOCK_MONOTONIC) + LOOK_MS * NS_PER_MS);
		}
		run_unlock(waits->run);
		send(&ready, handles);
	}
	return NULL;
}

struct fs_waits *fs_waits_new(struct fs_mount *mount)
{
	struct fs_waits *waits = g_new0(struct fs_waits, 1);

	waits->mount = mount;
	waits->run = mount->run;
	waits->idle = true;
	list_init(&waits->parked);
	list_init(&waits->polls);
	waits->writers = g_hash_table_new(NULL, NULL);
	pthread_mutex_init(&waits->lock, NULL);
	pthread_cond_init(&waits->work, NULL);
	errno = pthread_create(&waits->thread, NULL, waits_thread, waits);
	if (errno == 0)
		return waits;
	fs_waits_free(waits);
	return NULL;
}

void fs_waits_stop(struct fs_waits *waits)
{
	run_lock(waits->run);
	waits->stopped = true;
	rouse(waits);
	run_unlock(waits->run);
	pthread_join(waits->thread, NULL);
}

void fs_waits_free(struct fs_waits *waits)
{
	if (waits == NULL)
		return;
	g_hash_table_unref(waits->writers);
	pthread_cond_destroy(&waits->work);
	pthread_mutex_destroy(&waits->lock);
	g_free(waits);
}
