/*
 * flusher.h - the threads that write dirty shared pages to their files every
 * dirty_writeback_centisecs, and look about once a second whether others have changed the files.
 *
 * There is one thread for each device of the host, as Linux has one for each backing device. So a
 * file system that hangs delays only its own files. One more thread keeps time and wakes them. The
 * thread of a device starts when it is first needed. As long as it cannot be started, because of a
 * limit on threads, whoever would have asked it does its work: the thread that keeps time, or the
 * caller of vm_machine_sync.
 *
 * Rule: no lock is held.
 */
#ifndef VM_CACHE_FLUSHER_H
#define VM_CACHE_FLUSHER_H

#include "vm/internal.h"

/* Start the thread that keeps time. 0, or a negative errno of pthread_create (-EAGAIN). */
int flusher_start(struct vm_machine *machine);

/*
 * Stop and join all threads, if flusher_start succeeded. They finish what they were asked to do
 * before. A thread that hangs in a host file is waited for.
 */
void flusher_stop(struct vm_machine *machine);

#endif
