#include "fs/run/pipe.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

struct pipe_end;

struct pipe {
	struct run *run;
	struct stat status;
	/* run->lock */
	struct pipe_end *reader, *writer; /* NULL once it is closed */
	uint8_t *ring;                    /* PIPE_ROOM bytes; NULL before the first write */
	size_t first, len;                /* where its bytes begin, how many there are */
};

struct pipe_end {
	struct special special;
	struct pipe *pipe;
};

static struct pipe *pipe_of(const struct vm_file *file);

/* --- Bytes ------------------------------------------------------------------------------------ */

static size_t take_locked(struct pipe *pipe, uint8_t *buf, size_t len)
{
	len = MIN(len, pipe->len);
	for (size_t done = 0; done < len;) {
		size_t piece = MIN(len - done, PIPE_ROOM - pipe->first);
		memcpy(buf + done, pipe->ring + pipe->first, piece);
		pipe->first = (pipe->first + piece) % PIPE_ROOM;
		done += piece;
	}
	pipe->len -= len;
	return len;
}

static size_t put_locked(struct pipe *pipe, const uint8_t *buf, size_t len)
{
	len = MIN(len, PIPE_ROOM - pipe->len);
	for (size_t done = 0; done < len;) {
		size_t at = (pipe->first + pipe->len) % PIPE_ROOM;
		size_t piece = MIN(len - done, PIPE_ROOM - at);
		memcpy(pipe->ring + at, buf + done, piece);
		pipe->len += piece;
		done += piece;
	}
	return len;
}

static int64_t pipe_read(struct call *call, struct vm_file *file, void *buf, size_t len,
                         uint64_t *offset)
{
	struct pipe *pipe = pipe_of(file);
	int64_t result = 0;

	if (len == 0)
		return 0;
	run_lock(call->run);
	if (pipe->len > 0) {
		result = (int64_t)take_locked(pipe, buf, len);
		run_wake_locked(call->run, pipe);
	} else if (pipe->writer != NULL) {
		result =
		    vm_file_flags(file) & O_NONBLOCK ? -EAGAIN : call_sleep_locked(call, pipe, -1);
	}
	run_unlock(call->run);
	return result;
}

static void send_sigpipe_locked(struct program *program)
{
	siginfo_t info = {.si_signo = SIGPIPE, .si_code = SI_USER};

	info.si_pid = program->pid;
	info.si_uid = program->place->caller.uid;
	signal_send_locked(program, &info);
}

/*
 * Write what there is room for. At most PIPE_BUF bytes are not parted. *MOVED counts the bytes that
 * were written since the call began, also before it slept.
 */
static int64_t write_locked(struct call *call, struct vm_file *file, const uint8_t *buf, size_t len,
                            size_t *moved)
{
	struct pipe *pipe = pipe_of(file);
	size_t room = PIPE_ROOM - pipe->len, least = len <= PIPE_BUF ? len : 1;

	if (pipe->reader == NULL) {
		send_sigpipe_locked(call->program);
		return *moved > 0 ? (int64_t)*moved : -EPIPE;
	}
	if (pipe->ring == NULL && (pipe->ring = g_try_malloc(PIPE_ROOM)) == NULL)
		return -ENOMEM;
	if (room >= least && *moved < len) {
		*moved += put_locked(pipe, buf + *moved, len - *moved);
		run_wake_locked(call->run, pipe);
	}
	if (*moved == len)
		return (int64_t)len;
	int64_t result =
	    vm_file_flags(file) & O_NONBLOCK ? -EAGAIN : call_sleep_locked(call, pipe, -1);
	/* An error, or a signal, ends the call early if something was written. */
	return result != CALL_SLEEPS && *moved > 0 ? (int64_t)*moved : result;
}

static int64_t pipe_write(struct call *call, struct vm_file *file, const void *buf, size_t len,
                          uint64_t *offset)
{
	size_t *moved = &call->program->moved;

	if (len == 0)
		return 0;
	run_lock(call->run);
	if (!call->program->again || *moved > len)
		*moved = 0;
	int64_t result = write_locked(call, file, buf, len, moved);
	run_unlock(call->run);
	return result;
}

/* --- The rest --------------------------------------------------------------------------------- */

static int64_t pipe_seek(struct vm_file *file, int64_t offset, int whence)
{
	return -ESPIPE;
}

static short pipe_poll(const struct vm_file *file)
{
	const struct pipe *pipe = pipe_of(file);

	if (vm_file_access(file) == O_RDONLY)
		return (short)((pipe->len > 0 ? POLLIN | POLLRDNORM : 0) |
		               (pipe->writer == NULL ? POLLHUP : 0));
	return (short)((PIPE_ROOM - pipe->len >= PIPE_BUF ? POLLOUT | POLLWRNORM : 0) |
	               (pipe->reader == NULL ? POLLERR : 0));
}

static void pipe_stat(const struct vm_file *file, struct stat *status)
{
	*status = pipe_of(file)->status;
}

static int64_t pipe_readable(struct call *call, struct vm_file *file)
{
	run_lock(call->run);
	size_t len = pipe_of(file)->len;
	run_unlock(call->run);
	return (int64_t)len;
}

static void pipe_release(struct special *special)
{
	struct pipe_end *end = (struct pipe_end *)special;
	struct pipe *pipe = end->pipe;
	struct run *run = pipe->run;

	run_lock(run);
	if (pipe->reader == end)
		pipe->reader = NULL;
	else
		pipe->writer = NULL;
	bool last = pipe->reader == NULL && pipe->writer == NULL;
	run_wake_locked(run, pipe);
	run_unlock(run);
	g_free(end);
	if (!last)
		return;
	g_free(pipe->ring);
	g_free(pipe);
}

static char *pipe_name(const struct special *special)
{
	const struct pipe_end *end = (const struct pipe_end *)special;

	return g_strdup_printf("pipe:[%lu]", end->pipe->status.st_ino);
}

static const struct file_kind kind_pipe = {
    .read = pipe_read,
    .write = pipe_write,
    .seek = pipe_seek,
    .poll_locked = pipe_poll,
    .stat = pipe_stat,
    .readable = pipe_readable,
    .release = pipe_release,
    .name = pipe_name,
};

static struct pipe *pipe_of(const struct vm_file *file)
{
	return ((struct pipe_end *)kind_special(file, &kind_pipe))->pipe;
}

bool pipe_is(const struct vm_file *file)
{
	return kind_special(file, &kind_pipe) != NULL;
}

int pipe_new(struct run *run, const struct place *place, struct vm_file *ends[2])
{
	struct pipe *pipe = g_new0(struct pipe, 1);
	int errors[2];

	pipe->run = run;
	kind_fill_stat(place, g_atomic_int_add(&place->mount->next_inode, 1), S_IFIFO | 0600,
	               &pipe->status);
	pipe->reader = g_new0(struct pipe_end, 1);
	pipe->writer = g_new0(struct pipe_end, 1);
	*pipe->reader = *pipe->writer = (struct pipe_end){{&kind_pipe, -1}, pipe};
	struct pipe_end *writer = pipe->writer;
	ends[0] = kind_new_file(place, &pipe->reader->special, O_RDONLY, PIPE_ROOM, &errors[0]);
	ends[1] = kind_new_file(place, &writer->special, O_WRONLY, 0, &errors[1]);
	if (ends[0] != NULL && ends[1] != NULL)
		return 0;
	for (int i = 0; i < 2; i++)
		if (ends[i] != NULL)
			vm_file_unref(ends[i]);
	return errors[0] != 0 ? errors[0] : errors[1];
}
