/*
 * command_table.h - the tables of commands, one for processes and one for the machine.
 *
 * A command is a row. Its function gets the words of its line, whose number was checked, answers
 * one or more result lines, and returns 0; or it returns a negative errno, with a sentence in
 * call->why where the errno alone does not say enough. The row may name the usual reasons for an
 * errno itself.
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

/* The tables end with a NULL name. */
extern const struct command process_commands[];
extern const struct command machine_commands[];

#endif
