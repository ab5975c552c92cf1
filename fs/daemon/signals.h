/*
 * signals.h - what each signal does to the daemon: THE table is in signals.c, and in vasfs(8).
 */
#ifndef FS_DAEMON_SIGNALS_H
#define FS_DAEMON_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/*
 * Give every signal its effect, whatever was inherited, and fill *ENDS with those that end the
 * daemon in order. They are blocked in this thread and in all that it will make, for a sigwait. All
 * other signals are unblocked. Call it before the first thread is made. A SIGHUP that is ignored
 * (nohup) stays ignored. A SIGINT does not, although a shell ignores it for `&`.
 *
 * FOREGROUND: Ctrl-Z stops the program, as any other.
 */
void signals_settle(sigset_t *ends, bool foreground);

#endif
