/*
 * eventfile.h - the file `events` (file_class): the faults of all processes as they come.
 *
 * A reader without anything to read keeps no thread waiting: its request is put aside, and answered
 * from a thread that belongs to the events alone, as soon as there is something, or when the reader
 * is interrupted.
 */
#ifndef FS_FILES_EVENTFILE_H
#define FS_FILES_EVENTFILE_H

#include "fs/files/file.h"

extern const struct file_class eventfile_class;

/*
 * The events of MACHINE, for the `events` of a mount. Starts their thread; NULL with errno set if
 * it does not start.
 */
struct fs_events *fs_events_new(struct vm_machine *machine);

/* End every read that waits, as at the end of a file, and let none wait any more. */
void fs_events_stop(struct fs_events *events);

/* After fs_events_stop, with no reader left. */
void fs_events_free(struct fs_events *events);

#endif
