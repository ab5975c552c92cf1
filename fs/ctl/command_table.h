/*
 * command_table.h - the tables of commands, one for processes and one for the machine.
 *
 * A command is a row. Before its function is called, the number of words is checked. The function
 * adds one or more result lines and returns 0, or it returns a negative errno. If the errno alone
 * does not say enough, it sets call->why. A row can list the usual reasons for each errno itself.
 */
#ifndef FS_CTL_COMMAND_TABLE_H
#define FS_CTL_COMMAND_TABLE_H

#include "fs/ctl/command_call.h"

struct command {
	const char *name;
	const char *arguments; /* as the help shows them */
	int min, max;          /* words after the name; max -1: any number */
	int (*run)(struct command_call *call);
	const char *help;
	const struct command_reason *reasons; /* or NULL */
};

/* A NULL name ends a table. */
extern const struct command process_commands[];
extern const struct command machine_commands[];

#endif
