/*
 * run.h - who runs when: the programs of a mount share the machine's one processor.
 *
 * One thread, the runner, has the processor. It takes the first of the programs that are ready, and
 * works for it for a slice: SLICE_EVENTS system calls and faults. So the same programs take the
 * same turns in every run. A program that does not come to an event for SLICE_US of the processor's
 * time gives way, too, if others are ready.
 *
 * The runner also does what a system call or a fault needs. If that takes long, because a host file
 * does not answer, another thread becomes the runner (the role is handed over by the ticker, a
 * thread that looks at the time). The old one finishes the call, makes the program ready again, and
 * ends. So a call that blocks blocks its program only.
 *
 * A call that waits for something inside the machine (a pipe, a child, the time) sleeps: it leaves
 * the runner at once, and is made again from its beginning when what it sleeps on was woken. This
 * is the old Unix sleep and wakeup, by an address that stands for what is waited for.
 */
#ifndef FS_RUN_RUN_H
#define FS_RUN_RUN_H

#include "fs/run/program.h"

struct run;

/* The programs of MOUNT. The processor is opened when the first of them runs. NULL: no memory. */
struct run *run_new(struct fs_mount *mount, bool no_cpu);
/*
 * End all programs, and all threads that work for them. False: one of them hangs in a host file,
 * and still uses RUN and the machine.
 */
bool run_stop(struct run *run);
/* RUN may be NULL. */
void run_free(struct run *run);

struct fs_mount *run_mount(const struct run *run);
struct vm_machine *run_machine(const struct run *run);
/* By pid: struct program, a reference each, which run_stop drops. */
GHashTable *run_programs_locked(struct run *run);

void run_lock(struct run *run);
void run_unlock(struct run *run);

/*
 * Open the processor, and start the threads, unless that was done. *WHY as in vm_cpu_open. -ENODEV
 * also with -o cpu=none. No lock held.
 */
int run_open(struct run *run, char **why);

/* The machine's time in ns since its start, by which programs sleep. */
int64_t run_now(const struct run *run);

/* PROGRAM, stopped or new, may run from now on: it becomes the last of those that are ready. */
void run_ready_locked(struct program *program);

/*
 * PROGRAM shall look around soon: at a signal, or that it is to stop. If it sleeps it is made
 * ready, and its call is made again, or is interrupted. If it is in user code it is kicked.
 */
void run_attend_locked(struct program *program);

/* All that sleep on CHANNEL, or on everything (run_sleep with NULL), become ready. */
void run_wake_locked(struct run *run, const void *channel);

/* PROGRAM has ended: it is a zombie from now on. */
void run_leave_locked(struct program *program);

/* Something is due at WHEN (run_now): an alarm. */
void run_alarm_locked(struct run *run, int64_t when);

/* PROGRAM has used NS more of the processor, in user code or outside it. */
void run_charge_locked(struct program *program, bool user, int64_t ns);
/* Count what the program that has the processor has used of it until now. */
void run_count_locked(struct run *run);

/* What all programs have used of the processor, ns, the ended ones too; how many want it. */
struct run_load {
	int64_t user, system;
	unsigned runnable;
	double
	    average[3]; /* of RUNNABLE, over 1, 5 and 15 minutes: a sample each 5 s, as in Linux */
};
/* RUN may be NULL. No lock held. */
struct run_load run_load(struct run *run);

/*
 * Wait until something about a program may have changed: for PID/wait. Until DEADLINE of the
 * host's monotonic clock (ns). True: time is over.
 */
bool run_wait_locked(struct run *run, int64_t deadline);
/* Something changed that run_wait_locked may wait for. */
void run_changed_locked(struct run *run);

#endif
