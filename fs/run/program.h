/*
 * program.h - programs: what a process has that runs. Beside the memory and the descriptors, which
 * the engine has, these are registers, signals, a place in the file system, a family, a state.
 *
 * A program begins with the command `run` (or with a fork of a program), and ends with its process.
 * An ended program is a zombie until its status was taken: by its parent's wait4, or, if no program
 * is its parent, by a read of PID/wait.
 *
 * Locks: run->lock guards all programs of a mount, except what a comment here calls `own`. That
 * belongs to the thread that works for the program: the runner, while the program is ON_CPU. While
 * it is not, run->lock guards that, too. Order: run->lock comes before the locks of the engine.
 * It is never held while user memory is read or written or a host file is used, because these may
 * take long. A child and its parent never have a lock of their own.
 */
#ifndef FS_RUN_PROGRAM_H
#define FS_RUN_PROGRAM_H

#include "fs/run/calllog.h"
#include "fs/run/place.h"
#include "fs/run/signal.h"
#include "util/list.h"
#include "vm/vm_cpu.h"

#include <stdbool.h>

struct call;
struct run;

enum program_state {
	PROGRAM_STOPPED, /* it does not run, and may be continued */
	PROGRAM_READY,   /* it waits for its turn */
	PROGRAM_ON_CPU,  /* a thread works for it, in user code or in a system call */
	PROGRAM_BLOCKED, /* it waits for `channel`, a signal, or `deadline` */
	PROGRAM_ENDED,   /* a zombie */
};

/* Why a program is stopped, for PID/wait. */
enum program_stop { STOP_NEW, STOP_ASKED, STOP_SIGNAL, STOP_STEPPED, STOP_UNTIL };

struct program {
	struct run *run;
	struct vm_process *process; /* a reference */
	pid_t pid;
	int refs; /* atomic: run->programs, and whoever works with it */

	/* own */
	struct vm_context *context;
	struct place *place; /* who it is for host files; root, cwd, umask, console (place.h) */
	struct call_log log; /* has a lock of its own */
	int64_t deadline;    /* of the system call that it sleeps in, ns of run_now(); -1: none */
	bool call_due;       /* a system call is to be made before user code goes on */
	bool again;          /* that call slept, and is made again */
	size_t moved;        /* bytes that it has written before it slept */
	struct stuck {
		struct vm_regs regs;
		unsigned faults; /* in a row, with these registers */
	} stuck;
	uint64_t clear_tid; /* set_tid_address */
	bool leaves;        /* it has called exit: it ends before it enters user code again */
	int leave_status;   /* with this status, as wait4(2) stores it */
	/* while vfork waits for the child: its pid, and what is blocked after that */
	pid_t vfork_pid;
	uint64_t vfork_blocked;
	/* what restart_syscall does: the call that a signal without a handler interrupted */
	struct restart {
		int64_t (*fn)(struct call *call); /* NULL: none */
		uint64_t arg[6];
		int64_t deadline;
	} restart;
	unsigned persona; /* personality(2) */
	/* what its calls moved: bytes, calls; changed by its thread alone, atomic */
	struct program_io {
		uint64_t rchar, wchar, syscr, syscw;
	} io;
	uint64_t last_pc, last_sp; /* atomic: where it last went into user code */

	/* run->lock */
	enum program_state state;
	enum program_stop stop;
	struct list_link queue; /* in run->ready while READY */
	const void *channel;    /* what it sleeps on while BLOCKED; NULL once it was woken */
	struct signals signals; /* signal.h */
	bool stop_wanted;       /* `stop`: leave the CPU when the next moment comes */
	unsigned steps;         /* instructions that `step` still wants; 0: it runs freely */
	bool has_until;         /* `until`: stop at `until` */
	bool until_away;        /* if it stands there already, that does not count */
	uint64_t until;
	int until_call;         /* `until`: stop before this system call; -1: none */
	struct program *parent; /* a program, or NULL: then a reader of PID/wait takes it */
	struct list_link children, sibling;
	pid_t group, session;
	int status;       /* of a zombie, as wait4(2) stores it */
	bool waitable;    /* a zombie that has let go of all that it had */
	bool released;    /* a zombie that is gone */
	bool orphan;      /* its parent has ended: nobody waits for it */
	int exit_signal;  /* that the parent gets: SIGCHLD, or 0 or another of clone(2) */
	int death_signal; /* that it gets at its parent's end: PR_SET_PDEATHSIG */
	/* news for the parent's wait4: the signal that stopped it (0: none), that it goes on */
	int stop_news;
	bool continue_news;
	/* the futex that it waits for: its address, 0: none; may others wake it; bits (futex(2)) */
	uint64_t futex;
	bool futex_shared;
	uint32_t futex_bits;
	bool execed;                 /* since its fork: setpgid answers EACCES */
	struct program *vfork_child; /* which it waits for, or NULL; a reference */
	struct program_times {
		int64_t user, system; /* ns */
	} used, children_used;
};

/*
 * PROCESS, which has no program yet, gets one, stopped. It uses host files as CALLER, who has
 * written `run`. Returns a reference, or NULL with *ERROR: -EINVAL: it was not made by `exec -k`;
 * -ENOMEM, -EMFILE. run->lock held.
 */
struct program *program_new_locked(struct run *run, struct vm_process *process,
                                   const struct fs_caller *caller, int *error);

/* The program of process PID, with a reference, or NULL. */
struct program *program_find_locked(struct run *run, pid_t pid);
struct program *program_ref(struct program *program);
/* run->lock may be held or not: what has to be done without it is left to run_reap (run.h). */
void program_unref(struct program *program);

/*
 * PROGRAM ends with STATUS, as wait4(2) shows it: its memory and descriptors go, its children get
 * no parent, its parent hears SIGCHLD. It becomes a zombie, whose directory remains, or is gone at
 * once if its parent ignores SIGCHLD. No lock held. Any thread; the second call does nothing.
 * Linux: do_exit, exit_notify.
 */
void program_exit(struct program *program, int status);

/*
 * A child of PARENT, which works: its memory, descriptors, place, handlers and registers, but that
 * rax is 0. Nobody runs it before run_ready_locked. Returns a reference, or NULL with *ERROR:
 * -EAGAIN, -ENOMEM, -EMFILE, -ESRCH. No lock held. Linux: copy_process.
 */
struct program *program_fork(struct program *parent, int exit_signal, int *error);

/*
 * PROGRAM executes another program, or ends: a parent that has made it by vfork goes on. run->lock
 * held. Linux: mm_release.
 */
void program_end_vfork_locked(struct program *program);

/* The name of PROGRAM's state in `status`, from R, S, T and Z. */
char program_letter(const struct program *program);

/* The zombie PROGRAM is gone: its pid leaves the machine. run->lock held. Linux: release_task. */
void program_release_locked(struct program *program);

#endif
