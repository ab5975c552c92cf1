#ifndef VM_CALLS_MPROTECT_H
#define VM_CALLS_MPROTECT_H

#include "vm/internal.h"

/*
 * Give the page-table entries of AREA, in tables of its space's own, the rights and the lock bit
 * that it has now.
 */
void protect_entries(struct vm_area *area);

/*
 * Give the part [START, END) of AREA the flags FLAGS, and its entries what follows from them; it
 * parts from AREA and merges with its neighbours as Linux has it. The process is write-locked.
 * -ENOMEM past max_map_count or without table pages, -EINVAL for a part of an area of the kernel's
 * own: no flag is changed then, but a split at START may stay.
 */
int area_change(struct vm_area *area, uint64_t start, uint64_t end, unsigned flags);

#endif
