/*
 * control.h - what a user does to a program from outside, as a debugger does: run it, step, stop
 * it, look at its registers and change them. The commands of ctl and the files of a process are
 * made of this.
 */
#ifndef FS_RUN_CONTROL_H
#define FS_RUN_CONTROL_H

#include "fs/run/run.h"
#include "vm/vm_core.h"

/* How long a command waits for a program to stop, ms. */
enum { CONTROL_PATIENCE_MS = 1500 };

/* The most instructions of one `step`. */
enum { CONTROL_STEPS_MAX = 1000 };

/* Whether PROGRAM does not run: it is stopped, or has ended. run->lock held. */
bool control_rests_locked(const struct program *program);

/*
 * Let PROGRAM, which is stopped, run until HOW says. It forgets what it was to stop for before.
 * run->lock held.
 */
struct control_how {
	unsigned steps;     /* instructions; 0: no limit */
	const uint64_t *at; /* an address, or NULL */
	int call;           /* the number of a system call, or -1 */
};
void control_go_locked(struct program *program, const struct control_how *how);

/* PROGRAM shall stop soon. run->lock held. */
void control_stop_locked(struct program *program);

/*
 * Wait until PROGRAM rests. 0; -EBUSY: it takes longer than CONTROL_PATIENCE_MS; -EINTR: nobody
 * wants to know any more (vm_interrupted). run->lock held; it is dropped meanwhile.
 */
int control_await_locked(struct program *program);

/*
 * PROGRAM, which is stopped, begins anew at the entry point of its process, after an exec. No lock
 * held; run->lock is taken.
 */
void control_exec(struct program *program);

/*
 * CHILD, a fresh program in a fork of PARENT's process, goes on where PARENT is stopped. 0 or
 * -ENOMEM. run->lock held.
 */
int control_fork_locked(struct program *child, const struct program *parent);

/* --- Registers -------------------------------------------------------------------------------- */

/*
 * The registers and the floating-point unit of PROCESS: of its program if it has one, of its first
 * thread if it was loaded; else pc and sp, and zeros. While a program is on the processor they are
 * what they were when it last left it, which is not long ago, and of the unit nothing is known. RUN
 * may be NULL. No lock held.
 */
void control_thread(struct run *run, struct vm_process *process, struct vm_thread *thread);
/* The registers alone. */
void control_regs(struct run *run, struct vm_process *process, struct vm_regs *regs);

/* The names, as gdb has them, in the order of its `info registers`. NULL ends them. */
const char *control_reg_name(unsigned index);
uint64_t control_reg_value(const struct vm_regs *regs, unsigned index);

/*
 * Set register NAME of PROGRAM, which is stopped. -EINVAL: there is no such register that may be
 * set; -ERANGE: VALUE is no address of a program (rip, rsp and the bases). Of eflags only the bits
 * that user code may change count. run->lock held.
 */
int control_set_reg_locked(struct program *program, const char *name, uint64_t value);

/* --- How it stands ---------------------------------------------------------------------------- */

/* Append why PROGRAM, which rests, does not run, as PID/wait says it; a line without newline. */
void control_status_locked(struct program *program, GString *out);

#endif
