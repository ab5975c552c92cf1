/*
 * write_back.h - the thread that writes dirty shared pages to their files every dirty_writeback_centisecs, and looks
 * once a second whether files have changed under us.
 */
#ifndef VM_WRITE_BACK_H
#define VM_WRITE_BACK_H

#include "vm/internal.h"

/* 0 or a negative errno of pthread_create. */
int write_back_start(struct vm_machine *machine);
void write_back_stop(struct vm_machine *machine);

#endif
