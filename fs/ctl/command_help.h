/*
 * command_help.h - what there is: the help of the tables of commands, and names that are close to
 * one that is not there.
 */
#ifndef FS_CTL_COMMAND_HELP_H
#define FS_CTL_COMMAND_HELP_H

#include "fs/ctl/command_table.h"

/* The row of NAME in COMMANDS, or NULL. */
const struct command *command_find(const struct command *commands, const char *name);

/* Append a line for each command. All lines here are below 80 columns. */
void command_help_list(GString *out, const struct command *commands);

/*
 * A sentence for NAME, which is none of COMMANDS: that it is one of OTHERS, or the commands of a
 * similar name, or all that there are. HERE_IS_MACHINE: which of the tables is the machine's. Free
 * with g_free.
 */
char *command_help_unknown(const struct command *commands, const struct command *others,
                           bool here_is_machine, const char *name);

/* The command help. -EINVAL: there is no such command. */
int command_help_run(struct command_call *call);

#endif
