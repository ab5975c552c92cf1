/*
 * signal.h - signals of programs: sending, blocking, handlers, and the frame on the stack from
 * which a handler returns. Linux: kernel/signal.c, arch/x86/kernel/signal_64.c.
 */
#ifndef FS_RUN_SIGNAL_H
#define FS_RUN_SIGNAL_H

#include "fs/fs.h"

#include <signal.h>
#include <stdbool.h>

struct program;

enum { SIGNALS = 64 };

/* Of the kernel's headers, which cannot be had beside those of the C library. */
#ifndef SA_RESTORER
#define SA_RESTORER 0x04000000
#endif
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
enum { SIGNAL_STACK_LEAST = 2048 }; /* MINSIGSTKSZ */

/* struct sigaction as the kernel has it. */
struct signal_action {
	uint64_t handler; /* SIG_DFL 0, SIG_IGN 1, or an address */
	uint64_t flags;   /* SA_ */
	uint64_t restorer;
	uint64_t mask; /* bit N - 1: signal N */
};

struct signals {
	struct signal_action action[SIGNALS]; /* of signal N at N - 1 */
	uint64_t blocked, pending;
	/*
	 * of those that are pending. There is one of each number, also of the real-time signals:
	 * a second one is lost while the first is pending.
	 */
	siginfo_t info[SIGNALS];
	/* sigsuspend and its kind: what `blocked` becomes once a handler was entered */
	uint64_t saved_blocked;
	bool restore_blocked;
	uint64_t stack, stack_size; /* sigaltstack */
	int stack_flags;            /* as set: 0, SS_DISABLE, SS_AUTODISARM */
	uint64_t waited; /* those that rt_sigtimedwait waits for, though they are blocked */
	int64_t alarm, alarm_interval; /* ITIMER_REAL: when (run_now, ns), 0: off; and how often */
	/* of the last fault or exception, for the frames of handlers */
	uint64_t trap_vector, trap_error, trap_address;
	/* what the call answered in which the program was stopped; else CALL_REGS_SET */
	int64_t result;
};

/* The bit of signal NUMBER in a set. */
static inline uint64_t signal_bit(int number)
{
	return UINT64_C(1) << (number - 1);
}

/* Those that are never blocked. */
#define SIGNALS_SURE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))

void signals_init(struct signals *signals);
/* For a child of fork: the same handlers and mask, nothing pending, no alarm. */
void signals_fork(struct signals *child, const struct signals *parent);
/* execve: handlers become SIG_DFL, the alternate stack is gone. */
void signals_exec(struct signals *signals);

/* Whether PROGRAM has a signal that it would notice now. run->lock held. */
bool signal_pending_locked(const struct program *program);

/*
 * Send INFO->si_signo to PROGRAM. SIGKILL ends it also while it is stopped, SIGCONT continues it,
 * the stop signals stop it. Ignored ones vanish. It hears of it soon (run_attend_locked). Does
 * nothing if it has ended. run->lock held. Linux: send_signal_locked, prepare_signal.
 */
void signal_send_locked(struct program *program, const siginfo_t *info);

/*
 * An instruction of PROGRAM raised a fault: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, which cannot
 * be blocked or ignored (force_sig_info). VECTOR, ERROR_CODE and the address go into the frame. The
 * caller works for PROGRAM; no lock held.
 */
void signal_force(struct program *program, int number, int code, uint64_t address, unsigned vector,
                  uint64_t error_code);

/* The same for an exception of the processor other than a page fault. */
void signal_exception(struct program *program, unsigned vector, uint64_t error_code);

/*
 * PROGRAM is about to return to user code: deliver what is pending. RESULT: what its system call
 * answered (also -ERESTARTSYS and its kind: the call is made again, or EINTR), or CALL_REGS_SET if
 * it comes from no call or all registers are set. Sets rax.
 * True: it may run. False: it has ended, or was stopped and may be at work elsewhere again, so it
 * must not be looked at any more. The caller works for PROGRAM; no lock held.
 * Linux: arch_do_signal_or_restart.
 */
bool signal_return_to_user(struct program *program, int64_t result);

/* The name as strace has it: SIGINT, SIGRT_2. Free with g_free. */
char *signal_name(int number);

/* siginfo of the signal NUMBER, which the process PID of UID sends by CODE: SI_USER, SI_TKILL. */
siginfo_t signal_info(int number, int code, pid_t pid, uid_t uid);

/* siginfo of SIGCHLD about PROGRAM, without si_code and si_status. */
siginfo_t signal_child_info(const struct program *program);

/*
 * PROGRAM's parent hears that it was stopped by the signal NUMBER, or continues (0): wait4, and
 * SIGCHLD unless it has SA_NOCLDSTOP. run->lock held. Linux: do_notify_parent_cldstop.
 */
void signal_tell_stop_locked(struct program *program, int number);

/*
 * The first pending signal of PROGRAM of the set WANTED is not pending any more. Its number, and
 * *INFO; 0: there is none. run->lock held. Linux: dequeue_signal.
 */
int signal_take_locked(struct program *program, uint64_t wanted, siginfo_t *info);

/* The action of signal NUMBER becomes ACTION. run->lock held. Linux: do_sigaction. */
void signal_set_action_locked(struct program *program, int number,
                              const struct signal_action *action);

/* The machine's time has come to NOW: send SIGALRM to those whose alarm is due. run->lock held.
 * Returns when the next one is due, or INT64_MAX. */
struct run;
int64_t signal_alarms_locked(struct run *run, int64_t now);

#endif
