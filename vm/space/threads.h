/*
 * threads.h - the threads of a process that was loaded: their numbers and registers. They do not
 * run. The first is the process itself; the others get the pids after that of the process.
 *
 * They belong to the address space, so exec and the end of the process end them. A fork does not
 * copy them.
 *
 * Rule: the machine lock is held for functions named _locked, not for the others.
 */
#ifndef VM_SPACE_THREADS_H
#define VM_SPACE_THREADS_H

#include "vm/internal.h"
#include "vm/vm_core.h"

struct vm_threads {
	struct vm_machine *machine;
	struct vm_user *user; /* charged for it, a reference */
	unsigned count;       /* at least 1 */
	pid_t first;          /* of their numbers, which follow each other; 0: not published yet */
	/* machine */
	struct vm_space *space; /* whose they are; NULL until it was published */
	struct treap_link link; /* in machine->threads, by the highest number */
	struct vm_thread thread[]; /* their tid is not set */
};

/* COUNT threads without registers and numbers, charged to USER. NULL: no memory. */
struct vm_threads *threads_new(struct vm_machine *machine, struct vm_user *user, unsigned count);
/* Forget THREADS (may be NULL): nobody finds the process by their numbers any more. */
void threads_free(struct vm_threads *threads);

/*
 * The process of SPACE is about to get the pid FIRST: number its threads from there, and enter
 * them. Returns the first pid after them. SPACE may have no threads: then that is FIRST + 1.
 */
pid_t threads_publish_locked(struct vm_space *space, pid_t first);
/* From now on nobody finds the process of SPACE by the numbers of its threads. May be repeated. */
void threads_withdraw_locked(struct vm_space *space);
/* Whether pids are left for all threads of SPACE, if the process gets the pid FIRST. */
bool threads_fit(const struct vm_space *space, pid_t first);

/* The process that has a thread TID besides its first, or NULL. */
struct vm_process *threads_find_locked(const struct vm_machine *machine, pid_t tid);

/* Charge what all threads of SPACE are charged, for the checker. */
uint64_t threads_size(const struct vm_threads *threads);

#endif
