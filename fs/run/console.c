/*
 * console.c - what waits in a console, in both directions.
 */
#include "fs/run/console.h"
#include "fs/base/budget.h"
#include "fs/run/run.h"

#include <errno.h>
#include <string.h>

struct console {
	int refs; /* atomic */
	/* run->lock */
	GByteArray *output, *input;
	/* where input ends that was ended (uint64_t): bytes from the beginning of `input` */
	GArray *ends;
	unsigned readers;          /* console_watch_locked */
	struct budget_share share; /* for both */
};

struct console *console_new(struct fs_mount *mount, uid_t uid)
{
	struct console *console = g_new0(struct console, 1);

	console->refs = 1;
	console->output = g_byte_array_new();
	console->input = g_byte_array_new();
	console->ends = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	budget_open(mount->budget, uid, &console->share);
	return console;
}

struct console *console_ref(struct console *console)
{
	g_atomic_int_inc(&console->refs);
	return console;
}

void console_unref(struct console *console)
{
	if (!g_atomic_int_dec_and_test(&console->refs))
		return;
	g_byte_array_unref(console->output);
	g_byte_array_unref(console->input);
	g_array_unref(console->ends);
	budget_close(&console->share);
	g_free(console);
}

/* Take the first bytes of BYTES, LEN at most. Returns how many. */
static size_t take(struct console *console, GByteArray *bytes, void *buf, size_t len)
{
	len = MIN(len, bytes->len);
	if (len == 0)
		return 0;
	memcpy(buf, bytes->data, len);
	g_byte_array_remove_range(bytes, 0, (guint)len);
	budget_resize(&console->share, console->output->len + console->input->len);
	return len;
}

/* Append LEN bytes to BYTES. False: the user has too much that waits. */
static bool append(struct console *console, GByteArray *bytes, const void *buf, size_t len)
{
	if (!budget_resize(&console->share, console->output->len + console->input->len + len))
		return false;
	g_byte_array_append(bytes, buf, (guint)len);
	return true;
}

/* --- The program's side ----------------------------------------------------------------------- */

/* How many bytes can be read before the first end. */
static size_t before_end(const struct console *console)
{
	return console->ends->len > 0 ? g_array_index(console->ends, uint64_t, 0)
	                              : console->input->len;
}

ssize_t console_input_locked(struct console *console, void *buf, size_t len)
{
	size_t most = before_end(console);

	if (most == 0 && console->ends->len == 0)
		return -EAGAIN;
	if (most == 0) {
		/* As of a terminal, an end is read once. */
		g_array_remove_index(console->ends, 0);
		return 0;
	}
	len = take(console, console->input, buf, MIN(len, most));
	for (guint i = 0; i < console->ends->len; i++)
		g_array_index(console->ends, uint64_t, i) -= len;
	return (ssize_t)len;
}

bool console_has_room_locked(const struct console *console)
{
	return console->readers == 0 || console->output->len <= CONSOLE_MOST / 2;
}

ssize_t console_output_locked(struct console *console, const void *buf, size_t len)
{
	size_t kept = MIN(len, CONSOLE_MOST / 2);

	if (console->readers > 0) {
		if (!console_has_room_locked(console))
			return -EAGAIN;
		if (append(console, console->output, buf, kept))
			return (ssize_t)kept;
		/* Readers make room, unless nothing waits for them. */
		return console->output->len > 0 ? -EAGAIN : -ENOMEM;
	}
	if (console->output->len + kept > CONSOLE_MOST)
		g_byte_array_remove_range(console->output, 0, console->output->len / 2);
	/* Nobody has begun to read: rather lose old output than make the program wait. */
	while (!append(console, console->output, (const guint8 *)buf + (len - kept), kept)) {
		if (console->output->len == 0)
			break;
		g_byte_array_remove_range(console->output, 0, (console->output->len + 1) / 2);
	}
	return (ssize_t)len;
}

bool console_input_ready_locked(const struct console *console)
{
	return console->input->len > 0 || console->ends->len > 0;
}

size_t console_waiting_locked(const struct console *console)
{
	return before_end(console);
}

/* --- The user's side -------------------------------------------------------------------------- */

ssize_t console_read_locked(struct console *console, void *buf, size_t len)
{
	return console->output->len > 0 ? (ssize_t)take(console, console->output, buf, len)
	                                : -EAGAIN;
}

ssize_t console_type_locked(struct run *run, struct console *console, const void *buf, size_t len)
{
	size_t room = CONSOLE_MOST - console->input->len;

	if (len > 0 && room == 0)
		return -EAGAIN;
	len = MIN(len, room);
	if (!append(console, console->input, buf, len))
		return console->input->len > 0 ? -EAGAIN : -ENOMEM;
	run_wake_locked(run, console);
	return (ssize_t)len;
}

void console_type_end_locked(struct run *run, struct console *console)
{
	enum { MOST_ENDS = 1024 }; /* more are not kept */
	uint64_t end = console->input->len;

	if (console->ends->len < MOST_ENDS)
		g_array_append_val(console->ends, end);
	run_wake_locked(run, console);
}

void console_watch_locked(struct run *run, struct console *console, int change)
{
	console->readers += (unsigned)change;
	run_wake_locked(run, console);
}

bool console_output_ready_locked(const struct console *console)
{
	return console->output->len > 0;
}
