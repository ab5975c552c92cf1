/*
 * directory.c - reading directories: first "." and "..", then the named files of the table, then
 * those whose name is a number. In the root these are the processes, in the order of their pids.
 */
#include "fs/files/directory.h"

#include "fs/base/budget.h"
#include "fs/files/tree.h"
#include "util/array.h"

#include <errno.h>
#include <pthread.h>

/* A row of the table. If it has numbers, NUMBER says which of its nodes. */
struct entry {
	const struct tree_file *file;
	int number;
	uint64_t place; /* tree_add_fn */
};

enum { DOTS = 2 }; /* "." and ".." come first */

struct directory {
	pthread_mutex_t lock;
	/* Under lock. */
	struct array entries;      /* of struct entry, without the dots */
	bool taken;                /* whether `entries` is filled */
	struct budget_share share; /* for the memory of `entries` */
};

/* False: no memory. */
static bool entry_add(struct array *entries, const struct tree_file *file, int number,
                      uint64_t place)
{
	struct entry *entry = array_add(entries, sizeof *entry);

	if (entry != NULL)
		*entry = (struct entry){file, number, place};
	return entry != NULL;
}

/* Adds nodes of FILE to ENTRIES, for tree_numbers.each. */
struct adding {
	struct array *entries;
	const struct tree_file *file;
	bool lacks; /* no memory */
};

static bool add_one(void *ctx, int number, uint64_t place)
{
	struct adding *adding = ctx;

	adding->lacks = !entry_add(adding->entries, adding->file, number, place);
	return !adding->lacks;
}

/* False: no memory. */
static bool add_each(struct array *entries, const struct fs_handle *handle,
                     const struct tree_file *file)
{
	struct adding adding = {.entries = entries, .file = file};

	file->numbers->each(handle->mount, handle->node.process, &handle->opener, add_one, &adding);
	return !adding.lacks;
}

/* False: no memory. */
static bool add_numbered(struct array *entries, const struct fs_handle *handle,
                         const struct tree_file *file)
{
	int number = -1;

	if (file->numbers->each != NULL)
		return add_each(entries, handle, file);
	if (file->numbers->next == NULL)
		return true;
	while ((number = file->numbers->next(handle->mount, handle->node.process, number)) >= 0)
		if (!entry_add(entries, file, number, 0))
			return false;
	return true;
}

/* False if there is no room for them, and there is no snapshot. */
static bool snapshot_take(struct directory *directory, const struct fs_handle *handle)
{
	const struct tree_file *dir = handle->node.file, *file = NULL;
	bool taken = true;

	directory->entries.len = 0;
	while (taken && (file = tree_next(dir, file)) != NULL)
		if (file->numbers == NULL)
			taken = entry_add(&directory->entries, file, 0, 0);
	file = NULL;
	while (taken && (file = tree_next(dir, file)) != NULL)
		if (file->numbers != NULL)
			taken = add_numbered(&directory->entries, handle, file);
	directory->taken = taken && budget_resize(&directory->share,
	                                          directory->entries.len * sizeof(struct entry));
	return directory->taken;
}

static int directory_open(struct fs_handle *handle)
{
	struct directory *directory = g_try_new0(struct directory, 1);

	if (directory == NULL)
		return -ENOMEM;
	pthread_mutex_init(&directory->lock, NULL);
	budget_open(handle->mount->budget, handle->opener.uid, &directory->share);
	handle->state = directory;
	return 0;
}

static void directory_release(struct fs_handle *handle)
{
	struct directory *directory = handle->state;

	array_clear(&directory->entries);
	budget_close(&directory->share);
	pthread_mutex_destroy(&directory->lock);
	g_free(directory);
}

static const struct entry *entry_at(const struct fs_handle *handle, size_t index)
{
	const struct directory *directory = handle->state;

	return &ARRAY_AT(&directory->entries, struct entry, index - DOTS);
}

/* Fill in number and type of "." or "..". */
static void dot_param(const struct fs_handle *handle, size_t index, struct fuse_entry_param *param)
{
	struct tree_node node = index == 0 ? handle->node : tree_parent(&handle->node);

	param->attr.st_ino = tree_ino(&node);
	param->attr.st_mode = node.file->mode;
}

/*
 * Fill in number and type of the entry at INDEX. With PLUS fill in all that a lookup answers, if
 * the entry is still there.
 */
static void entry_param(const struct fs_handle *handle, size_t index, bool plus,
                        struct fuse_entry_param *param)
{
	const struct entry *entry;
	struct tree_node node;

	*param = (struct fuse_entry_param){0};
	if (index < DOTS) {
		dot_param(handle, index, param);
		return;
	}
	entry = entry_at(handle, index);
	node = tree_child(&handle->node, entry->file, entry->number);
	param->attr.st_ino = tree_ino(&node);
	param->attr.st_mode = node.file->mode;
	if (!plus || !tree_find(handle->mount, param->attr.st_ino, &node))
		return;
	tree_entry(handle->mount, &node, param);
	tree_node_clear(&node);
}

static const char *entry_name(const struct fs_handle *handle, size_t index,
                              char number[static TREE_NAME])
{
	const struct entry *entry;

	if (index < DOTS)
		return index == 0 ? "." : "..";
	entry = entry_at(handle, index);
	if (entry->file->name != NULL)
		return entry->file->name;
	if (entry->file->numbers->name != NULL)
		entry->file->numbers->name(handle->node.process, entry->number, entry->place,
		                           number);
	else
		g_snprintf(number, TREE_NAME, "%d", entry->number);
	return number;
}

/*
 * Append the entry at INDEX to BUF if it fits into ROOM bytes. Returns the bytes it takes or would
 * take, 0 for one that is left out.
 */
static size_t entry_append(fuse_req_t req, const struct fs_handle *handle, size_t index, char *buf,
                           size_t room, bool plus)
{
	struct fuse_entry_param param;
	char number[TREE_NAME];
	const char *name = entry_name(handle, index, number);

	/* It is gone, and so is its name. */
	if (name[0] == '\0')
		return 0;
	entry_param(handle, index, plus, &param);
	if (plus)
		return fuse_add_direntry_plus(req, buf, room, name, &param, (off_t)index + 1);
	return fuse_add_direntry(req, buf, room, name, &param.attr, (off_t)index + 1);
}

/*
 * Fill BUF with entries, starting at INDEX, until SIZE bytes are full. Returns the bytes used.
 * Called with the lock of the directory held.
 */
static size_t append_entries(fuse_req_t req, const struct fs_handle *handle, size_t index,
                             char *buf, size_t size, bool plus)
{
	const struct directory *directory = handle->state;
	size_t used = 0, length;

	for (; index < DOTS + directory->entries.len; index++) {
		length = entry_append(req, handle, index, buf + used, size - used, plus);
		if (length > size - used)
			break;
		used += length;
	}
	return used;
}

void directory_read(fuse_req_t req, struct fs_handle *handle, size_t size, off_t offset, bool plus)
{
	bool gone = handle->node.process != NULL && !vm_process_listed(handle->node.process);
	struct directory *directory = handle->state;
	g_autofree char *buf = g_try_malloc(size);
	size_t used = 0;

	if (gone || buf == NULL) {
		fuse_reply_err(req, gone ? ENOENT : ENOMEM);
		return;
	}
	pthread_mutex_lock(&directory->lock);
	bool taken = (offset != 0 && directory->taken) || snapshot_take(directory, handle);
	if (taken)
		used = append_entries(req, handle, (size_t)offset, buf, size, plus);
	pthread_mutex_unlock(&directory->lock);
	if (taken)
		fuse_reply_buf(req, buf, used);
	else
		fuse_reply_err(req, ENOMEM);
}

const struct file_class directory_class = {
    .open = directory_open,
    .release = directory_release,
};
