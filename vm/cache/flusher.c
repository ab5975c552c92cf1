#include "vm/cache/flusher.h"
#include "util/nanoseconds.h"
#include "vm/base/lock.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"

#include <errno.h>

/* The thread of one device. The machine lock guards all fields. */
struct flusher {
	struct vm_machine *machine;
	dev_t dev;
	pthread_t thread;
	struct list_link link; /* in machine->flushers */
	uint64_t wanted, done; /* how many flushes were asked for, and how many completed */
	uint64_t sync;         /* number of the last flush that vm_machine_sync asked for, or 0 */
	bool refresh;          /* the files are to be checked for changes */
	int error;             /* of the last flush */
};

/* --- Objects ---------------------------------------------------------------------------------- */

/* The objects of device DEV that have pages, with a reference to each (release_objects). */
static GPtrArray *hold_objects(struct vm_machine *machine, dev_t dev)
{
	GPtrArray *objects = g_ptr_array_new();
	uint64_t step = 0;

	machine_lock(machine);
	for (struct vm_object *object = object_next_locked(machine, NULL); object != NULL;
	     object = object_next_locked(machine, object)) {
		if (!object->shmem && object->dev == dev && object->pages > 0) {
			object->files++;
			g_ptr_array_add(objects, object);
		}
		machine_yield_locked(machine, step++);
	}
	machine_unlock(machine);
	return objects;
}

static void release_objects(struct vm_machine *machine, GPtrArray *objects)
{
	machine_lock(machine);
	for (guint i = 0; i < objects->len; i++) {
		object_put_locked(objects->pdata[i]);
		machine_yield_locked(machine, i);
	}
	machine_unlock(machine);
	g_ptr_array_unref(objects);
}

/* Write all dirty pages of device DEV. 0 or the first error. No lock is held. */
static int flush_device(struct vm_machine *machine, dev_t dev, bool durable)
{
	GPtrArray *objects = hold_objects(machine, dev);
	int result = 0;

	for (guint i = 0; i < objects->len; i++) {
		int error = object_write_back(objects->pdata[i], 0, UINT64_MAX);
		if (error != 0)
			file_drop_unseen(objects->pdata[i]);
		else if (durable)
			error = object_sync(objects->pdata[i]);
		file_release_kept(objects->pdata[i], false);
		if (result == 0)
			result = error;
	}
	release_objects(machine, objects);
	return result;
}

/* Take over what others changed in the files of device DEV. No lock is held. */
static void refresh_device(struct vm_machine *machine, dev_t dev)
{
	GPtrArray *objects = hold_objects(machine, dev);

	for (guint i = 0; i < objects->len; i++)
		object_refresh(objects->pdata[i], false);
	release_objects(machine, objects);
}

/* --- The thread of a device ------------------------------------------------------------------- */

/*
 * Do one thing that FLUSHER was asked for. False: nothing was. If true, the machine lock was
 * dropped meanwhile.
 */
static bool work_locked(struct flusher *flusher)
{
	struct vm_machine *machine = flusher->machine;
	uint64_t wanted = flusher->wanted;

	if (flusher->done < wanted) {
		/* vm_machine_sync waits for it, so it is to last. */
		bool durable = flusher->sync > flusher->done;
		machine_unlock(machine);
		int error = flush_device(machine, flusher->dev, durable);
		machine_lock(machine);
		/* Flushes may have been asked for meanwhile. Only those up to WANTED are done. */
		flusher->error = error;
		flusher->done = wanted;
		pthread_cond_broadcast(&machine->io);
		return true;
	}
	if (!flusher->refresh)
		return false;
	flusher->refresh = false;
	machine_unlock(machine);
	refresh_device(machine, flusher->dev);
	machine_lock(machine);
	return true;
}

static void *flusher_main(void *arg)
{
	struct flusher *flusher = arg;
	struct vm_machine *machine = flusher->machine;

	machine_lock(machine);
	for (;;) {
		if (work_locked(flusher))
			continue;
		if (machine->stopping)
			break;
		machine_wait_locked(machine, &machine->flusher_wake);
	}
	machine_unlock(machine);
	return NULL;
}

/* The thread for DEV, which is started if there is none. NULL: it cannot be started. */
static struct flusher *get_locked(struct vm_machine *machine, dev_t dev)
{
	for (struct list_link *l = machine->flushers.next; l != &machine->flushers; l = l->next)
		if (LIST_ENTRY(l, struct flusher, link)->dev == dev)
			return LIST_ENTRY(l, struct flusher, link);
	struct flusher *flusher = g_new0(struct flusher, 1);
	*flusher = (struct flusher){.machine = machine, .dev = dev};
	if (pthread_create(&flusher->thread, NULL, flusher_main, flusher) != 0) {
		g_free(flusher);
		return NULL;
	}
	list_append(&machine->flushers, &flusher->link);
	return flusher;
}

static bool is_dirty_locked(const struct vm_object *object)
{
	return object->dirty_pages > 0 || object->writers > 0;
}

static bool has_device(const GArray *devices, dev_t dev)
{
	for (guint i = 0; i < devices->len; i++)
		if (g_array_index(devices, dev_t, i) == dev)
			return true;
	return false;
}

/* ask_all_locked for OBJECT, a host file with pages. False: there is no thread to ask. */
static bool ask_locked(struct vm_machine *machine, const struct vm_object *object, bool flush,
                       bool refresh)
{
	bool dirty = is_dirty_locked(object);
	struct flusher *flusher = get_locked(machine, object->dev);

	if (flusher == NULL)
		return !refresh && !dirty;
	flusher->refresh |= refresh;
	if (flush && dirty && flusher->wanted == flusher->done)
		flusher->wanted++;
	return true;
}

/*
 * Ask the threads of devices with dirty pages to write them (FLUSH), of those with cached files to
 * look at them (REFRESH), or both. Returns the devices (dev_t) that would be asked if they had a
 * thread, but can have none now; free it with g_array_unref. The lock is dropped meanwhile.
 */
static GArray *ask_all_locked(struct vm_machine *machine, bool flush, bool refresh)
{
	GArray *without = g_array_new(FALSE, FALSE, sizeof(dev_t));
	uint64_t step = 0;

	for (struct vm_object *object = object_next_locked(machine, NULL); object != NULL;
	     object = object_next_locked(machine, object)) {
		/* Try to make a thread once for each device, not once for each file. */
		if (!object->shmem && object->pages > 0 && !has_device(without, object->dev) &&
		    !ask_locked(machine, object, flush, refresh))
			g_array_append_val(without, object->dev);
		machine_yield_locked(machine, step++);
	}
	pthread_cond_broadcast(&machine->flusher_wake);
	return without;
}

/*
 * Do here what no thread does for the devices WITHOUT one, which is freed: write their dirty pages
 * (FLUSH), look at their files (REFRESH). Returns 0 or the first error of a write. The lock is
 * dropped meanwhile.
 */
static int serve_locked(struct vm_machine *machine, GArray *without, bool flush, bool durable,
                        bool refresh)
{
	int result = 0;

	machine_unlock(machine);
	for (guint i = 0; i < without->len; i++) {
		dev_t dev = g_array_index(without, dev_t, i);
		int error = flush ? flush_device(machine, dev, durable) : 0;
		if (refresh)
			refresh_device(machine, dev);
		if (result == 0)
			result = error;
	}
	g_array_unref(without);
	machine_lock(machine);
	return result;
}

/* --- All devices ------------------------------------------------------------------------------ */

/*
 * Whether some file of device DEV has pages to write. A sync does not wait for a device without
 * any, even if its thread hangs. The lock is dropped meanwhile.
 */
static bool device_is_dirty_locked(struct vm_machine *machine, dev_t dev)
{
	bool dirty = false;
	uint64_t step = 0;

	for (struct vm_object *object = object_next_locked(machine, NULL); object != NULL;
	     object = object_next_locked(machine, object)) {
		dirty |= !object->shmem && object->dev == dev && is_dirty_locked(object);
		machine_yield_locked(machine, step++);
	}
	return dirty;
}

/*
 * The threads of devices with pages to write. The lock is dropped meanwhile; flushers stay until
 * flusher_stop.
 */
static GPtrArray *dirty_flushers_locked(struct vm_machine *machine)
{
	GPtrArray *dirty = g_ptr_array_new();

	for (struct list_link *l = machine->flushers.next; l != &machine->flushers; l = l->next) {
		struct flusher *flusher = LIST_ENTRY(l, struct flusher, link);
		if (device_is_dirty_locked(machine, flusher->dev))
			g_ptr_array_add(dirty, flusher);
	}
	return dirty;
}

int vm_machine_sync(struct vm_machine *machine)
{
	machine_lock(machine);
	GArray *without = ask_all_locked(machine, true, false);
	/*
	 * A flush under way may have passed a page before it became dirty. So ask for one more,
	 * which begins after it.
	 */
	GPtrArray *dirty = dirty_flushers_locked(machine);
	for (guint i = 0; i < dirty->len; i++) {
		struct flusher *flusher = dirty->pdata[i];
		flusher->sync = ++flusher->wanted;
	}
	pthread_cond_broadcast(&machine->flusher_wake);
	int result = serve_locked(machine, without, true, true, false);
	for (guint i = 0; i < dirty->len; i++) {
		struct flusher *flusher = dirty->pdata[i];
		uint64_t target = flusher->sync;
		while (flusher->done < target)
			machine_wait_locked(machine, &machine->io);
		if (result == 0)
			result = flusher->error;
	}
	machine_unlock(machine);
	g_ptr_array_unref(dirty);
	return result;
}

/* --- Time ------------------------------------------------------------------------------------- */

#define NS_PER_CENTISEC (NS_PER_SEC / 100)
#define REFRESH_NS (90 * NS_PER_CENTISEC) /* so that changes of others show within a second */

/* What is due at a time, and when something will be due next: times in ns. */
struct due {
	bool flush, refresh;
	int64_t next;
};

/* What is due at NOW. It counts as done. */
static struct due due_locked(struct vm_machine *machine, int64_t now)
{
	int64_t period = (int64_t)machine->config.dirty_writeback_centisecs * NS_PER_CENTISEC;
	struct due due = {.flush = period > 0 && now >= machine->flushed + period,
	                  .refresh = now >= machine->refreshed + REFRESH_NS};

	if (due.flush)
		machine->flushed = now;
	if (due.refresh)
		machine->refreshed = now;
	due.next = machine->refreshed + REFRESH_NS;
	if (period > 0)
		due.next = MIN(due.next, machine->flushed + period);
	return due;
}

static void *clock_main(void *arg)
{
	struct vm_machine *machine = arg;

	machine_lock(machine);
	machine->flushed = machine->refreshed = ns_now(CLOCK_MONOTONIC);
	while (!machine->stopping) {
		struct due due = due_locked(machine, ns_now(CLOCK_MONOTONIC));
		if (due.flush || due.refresh)
			serve_locked(machine, ask_all_locked(machine, due.flush, due.refresh),
			             due.flush, false, due.refresh);
		/*
		 * Sleep until the earlier of the two is due, the machine stops or a knob changes.
		 */
		machine_wait_until_locked(machine, &machine->clock_wake, due.next);
	}
	machine_unlock(machine);
	return NULL;
}

/* All devices with cached files (dev_t). Free it with g_array_unref. The lock is dropped. */
static GArray *devices_locked(struct vm_machine *machine)
{
	GArray *devices = g_array_new(FALSE, FALSE, sizeof(dev_t));
	uint64_t step = 0;

	for (struct vm_object *object = object_next_locked(machine, NULL); object != NULL;
	     object = object_next_locked(machine, object)) {
		if (!object->shmem && object->pages > 0 && !has_device(devices, object->dev))
			g_array_append_val(devices, object->dev);
		machine_yield_locked(machine, step++);
	}
	return devices;
}

/* No other thread does anything by the clock, so that two runs of the same calls are equal. */
void vm_machine_tick(struct vm_machine *machine)
{
	if (machine->config.clock < 0)
		return;
	machine_lock(machine);
	int64_t now = __atomic_add_fetch(&machine->ticked, VM_TICK_NS, __ATOMIC_RELAXED);
	struct due due = due_locked(machine, now);
	if (due.flush || due.refresh)
		serve_locked(machine, devices_locked(machine), due.flush, false, due.refresh);
	machine_unlock(machine);
}

int flusher_start(struct vm_machine *machine)
{
	if (machine->config.clock >= 0)
		return 0;
	int error = pthread_create(&machine->clock, NULL, clock_main, machine);

	machine->clock_runs = error == 0;
	return -error;
}

void flusher_stop(struct vm_machine *machine)
{
	machine_lock(machine);
	machine->stopping = true;
	pthread_cond_broadcast(&machine->clock_wake);
	pthread_cond_broadcast(&machine->flusher_wake);
	machine_unlock(machine);
	if (machine->clock_runs)
		pthread_join(machine->clock, NULL);
	while (!list_empty(&machine->flushers)) {
		struct flusher *flusher = LIST_ENTRY(machine->flushers.next, struct flusher, link);
		pthread_join(flusher->thread, NULL);
		list_remove(&flusher->link);
		g_free(flusher);
	}
	machine->clock_runs = false;
}
