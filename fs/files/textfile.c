/*
 * textfile.c - files of text: each open file has a snapshot of its text.
 *
 * A text that is longer than WHOLE_MAX, or for which the budget has no room, is read in pieces
 * (fs_lines_fn). Then the snapshot is a window of the text, which moves forward as the text is
 * read. Each piece is rendered when it is read, so it is of another moment than the one before. An
 * offset before the window is found as seq_file of Linux finds it: from the start of the text.
 */
#include "fs/files/textfile.h"

#include "fs/base/budget.h"
#include "fs/files/call.h"
#include "fs/picture/picture.h"
#include "fs/text/render.h"
#include "util/text.h"
#include "vm/vm_cpu.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum {
	/* the longest value; as in /proc/sys, it must fit into a page with its end */
	VALUE_MAX = VM_PAGE_SIZE - 1,
	/* the most memory for a text that is kept whole */
	WHOLE_MAX = 8 << 20,
	/* about how much of a longer one is rendered at a time */
	PIECE = 128 << 10,
	/* for snapshot.size */
	NOT_RENDERED = -1,
	IN_PIECES = -2,
};

struct snapshot {
	off_t size; /* atomic: bytes of the whole text, NOT_RENDERED, or IN_PIECES */
	pthread_mutex_t lock;
	/* Under lock. */
	struct budget_share share; /* for the memory of `text` */
	GString *text;             /* or NULL */
	/* 0 and unused, unless the text is read in pieces: */
	uint64_t start; /* the offset of `text` in the file */
	uint64_t from;  /* the place of the line after `text`, if there are `more` */
	bool more;
};

static void snapshot_new(struct fs_handle *handle)
{
	struct snapshot *snapshot = g_new0(struct snapshot, 1);

	snapshot->size = NOT_RENDERED;
	pthread_mutex_init(&snapshot->lock, NULL);
	budget_open(handle->mount->budget, handle->opener.uid, &snapshot->share);
	handle->state = snapshot;
}

static void drop_text_locked(struct snapshot *snapshot)
{
	if (snapshot->text != NULL)
		g_string_free(g_steal_pointer(&snapshot->text), TRUE);
	budget_resize(&snapshot->share, 0);
}

static void textfile_release(struct fs_handle *handle)
{
	struct snapshot *snapshot = handle->state;

	drop_text_locked(snapshot);
	pthread_mutex_destroy(&snapshot->lock);
	g_free(snapshot);
}

static void set_size(struct snapshot *snapshot, off_t size)
{
	__atomic_store_n(&snapshot->size, size, __ATOMIC_RELEASE);
}

static off_t get_size(const struct snapshot *snapshot)
{
	return __atomic_load_n(&snapshot->size, __ATOMIC_ACQUIRE);
}

static off_t textfile_size(const struct fs_handle *handle)
{
	off_t size = get_size(handle->state);

	return size >= 0 ? size : -1;
}

/* A read far behind the window renders all before it. */
static bool textfile_takes_long(const struct fs_handle *handle)
{
	return get_size(handle->state) == IN_PIECES || handle->node.file->length != NULL;
}

/* --- Rendering -------------------------------------------------------------------------------- */

/* Whether NODE is of a zombie. It has no memory, so most of its texts are empty, as in Linux. */
static bool is_zombie(const struct tree_node *node)
{
	return node->process != NULL && vm_process_listed(node->process) &&
	       !vm_process_alive(node->process);
}

/* Append to OUT the text of NODE, a file that is never long, for CALLER. 0 or a negative errno. */
static int render_at_once(GString *out, struct fs_mount *mount, const struct tree_node *node,
                          const struct fs_caller *caller)
{
	const struct tree_file *file = node->file;

	if (node->process != NULL && !vm_process_listed(node->process))
		return -ESRCH;
	int error = 0;
	if (file->is_fixed)
		g_string_append(out, file->fixed);
	else if (file->item != NULL)
		error = file->item(out, mount, node->process, node->index);
	else
		error = file->view != NULL ? file->view(out, mount, node->process, caller)
		                           : file->render(out, mount, node->process);
	return error == -ESRCH && is_zombie(node) ? 0 : error;
}

/* The same, with no program of the machine running meanwhile: the text is of one instant. */
static int render_short(GString *out, struct fs_mount *mount, const struct tree_node *node,
                        const struct fs_caller *caller)
{
	vm_cpu_hold(mount->machine);
	int error = render_at_once(out, mount, node, caller);
	vm_cpu_release(mount->machine);
	return error;
}

static int render_lines(struct text_lines *lines, struct fs_mount *mount,
                        const struct tree_node *node, const struct fs_caller *caller)
{
	if (node->process != NULL && !vm_process_listed(node->process))
		return -ESRCH;
	vm_cpu_hold(mount->machine);
	int error = node->file->lines(lines, mount, node->process, caller);
	vm_cpu_release(mount->machine);
	return error == -ESRCH && is_zombie(node) ? 0 : error;
}

/* Whether the share CTX has room for a whole text (text_lines.may_take). */
static bool may_be_whole(void *ctx, size_t size)
{
	return size <= WHOLE_MAX && budget_resize_spare(ctx, size);
}

/* The same for a piece of a text. */
static bool may_be_piece(void *ctx, size_t size)
{
	return budget_resize(ctx, size);
}

/* Begin to read the text in pieces. */
static void begin_pieces_locked(struct snapshot *snapshot)
{
	drop_text_locked(snapshot);
	snapshot->text = g_string_new(NULL);
	snapshot->start = snapshot->from = 0;
	snapshot->more = true;
	set_size(snapshot, IN_PIECES);
}

/* Render a text that may be long. If there is no room for all of it, it is read in pieces. */
static int fill_lines_locked(struct snapshot *snapshot, const struct fs_handle *handle)
{
	struct text_lines lines = {.out = g_string_new(NULL),
	                           .enough = G_MAXSIZE,
	                           .may_take = may_be_whole,
	                           .ctx = &snapshot->share};
	int error = render_lines(&lines, handle->mount, &handle->node, &handle->opener);

	snapshot->text = lines.out;
	if (!lines.full)
		return error;
	begin_pieces_locked(snapshot);
	return 0;
}

/* Render a text that is short. */
static int fill_short_locked(struct snapshot *snapshot, const struct fs_handle *handle)
{
	int error;

	snapshot->text = g_string_new(NULL);
	error = render_short(snapshot->text, handle->mount, &handle->node, &handle->opener);
	if (error == 0 && !budget_resize(&snapshot->share, snapshot->text->allocated_len))
		error = -ENOMEM;
	return error;
}

/* Render the text of HANDLE anew. 0 or a negative errno; then there is none. */
static int fill_locked(struct snapshot *snapshot, const struct fs_handle *handle)
{
	int error;

	drop_text_locked(snapshot);
	set_size(snapshot, NOT_RENDERED);
	error = handle->node.file->lines != NULL ? fill_lines_locked(snapshot, handle)
	                                         : fill_short_locked(snapshot, handle);
	if (error != 0)
		drop_text_locked(snapshot);
	else if (get_size(snapshot) != IN_PIECES)
		set_size(snapshot, (off_t)snapshot->text->len);
	return error;
}

/* --- Pieces ----------------------------------------------------------------------------------- */

/* Drop what the window has before OFFSET. */
static void advance_locked(struct snapshot *snapshot, uint64_t offset)
{
	size_t drop = MIN(snapshot->text->len, offset - snapshot->start);

	g_string_erase(snapshot->text, 0, (gssize)drop);
	snapshot->start += drop;
}

/* Render lines until LEN more bytes are in the window. */
static int next_piece_locked(struct snapshot *snapshot, const struct fs_handle *handle, size_t len)
{
	struct text_lines lines = {.out = snapshot->text,
	                           .enough = snapshot->text->len + len,
	                           .from = snapshot->from,
	                           .may_take = may_be_piece,
	                           .ctx = &snapshot->share};
	int error = render_lines(&lines, handle->mount, &handle->node, &handle->opener);

	snapshot->from = lines.from;
	snapshot->more = lines.more || error != 0;
	return error;
}

/* Move the window so that it has the SIZE bytes at OFFSET, as far as the text goes. */
static int seek_locked(struct snapshot *snapshot, const struct fs_handle *handle, size_t size,
                       uint64_t offset)
{
	int error = 0;

	if (offset < snapshot->start || offset == 0)
		begin_pieces_locked(snapshot);
	advance_locked(snapshot, offset);
	while (error == 0 && snapshot->more) {
		uint64_t end = snapshot->start + snapshot->text->len;

		if (end >= offset + size)
			break;
		error = vm_interrupted()
		            ? -EINTR
		            : next_piece_locked(snapshot, handle, MIN(offset + size - end, PIECE));
		advance_locked(snapshot, offset);
	}
	return error;
}

/* Forget the window up to END. What is left, less than a line, is copied to a smaller piece. */
static void trim_locked(struct snapshot *snapshot, uint64_t end)
{
	GString *rest;

	advance_locked(snapshot, end);
	rest = g_string_new_len(snapshot->text->str, (gssize)snapshot->text->len);
	if (budget_resize(&snapshot->share, rest->allocated_len)) {
		g_string_free(snapshot->text, TRUE);
		snapshot->text = rest;
	} else {
		g_string_free(rest, TRUE);
	}
}

/* --- Reading ---------------------------------------------------------------------------------- */

static int textfile_open(struct fs_handle *handle)
{
	struct snapshot *snapshot;
	int error;

	snapshot_new(handle);
	/* An open must not take long: the first read renders the text. */
	if (handle->node.file->length != NULL)
		return 0;
	snapshot = handle->state;
	pthread_mutex_lock(&snapshot->lock);
	error = fill_locked(snapshot, handle);
	pthread_mutex_unlock(&snapshot->lock);
	if (error != 0)
		textfile_release(handle);
	return error;
}

/* Copy at most SIZE bytes, starting at OFFSET, to BUF. Returns how many. */
static size_t copy_locked(const struct snapshot *snapshot, char *buf, size_t size, uint64_t offset)
{
	uint64_t at = offset - snapshot->start;

	if (at >= snapshot->text->len)
		return 0;
	size = MIN(size, snapshot->text->len - at);
	memcpy(buf, snapshot->text->str + at, size);
	return size;
}

/*
 * Bring SIZE bytes of the text at OFFSET to BUF. FRESH: at offset 0 it is rendered anew. Returns
 * how many bytes there are, or a negative errno.
 */
static ssize_t read_locked(struct snapshot *snapshot, const struct fs_handle *handle, char *buf,
                           size_t size, uint64_t offset, bool fresh)
{
	int error = 0;
	size_t got;

	if (snapshot->text == NULL || (fresh && offset == 0 && get_size(snapshot) != IN_PIECES))
		error = fill_locked(snapshot, handle);
	if (error == 0 && get_size(snapshot) == IN_PIECES)
		error = seek_locked(snapshot, handle, size, offset);
	if (snapshot->text == NULL)
		return error;
	got = copy_locked(snapshot, buf, size, offset);
	if (get_size(snapshot) == IN_PIECES)
		trim_locked(snapshot, offset + got);
	return got > 0 ? (ssize_t)got : error;
}

static void answer_read(fuse_req_t req, const struct fs_handle *handle, size_t size, off_t offset,
                        bool fresh)
{
	struct snapshot *snapshot = handle->state;
	g_autofree char *buf = g_try_malloc(size);
	ssize_t got = -ENOMEM;

	if (buf != NULL) {
		pthread_mutex_lock(&snapshot->lock);
		got = read_locked(snapshot, handle, buf, size, (uint64_t)offset, fresh);
		pthread_mutex_unlock(&snapshot->lock);
	}
	if (!call_claim())
		return;
	if (got < 0)
		fuse_reply_err(req, (int)-got);
	else
		fuse_reply_buf(req, buf, (size_t)got);
}

static void textfile_read(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                          size_t size, off_t offset, int flags)
{
	answer_read(req, handle, size, offset, true);
}

/* --- Sizes ------------------------------------------------------------------------------------ */

/*
 * stat renders a text that takes no more than this many lines, so that it stays quick: `ls -l` asks
 * for the size of every file.
 */
enum { MEASURED_MAX = 100, AREA_LINES = 8, PICTURE_MEASURED_MAX = 2000 };

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
	const struct tree_file *file = node->file;
	struct text_lines lines;
	GString *text;
	off_t size;
	int error;

	if (file->lines == NULL && file->view == NULL && file->render == NULL && file->item == NULL)
		return 0;
	if (file->length != NULL)
		return file->length(node->process);
	if (work_of(mount, node) > MEASURED_MAX)
		return -1;
	text = g_string_new(NULL);
	lines = (struct text_lines){.out = text, .enough = G_MAXSIZE};
	error = file->lines != NULL ? render_lines(&lines, mount, node, caller)
	                            : render_short(text, mount, node, caller);
	size = error == 0 ? (off_t)text->len : -1;
	g_string_free(text, TRUE);
	return size;
}

const struct file_class textfile_class = {
    .takes_long = textfile_takes_long,
    .open = textfile_open,
    .release = textfile_release,
    .read = textfile_read,
    .measure = textfile_measure,
    .size = textfile_size,
};

/* --- Pictures --------------------------------------------------------------------------------- */

static void picturefile_read(fuse_req_t req, const struct fs_caller *caller,
                             struct fs_handle *handle, size_t size, off_t offset, int flags)
{
	answer_read(req, handle, size, offset, false);
}

static off_t picturefile_measure(struct fs_mount *mount, const struct tree_node *node,
                                 const struct fs_caller *caller)
{
	g_autoptr(GString) text = NULL;

	if (work_of(mount, node) > PICTURE_MEASURED_MAX)
		return PICTURE_MAX;
	text = g_string_new(NULL);
	return render_short(text, mount, node, caller) == 0 ? (off_t)text->len : -1;
}

const struct file_class picturefile_class = {
    .open = textfile_open,
    .release = textfile_release,
    .read = picturefile_read,
    .measure = picturefile_measure,
    .size = textfile_size,
};

/* --- Values ----------------------------------------------------------------------------------- */

/*
 * The text is rendered at the first read, because a caller who only writes need not be allowed to
 * see it.
 */
static int valuefile_open(struct fs_handle *handle)
{
	snapshot_new(handle);
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
	g_strstrip(text);
	const struct tree_file *file = handle->node.file;
	return file->store_as != NULL
	           ? file->store_as(handle->mount, process, &handle->opener, text)
	           : file->store(handle->mount, process, text);
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
	    .threads = 1,
	};
	struct snapshot *snapshot;

	snapshot_new(handle);
	snapshot = handle->state;
	snapshot->text = g_string_new(NULL);
	handle->node.file->own(snapshot->text, handle->mount, &handle->opener, &info);
	set_size(snapshot, (off_t)snapshot->text->len);
	if (budget_resize(&snapshot->share, snapshot->text->allocated_len))
		return 0;
	textfile_release(handle);
	return -ENOMEM;
}

static void ownfile_read(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                         size_t size, off_t offset, int flags)
{
	answer_read(req, handle, size, offset, false);
}

const struct file_class ownfile_class = {
    .open = ownfile_open,
    .release = textfile_release,
    .read = ownfile_read,
    .size = textfile_size,
};
