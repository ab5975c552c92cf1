/*
 * protect.h - the flags of areas, and what follows from them for page-table entries.
 *
 * Rule: the process is write-locked.
 */
#ifndef VM_SPACE_PROTECT_H
#define VM_SPACE_PROTECT_H

#include "vm/internal.h"

/* Give the entries of AREA, in tables of its space's own, the rights and the lock bit that it has now. */
void protect_entries(struct vm_area *area);

/*
 * Give [START, END), a range inside AREA, the flags FLAGS, and its entries what follows from them. The
 * range is split from AREA and merges with its neighbours as in Linux. -ENOMEM past max_map_count
 * or without table pages, -EINVAL if the range is a part of an area of the kernel's own. No flag is
 * changed then, but a split at START may stay.
 */
int protect_area(struct vm_area *area, uint64_t start, uint64_t end, unsigned flags);

#endif
