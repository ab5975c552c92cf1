/*
 * textfile.c - files of text: each open file has a snapshot of its text.
 */
#include "fs/files/textfile.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct snapshot {
	pthread_mutex_t lock;
	GString *text; /* under lock */
};

/* The longest value. As in /proc/sys, it must fit into a page with its end. */
enum { VALUE_MAX = VM_PAGE_SIZE - 1 };

/* Render the current text. Returns NULL with *ERROR set to a negative errno if that fails. */
static GString *render(const struct fs_handle *handle, int *error)
{
	const struct tree_file *file = handle->node.file;
	struct vm_process *process = handle->node.process;
	GString *text;

	*error = -ESRCH;
	if (process != NULL && !vm_process_alive(process))
		return NULL;
	text = g_string_new(NULL);
	*error = file->view != NULL ? file->view(text, handle->mount, process, &handle->opener)
	                            : file->render(text, handle->mount, process);
	if (*error == 0)
		return text;
	g_string_free(text, TRUE);
	return NULL;
}

static void snapshot_new(struct fs_handle *handle, GString *text)
{
	struct snapshot *snapshot = g_new0(struct snapshot, 1);

	pthread_mutex_init(&snapshot->lock, NULL);
	snapshot->text = text;
	handle->state = snapshot;
}

static int textfile_open(struct fs_handle *handle)
{
	int error;
	GString *text = render(handle, &error);

	if (text != NULL)
		snapshot_new(handle, text);
	return error;
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

/* Copy at most SIZE bytes, starting at OFFSET, to BUF. Returns how many. */
static size_t snapshot_copy(struct snapshot *snapshot, char *buf, size_t size, size_t offset)
{
	pthread_mutex_lock(&snapshot->lock);
	offset = MIN(offset, snapshot->text->len);
	size = MIN(size, snapshot->text->len - offset);
	memcpy(buf, snapshot->text->str + offset, size);
	pthread_mutex_unlock(&snapshot->lock);
	return size;
}

static void snapshot_reply(fuse_req_t req, struct snapshot *snapshot, size_t size, off_t offset)
{
	g_autofree char *buf = g_try_malloc(size);

	if (buf == NULL)
		fuse_reply_err(req, ENOMEM);
	else
		fuse_reply_buf(req, buf, snapshot_copy(snapshot, buf, size, (size_t)offset));
}

static void textfile_read(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                          size_t size, off_t offset, int flags)
{
	int error = 0;

	/* No lock while rendering: of two reads at offset 0 at a time, either's text may stay. */
	if (offset == 0) {
		GString *text = render(handle, &error);
		if (text != NULL)
			snapshot_replace(handle->state, text);
	}
	if (error != 0)
		fuse_reply_err(req, -error);
	else
		snapshot_reply(req, handle->state, size, offset);
}

const struct file_class textfile_class = {
    .open = textfile_open,
    .release = textfile_release,
    .read = textfile_read,
};

/* --- Values ----------------------------------------------------------------------------------- */

/*
 * The text is rendered at the first read, because a caller who only writes need not be allowed to
 * see it.
 */
static int valuefile_open(struct fs_handle *handle)
{
	snapshot_new(handle, g_string_new(NULL));
	return 0;
}

static void valuefile_read(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                           size_t size, off_t offset, int flags)
{
	if (handle->node.file->render == NULL)
		fuse_reply_err(req, EINVAL);
	else
		textfile_read(req, caller, handle, size, offset, flags);
}

static int store_value(const struct fs_handle *handle, const char *buf, size_t size)
{
	struct vm_process *process = handle->node.process;
	g_autofree char *text = NULL;

	if (process != NULL && !vm_process_alive(process))
		return -ESRCH;
	if (size > VALUE_MAX || memchr(buf, '\0', size) != NULL)
		return -EINVAL;
	text = g_strndup(buf, size);
	return handle->node.file->store(handle->mount, process, g_strstrip(text));
}

static void valuefile_write(fuse_req_t req, const struct fs_caller *caller,
                            struct fs_handle *handle, const char *buf, size_t size, off_t offset)
{
	int error = store_value(handle, buf, size);

	if (error != 0)
		fuse_reply_err(req, -error);
	else
		fuse_reply_write(req, size);
}

const struct file_class valuefile_class = {
    .open = valuefile_open,
    .release = textfile_release,
    .read = valuefile_read,
    .write = valuefile_write,
};

/* --- A caller's own --------------------------------------------------------------------------- */

static int ownfile_open(struct fs_handle *handle)
{
	const struct vm_process_info info = {
	    .pid = handle->node.pid,
	    .cred = {handle->opener.uid, handle->opener.gid},
	    .comm = "vasfs-caller",
	};
	GString *text = g_string_new(NULL);

	handle->node.file->own(text, &info);
	snapshot_new(handle, text);
	return 0;
}

static void ownfile_read(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                         size_t size, off_t offset, int flags)
{
	snapshot_reply(req, handle->state, size, offset);
}

const struct file_class ownfile_class = {
    .open = ownfile_open,
    .release = textfile_release,
    .read = ownfile_read,
};
