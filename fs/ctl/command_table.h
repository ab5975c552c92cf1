/*
 * command_table.h - the tables of commands, one for processes and one for the machine.
 *
 * A command is a row. Before its function is called, the number of words is checked. The function
 * adds one or more result lines and returns 0, or it returns a negative errno. If the errno alone
 * does not say enough, it sets call->why. Else the sentence is that of the reason which the engine
 * noted (command_why.h), or that of the row for the errno.
 *
 * All that names commands comes from these tables: help, vasctl --list, the completion of shells,
 * and what is said of an unknown command.
 */
#ifndef FS_CTL_COMMAND_TABLE_H
#define FS_CTL_COMMAND_TABLE_H

#include "fs/ctl/command_call.h"

struct command {
	const char *name;
	const char *arguments; /* as the help shows them */
	int min, max;          /* words after the name; max -1: any number */
	int (*run)(struct command_call *call);
	const char *help;                     /* one line of at most 48 columns */
	const struct command_reason *reasons; /* or NULL */
	int words_at;                         /* the word that is one (or more) of WORDS; or 0 */
	const struct word *words;
	const char *more; /* further lines for `help COMMAND`, below 80 columns; or NULL */
};

/* A NULL name ends a table. */
extern const struct command process_commands[];
extern const struct command machine_commands[];

#endif
