/*
 * command_load.h - commands of the machine that make a process of what is elsewhere: a core file,
 * or a process of the host.
 */
#ifndef FS_CTL_COMMAND_LOAD_H
#define FS_CTL_COMMAND_LOAD_H

#include "fs/ctl/command_call.h"

extern const struct command_reason load_reasons[], attach_reasons[];

int command_load(struct command_call *call);
int command_attach(struct command_call *call);

#endif
