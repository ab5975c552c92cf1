/*
 * command_run.h - the commands about programs that run, and what other commands do if a process has
 * one.
 */
#ifndef FS_CTL_COMMAND_RUN_H
#define FS_CTL_COMMAND_RUN_H

#include "fs/ctl/command_call.h"

#include <stdbool.h>

struct program;

extern const struct command_reason run_reasons[];

/* To a process. */
int command_run_program(struct command_call *call);
int command_step(struct command_call *call);
int command_until(struct command_call *call);
int command_stop(struct command_call *call);
int command_setreg(struct command_call *call);

/* To the machine: `run PATH [ARG ...]`. */
int command_run_path(struct command_call *call);

/* The program of PROCESS that has not ended, with a reference, or NULL. */
struct program *command_program(struct command_call *call, struct vm_process *process);

/*
 * If PROCESS has a program, NUMBER is sent to that, else to the process (vm_process_kill). 0 or a
 * negative errno.
 */
int command_send_signal(struct command_call *call, struct vm_process *process, int number);

/* The same for an exit with STATUS. */
int command_end(struct command_call *call, struct vm_process *process, int status);

/* Something became of a process that readers of its files may wait for. */
void command_changed(struct command_call *call);

/*
 * Before a command that needs the program of the process at rest, or none: its program, with a
 * reference, or NULL. -EBUSY with the reason set in *ERROR if it runs, else 0.
 */
struct program *command_resting(struct command_call *call, int *error);

/*
 * CHILD, a fork of the process of PROGRAM, gets a program that goes on where PROGRAM is. 0 or a
 * negative errno.
 */
int command_fork_program(struct command_call *call, struct program *program,
                         struct vm_process *child);

#endif
