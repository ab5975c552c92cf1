/*
 * place.h - choose the address of a mapping. Linux: get_unmapped_area,
 * arch/x86/kernel/sys_x86_64.c.
 */
#ifndef VM_SPACE_PLACE_H
#define VM_SPACE_PLACE_H

#include "vm/internal.h"

/*
 * Choose the address of a mapping of LEN bytes (a multiple of the page size). FLAGS are MAP_ flags
 * of mmap. FILE: what is mapped, from OFFSET (bytes) on; NULL: anonymous memory. The process is
 * locked. Linux: get_unmapped_area.
 *
 * With MAP_FIXED the address is ADDR, whether free or not. Else it is the hint ADDR, if that is not
 * 0 and free. Else it is the highest free place below mmap_base or, if there is none, the lowest
 * from a third of user space on. MAP_32BIT: the lowest in [1 GiB, 2 GiB). MAP_ABOVE4G: below
 * mmap_base only from 4 GiB on. A file mapping that could hold huge pages is aligned to them if
 * its file system wants that, and so is private memory of whole huge pages without a hint.
 *
 * Returns the address, or -ENOMEM (no place, or it would end past VM_USER_END), -EINVAL (ADDR is
 * not page-aligned) or -EPERM (below mmap_min_addr, and the process is not root's). With MAP_FIXED
 * an ADDR in the last 4095 bytes of the address space is returned as it is: it looks like an errno,
 * as in Linux.
 */
int64_t space_find_place(const struct vm_space *space, uint64_t addr, uint64_t len, int flags,
                         const struct vm_file *file, uint64_t offset);

#endif
