/*
 * mmap.h - what the calls that change areas share.
 *
 * Rule: the process is write-locked (or nascent). Files that lose a mapping are collected in a
 * list, to be released when the lock has gone.
 */
#ifndef VM_CALLS_MMAP_H
#define VM_CALLS_MMAP_H

#include "vm/internal.h"

/*
 * Unmap what lies in [START, END), page-aligned. -ENOMEM: too many areas or no table page; -EINVAL:
 * part of an area of the kernel's own. Nothing is unmapped then.
 */
int space_unmap(struct vm_space *space, uint64_t start, uint64_t end, GPtrArray **files);

/*
 * Where a mapping of LEN bytes (a multiple of the page size) goes: ADDR with MAP_FIXED, else at the
 * hint ADDR if free, else the highest place below mmap_base. IS_FILE: of a host file, from OFFSET
 * (bytes) on. -ENOMEM, -EINVAL, -EPERM. Linux: get_unmapped_area.
 */
int64_t space_find_place(const struct vm_space *space, uint64_t addr, uint64_t len, int flags,
                         bool is_file, uint64_t offset);

/* Whether an area with FLAGS is charged for overcommit (accountable_mapping). */
bool space_is_accountable(unsigned flags);

/* Rights of an area for PROT. */
unsigned area_flags_of_prot(int prot);

/*
 * Map a special area of the kernel's ("[vvar]", "[vdso]"): LEN bytes where mmap with the hint ADDR
 * would, with FLAGS (AREA_ rights), of OBJECT from page PGOFF, or of nothing (every access is
 * SIGBUS) with OBJECT NULL. NAME is static. Returns the address, or -ENOMEM.
 */
int64_t space_map_special(struct vm_space *space, uint64_t addr, uint64_t len, unsigned flags,
                          const char *name, struct vm_object *object, uint64_t pgoff);

#endif
