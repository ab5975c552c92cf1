/*
 * replayfile.c - PID/replay. What is written is a trace: the process makes its accesses. A read
 * gets the counts, a line each; after the last one comes the end of the file, and the next read
 * gets them afresh.
 *
 * Each open file has a reader of traces of its own, so two writers do not mix, and lines may be cut
 * anywhere. A last line without a newline is read when the writer closes the file (flush), as in
 * ctl. The first line that is none, or access that fails, ends the trace: that write and all
 * that follow fail with its errno, and what came before is done. Why is kept (ctl/replay_note.h) as
 * the line `error` of what is read, until another trace begins or the process is reset.
 *
 * A write works in pieces of PIECE bytes. If it is interrupted it ends after one of them, and says
 * how much it took: whoever copies a stream (pv, with its timer) loses nothing.
 */
#include "fs/files/replayfile.h"
#include "fs/ctl/command_why.h"
#include "fs/ctl/replay_note.h"
#include "fs/files/call.h"
#include "trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { PIECE = 16 << 10 };

struct replayfile {
	struct fs_mount *mount;
	struct vm_process *process; /* the node's */
	struct budget_share share;  /* for the reader */
	pthread_mutex_t lock;
	/* Under the lock. */
	struct trace_reader *reader; /* made by the first write */
	uint64_t passed_over;        /* lines, as it said last */
	uint64_t writer;             /* the table of descriptors of who wrote last */
	int error;                   /* what ended the trace, negative; 0: nothing yet */
	uint64_t line;               /* an access of this line failed; 0: none */
	char *text;                  /* what is being read; NULL: at the begin */
	size_t taken;                /* bytes of it that were */
};

/* --- The trace -------------------------------------------------------------------------------- */

/* Let the process make the accesses of BATCH. */
static bool replay_batch(void *ctx, const struct trace_batch *batch)
{
	struct replayfile *file = ctx;
	size_t done = 0;

	while (done < batch->count) {
		int error;
		vm_reason_clear();
		size_t some =
		    vm_replay(file->process, batch->reference + done, batch->count - done, &error);
		done += some;
		/* The write ends after this piece. */
		if (error == 0 || (error == -EINTR && some > 0))
			continue;
		file->error = error;
		file->line = batch->line[done];
		return false;
	}
	return true;
}

static struct trace_reader *reader_locked(struct replayfile *file)
{
	/* It holds one batch, and little more. */
	if (file->reader == NULL &&
	    budget_resize(&file->share, sizeof(struct trace_batch) + VM_PAGE_SIZE)) {
		file->reader = trace_reader_new(replay_batch, file);
		replay_note_set(file->mount, file->process, NULL);
	}
	return file->reader;
}

/* The trace has ended with file->error: keep the reason. WRONG, unless NULL, is the reader's. */
static void note_error_locked(struct replayfile *file, const GError *wrong)
{
	g_autofree char *noted = why_sentence(file->mount->machine, file->error);
	const char *why = noted != NULL ? noted : g_strerror(-file->error);
	g_autofree char *text =
	    wrong != NULL ? g_strdup(wrong->message)
	                  : g_strdup_printf("line %" G_GUINT64_FORMAT ": %s", file->line, why);

	replay_note_set(file->mount, file->process, text);
}

/*
 * Give the reader LEN bytes, or, if BYTES is NULL, the end of the trace. 0 or what ended it,
 * negative.
 */
static int feed_locked(struct replayfile *file, const char *bytes, size_t len)
{
	g_autoptr(GError) wrong = NULL;

	if (file->error != 0)
		return file->error;
	if (bytes != NULL ? !trace_reader_feed(file->reader, bytes, len, &wrong)
	                  : !trace_reader_end(file->reader, &wrong)) {
		if (file->error == 0)
			file->error = -EINVAL;
		note_error_locked(file, wrong);
	}
	uint64_t passed_over = trace_reader_passed_over(file->reader);
	vm_process_pass_over(file->process, passed_over - file->passed_over);
	file->passed_over = passed_over;
	return file->error;
}

/* Take SIZE bytes, or fewer if the call is interrupted. Returns how many, or a negative errno. */
static ssize_t write_locked(struct replayfile *file, const char *bytes, size_t size)
{
	size_t done = 0;

	g_clear_pointer(&file->text, g_free);
	if (reader_locked(file) == NULL)
		return -ENOMEM;
	while (done < size && (done == 0 || !call_is_interrupted())) {
		size_t piece = MIN(size - done, (size_t)PIECE);
		int error = feed_locked(file, bytes + done, piece);
		if (error != 0)
			return error;
		done += piece;
	}
	return (ssize_t)done;
}

/* --- The counts ------------------------------------------------------------------------------- */

static char *render(struct replayfile *file)
{
	struct vm_replay_counts counts;
	g_autofree char *why = replay_note_get(file->mount, file->process);
	GString *text = g_string_new(NULL);

	vm_process_replay_counts(file->process, &counts);
	const struct {
		const char *key;
		uint64_t value;
	} rows[] = {
	    {"references", counts.references},
	    {"pages_touched", counts.pages},
	    {"hits", counts.hits},
	    {"faults_minor", counts.minor},
	    {"faults_major", counts.major},
	    {"evictions_clean", counts.evicted_clean},
	    {"evictions_dirty", counts.evicted_dirty},
	    {"tlb_hits", counts.tlb_hits},
	    {"tlb_misses", counts.tlb_misses},
	    {"lines_passed_over", counts.passed_over},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_string_append_printf(text, "%s %" G_GUINT64_FORMAT "\n", rows[i].key,
		                       rows[i].value);
	if (why != NULL)
		g_string_append_printf(text, "error %s\n", why);
	return g_string_free(text, FALSE);
}

/* The next bytes for a reader, at most SIZE: a copy, to be freed with g_free. *LEN: how many. */
static char *take_locked(struct replayfile *file, size_t size, size_t *len)
{
	if (file->text == NULL) {
		file->text = render(file);
		file->taken = 0;
	}
	*len = MIN(size, strlen(file->text) - file->taken);
	char *piece = g_strndup(file->text + file->taken, *len);
	file->taken += *len;
	if (*len == 0)
		g_clear_pointer(&file->text, g_free);
	return piece;
}

/* --- The class -------------------------------------------------------------------------------- */

static int replayfile_open(struct fs_handle *handle)
{
	struct replayfile *file = g_try_new0(struct replayfile, 1);

	if (file == NULL)
		return -ENOMEM;
	file->mount = handle->mount;
	file->process = handle->node.process;
	budget_open(handle->mount->budget, handle->opener.uid, &file->share);
	pthread_mutex_init(&file->lock, NULL);
	handle->state = file;
	return 0;
}

/*
 * A line that has begun is read now: nobody closed the file in the table in which it was written.
 */
static void replayfile_release(struct fs_handle *handle)
{
	struct replayfile *file = handle->state;

	if (file->reader != NULL)
		feed_locked(file, NULL, 0);
	trace_reader_free(file->reader);
	budget_close(&file->share);
	pthread_mutex_destroy(&file->lock);
	g_free(file->text);
	g_free(file);
}

static void replayfile_read(fuse_req_t req, const struct fs_caller *caller,
                            struct fs_handle *handle, size_t size, off_t offset, int flags)
{
	struct replayfile *file = handle->state;
	size_t len;

	pthread_mutex_lock(&file->lock);
	g_autofree char *piece = take_locked(file, size, &len);
	pthread_mutex_unlock(&file->lock);
	if (call_claim())
		fuse_reply_buf(req, piece, len);
}

static void replayfile_write(fuse_req_t req, const struct fs_caller *caller,
                             struct fs_handle *handle, const char *buf, size_t size, off_t offset)
{
	struct replayfile *file = handle->state;

	pthread_mutex_lock(&file->lock);
	file->writer = caller->files;
	ssize_t done = write_locked(file, buf, size);
	pthread_mutex_unlock(&file->lock);
	if (!call_claim())
		return;
	if (done < 0)
		fuse_reply_err(req, (int)-done);
	else
		fuse_reply_write(req, (size_t)done);
}

/*
 * A process that inherited the file and ends must not cut a line that its owner still writes. An
 * error of an earlier write was reported there.
 */
static void replayfile_flush(fuse_req_t req, const struct fs_caller *caller,
                             struct fs_handle *handle)
{
	struct replayfile *file = handle->state;
	int error = 0;

	pthread_mutex_lock(&file->lock);
	if (file->reader != NULL && file->error == 0 && caller->files == file->writer)
		error = feed_locked(file, NULL, 0);
	pthread_mutex_unlock(&file->lock);
	if (call_claim())
		fuse_reply_err(req, -error);
}

const struct file_class replayfile_class = {
    .open = replayfile_open,
    .release = replayfile_release,
    .read = replayfile_read,
    .write = replayfile_write,
    .flush = replayfile_flush,
    .stream = true,
    .slow = true,
};
