#ifndef VM_MPROTECT_H
#define VM_MPROTECT_H

#include "vm/internal.h"

/* Give the page-table entries of AREA, in tables of its space's own, the rights and the lock bit that it has now. */
void protect_entries(struct vm_area *area);

#endif
