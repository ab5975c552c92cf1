/*
 * exit.h - what the end of a program, and the news about it, mean to its family. Linux:
 * kernel/exit.c.
 */
#ifndef FS_RUN_EXIT_H
#define FS_RUN_EXIT_H

#include "fs/run/program.h"

/* The listener of the engine (vm_machine_on_exit). CTX is the run. */
void program_process_ended(void *ctx, struct vm_process *process, int status);

/* The siginfo of SIGCHLD that says how PROGRAM, a zombie, has ended. run->lock held. */
void program_end_info(const struct program *program, siginfo_t *info);

/* PROGRAM's parent has ended. If it has, too, it is gone. run->lock held. */
void program_orphan_locked(struct program *program);

#endif
