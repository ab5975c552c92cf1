/*
 * consolefile.c - streams of a process that runs a program.
 *
 * console: a read gets what its program and all that have the same console have written; it waits
 * while there is nothing. The end of the file comes when all of them have ended and all was read,
 * and at once without a program: who looks into every file shall not hang. A write is their
 * standard input. That is as a pipe: when the last writer has closed the file, the input has its
 * end.
 *
 * wait: a read waits until the program does not run, and gets one line that says why, then the end
 * of the file. The one who reads that it has ended takes the zombie, if no program is its parent.
 *
 * Once an open file knows the program, it keeps it: who was late still reads all.
 */
#include "fs/files/consolefile.h"

#include "fs/files/waits.h"
#include "fs/run/console.h"
#include "fs/run/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

/* --- What both have --------------------------------------------------------------------------- */

struct runfile {
	struct fs_mount *mount;
	struct waits_poll poll;
	/* Under run->lock. */
	struct program *program; /* a reference; NULL: there was none when last looked */
	bool watches;            /* it reads the console */
	GString *line;           /* of wait: NULL before its moment */
	size_t taken;            /* bytes of it that were read */
};

static int runfile_open(struct fs_handle *handle)
{
	struct runfile *file = g_try_new0(struct runfile, 1);

	if (file == NULL)
		return -ENOMEM;
	file->mount = handle->mount;
	handle->state = file;
	return 0;
}

static void runfile_release(struct fs_handle *handle)
{
	struct runfile *file = handle->state;

	waits_poll_end(file->mount, &file->poll);
	if (file->program != NULL)
		program_unref(file->program);
	if (file->line != NULL)
		g_string_free(file->line, TRUE);
	g_free(file);
}

/* The program of HANDLE's process, or NULL: it has none. No reference is taken. */
static struct program *program_locked(struct fs_handle *handle)
{
	struct runfile *file = handle->state;

	if (file->program == NULL)
		file->program = program_find_locked(file->mount->run, handle->node.pid);
	return file->program;
}

/* --- console ---------------------------------------------------------------------------------- */

static struct console *console_locked(struct fs_handle *handle)
{
	struct program *program = program_locked(handle);

	return program != NULL ? program->place->console : NULL;
}

/* Whether nobody can write to CONSOLE any more. */
static bool is_over_locked(struct run *run, const struct console *console)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, run_programs_locked(run));
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct program *program = value;

		if (program->state != PROGRAM_ENDED && program->place->console == console)
			return false;
	}
	return true;
}

static bool read_locked(struct waiting *waiting)
{
	struct run *run = waiting->handle->mount->run;
	struct console *console = console_locked(waiting->handle);

	waiting->result = 0;
	if (console == NULL)
		return true;
	struct runfile *file = waiting->handle->state;
	/* From its first read on, the program waits for it. */
	if (!file->watches)
		console_watch_locked(run, console, 1);
	file->watches = true;
	waiting->result = console_read_locked(console, waiting->bytes, waiting->size);
	if (waiting->result != -EAGAIN) {
		/* There is room for more. */
		run_wake_locked(run, console);
		return true;
	}
	waiting->result = 0;
	return is_over_locked(run, console);
}

static bool write_locked(struct waiting *waiting)
{
	struct run *run = waiting->handle->mount->run;
	struct console *console = console_locked(waiting->handle);

	if (console == NULL)
		waiting->result = -ENXIO;
	else if (is_over_locked(run, console))
		waiting->result = -EPIPE;
	else
		waiting->result = console_type_locked(run, console, waiting->bytes, waiting->size);
	return waiting->result != -EAGAIN;
}

/*
 * It is ready for writing when all that was written before was read: so who copies a stream does
 * not take more of it than the program does.
 */
static unsigned console_ready_locked(struct fs_handle *handle)
{
	struct console *console = console_locked(handle);
	unsigned ready = 0;

	if (console == NULL)
		return POLLIN | POLLRDNORM | POLLHUP;
	bool over = is_over_locked(handle->mount->run, console);
	if (over)
		ready |= POLLHUP;
	if (over || console_output_ready_locked(console))
		ready |= POLLIN | POLLRDNORM;
	if (over || !console_input_ready_locked(console))
		ready |= POLLOUT | POLLWRNORM;
	return ready;
}

static bool is_writer(const struct fs_handle *handle)
{
	return (handle->flags & O_ACCMODE) != O_RDONLY;
}

static int consolefile_open(struct fs_handle *handle)
{
	int error = runfile_open(handle);

	if (error == 0 && is_writer(handle) && handle->mount->waits != NULL)
		waits_count_writer(handle->mount->waits, handle->node.pid, 1);
	return error;
}

static void consolefile_release(struct fs_handle *handle)
{
	struct run *run = handle->mount->run;
	struct runfile *file = handle->state;

	if (file->watches) {
		run_lock(run);
		console_watch_locked(run, console_locked(handle), -1);
		run_unlock(run);
	}

	if (is_writer(handle) && handle->mount->waits != NULL &&
	    waits_count_writer(handle->mount->waits, handle->node.pid, -1) == 0) {
		run_lock(run);
		struct console *console = console_locked(handle);
		if (console != NULL)
			console_type_end_locked(run, console);
		run_unlock(run);
	}
	runfile_release(handle);
}

static void consolefile_read(fuse_req_t req, const struct fs_caller *caller,
                             struct fs_handle *handle, size_t size, off_t offset, int flags)
{
	waits_request(req, handle, read_locked, NULL, size, flags);
}

/* The flags of open(2), as the kernel sends none with a write. */
static void consolefile_write(fuse_req_t req, const struct fs_caller *caller,
                              struct fs_handle *handle, const char *buf, size_t size, off_t offset)
{
	waits_request(req, handle, write_locked, buf, size, handle->flags);
}

static void consolefile_poll(fuse_req_t req, struct fs_handle *handle,
                             struct fuse_pollhandle *pollhandle)
{
	struct runfile *file = handle->state;

	waits_poll(req, handle, &file->poll, console_ready_locked, pollhandle);
}

const struct file_class consolefile_class = {
    .open = consolefile_open,
    .release = consolefile_release,
    .read = consolefile_read,
    .write = consolefile_write,
    .poll = consolefile_poll,
    .stream = true,
    .slow = true,
};

/* --- wait ------------------------------------------------------------------------------------- */

/* Whether there is something to tell: of one that ends, when all that it had is gone. */
static bool is_settled_locked(struct fs_handle *handle)
{
	const struct runfile *file = handle->state;
	struct program *program;

	if (file->line != NULL)
		return true;
	program = program_locked(handle);
	if (program != NULL && program->state == PROGRAM_ENDED)
		return program->waitable;
	return program == NULL || program->state == PROGRAM_STOPPED;
}

/* Make the line. -ESRCH: the process has ended, and somebody else has taken its zombie. */
static int settle_locked(struct fs_handle *handle)
{
	struct runfile *file = handle->state;
	struct program *program = file->program;

	if (program == NULL && !vm_process_alive(handle->node.process))
		return -ESRCH;
	file->line = g_string_new(NULL);
	if (program == NULL)
		g_string_append(file->line, "stopped");
	else
		control_status_locked(program, file->line);
	g_string_append_c(file->line, '\n');
	if (program != NULL && program->state == PROGRAM_ENDED && program->parent == NULL)
		program_release_locked(program);
	return 0;
}

static bool wait_locked(struct waiting *waiting)
{
	struct fs_handle *handle = waiting->handle;
	struct runfile *file = handle->state;

	if (!is_settled_locked(handle))
		return false;
	int error = file->line == NULL ? settle_locked(handle) : 0;
	if (error != 0) {
		waiting->result = error;
		return true;
	}
	size_t count = MIN(waiting->size, file->line->len - file->taken);
	memcpy(waiting->bytes, file->line->str + file->taken, count);
	file->taken += count;
	waiting->result = (ssize_t)count;
	return true;
}

static unsigned wait_ready_locked(struct fs_handle *handle)
{
	return is_settled_locked(handle) ? POLLIN | POLLRDNORM : 0;
}

static void waitfile_read(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                          size_t size, off_t offset, int flags)
{
	waits_request(req, handle, wait_locked, NULL, size, flags);
}

static void waitfile_poll(fuse_req_t req, struct fs_handle *handle,
                          struct fuse_pollhandle *pollhandle)
{
	struct runfile *file = handle->state;

	waits_poll(req, handle, &file->poll, wait_ready_locked, pollhandle);
}

const struct file_class waitfile_class = {
    .open = runfile_open,
    .release = runfile_release,
    .read = waitfile_read,
    .poll = waitfile_poll,
    .stream = true,
    .slow = true,
};
