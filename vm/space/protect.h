/*
 * protect.h - change the flags of areas, and the rights in page-table entries with them. Linux:
 * mprotect_fixup, change_protection.
 *
 * Rule: the process is write-locked, or nobody else can find it. The machine lock is not held.
 */
#ifndef VM_SPACE_PROTECT_H
#define VM_SPACE_PROTECT_H

#include "vm/internal.h"

/*
 * Give the entries of AREA the rights and the lock bit that AREA has now. The last-level tables of
 * its range must be its space's own (pagetable_own_range down to VM_PTE).
 */
void protect_entries(struct vm_area *area);

/*
 * Give [START, END), page-aligned inside AREA, the flags FLAGS (AREA_), and its entries the rights
 * that follow. The range is split from AREA and merged with its neighbours as in Linux: AREA may be
 * freed.
 *
 * => 0, also if AREA has these flags already
 * => -ENOMEM: max_map_count areas, no memory or no table pages. -EINVAL: part of a special area.
 *    Flags and entries are unchanged, but a split at START may stay
 */
int protect_area(struct vm_area *area, uint64_t start, uint64_t end, unsigned flags);

#endif
