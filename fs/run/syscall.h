/*
 * syscall.h - one system call of a program: what its function gets and answers.
 */
#ifndef FS_RUN_SYSCALL_H
#define FS_RUN_SYSCALL_H

#include "fs/run/run.h"

#include <errno.h>

struct call_row;

struct call {
	struct run *run;
	struct program *program; /* ON_CPU: this thread works for it */
	struct vm_process *process;
	const struct call_row *row;
	uint64_t number;
	uint64_t arg[6];
	char *text; /* of the arguments, if they were noted early (call_log_arguments); else NULL */
};

/*
 * Do the call. Returns what rax becomes: a result, or a negative errno; or one of the answers
 * below. No lock is held.
 */
typedef int64_t (*call_fn)(struct call *call);

/* Not what rax becomes: the call sleeps (call_sleep), or has set all registers by itself. */
#define CALL_SLEEPS INT64_MIN
#define CALL_REGS_SET (INT64_MIN + 1)

/* As in Linux (include/linux/errno.h): what becomes of the call if a signal is delivered. */
enum {
	ERESTARTSYS = 512,           /* made again if the handler has SA_RESTART, else EINTR */
	ERESTARTNOINTR = 513,        /* always made again */
	ERESTARTNOHAND = 514,        /* EINTR if there is a handler, else made again */
	ERESTART_RESTARTBLOCK = 516, /* the same, for calls that know how long they have slept */
};

/*
 * Let the caller's program sleep on CHANNEL (any address that stands for something; NULL: whatever
 * is woken), until DEADLINE (ns of run_now; -1: for ever) at the latest. run->lock is held, and was
 * held since it was found that the call must wait, so no wakeup is missed. The caller drops the
 * lock, and returns what this returns: CALL_SLEEPS, or -ERESTARTSYS if a signal is pending. After
 * CALL_SLEEPS it does not look at the program any more: another thread may work for it.
 *
 * Then the call is made again from its beginning, with program->again true, and program->deadline
 * as it was. A call with a time limit computes it only if program->again is false.
 */
int64_t call_sleep_locked(struct call *call, const void *channel, int64_t deadline);

/* Whether the deadline of a call that slept is over. */
bool call_timed_out(const struct call *call);

/* One row of the table of all calls (table.c). */
struct call_row {
	unsigned number;
	const char *name;
	call_fn fn;
	/*
	 * How PID/calls shows it: a letter for each argument, and after a colon one for the result.
	 *     d  a number with a sign      u  without       x  in hex      o  octal, a mode
	 *     p  an address, NULL for 0    s  a string, or a path, in memory
	 *     b  bytes in memory; the next argument is their number
	 *     r  bytes that the call has stored; the result is their number
	 *     f  a descriptor              a  a descriptor of a directory, or AT_FDCWD
	 *     O  flags of open             P  PROT_         M  MAP_        S  a signal
	 *     W  whence of lseek           A  MADV_         F  AT_ flags   v  a vector of strings
	 *     C  clone flags               c  a command of fcntl           i  one of ioctl
	 *     k  a clock                   t  a struct timespec in memory
	 *     w  a wait status that the call has stored    h  how of rt_sigprocmask
	 *     K  a sigset in memory        R  a resource of rlimit         U  futex operation
	 *     l  a number of 64 bits       m  a mode of access             y  of arch_prctl
	 *     e  an environment: its variables are counted
	 */
	const char *format;
};

/* The row of NUMBER, or NULL. */
const struct call_row *call_row_find(uint64_t number);

/* --- Memory of the caller (usermem.c) --------------------------------------------------------- */

/* Copy LEN bytes from or to the program's memory at VA. 0 or -EFAULT. No lock held. */
int call_get(struct call *call, uint64_t va, void *buf, size_t len);
int call_put(struct call *call, uint64_t va, const void *buf, size_t len);

/*
 * The string at VA, which has less than MOST bytes with its 0. Free with g_free. NULL with *ERROR
 * -EFAULT, or -ENAMETOOLONG: it is longer; -ENOMEM.
 */
char *call_string(struct call *call, uint64_t va, size_t most, int *error);
/* A path: as call_string with PATH_MAX. -ENOENT: it is empty, unless EMPTY may be. */
char *call_path(struct call *call, uint64_t va, bool empty, int *error);

#endif
