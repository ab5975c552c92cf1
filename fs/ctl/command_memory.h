/*
 * command_memory.h - the commands of command_memory.c, command_access.c, command_look.c,
 * command_advice.c and command_mlock.c, for the table in command_process.c.
 */
#ifndef FS_CTL_COMMAND_MEMORY_H
#define FS_CTL_COMMAND_MEMORY_H

#include "fs/ctl/command_call.h"

int command_mmap(struct command_call *call);
int command_munmap(struct command_call *call);
int command_mprotect(struct command_call *call);
int command_mremap(struct command_call *call);
int command_brk(struct command_call *call);
int command_sbrk(struct command_call *call);
int command_msync(struct command_call *call);
int command_mlock(struct command_call *call);
int command_mlock2(struct command_call *call);
int command_munlock(struct command_call *call);
int command_mlockall(struct command_call *call);
int command_munlockall(struct command_call *call);
int command_madvise(struct command_call *call);
int command_mincore(struct command_call *call);
int command_setrlimit(struct command_call *call);
int command_access(struct command_call *call);
int command_peek(struct command_call *call);
int command_poke(struct command_call *call);
int command_translate(struct command_call *call);
int command_walk(struct command_call *call);
int command_where(struct command_call *call);

extern const struct command_reason mmap_reasons[], munmap_reasons[], mprotect_reasons[],
    mremap_reasons[];
extern const struct command_reason sbrk_reasons[], msync_reasons[], mlock_reasons[],
    munlock_reasons[], mlockall_reasons[], madvise_reasons[], mincore_reasons[],
    setrlimit_reasons[], access_reasons[], peek_reasons[];

#endif
