/*
 * command.h - runs one line of a ctl file.
 */
#ifndef FS_CTL_COMMAND_H
#define FS_CTL_COMMAND_H

#include "fs/ctl/command_call.h"

/*
 * Run the command in LINE, which has LEN bytes and no newline. An empty line or a comment does
 * nothing. The caller has set mount, process, caller and results in CALL. Result lines go to
 * CALL->results, and so does the line of an error, which calls this line NUMBER. Returns 0 or the
 * negative errno of the command.
 */
int command_run(struct command_call *call, const char *line, size_t len, unsigned number);

/*
 * Report that line NUMBER failed before it could be run, with ERROR (negative) for the reason WHY.
 * Returns ERROR.
 */
int command_refuse(struct ctl_results *results, int error, const char *why, unsigned number);

/* The text that a ctl file has before its first command. */
GBytes *command_help(bool machine);

#endif
