/*
 * space.h - address spaces: make one, free one, unmap a range.
 *
 * Rule: the process is write-locked, or nobody else can find it. The machine lock is not held.
 * Areas that go and have a file are added to the list DEAD; the caller frees them with area_release
 * when it holds no lock.
 */
#ifndef VM_SPACE_SPACE_H
#define VM_SPACE_SPACE_H

#include "vm/internal.h"

/*
 * An address space for PROCESS with a top-level page table and without areas. NULL: no memory or no
 * table pages.
 */
struct vm_space *space_new(struct vm_process *process);

/*
 * FILE is the program that runs in SPACE (set_mm_exe_file). SPACE takes a reference, and keeps FILE
 * from being opened for writing as long as it lives. The caller keeps it from that now.
 */
void space_set_exe(struct vm_space *space, struct vm_file *file);

/*
 * Free SPACE with its areas and page tables. Returns its reference to the running program, or NULL;
 * the caller drops it when it holds no lock.
 */
struct vm_file *space_free(struct vm_space *space, struct vm_area **dead);

/*
 * Split the areas that cross START or END, so that the range between can be unmapped. Linux:
 * vms_gather_munmap_vmas.
 *
 * => -ENOMEM: no memory, VM_AREAS areas, or the range is a hole inside one area and there are
 *    max_map_count areas (any other range leaves no area more than before). -EINVAL: part of a
 *    special area. A split at START may stay
 */
int space_isolate_for_unmap(struct vm_space *space, uint64_t start, uint64_t end);

/*
 * Unmap all that lies in [START, END), page-aligned. Linux: do_vmi_munmap.
 *
 * => 0, also if nothing was mapped there
 * => -ENOMEM: no memory, no table pages, or too many areas (see above). -EINVAL: part of a special
 *    area. Nothing is unmapped, and splits are merged again
 */
int space_unmap(struct vm_space *space, uint64_t start, uint64_t end, struct vm_area **dead);

/*
 * Map a special area, one of the kernel's own ("[vvar]", "[vdso]"): LEN bytes, a multiple of the
 * page size, at the place that mmap with the hint ADDR would choose. FLAGS are its rights (AREA_).
 * It maps OBJECT, which must live as long as the machine, from page PGOFF on. With OBJECT NULL
 * every access is SIGBUS. NAME is a static string. Linux: _install_special_mapping.
 *
 * Returns the address, or -ENOMEM (no place or no memory), -EINVAL (the hint is free, but not
 * page-aligned) or -EPERM (the hint is free, but below mmap_min_addr, and the process is not
 * root's).
 */
int64_t space_map_special(struct vm_space *space, uint64_t addr, uint64_t len, unsigned flags,
                          const char *name, struct vm_object *object, uint64_t pgoff);

#endif
