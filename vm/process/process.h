/*
 * process.h - processes: their making, their table, their end.
 */
#ifndef VM_PROCESS_PROCESS_H
#define VM_PROCESS_PROCESS_H

#include "vm/internal.h"

/*
 * A process that nobody can find, with an empty address space (no areas at all), for exec to build
 * in with the public calls. Returns a reference, or NULL for lack of memory. pid 0; its faults
 * count for the machine but are recorded nowhere.
 */
struct vm_process *process_new_nascent(struct vm_machine *machine, const struct vm_cred *cred);

/*
 * PROCESS continues in NASCENT's address space (point of no return of exec), under its name COMM;
 * NASCENT gets the old one, and loses it when it is unreferenced. -ESRCH: PROCESS has ended.
 */
int process_adopt_space(struct vm_process *process, struct vm_process *nascent, const char *comm);

/*
 * Enter a nascent PROCESS in the table under a new pid, as a child of PARENT (0: the machine's).
 * The table takes a reference. -EAGAIN: too many processes.
 */
int process_publish(struct vm_process *process, pid_t parent, const char *comm);

#endif
