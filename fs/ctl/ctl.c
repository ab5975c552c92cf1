/*
 * ctl.c - the streams of ctl files: cuts text into lines, runs them, and keeps results for the
 * reads that follow.
 *
 * An open file that was written to reads its own results. One that was not reads the last result of
 * anyone, unless the reader may not look into processes of that user: it can have names of files.
 * Each open file has a lock that is held while its commands run, so the commands of one open file
 * run in order. Those of different ones run at the same time.
 */
#include "fs/ctl/ctl.h"

#include "fs/ctl/command.h"
#include "fs/ctl/ctl_results.h"
#include "fs/ctl/ctl_store.h"
#include "fs/text/rights.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum {
	LINE_MAX_BYTES = 4096,
	LINE_KEPT_BYTES = 128, /* so much memory stays for the next line */
};

#define NO_GENERATION UINT64_MAX

struct fs_ctl_open {
	struct fs_mount *mount;
	struct vm_process *process; /* NULL for the machine's ctl */
	struct ctl_file *file;

	pthread_mutex_t lock;
	/* Under lock. */
	bool wrote;
	bool skipping;                  /* the rest of a line that was too long is ignored */
	GString *line;                  /* the line so far, without its end, and ... */
	uint64_t writer;                /* ... `files` of who wrote the last part of it */
	struct budget_share line_share; /* for a line that goes on */
	struct ctl_results results;
	GBytes *shown;       /* what is being read if this open file was not written to, or NULL */
	size_t shown_taken;  /* how many bytes of it were read */
	uint64_t generation; /* of `shown`, or of the one before */
};

struct fs_ctl_open *fs_ctl_open(struct fs_mount *mount, struct vm_process *process, uid_t uid)
{
	struct fs_ctl_open *open = g_try_new0(struct fs_ctl_open, 1);

	if (open == NULL)
		return NULL;
	open->file = ctl_store_get(mount->ctl, mount->machine,
	                           process != NULL ? vm_process_pid(process) : 0);
	if (open->file == NULL) {
		g_free(open);
		return NULL;
	}
	open->mount = mount;
	open->process = process != NULL ? vm_process_ref(process) : NULL;
	pthread_mutex_init(&open->lock, NULL);
	open->line = g_string_new(NULL);
	budget_open(mount->budget, uid, &open->line_share);
	ctl_results_init(&open->results, mount->budget, uid);
	open->generation = NO_GENERATION;
	return open;
}

/* --- Lines in --------------------------------------------------------------------------------- */

/*
 * Append the result lines in ANSWER, of a command by CALLER, to those of this open file, and make
 * them the last result, for those who only read. Frees ANSWER.
 */
static void keep_results(struct fs_ctl_open *open, const struct fs_caller *caller,
                         struct ctl_results *answer)
{
	const struct vm_cred who = {caller->uid, caller->gid};

	GBytes *copy = answer->text->len > 0 ? ctl_results_copy(answer) : NULL;

	if (copy != NULL)
		ctl_store_set(open->mount->ctl, open->file, &who, copy);
	ctl_results_move(&open->results, answer);
	ctl_results_clear(answer);
}

static int run_line_locked(struct fs_ctl_open *open, const struct fs_caller *caller,
                           unsigned number)
{
	struct ctl_results answer;
	struct command_call call = {
	    .mount = open->mount,
	    .process = open->process,
	    .caller = caller,
	    .results = &answer,
	};
	int error;

	ctl_results_init(&answer, NULL, 0);
	error = command_run(&call, open->line->str, open->line->len, number);
	keep_results(open, caller, &answer);
	g_string_truncate(open->line, 0);
	return error;
}

static int refuse_long_line_locked(struct fs_ctl_open *open, const struct fs_caller *caller,
                                   unsigned number)
{
	struct ctl_results answer;
	int error;

	ctl_results_init(&answer, NULL, 0);
	error = command_refuse(&answer, -E2BIG, "longer than 4096 bytes", number);
	keep_results(open, caller, &answer);
	return error;
}

/* Take LEN bytes of line NUMBER. If they END the line, run it. */
static int take_piece_locked(struct fs_ctl_open *open, const struct fs_caller *caller,
                             const char *text, size_t len, bool ends, unsigned number)
{
	if (open->skipping) {
		open->skipping = !ends;
		return 0;
	}
	if (open->line->len + len > LINE_MAX_BYTES) {
		open->skipping = !ends;
		return refuse_long_line_locked(open, caller, number);
	}
	g_string_append_len(open->line, text, (gssize)len);
	return ends ? run_line_locked(open, caller, number) : 0;
}

/*
 * After a write or a command: the budget counts a line that goes on. False: there is no room for
 * it.
 */
static bool settle_line_locked(struct fs_ctl_open *open)
{
	if (open->line->len == 0 && open->line->allocated_len > LINE_KEPT_BYTES) {
		g_string_free(open->line, TRUE);
		open->line = g_string_new(NULL);
	}
	return budget_resize(&open->line_share,
	                     open->line->len > 0 ? open->line->allocated_len : 0);
}

/* Run a last line that has no newline, if there is one. */
static int end_line_locked(struct fs_ctl_open *open, const struct fs_caller *caller)
{
	int error;

	open->skipping = false;
	error = open->line->len > 0 ? run_line_locked(open, caller, 1) : 0;
	settle_line_locked(open);
	return error;
}

ssize_t fs_ctl_write(struct fs_ctl_open *open, const struct fs_caller *caller, const char *text,
                     size_t len)
{
	const char *end = text + len, *at = text;
	unsigned number = 1;
	int error = 0;

	pthread_mutex_lock(&open->lock);
	open->wrote = true;
	open->writer = caller->files;
	g_clear_pointer(&open->shown, g_bytes_unref);
	/* Whoever has read all so far will read these, too. */
	bool reads = ctl_results_unread(&open->results) == 0;
	open->results.most = reads ? 2 * CTL_RESULTS_MAX : CTL_RESULTS_MAX;
	while (at < end && error == 0 &&
	       !(reads && ctl_results_unread(&open->results) >= CTL_RESULTS_MAX)) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline != NULL ? newline : end;

		/* Nobody waits for the rest any more. */
		if (vm_interrupted())
			error = -EINTR;
		else
			error = take_piece_locked(open, caller, at, (size_t)(stop - at),
			                          newline != NULL, number++);
		at = stop + (newline != NULL);
	}
	if (error < 0)
		g_string_truncate(open->line, 0);
	if (!settle_line_locked(open)) {
		error = -ENOMEM;
		g_string_truncate(open->line, 0);
		settle_line_locked(open);
	}
	pthread_mutex_unlock(&open->lock);
	return error < 0 ? error : at - text;
}

int fs_ctl_close(struct fs_ctl_open *open, const struct fs_caller *caller)
{
	int error = 0;

	pthread_mutex_lock(&open->lock);
	/*
	 * Another process may have inherited the open file. If it ends now, it must not cut the
	 * line that its owner is still writing. Another thread of the writer may.
	 */
	if (caller->files == open->writer)
		error = end_line_locked(open, caller);
	pthread_mutex_unlock(&open->lock);
	return error;
}

void fs_ctl_free(struct fs_ctl_open *open)
{
	bool ended = open->process != NULL && !vm_process_alive(open->process);

	/* A line that nobody ended is dropped: nobody is there any more in whose name to run it. */
	ctl_store_put(open->mount->ctl, open->file, ended);
	if (open->process != NULL)
		vm_process_unref(open->process);
	pthread_mutex_destroy(&open->lock);
	g_string_free(open->line, TRUE);
	budget_close(&open->line_share);
	ctl_results_clear(&open->results);
	g_clear_pointer(&open->shown, g_bytes_unref);
	g_free(open);
}

/* --- Results out ------------------------------------------------------------------------------ */

/*
 * Start to show CALLER the last result, or the help. False if it was read to its end before and
 * nothing has run since.
 */
static bool show_last_locked(struct fs_ctl_open *open, const struct fs_caller *caller)
{
	uint64_t generation;
	struct vm_cred who;
	GBytes *last = ctl_store_last(open->mount->ctl, open->file, &who, &generation);

	if (!rights_trace(open->mount, caller, &who))
		g_clear_pointer(&last, g_bytes_unref);
	if (generation == open->generation) {
		g_clear_pointer(&last, g_bytes_unref);
		return false;
	}
	open->generation = generation;
	open->shown = last != NULL ? last : command_help(open->process == NULL);
	open->shown_taken = 0;
	return true;
}

static void read_last_locked(struct fs_ctl_open *open, const struct fs_caller *caller, GString *out,
                             size_t size)
{
	size_t len;
	const char *text;

	if (open->shown == NULL && !show_last_locked(open, caller))
		return;
	text = g_bytes_get_data(open->shown, &len);
	size = MIN(size, len - open->shown_taken);
	g_string_append_len(out, text + open->shown_taken, (gssize)size);
	open->shown_taken += size;
	if (size == 0)
		g_clear_pointer(&open->shown, g_bytes_unref);
}

int fs_ctl_read(struct fs_ctl_open *open, const struct fs_caller *caller, GString *out, size_t size)
{
	int error;

	pthread_mutex_lock(&open->lock);
	error = end_line_locked(open, caller);
	if (error == 0 && open->wrote)
		ctl_results_take(&open->results, out, size);
	else if (error == 0)
		read_last_locked(open, caller, out, size);
	pthread_mutex_unlock(&open->lock);
	return error;
}
