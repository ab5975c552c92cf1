/*
 * textfile.c - text files: a snapshot a handle.
 */
#include "fs/textfile.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct snapshot {
	pthread_mutex_t lock;
	GString *text; /* under lock */
};

/* The text as it is now, or NULL with *ERROR a negative errno. */
static GString *render(const struct fs_handle *handle, int *error)
{
	GString *text;

	*error = -ESRCH;
	if (handle->process != NULL && !vm_process_alive(handle->process))
		return NULL;
	text = g_string_new(NULL);
	*error = handle->file->render(text, handle->mount, handle->process);
	if (*error == 0)
		return text;
	g_string_free(text, TRUE);
	return NULL;
}

static int textfile_open(struct fs_handle *handle)
{
	struct snapshot *snapshot;
	int error;
	GString *text = render(handle, &error);

	if (text == NULL)
		return error;
	snapshot = g_new0(struct snapshot, 1);
	pthread_mutex_init(&snapshot->lock, NULL);
	snapshot->text = text;
	handle->state = snapshot;
	return 0;
}

static void textfile_release(struct fs_handle *handle)
{
	struct snapshot *snapshot = handle->state;

	pthread_mutex_destroy(&snapshot->lock);
	g_string_free(snapshot->text, TRUE);
	g_free(snapshot);
}

static void snapshot_replace(struct snapshot *snapshot, GString *text)
{
	GString *old;

	pthread_mutex_lock(&snapshot->lock);
	old = snapshot->text;
	snapshot->text = text;
	pthread_mutex_unlock(&snapshot->lock);
	g_string_free(old, TRUE);
}

/* Copy at most SIZE bytes from OFFSET on into BUF. Returns how many. */
static size_t snapshot_copy(struct snapshot *snapshot, char *buf, size_t size, size_t offset)
{
	pthread_mutex_lock(&snapshot->lock);
	offset = MIN(offset, snapshot->text->len);
	size = MIN(size, snapshot->text->len - offset);
	memcpy(buf, snapshot->text->str + offset, size);
	pthread_mutex_unlock(&snapshot->lock);
	return size;
}

static void textfile_read(fuse_req_t req, struct fs_handle *handle, size_t size, off_t offset)
{
	g_autofree char *buf = g_try_malloc(size);
	int error = buf != NULL ? 0 : -ENOMEM;

	if (error == 0 && offset == 0) {
		GString *text = render(handle, &error);
		if (text != NULL)
			snapshot_replace(handle->state, text);
	}
	if (error != 0)
		fuse_reply_err(req, -error);
	else
		fuse_reply_buf(req, buf, snapshot_copy(handle->state, buf, size, (size_t)offset));
}

const struct file_class textfile_class = {
    .open = textfile_open,
    .release = textfile_release,
    .read = textfile_read,
};
