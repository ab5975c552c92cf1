/*
 * event.h - what is told of faults: the ring of each process's last ones, and counters.
 */
#ifndef VM_PROCESS_EVENT_H
#define VM_PROCESS_EVENT_H

#include "vm/internal.h"

/* Faults that a process remembers. */
enum { EVENT_ROOM = 512 };

struct vm_event {
	struct vm_fault fault; /* its FILE is a GRefString that the event holds */
};

/*
 * Count FAULT, which PROCESS took in SPACE, and record it: sequence number and time are filled in.
 * FILE is the object's name as a GRefString or NULL; SIGNAL: if it is fatal, the process would get
 * a signal. This is the one place where an outcome is told.
 */
void event_record_locked(struct vm_process *process, struct vm_fault *fault, bool signal,
                         char *file);

/* Free PROCESS's ring. */
void event_free(struct vm_process *process);

#endif
