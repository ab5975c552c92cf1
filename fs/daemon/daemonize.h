/*
 * daemonize.h - going into the background, and not before the mount answers.
 *
 *     daemonize_start      the caller goes on in a child; the parent waits
 *     daemonize_ready      the parent exits with 0, the child lets go of the terminal
 *
 * Whatever ends the child before that is the parent's result too: the child says why on the
 * standard error that both still share, and the parent exits as it did.
 */
#ifndef FS_DAEMON_DAEMONIZE_H
#define FS_DAEMON_DAEMONIZE_H

#include <stdbool.h>

struct daemonize {
	int ready_fd; /* the pipe to the parent; -1 in the foreground, and once ready */
};

/* Fill descriptors 0 to 2 if they are closed: no file of ours may be taken for standard output. */
void daemonize_keep_standard_fds(void);

/*
 * Call it while there is one thread and nothing of ours is open. Returns in the child, or, with
 * FOREGROUND, without one. False with errno set: no child.
 */
bool daemonize_start(struct daemonize *daemonize, bool foreground);

void daemonize_ready(struct daemonize *daemonize);

#endif
