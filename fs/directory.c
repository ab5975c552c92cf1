/*
 * directory.c - reading directories: ".", "..", the files of the table, then in the root the processes by rising pid.
 */
#include "fs/directory.h"

#include <errno.h>
#include <pthread.h>

/* One entry: a file in a process, 0 for the root. */
struct entry {
	const struct tree_file *file;
	pid_t pid;
};

struct directory {
	pthread_mutex_t lock;
	GArray *entries; /* of struct entry, under lock; the first two are "." and ".." */
};

static void entry_add(GArray *entries, const struct tree_file *file, pid_t pid)
{
	struct entry entry = {file, pid};

	g_array_append_val(entries, entry);
}

static void add_processes(GArray *entries, struct vm_machine *machine)
{
	GArray *pids = vm_machine_pids(machine);

	for (guint i = 0; i < pids->len; i++)
		entry_add(entries, tree_process_dir(), g_array_index(pids, pid_t, i));
	g_array_unref(pids);
}

static pid_t handle_pid(const struct fs_handle *handle)
{
	return handle->process != NULL ? vm_process_pid(handle->process) : 0;
}

static void snapshot_take(GArray *entries, const struct fs_handle *handle)
{
	const struct tree_file *dir = handle->file, *file = NULL;
	const struct tree_file *parent = dir->parent != NULL ? dir->parent : dir;
	pid_t pid = handle_pid(handle);

	g_array_set_size(entries, 0);
	entry_add(entries, dir, pid);
	entry_add(entries, parent, tree_has_processes(parent) ? 0 : pid);
	while ((file = tree_next(dir, file)) != NULL)
		entry_add(entries, file, pid);
	if (tree_has_processes(dir))
		add_processes(entries, handle->mount->machine);
}

static int directory_open(struct fs_handle *handle)
{
	struct directory *directory = g_new0(struct directory, 1);

	pthread_mutex_init(&directory->lock, NULL);
	directory->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
	handle->state = directory;
	return 0;
}

static void directory_release(struct fs_handle *handle)
{
	struct directory *directory = handle->state;

	g_array_unref(directory->entries);
	pthread_mutex_destroy(&directory->lock);
	g_free(directory);
}

/* A reference to the process of ENTRY, or NULL: it is a file of the root, or has ended since. */
static struct vm_process *entry_process(const struct fs_handle *handle, const struct entry *entry)
{
	if (handle->process != NULL)
		return vm_process_ref(handle->process);
	return entry->pid != 0 ? vm_process_find(handle->mount->machine, entry->pid) : NULL;
}

static const struct entry *entry_at(const struct fs_handle *handle, size_t index)
{
	const struct directory *directory = handle->state;

	return &g_array_index(directory->entries, struct entry, index);
}

/* What is known of the entry at INDEX: number and type, with PLUS all that a lookup answers. */
static void entry_param(const struct fs_handle *handle, size_t index, bool plus, struct fuse_entry_param *param)
{
	const struct entry *entry = entry_at(handle, index);
	struct vm_process *process;

	*param = (struct fuse_entry_param){
	    .attr = {.st_ino = tree_ino(entry->file, entry->pid), .st_mode = entry->file->mode},
	};
	if (!plus || index < 2)
		return;
	process = entry_process(handle, entry);
	if (entry->pid == 0 || process != NULL)
		tree_entry(handle->mount, entry->file, process, param);
	if (process != NULL)
		vm_process_unref(process);
}

static const char *entry_name(const struct fs_handle *handle, size_t index, char number[static 16])
{
	const struct entry *entry = entry_at(handle, index);

	if (index < 2)
		return index == 0 ? "." : "..";
	if (entry->file->name != NULL)
		return entry->file->name;
	g_snprintf(number, 16, "%d", entry->pid);
	return number;
}

/* Append the entry at INDEX to BUF if it fits into ROOM. Returns the bytes it takes. */
static size_t entry_append(fuse_req_t req, const struct fs_handle *handle, size_t index, char *buf, size_t room,
                           bool plus)
{
	struct fuse_entry_param param;
	char number[16];
	const char *name = entry_name(handle, index, number);

	entry_param(handle, index, plus, &param);
	if (plus)
		return fuse_add_direntry_plus(req, buf, room, name, &param, (off_t)index + 1);
	return fuse_add_direntry(req, buf, room, name, &param.attr, (off_t)index + 1);
}

/* Fill BUF with the entries from INDEX on that fit into SIZE. Returns the bytes they take. */
static size_t append_entries(fuse_req_t req, const struct fs_handle *handle, size_t index, char *buf, size_t size,
                             bool plus)
{
	const struct directory *directory = handle->state;
	size_t used = 0, length;

	for (; index < directory->entries->len; index++, used += length) {
		length = entry_append(req, handle, index, buf + used, size - used, plus);
		if (length > size - used)
			break;
	}
	return used;
}

void directory_read(fuse_req_t req, struct fs_handle *handle, size_t size, off_t offset, bool plus)
{
	bool gone = handle->process != NULL && !vm_process_alive(handle->process);
	struct directory *directory = handle->state;
	g_autofree char *buf = g_try_malloc(size);
	size_t used;

	if (gone || buf == NULL) {
		fuse_reply_err(req, gone ? ENOENT : ENOMEM);
		return;
	}
	pthread_mutex_lock(&directory->lock);
	if (offset == 0 || directory->entries->len == 0)
		snapshot_take(directory->entries, handle);
	used = append_entries(req, handle, (size_t)offset, buf, size, plus);
	pthread_mutex_unlock(&directory->lock);
	fuse_reply_buf(req, buf, used);
}

const struct file_class directory_class = {
    .open = directory_open,
    .release = directory_release,
};
