/*
 * process.h - processes: how they are made, the machine's table of them, how they end.
 *
 * A process is nascent (in no table, pid 0), then alive (in the table, which has a reference), then
 * ended (in no table, without an address space). If it is kept, it is a zombie before that: without
 * an address space, but still in the table. It is freed with its last reference. An ended process
 * keeps its name, counters and recorded faults.
 *
 * Rule: no lock is held, unless a function says so. The last vm_process_unref may write dirty
 * pages.
 */
#ifndef VM_PROCESS_PROCESS_H
#define VM_PROCESS_PROCESS_H

#include "vm/internal.h"

/*
 * A nascent process of CRED, which nobody can find, with an address space without areas and Linux's
 * first limits. exec, fork and spawn build in it with the public calls. Its faults count for the
 * machine, and vm_machine_watch reports them with pid 0, but the process does not keep them.
 * Returns a reference, or NULL: no memory or no table pages.
 */
struct vm_process *process_new_nascent(struct vm_machine *machine, const struct vm_cred *cred);

/*
 * Exchange the address spaces of PROCESS and NASCENT, and give PROCESS the name COMM, cut to 15
 * bytes: the point of no return of exec. Only the caller knows NASCENT, and its last
 * vm_process_unref frees the old space. Other threads see the exchange at once, under both locks.
 * Linux: exec_mmap.
 *
 * => -ESRCH: PROCESS has ended. Nothing has changed
 */
int process_adopt_space(struct vm_process *process, struct vm_process *nascent, const char *comm);

/*
 * Enter the nascent PROCESS in the table under a new pid and the name COMM, cut to 15 bytes, as a
 * child of the process PARENT (0: of none). The table takes a reference. A process lock may be
 * held, the machine lock not. If PARENT has ended meanwhile, PROCESS is nobody's child, but its
 * ppid is PARENT all the same.
 *
 * => -EAGAIN: its user or all users have too many (VM_PROCESSES), or all pids were used. PROCESS
 *    stays nascent
 * => -ENOMEM: the host has no memory. The same
 */
int process_publish(struct vm_process *process, pid_t parent, const char *comm);

/* The process PID, living or a zombie, or NULL. */
static inline struct vm_process *process_find_locked(const struct vm_machine *machine, pid_t pid)
{
	struct treap_link *link = treap_find(machine->processes, (uint64_t)pid);

	return link != NULL ? LIST_ENTRY(link, struct vm_process, table) : NULL;
}

/*
 * The process with the lowest pid above PID, living or a zombie, or NULL. A walk over all processes
 * that knows only the last pid may drop the machine lock after each.
 */
struct vm_process *process_next_locked(struct vm_machine *machine, pid_t pid);

/* vm_process_exit, but the end is that by SIGNAL. */
int process_end_by_signal(struct vm_process *process, int signal);

#endif
