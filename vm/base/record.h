/*
 * record.h - records of what happened to a page, for the reader of events: of faults
 * (process/event.h), and of pages that went without one.
 */
#ifndef VM_BASE_RECORD_H
#define VM_BASE_RECORD_H

#include "util/refstring.h"
#include "vm/internal.h"

/* A record of an access of kind ACCESS at VA, of which nothing else is known yet. */
static inline struct vm_fault record_unknown(uint64_t va, enum vm_access access)
{
	return (struct vm_fault){.va = va,
	                         .access = access,
	                         .frame = VM_NO_FRAME,
	                         .from = VM_NO_FRAME,
	                         .slot = VM_NO_FRAME};
}

/*
 * The names in RECORD are GRefStrings. Take a reference to each, or drop them: whoever keeps a copy
 * of a record keeps its names.
 */
static inline void record_keep_names(struct vm_fault *record)
{
	if (record->file != NULL)
		refstring_acquire((char *)record->file);
	if (record->other.file != NULL)
		refstring_acquire((char *)record->other.file);
}

static inline void record_drop_names(struct vm_fault *record)
{
	g_clear_pointer((char **)&record->file, refstring_release);
	g_clear_pointer((char **)&record->other.file, refstring_release);
}

/* PARTY is not needed any more: drop the name in it. */
static inline void record_drop_party(struct vm_party *party)
{
	g_clear_pointer((char **)&party->file, refstring_release);
}

/*
 * Whether anybody will see a record. Without contents there is only the watcher: to keep the last
 * ones would cost as much as the faults.
 */
static inline bool record_is_wanted_locked(const struct vm_machine *machine)
{
	return machine->watch != NULL || !machine->config.no_contents;
}

/*
 * Give RECORD its number and its time, and call the watcher (vm_machine_watch), if there is one.
 * FILE is the name of its file, or NULL. RECORD's file is set only if there is a watcher:
 * afterwards it has no meaning. The machine lock is held.
 */
void record_tell_locked(struct vm_machine *machine, struct vm_fault *record, const char *file);

#endif
