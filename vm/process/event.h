/*
 * event.h - records of faults: a ring of the last ones of each process, and counters.
 */
#ifndef VM_PROCESS_EVENT_H
#define VM_PROCESS_EVENT_H

#include "vm/internal.h"

/* Faults that a process remembers. */
enum { EVENT_ROOM = 512 };

struct vm_event {
	struct vm_fault fault; /* its FILE is a GRefString that the event holds */
};

/* A record of which no more is known than that it is an access of the kind ACCESS at VA. */
static inline struct vm_fault event_unknown(uint64_t va, enum vm_access access)
{
	return (struct vm_fault){.va = va,
	                         .access = access,
	                         .frame = VM_NO_FRAME,
	                         .from = VM_NO_FRAME,
	                         .slot = VM_NO_FRAME,
	                         .evicted = VM_NO_FRAME};
}

/*
 * Count FAULT, which PROCESS took, and record it; fill in its sequence number, time and pid. FILE is
 * the name of the mapped file, a GRefString, or NULL. SIGNAL: if the fault is fatal, the process
 * would get a signal for it. This is the one place where an outcome is counted and reported. Machine
 * lock held.
 */
void event_record_locked(struct vm_process *process, struct vm_fault *fault, bool signal,
                         char *file);

/* Free PROCESS's ring. */
void event_free(struct vm_process *process);

#endif
