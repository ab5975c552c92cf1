#include "vm/cache/flusher.h"
#include "util/nanoseconds.h"
#include "vm/base/give_back.h"
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
	uint64_t ticket;       /* number of the vm_machine_sync that asked for it */
	bool refresh;          /* the files are to be checked for changes */
	int error;             /* of the last flush */
};

/* --- Objects ---------------------------------------------------------------------------------- */

/* Whether OBJECT is a host file of device DEV that has pages. */
static bool has_pages_of(const struct vm_object *object, dev_t dev)
{
	return !object->shmem && object->dev == dev && object->pages > 0;
}

/*
 * The next object of device DEV that has pages, behind OBJECT (NULL: the first), whose reference is
 * given back. The lock is dropped meanwhile. Objects that are opened meanwhile stand at the end of
 * the list; END is the number of the last one that counts.
 */
static struct vm_object *next_of_device_locked(struct vm_machine *machine, struct vm_object *object,
                                               dev_t dev, uint64_t end)
{
	uint64_t step = 0;

	do {
		machine_yield_locked(machine, step++);
		object = object_next_locked(machine, object);
	} while (object != NULL && object->number <= end && !has_pages_of(object, dev));
	if (object == NULL || object->number <= end)
		return object;
	object_put_locked(object);
	return NULL;
}

/* Call FN for each object of device DEV that has pages. 0 or the first error. No lock is held. */
static int each_object(struct vm_machine *machine, dev_t dev,
                       int (*fn)(struct vm_object *object, bool durable), bool durable)
{
	struct vm_object *object = NULL;
	int result = 0;

	machine_lock(machine);
	uint64_t end = machine->next_object;
	while ((object = next_of_device_locked(machine, object, dev, end)) != NULL) {
		machine_unlock(machine);
		int error = fn(object, durable);
		if (result == 0)
			result = error;
		machine_lock(machine);
	}
	machine_unlock(machine);
	return result;
}

/* Write the dirty pages of OBJECT. 0 or the first error. No lock is held. */
static int flush_object(struct vm_object *object, bool durable)
{
	int error = object_write_back(object, 0, UINT64_MAX);

	if (error != 0)
		file_drop_unseen(object);
	else if (durable)
		error = object_sync(object);
	file_release_kept(object, false);
	return error;
}

/* Take over what others changed in the file of OBJECT. No lock is held. */
static int refresh_object(struct vm_object *object, bool durable)
{
	object_refresh(object, false);
	return 0;
}

/* Write all dirty pages of device DEV. 0 or the first error. No lock is held. */
static int flush_device(struct vm_machine *machine, dev_t dev, bool durable)
{
	return each_object(machine, dev, flush_object, durable);
}

/* Take over what others changed in the files of device DEV. No lock is held. */
static void refresh_device(struct vm_machine *machine, dev_t dev)
{
	each_object(machine, dev, refresh_object, false);
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
	struct flusher *flusher = g_try_new0(struct flusher, 1);
	if (flusher == NULL)
		return NULL;
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

static bool has_device(const struct array *devices, dev_t dev)
{
	for (size_t i = 0; i < devices->len; i++)
		if (ARRAY_AT(devices, dev_t, i) == dev)
			return true;
	return false;
}

/* Append DEV to DEVICES. Without memory it is left out, and served another time. */
static void add_device(struct array *devices, dev_t dev)
{
	dev_t *added = array_add(devices, sizeof *added);

	if (added != NULL)
		*added = dev;
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
 * thread, but can have none now; free it with array_clear. The lock is dropped meanwhile.
 */
static struct array ask_all_locked(struct vm_machine *machine, bool flush, bool refresh)
{
	struct array without = {0};
	uint64_t step = 0;

	for (struct vm_object *object = object_next_locked(machine, NULL); object != NULL;
	     object = object_next_locked(machine, object)) {
		/* Try to make a thread once for each device, not once for each file. */
		if (!object->shmem && object->pages > 0 && !has_device(&without, object->dev) &&
		    !ask_locked(machine, object, flush, refresh))
			add_device(&without, object->dev);
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
static int serve_locked(struct vm_machine *machine, struct array without, bool flush, bool durable,
                        bool refresh)
{
	int result = 0;

	machine_unlock(machine);
	for (size_t i = 0; i < without.len; i++) {
		dev_t dev = ARRAY_AT(&without, dev_t, i);
		int error = flush ? flush_device(machine, dev, durable) : 0;
		if (refresh)
			refresh_device(machine, dev);
		if (result == 0)
			result = error;
	}
	array_clear(&without);
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
 * Ask the threads of devices with pages to write for one more flush, that of sync number TICKET.
 * The lock is dropped meanwhile; flushers stay until flusher_stop, and new ones come last.
 */
static void ask_dirty_locked(struct vm_machine *machine, uint64_t ticket)
{
	for (struct list_link *l = machine->flushers.next; l != &machine->flushers; l = l->next) {
		struct flusher *flusher = LIST_ENTRY(l, struct flusher, link);
		if (!device_is_dirty_locked(machine, flusher->dev))
			continue;
		flusher->sync = ++flusher->wanted;
		flusher->ticket = ticket;
	}
	pthread_cond_broadcast(&machine->flusher_wake);
}

/*
 * Wait for the flushes that sync number TICKET or a later one has asked for. 0 or the first error.
 * The lock is dropped meanwhile.
 */
static int await_dirty_locked(struct vm_machine *machine, uint64_t ticket)
{
	int result = 0;

	for (struct list_link *l = machine->flushers.next; l != &machine->flushers; l = l->next) {
		struct flusher *flusher = LIST_ENTRY(l, struct flusher, link);
		uint64_t target = flusher->sync;
		if (flusher->ticket < ticket)
			continue;
		while (flusher->done < target)
			machine_wait_locked(machine, &machine->io);
		if (result == 0)
			result = flusher->error;
	}
	return result;
}

int vm_machine_sync(struct vm_machine *machine)
{
	machine_lock(machine);
	struct array without = ask_all_locked(machine, true, false);
	uint64_t ticket = ++machine->syncs;
	/*
	 * A flush under way may have passed a page before it became dirty. So ask for one more,
	 * which begins after it.
	 */
	ask_dirty_locked(machine, ticket);
	int result = serve_locked(machine, without, true, true, false);
	int error = await_dirty_locked(machine, ticket);
	machine_unlock(machine);
	return result != 0 ? result : error;
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
		if (due.refresh)
			give_back_locked(machine);
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

/* All devices with cached files (dev_t). Free it with array_clear. The lock is dropped. */
static struct array devices_locked(struct vm_machine *machine)
{
	struct array devices = {0};
	uint64_t step = 0;

	for (struct vm_object *object = object_next_locked(machine, NULL); object != NULL;
	     object = object_next_locked(machine, object)) {
		if (!object->shmem && object->pages > 0 && !has_device(&devices, object->dev))
			add_device(&devices, object->dev);
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
	if (due.refresh)
		give_back_locked(machine);
	if (due.flush || due.refresh)
		serve_locked(machine, devices_locked(machine), due.flush, false, due.refresh);
	machine_unlock(machine);
}

void vm_machine_pass(struct vm_machine *machine, int64_t ns)
{
	if (machine->config.clock >= 0)
		__atomic_add_fetch(&machine->ticked, ns, __ATOMIC_RELAXED);
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
