/*
 * vm_cpu.h - the second half of the engine's interface: a processor that runs programs on the page
 * tables of the machine's processes.
 *
 *     vm_cpu_open                 the machine gets its one processor
 *       vm_context_new            the registers of a program that is to run
 *         vm_cpu_run              user code runs, until it needs something ...
 *           vm_access             ... a page: handle the fault, and run again
 *           vm_copy_in, _out      ... a system call: its arguments in memory
 *       vm_context_free
 *     vm_cpu_close
 *
 * The processor walks the entries that the engine walks, and sets their accessed and dirty bits. As
 * long as user code runs, its thread holds the machine lock (vm.h). Whoever wants that lock makes
 * the processor leave user code first. So nothing changes in the tables while user code runs.
 */
#ifndef VM_VM_CPU_H
#define VM_VM_CPU_H

#include "vm/vm.h"

/* --- Registers -------------------------------------------------------------------------------- */

/* The registers of user code. The order is that of struct user_regs_struct (sys/user.h). */
struct vm_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp, ss;
	uint64_t fs_base, gs_base, ds, es, fs, gs;
};

/* The registers of one program, and the state of its floating-point unit. */
struct vm_context;

/* Registers as Linux's execve leaves them, with rip and rsp 0. NULL: no memory. */
struct vm_context *vm_context_new(struct vm_machine *machine);
/* A copy, for fork. NULL: no memory. */
struct vm_context *vm_context_copy(const struct vm_context *context);
void vm_context_free(struct vm_context *context);
/* As after an execve: all is 0, except rip and rsp. */
void vm_context_reset(struct vm_context *context, uint64_t rip, uint64_t rsp);

/* The registers, to be read and changed while no thread runs the context. */
struct vm_regs *vm_context_regs(struct vm_context *context);

/*
 * The state of the floating-point unit, in the standard format of XSAVE: *LEN bytes, to be read and
 * changed while no thread runs the context. After a change vm_context_mend_fpu must follow.
 */
void *vm_context_fpu(struct vm_context *context, size_t *len);
/*
 * Make what is in the area loadable: reserved bits of MXCSR and of the header become 0. Returns
 * whether it was loadable; an instruction that loads it raises a general protection fault if not.
 */
bool vm_context_mend_fpu(struct vm_context *context);

/* --- Running ---------------------------------------------------------------------------------- */

/*
 * Give MACHINE its processor, by /dev/kvm. 0 also if it has one. After a failure *WHY is a sentence
 * that says what is missing and what helps; free it with g_free. -ENODEV: the host has no
 * /dev/kvm; -EACCES: no right to use it; -ENOTSUP: it does not do what is needed; -ENOMEM, -EMFILE.
 */
int vm_cpu_open(struct vm_machine *machine, char **why);
/* Nobody runs anything any more. vm_machine_free does it, too. */
void vm_cpu_close(struct vm_machine *machine);

/* Why user code stopped. */
enum vm_cpu_stop {
	VM_CPU_SYSCALL,     /* a syscall instruction; rip is behind it */
	VM_CPU_FAULT,       /* a page fault: vm_access with `access` at `address`, then run again */
	VM_CPU_EXCEPTION,   /* another exception, `vector`; rip is as the processor leaves it */
	VM_CPU_STEPPED,     /* one instruction is done, as VM_CPU_STEP asked */
	VM_CPU_BREAKPOINT,  /* rip is the address that was asked for */
	VM_CPU_INTERRUPTED, /* vm_cpu_kick, or nothing: look around, and run again */
};

struct vm_cpu_exit {
	enum vm_cpu_stop stop;
	unsigned vector;       /* of the exception: 0 to 31; 14 for a fault */
	uint64_t error_code;   /* as the processor pushes it */
	uint64_t address;      /* of a fault: CR2 */
	enum vm_access access; /* of a fault */
};

/* How vm_cpu_run runs: bits. */
enum {
	VM_CPU_STEP = 1 << 0,  /* one instruction */
	VM_CPU_BREAK = 1 << 1, /* up to the address BREAKPOINT */
	VM_CPU_AWAY = 1 << 2,  /* with VM_CPU_BREAK: if that is where it starts, not there */
};

/*
 * Run the user code of PROCESS with the registers of CONTEXT until it stops, and store why in
 * *STOPPED. One thread at a time may call this for a machine. -ESRCH: the process has ended;
 * -EIO: the host's processor refused to run it.
 */
int vm_cpu_run(struct vm_process *process, struct vm_context *context, unsigned how,
               uint64_t breakpoint, struct vm_cpu_exit *stopped);

/*
 * User code has run for a while: let others have the machine lock for a moment, if they want it.
 * Those who come back from a wait for a condition cannot say so themselves. Any thread.
 */
void vm_cpu_breathe(struct vm_machine *machine);

/* Make vm_cpu_run of MACHINE return soon, or the next one at once. Any thread. */
void vm_cpu_kick(struct vm_machine *machine);

/*
 * From here to vm_cpu_release no user code of MACHINE runs, so what a look finds in several steps
 * is of one instant. Holds may nest and overlap. User code that was held off for 100 ms runs for a
 * moment all the same, or many who look would stop it for good. Any thread, with or without a
 * processor.
 */
void vm_cpu_hold(struct vm_machine *machine);
void vm_cpu_release(struct vm_machine *machine);

/* --- Memory of the program, for the kernel ---------------------------------------------------- */

/*
 * Copy LEN bytes between BUF and memory of PROCESS at VA, as the kernel does for a system call: the
 * rights of the areas count, faults are handled and recorded, but a fatal one is no signal. Returns
 * how many bytes were copied, which is less than LEN where a page cannot be had. -ESRCH. Linux:
 * copy_from_user, copy_to_user.
 */
ssize_t vm_copy_in(struct vm_process *process, uint64_t va, void *buf, size_t len);
ssize_t vm_copy_out(struct vm_process *process, uint64_t va, const void *buf, size_t len);

#endif
