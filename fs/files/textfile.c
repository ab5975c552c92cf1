/*
 * textfile.c - files of text: each open file has a snapshot of its text.
 */
#include "fs/files/textfile.h"

#include "fs/text/render.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct snapshot {
	pthread_mutex_t lock;
	GString *text; /* under lock; NULL: nothing was rendered yet */
};

/* The longest value. As in /proc/sys, it must fit into a page with its end. */
enum { VALUE_MAX = VM_PAGE_SIZE - 1 };

/*
 * Render the present text for CALLER. Returns NULL with *ERROR set to a negative errno if that
 * fails.
 */
static GString *render(struct fs_mount *mount, const struct tree_node *node,
                       const struct fs_caller *caller, int *error)
{
	const struct tree_file *file = node->file;
	struct vm_process *process = node->process;
	GString *text;

	*error = -ESRCH;
	if (process != NULL && !vm_process_alive(process))
		return NULL;
	text = g_string_new(NULL);
	*error = file->view != NULL ? file->view(text, mount, process, caller)
	                            : file->render(text, mount, process);
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
	GString *text = render(handle->mount, &handle->node, &handle->opener, &error);

	if (text != NULL)
		snapshot_new(handle, text);
	return error;
}

static void textfile_release(struct fs_handle *handle)
{
	struct snapshot *snapshot = handle->state;

	pthread_mutex_destroy(&snapshot->lock);
	if (snapshot->text != NULL)
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
	if (old != NULL)
		g_string_free(old, TRUE);
}

/* Copy at most SIZE bytes, starting at OFFSET, to BUF. Returns how many. */
static size_t snapshot_copy(struct snapshot *snapshot, char *buf, size_t size, size_t offset)
{
	pthread_mutex_lock(&snapshot->lock);
	if (snapshot->text != NULL && offset < snapshot->text->len) {
		size = MIN(size, snapshot->text->len - offset);
		memcpy(buf, snapshot->text->str + offset, size);
	} else {
		size = 0;
	}
	pthread_mutex_unlock(&snapshot->lock);
	return size;
}

static off_t textfile_size(const struct fs_handle *handle)
{
	struct snapshot *snapshot = handle->state;
	off_t size;

	pthread_mutex_lock(&snapshot->lock);
	size = snapshot->text != NULL ? (off_t)snapshot->text->len : -1;
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
	if (offset == 0 || textfile_size(handle) < 0) {
		GString *text = render(handle->mount, &handle->node, &handle->opener, &error);
		if (text != NULL)
			snapshot_replace(handle->state, text);
	}
	if (error != 0)
		fuse_reply_err(req, -error);
	else
		snapshot_reply(req, handle->state, size, offset);
}

/* --- Sizes ------------------------------------------------------------------------------------ */

/*
 * stat renders a text that takes no more than this many lines, so that it stays quick: `ls -l` asks
 * for the size of every file.
 */
enum { MEASURED_MAX = 100, AREA_LINES = 8 };

static uint64_t pages_of(const struct vm_process_info *info)
{
	return resident_pages(info) + info->swap + info->tables;
}

/* The work to render the text of NODE, about as many units as the text of one area in maps is. */
static uint64_t work_of(struct fs_mount *mount, const struct tree_node *node)
{
	struct vm_process_info info = {0};
	struct vm_machine_info machine;

	if (node->process != NULL)
		vm_process_info(node->process, &info);
	switch (node->file->work) {
	case WORK_LITTLE:
		return 0;
	case WORK_AREAS:
		return info.areas;
	case WORK_PAGES:
		return pages_of(&info);
	case WORK_USAGE:
		return pages_of(&info) + info.areas * AREA_LINES;
	case WORK_FRAMES:
		vm_machine_info(mount->machine, &machine);
		return machine.frames_total - machine.frames_free;
	case WORK_MUCH:
		break;
	}
	return UINT64_MAX;
}

static off_t textfile_measure(struct fs_mount *mount, const struct tree_node *node,
                              const struct fs_caller *caller)
{
	GString *text;
	off_t size;
	int error;

	if (node->file->view == NULL && node->file->render == NULL)
		return 0;
	if (node->file->length != NULL)
		return node->file->length(node->process);
	if (work_of(mount, node) > MEASURED_MAX)
		return -1;
	text = render(mount, node, caller, &error);
	if (text == NULL)
		return -1;
	size = (off_t)text->len;
	g_string_free(text, TRUE);
	return size;
}

const struct file_class textfile_class = {
    .open = textfile_open,
    .release = textfile_release,
    .read = textfile_read,
    .measure = textfile_measure,
    .size = textfile_size,
};

/* --- Values ----------------------------------------------------------------------------------- */

/*
 * The text is rendered at the first read, because a caller who only writes need not be allowed to
 * see it.
 */
static int valuefile_open(struct fs_handle *handle)
{
	snapshot_new(handle, NULL);
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
    .measure = textfile_measure,
    .size = textfile_size,
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
    .size = textfile_size,
};
