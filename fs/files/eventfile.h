/*
 * eventfile.h - the file `events` (file_class): the faults of all processes as they happen.
 *
 * A read that finds nothing keeps no thread of libfuse waiting. Its request is put aside. A thread
 * of its own answers it as soon as there is something to read, or when the reader is interrupted.
 */
#ifndef FS_FILES_EVENTFILE_H
#define FS_FILES_EVENTFILE_H

#include "fs/files/file.h"

extern const struct file_class eventfile_class;

/*
 * Make the events of MACHINE, and start their thread. Returns NULL with errno set if the thread
 * does not start.
 */
struct fs_events *fs_events_new(struct vm_machine *machine);

/* Answer all waiting reads with the end of the file, and let no read wait from now on. */
void fs_events_stop(struct fs_events *events);

/* Free EVENTS, after fs_events_stop, when no reader is open. */
void fs_events_free(struct fs_events *events);

#endif
