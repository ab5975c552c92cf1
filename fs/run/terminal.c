/*
 * terminal.c - the console as an open file of programs. To them it is a pipe, as it is for a
 * program whose output goes to another: then programs print the same as there.
 */
#include "fs/run/console.h"
#include "fs/run/kind.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/sysmacros.h>

struct terminal {
	struct special special;
	struct console *console; /* a reference */
	struct stat status;
};

static const struct terminal *terminal_of(const struct vm_file *file);

static int64_t terminal_read(struct call *call, struct vm_file *file, void *buf, size_t len,
                             uint64_t *offset)
{
	struct console *console = terminal_of(file)->console;

	if (len == 0)
		return 0;
	run_lock(call->run);
	int64_t result = console_input_locked(console, buf, len);
	if (result == -EAGAIN && !(vm_file_flags(file) & O_NONBLOCK))
		result = call_sleep_locked(call, console, -1);
	run_unlock(call->run);
	return result;
}

static int64_t terminal_write(struct call *call, struct vm_file *file, const void *buf, size_t len,
                              uint64_t *offset)
{
	run_lock(call->run);
	struct console *console = terminal_of(file)->console;
	int64_t result = console_output_locked(console, buf, len);
	if (result == -EAGAIN && !(vm_file_flags(file) & O_NONBLOCK))
		result = call_sleep_locked(call, console, -1);
	/* Those who read PID/console wait for that. */
	run_changed_locked(call->run);
	run_unlock(call->run);
	return result;
}

static int64_t terminal_seek(struct vm_file *file, int64_t offset, int whence)
{
	return -ESPIPE;
}

static short terminal_poll(const struct vm_file *file)
{
	const struct console *console = terminal_of(file)->console;
	bool ready = console_input_ready_locked(console), room = console_has_room_locked(console);

	return (short)((ready ? POLLIN | POLLRDNORM : 0) | (room ? POLLOUT | POLLWRNORM : 0));
}

static void terminal_stat(const struct vm_file *file, struct stat *status)
{
	*status = terminal_of(file)->status;
}

static int64_t terminal_readable(struct call *call, struct vm_file *file)
{
	run_lock(call->run);
	size_t len = console_waiting_locked(terminal_of(file)->console);
	run_unlock(call->run);
	return (int64_t)len;
}

static void terminal_release(struct special *special)
{
	struct terminal *terminal = (struct terminal *)special;

	console_unref(terminal->console);
	g_free(terminal);
}

static char *terminal_name(const struct special *special)
{
	return g_strdup("console");
}

static const struct file_kind kind_terminal = {
    .read = terminal_read,
    .write = terminal_write,
    .seek = terminal_seek,
    .poll_locked = terminal_poll,
    .stat = terminal_stat,
    .readable = terminal_readable,
    .release = terminal_release,
    .name = terminal_name,
};

static const struct terminal *terminal_of(const struct vm_file *file)
{
	return (const struct terminal *)kind_special(file, &kind_terminal);
}

struct vm_file *terminal_new(const struct place *place, int access, int *error)
{
	struct terminal *terminal = g_try_new0(struct terminal, 1);

	if (terminal == NULL) {
		*error = -ENOMEM;
		return NULL;
	}
	*terminal = (struct terminal){{&kind_terminal, -1}, console_ref(place->console), {0}};
	kind_fill_stat(place, g_atomic_int_add(&place->mount->next_inode, 1), S_IFIFO | 0600,
	               &terminal->status);
	return kind_new_file(place, &terminal->special, access, 0, error);
}

bool terminal_is(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == makedev(5, 0);
}
