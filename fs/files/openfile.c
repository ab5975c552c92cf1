/*
 * openfile.c - the open files of a mount.
 */
#include "fs/files/openfile.h"
#include "fs/files/directory.h"
#include "fs/files/tree.h"

enum {
	/* About the memory that an open file takes, besides its text. */
	HANDLE_BYTES = 512,
	/*
	 * So many open files of an inode are looked at. Somebody may have very many, and others
	 * shall not wait for that.
	 */
	LOOK_MAX = 4096,
};

const struct file_class *openfile_class(const struct tree_file *file)
{
	return S_ISDIR(file->mode) ? &directory_class : file->class;
}

bool openfile_is_opener(const struct fs_handle *handle, const struct fs_caller *caller)
{
	return caller->uid == handle->opener.uid && caller->gid == handle->opener.gid;
}

/* The list that has the open files of INO, which is a plain number (tree_shown_ino). */
static struct list_link *list_of(struct openfile_table *table, fuse_ino_t ino)
{
	return &table->lists[(ino ^ ino >> 32) % OPENFILE_LISTS];
}

int openfile_new(struct openfile_table *table, struct fs_mount *mount, struct tree_node *node,
                 const struct fs_caller *caller, int flags, struct fs_handle **handle)
{
	struct fs_handle *new = g_try_new0(struct fs_handle, 1);
	int error = 0;

	if (new == NULL)
		return -ENOMEM;
	budget_open(mount->budget, caller->uid, &new->share);
	if (!budget_resize(&new->share, HANDLE_BYTES)) {
		g_free(new);
		return -ENOMEM;
	}
	new->class = openfile_class(node->file);
	new->mount = mount;
	new->node = *node;
	new->opener = *caller;
	new->flags = flags;
	new->table = table;
	new->refs = 1;
	if (new->class->open != NULL)
		error = new->class->open(new);
	if (error != 0) {
		budget_close(&new->share);
		g_free(new);
		return error;
	}
	node->process = NULL;
	pthread_mutex_lock(&table->lock);
	/* Nobody looks for directories. */
	list_append(S_ISDIR(new->node.file->mode) ? &table->directories
	                                          : list_of(table, tree_ino(&new->node)),
	            &new->link);
	pthread_mutex_unlock(&table->lock);
	*handle = new;
	return 0;
}

void openfile_ref(struct fs_handle *handle)
{
	g_atomic_int_inc(&handle->refs);
}

void openfile_put(struct fs_handle *handle)
{
	struct openfile_table *table = handle->table;

	if (!g_atomic_int_dec_and_test(&handle->refs))
		return;
	pthread_mutex_lock(&table->lock);
	list_remove(&handle->link);
	pthread_mutex_unlock(&table->lock);
	if (handle->class->release != NULL)
		handle->class->release(handle);
	tree_node_clear(&handle->node);
	budget_close(&handle->share);
	g_free(handle);
}

/* Whether the text of FILE may be another for another reader. */
static bool depends_on_reader(const struct tree_file *file)
{
	return file->view != NULL || file->lines != NULL;
}

bool openfile_look(struct openfile_table *table, fuse_ino_t ino, const struct fs_caller *asker,
                   struct open_files *open)
{
	fuse_ino_t shown = tree_shown_ino(ino);
	struct list_link *list = list_of(table, shown);
	int looks = 0;

	*open = (struct open_files){.own = -1, .last = -1};
	pthread_mutex_lock(&table->lock);
	/* The newest first: who asks has mostly just opened it. */
	for (struct list_link *l = list->prev; l != list && open->own < 0 && looks++ < LOOK_MAX;
	     l = l->prev) {
		struct fs_handle *handle = LIST_ENTRY(l, struct fs_handle, link);
		off_t size;

		if (tree_ino(&handle->node) != shown)
			continue;
		if (open->node.file == NULL)
			open->node = tree_node_copy(&handle->node);
		size = handle->class->size != NULL ? handle->class->size(handle) : -1;
		bool same = openfile_is_opener(handle, asker);
		if (size >= 0 && open->last < 0 && (same || !depends_on_reader(handle->node.file)))
			open->last = size;
		if (size >= 0 && same && handle->opener.pid == asker->pid)
			open->own = size;
	}
	pthread_mutex_unlock(&table->lock);
	return open->node.file != NULL;
}

void openfile_table_init(struct openfile_table *table)
{
	pthread_mutex_init(&table->lock, NULL);
	for (int i = 0; i < OPENFILE_LISTS; i++)
		list_init(&table->lists[i]);
	list_init(&table->directories);
}

static void close_all(struct list_link *list)
{
	while (!list_empty(list))
		openfile_put(LIST_ENTRY(list->next, struct fs_handle, link));
}

void openfile_table_close(struct openfile_table *table)
{
	for (int i = 0; i < OPENFILE_LISTS; i++)
		close_all(&table->lists[i]);
	close_all(&table->directories);
	pthread_mutex_destroy(&table->lock);
}
