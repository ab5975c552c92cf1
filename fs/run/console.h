/*
 * console.h - a terminal of a program and its children: what they write to it is kept for the
 * readers of PID/console; what is written to PID/console is their standard input.
 */
#ifndef FS_RUN_CONSOLE_H
#define FS_RUN_CONSOLE_H

#include "fs/fs.h"

#include <stdbool.h>

struct console;
struct run;

/* What waits in it counts for the user UID. */
struct console *console_new(struct fs_mount *mount, uid_t uid);
struct console *console_ref(struct console *console);
void console_unref(struct console *console);

enum { CONSOLE_MOST = 1 << 20 }; /* bytes that wait in each direction */

/*
 * The program's side, for system calls: read what was typed, or append to the output. Return bytes,
 * 0 at the end of the input, or -EAGAIN: there is nothing, or no room; then sleep on CONSOLE. NB:
 * output is kept for a reader that comes later: if CONSOLE_MOST bytes wait, and nobody reads, the
 * oldest half goes (as of a terminal's history), so a program never hangs because nobody looks. But
 * a program waits for those who read, so that they miss nothing. run->lock held.
 */
ssize_t console_input_locked(struct console *console, void *buf, size_t len);
ssize_t console_output_locked(struct console *console, const void *buf, size_t len);
bool console_input_ready_locked(const struct console *console);
/* Whether output has not to wait for a reader. */
bool console_has_room_locked(const struct console *console);
/* How many bytes can be read now. */
size_t console_waiting_locked(const struct console *console);

/* The user's side, for PID/console. run->lock held. */
ssize_t console_read_locked(struct console *console, void *buf, size_t len); /* -EAGAIN: nothing */
ssize_t console_type_locked(struct run *run, struct console *console, const void *buf, size_t len);
void console_type_end_locked(struct run *run, struct console *console); /* Ctrl-D */
/* A reader comes (CHANGE 1) or goes (-1). */
void console_watch_locked(struct run *run, struct console *console, int change);
bool console_output_ready_locked(const struct console *console);

#endif
