/*
 * give_back.h - memory that was freed goes back to the host.
 */
#ifndef VM_BASE_GIVE_BACK_H
#define VM_BASE_GIVE_BACK_H

#include "vm/internal.h"

/*
 * Give back what has been free since the last call: frames, page tables, twins; and the free memory
 * of the heap, if there is much more of it than after the last time. Called once
 * a second. The machine lock is held, and dropped meanwhile.
 */
void give_back_locked(struct vm_machine *machine);

#endif
