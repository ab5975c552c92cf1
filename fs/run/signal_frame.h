/*
 * signal_frame.h - what the kernel puts on the stack of a program for a handler, and takes from it
 * after that. Linux: arch/x86/kernel/signal_64.c, arch/x86/kernel/fpu/signal.c.
 */
#ifndef FS_RUN_SIGNAL_FRAME_H
#define FS_RUN_SIGNAL_FRAME_H

#include "fs/run/program.h"

/* A handler that is to be entered. */
struct delivery {
	int number;
	siginfo_t info;
	struct signal_action action;
	uint64_t mask; /* that counts again when the handler has returned */
};

/*
 * Put the frame of DELIVERY on PROGRAM's stack, and let its registers begin the handler. 0, or
 * -EFAULT: there is no room, or no restorer; nothing has changed but memory. The caller works for
 * PROGRAM; no lock held.
 */
int signal_frame_push(struct program *program, const struct delivery *delivery);

/*
 * Take the registers from the frame on which rt_sigreturn was called, and store in *MASK what is to
 * be blocked. Whatever is in the frame, the registers are such as user code may have; but rip may
 * not be canonical. -EFAULT: the frame cannot be read; or the state of the FPU in it cannot be
 * loaded, and then the registers are those of the frame all the same.
 */
int signal_frame_pop(struct program *program, uint64_t *mask);

/* Whether SP is on the alternate stack of SIGNALS. */
bool signal_on_stack(const struct signals *signals, uint64_t sp);
/*
 * sigaltstack(2) by a program whose stack pointer is SP: flags as set by the caller. -EPERM,
 * -EINVAL, -ENOMEM. run->lock held. Linux: do_sigaltstack.
 */
int signal_set_stack_locked(struct signals *signals, uint64_t sp, const stack_t *stack);

#endif
