/*
 * daemonize.h - goes into the background, but only once the mount answers.
 *
 *     daemonize_start      continues in a child; the parent waits
 *     daemonize_ready      the parent exits with 0, and the child leaves the terminal
 *
 * If the child ends before it is ready, it says why on the standard error that both share, and the
 * parent exits with the same status.
 */
#ifndef FS_DAEMON_DAEMONIZE_H
#define FS_DAEMON_DAEMONIZE_H

#include <stdbool.h>

struct daemonize {
	int ready_fd; /* a pipe to the parent; -1 in the foreground, and once ready */
};

/*
 * Open /dev/null as descriptors 0 to 2 if they are closed, so that no file of ours becomes standard
 * output.
 */
void daemonize_keep_standard_fds(void);

/*
 * Close what the caller left open: a lock or a pipe would last as long as the mount. Call it before
 * anything of ours is open. Not for the foreground, where the caller may have lent us something.
 */
void daemonize_close_inherited(void);

/*
 * Fork, and return in the child; with FOREGROUND there is no child. Also sets the umask and changes
 * to the root directory. Call it while there is one thread. False with errno set if something
 * failed.
 */
bool daemonize_start(struct daemonize *daemonize, bool foreground);

/*
 * The mount answers: let the parent exit, and leave the terminal. Does nothing in the foreground.
 */
void daemonize_ready(struct daemonize *daemonize);

#endif
