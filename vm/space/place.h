/*
 * place.h - where a mapping goes. Linux: get_unmapped_area, arch/x86/kernel/sys_x86_64.c.
 */
#ifndef VM_SPACE_PLACE_H
#define VM_SPACE_PLACE_H

#include "vm/internal.h"

/*
 * Where a mapping of LEN bytes (a multiple of the page size) goes: ADDR with MAP_FIXED, else at the
 * hint ADDR if free, else the highest place below mmap_base. IS_FILE: of a host file, from OFFSET
 * (bytes) on. -ENOMEM, -EINVAL, -EPERM. Linux: get_unmapped_area.
 */
int64_t space_find_place(const struct vm_space *space, uint64_t addr, uint64_t len, int flags,
                         bool is_file, uint64_t offset);

#endif
