/*
 * ctl_store.c - the last result of each ctl file.
 */
#include "fs/ctl/ctl_store.h"

#include "util/list.h"

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
};

struct fs_ctl_store {
	pthread_mutex_t lock;    /* guards everything below, and every ctl_file */
	GHashTable *files;       /* from pid to struct ctl_file */
	struct list_link recent; /* records with a last result, the newest at the end */
	size_t bytes;            /* of those results */
	size_t sweep_at;         /* with that many records, look for dead processes */
	uint64_t generation;
};

struct fs_ctl_store *fs_ctl_store_new(void)
{
	struct fs_ctl_store *store = g_new0(struct fs_ctl_store, 1);

	pthread_mutex_init(&store->lock, NULL);
	store->files = g_hash_table_new(NULL, NULL);
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

static void file_free_locked(struct fs_ctl_store *store, struct ctl_file *file)
{
	forget_last_locked(store, file);
	g_free(file);
}

void fs_ctl_store_free(struct fs_ctl_store *store)
{
	GHashTableIter iter;
	void *file;

	g_hash_table_iter_init(&iter, store->files);
	while (g_hash_table_iter_next(&iter, NULL, &file))
		file_free_locked(store, file);
	g_hash_table_destroy(store->files);
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
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, store->files);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct ctl_file *file = value;

		if (file->opens == 0 && pid_ended(machine, file->pid)) {
			g_hash_table_iter_remove(&iter);
			file_free_locked(store, file);
		}
	}
	store->sweep_at = MAX(SWEEP_MIN, 2 * (size_t)g_hash_table_size(store->files));
}

struct ctl_file *ctl_store_get(struct fs_ctl_store *store, struct vm_machine *machine, pid_t pid)
{
	struct ctl_file *file;

	pthread_mutex_lock(&store->lock);
	file = g_hash_table_lookup(store->files, GINT_TO_POINTER(pid));
	if (file == NULL) {
		if (g_hash_table_size(store->files) >= store->sweep_at)
			sweep_locked(store, machine);
		file = g_new0(struct ctl_file, 1);
		file->pid = pid;
		list_init(&file->link);
		g_hash_table_insert(store->files, GINT_TO_POINTER(pid), file);
	}
	file->opens++;
	pthread_mutex_unlock(&store->lock);
	return file;
}

void ctl_store_put(struct fs_ctl_store *store, struct ctl_file *file, bool ended)
{
	pthread_mutex_lock(&store->lock);
	if (--file->opens == 0 && (ended || file->last == NULL)) {
		g_hash_table_remove(store->files, GINT_TO_POINTER(file->pid));
		file_free_locked(store, file);
	}
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
