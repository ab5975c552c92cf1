/*
 * command.h - one line of a ctl file: its words, its command, its answer.
 */
#ifndef FS_CTL_COMMAND_H
#define FS_CTL_COMMAND_H

#include "fs/ctl/command_call.h"

/*
 * Run the command in LINE (LEN bytes without the newline; an empty line and a comment do nothing).
 * NUMBER is what an error calls it. Result lines, and a line for an error, go to CALL->results.
 * CALL names mount, process, caller, results. Returns 0 or the negative errno of the command.
 */
int command_run(struct command_call *call, const char *line, size_t len, unsigned number);

/*
 * Answer that line NUMBER failed with ERROR (negative), for the reason WHY, before it could be run.
 * Returns ERROR.
 */
int command_refuse(struct ctl_results *results, int error, const char *why, unsigned number);

/* What the ctl file reads as before its first command. */
GBytes *command_help(bool machine);

#endif
