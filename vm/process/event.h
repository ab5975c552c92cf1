/*
 * event.h - record faults: count them, and keep the last ones of each process in a ring.
 *
 * The ring (process->events) grows up to EVENT_ROOM records. Then the newest record replaces the
 * oldest. Without memory to grow it stays as large as it is, or records are lost.
 */
#ifndef VM_PROCESS_EVENT_H
#define VM_PROCESS_EVENT_H

#include "vm/internal.h"

/* Records that the ring of a process holds at most. */
enum { EVENT_ROOM = 512 };

/* Who took a fault: an instruction, a system call of the process, or another who looks at it. */
enum event_by { EVENT_BY_PROCESS, EVENT_BY_CALL, EVENT_BY_OTHER };

struct vm_event {
	struct vm_fault fault; /* the event holds its names */
};

/*
 * Count the fault FAULT of PROCESS, call the watcher (vm_machine_watch), if there is one, and put a
 * copy in PROCESS's ring unless its pid is 0. No other function counts or reports an outcome.
 *
 * FAULT gets its sequence number, time and pid. FILE is the name of the mapped file, a refstring,
 * or NULL; the ring takes a reference of its own. A fatal fault of an instruction sends a signal,
 * which is noted as PROCESS's last. FAULT's file is set only if there is a watcher: afterwards it has no
 * meaning. The machine lock is held.
 */
void event_record_locked(struct vm_process *process, struct vm_fault *fault, enum event_by by,
                         char *file);

/*
 * A page of the process PID, or of none (0), went. If it is still there, count that. RECORD, of
 * VM_EVICT, or NULL if nobody sees it, gets its sequence number and time. Call the watcher, and put
 * a copy in the ring of the process. FILE as above. The machine lock is held.
 */
void event_record_evict_locked(struct vm_machine *machine, pid_t pid, struct vm_fault *record,
                               char *file);

/* The seq of the last record in PROCESS's ring; 0: there is none. The machine lock is held. */
uint64_t event_last_locked(const struct vm_process *process);

/* Free the ring of PROCESS, to which there is no reference any more. */
void event_free(struct vm_process *process);

#endif
