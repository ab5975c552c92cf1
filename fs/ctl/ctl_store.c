/*
 * ctl_store.c - the last result of each ctl file.
 */
#include "fs/ctl/ctl_store.h"

#include "util/list.h"
#include "util/treap.h"

#include <pthread.h>

enum {
	STORE_MAX = 64 << 20, /* bytes of all last results */
	SWEEP_MIN = 64,       /* with fewer records than this, those of dead processes stay */
};

struct ctl_file {
	pid_t pid;
	unsigned opens;
	GBytes *last;
	struct vm_cred who;    /* gave its command */
	uint64_t generation;   /* of `last`; 0 before the first command */
	struct list_link link; /* in store->recent while `last` is set */
	struct treap_link by_pid;
};

struct fs_ctl_store {
	pthread_mutex_t lock;     /* guards everything below, and every ctl_file */
	struct treap_link *files; /* by pid, plus one */
	size_t count;             /* of those */
	struct list_link recent;  /* records with a last result, the newest at the end */
	size_t bytes;             /* of those results */
	size_t sweep_at;          /* with that many records, look for dead processes */
	uint64_t generation;
};

struct fs_ctl_store *fs_ctl_store_new(void)
{
	struct fs_ctl_store *store = g_new0(struct fs_ctl_store, 1);

	pthread_mutex_init(&store->lock, NULL);
	list_init(&store->recent);
	store->sweep_at = SWEEP_MIN;
	return store;
}

static void forget_last_locked(struct fs_ctl_store *store, struct ctl_file *file)
{
	if (file->last == NULL)
		return;
	store->bytes -= g_bytes_get_size(file->last);
	list_remove(&file->link);
	g_clear_pointer(&file->last, g_bytes_unref);
}

static struct ctl_file *of_link(struct treap_link *link)
{
	return link != NULL ? LIST_ENTRY(link, struct ctl_file, by_pid) : NULL;
}

static uint64_t key_of(pid_t pid)
{
	return (uint64_t)pid + 1;
}

/* The record behind that of PID (-1: the first), in the order of pids, or NULL. */
static struct ctl_file *next_locked(struct fs_ctl_store *store, pid_t pid)
{
	return of_link(treap_above(store->files, key_of(pid)));
}

/* An empty record for PID, which has none. NULL: no memory. */
static struct ctl_file *file_new_locked(struct fs_ctl_store *store, pid_t pid)
{
	struct ctl_file *file = g_try_new0(struct ctl_file, 1);

	if (file == NULL)
		return NULL;
	file->pid = pid;
	list_init(&file->link);
	treap_insert(&store->files, &file->by_pid, key_of(pid));
	store->count++;
	return file;
}

static void file_remove_locked(struct fs_ctl_store *store, struct ctl_file *file)
{
	treap_remove(&store->files, key_of(file->pid));
	store->count--;
	forget_last_locked(store, file);
	g_free(file);
}

void fs_ctl_store_free(struct fs_ctl_store *store)
{
	struct ctl_file *file;

	while ((file = next_locked(store, -1)) != NULL)
		file_remove_locked(store, file);
	pthread_mutex_destroy(&store->lock);
	g_free(store);
}

static bool pid_ended(struct vm_machine *machine, pid_t pid)
{
	struct vm_process *process = pid != 0 ? vm_process_find(machine, pid) : NULL;

	if (process != NULL)
		vm_process_unref(process);
	return pid != 0 && process == NULL;
}

/*
 * Drop the records of processes that were ended by a signal or a fault. Those that ended by a
 * command of their own are dropped when their ctl file is closed.
 */
static void sweep_locked(struct fs_ctl_store *store, struct vm_machine *machine)
{
	struct ctl_file *file;

	for (pid_t pid = -1; (file = next_locked(store, pid)) != NULL;) {
		pid = file->pid;
		if (file->opens == 0 && pid_ended(machine, file->pid))
			file_remove_locked(store, file);
	}
	store->sweep_at = MAX(SWEEP_MIN, 2 * store->count);
}

struct ctl_file *ctl_store_get(struct fs_ctl_store *store, struct vm_machine *machine, pid_t pid)
{
	struct ctl_file *file;

	pthread_mutex_lock(&store->lock);
	file = of_link(treap_find(store->files, key_of(pid)));
	if (file == NULL) {
		if (store->count >= store->sweep_at)
			sweep_locked(store, machine);
		file = file_new_locked(store, pid);
	}
	if (file != NULL)
		file->opens++;
	pthread_mutex_unlock(&store->lock);
	return file;
}

void ctl_store_put(struct fs_ctl_store *store, struct ctl_file *file, bool ended)
{
	pthread_mutex_lock(&store->lock);
	if (--file->opens == 0 && (ended || file->last == NULL))
		file_remove_locked(store, file);
	pthread_mutex_unlock(&store->lock);
}

void ctl_store_set(struct fs_ctl_store *store, struct ctl_file *file, const struct vm_cred *who,
                   GBytes *last)
{
	pthread_mutex_lock(&store->lock);
	forget_last_locked(store, file);
	file->last = last;
	file->who = *who;
	file->generation = ++store->generation;
	list_append(&store->recent, &file->link);
	store->bytes += g_bytes_get_size(last);
	while (store->bytes > STORE_MAX)
		forget_last_locked(store, LIST_ENTRY(store->recent.next, struct ctl_file, link));
	pthread_mutex_unlock(&store->lock);
}

GBytes *ctl_store_last(struct fs_ctl_store *store, struct ctl_file *file, struct vm_cred *who,
                       uint64_t *generation)
{
	GBytes *last;

	pthread_mutex_lock(&store->lock);
	last = file->last != NULL ? g_bytes_ref(file->last) : NULL;
	*who = file->who;
	*generation = file->generation;
	pthread_mutex_unlock(&store->lock);
	return last;
}
