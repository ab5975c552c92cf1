/*
 * record.h - records of what happened to a page, for the reader of events: of faults
 * (process/event.h), and of pages that went without one.
 */
#ifndef VM_BASE_RECORD_H
#define VM_BASE_RECORD_H

#include "vm/internal.h"

/* A record of an access of kind ACCESS at VA, of which nothing else is known yet. */
static inline struct vm_fault record_unknown(uint64_t va, enum vm_access access)
{
	return (struct vm_fault){.va = va,
	                         .access = access,
	                         .frame = VM_NO_FRAME,
	                         .from = VM_NO_FRAME,
	                         .slot = VM_NO_FRAME,
	                         .evicted = VM_NO_FRAME};
}

/*
 * Give RECORD its number and its time, and call the watcher (vm_machine_watch), if there is one.
 * FILE is the name of its file, or NULL. RECORD's file is set only if there is a watcher:
 * afterwards it has no meaning. The machine lock is held.
 */
void record_tell_locked(struct vm_machine *machine, struct vm_fault *record, const char *file);

#endif
