/*
 * space.h - address spaces: making one, taking one apart, unmapping a range.
 *
 * Rule: the process is write-locked, or nobody else can find it. Files that lose a mapping are
 * collected in a list, to be released when no lock is held.
 */
#ifndef VM_SPACE_SPACE_H
#define VM_SPACE_SPACE_H

#include "vm/internal.h"

/* An empty address space for PROCESS, with page tables and without areas. NULL: no memory. */
struct vm_space *space_new(struct vm_process *process);

/* Take SPACE apart and free it. */
void space_free(struct vm_space *space, GPtrArray **files);

/*
 * Split the areas at START and END for an unmap between. Only a hole in one area needs one area
 * more, so only that can be -ENOMEM for max_map_count. -EINVAL: part of an area of the kernel's own.
 */
int space_isolate_for_unmap(struct vm_space *space, uint64_t start, uint64_t end);

/*
 * Unmap what lies in [START, END), page-aligned. -ENOMEM: too many areas or no table page; -EINVAL:
 * part of an area of the kernel's own. Nothing is unmapped then.
 */
int space_unmap(struct vm_space *space, uint64_t start, uint64_t end, GPtrArray **files);

/*
 * Map a special area of the kernel's ("[vvar]", "[vdso]"): LEN bytes where mmap with the hint ADDR
 * would, with FLAGS (AREA_ rights), of OBJECT from page PGOFF, or of nothing (every access is
 * SIGBUS) with OBJECT NULL. NAME is static. Returns the address, or -ENOMEM.
 */
int64_t space_map_special(struct vm_space *space, uint64_t addr, uint64_t len, unsigned flags,
                          const char *name, struct vm_object *object, uint64_t pgoff);

#endif
