/*
 * flusher.h - the threads that write dirty shared pages to their files every
 * dirty_writeback_centisecs, and look once a second whether files have changed under us.
 *
 * One thread for each device of the host, as Linux has one for each backing device: a file system
 * that hangs holds up its own files only. One more thread keeps time and wakes them.
 */
#ifndef VM_CACHE_FLUSHER_H
#define VM_CACHE_FLUSHER_H

#include "vm/internal.h"

/* Start keeping time. 0 or a negative errno of pthread_create. */
int flusher_start(struct vm_machine *machine);

/* Stop and join all threads; one that hangs in a host file is waited for. */
void flusher_stop(struct vm_machine *machine);

#endif
