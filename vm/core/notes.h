/*
 * notes.h - the notes of a core file, in the order and form of Linux (write_note_info).
 */
#ifndef VM_CORE_NOTES_H
#define VM_CORE_NOTES_H

#include "vm/core/segments.h"
#include "vm/vm_core.h"

/*
 * Append the notes of PROCESS to NOTES, with the registers MAIN of its first thread, and the files
 * of SEGMENTS. MAIN NULL: only their length counts, and memory is not read. No memory:
 * notes->failed. No lock is held.
 */
void notes_add(struct buffer *notes, struct vm_process *process, const struct vm_thread *main,
               const struct segments *segments);

#endif
