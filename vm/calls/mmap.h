/*
 * mmap.h - the mapping that only the kernel's loader makes. vm_mmap is in vm.h.
 */
#ifndef VM_CALLS_MMAP_H
#define VM_CALLS_MMAP_H

#include "vm/internal.h"

/*
 * vm_mmap of private anonymous memory at ADDR, over what is there. Unlike by mmap it merges only
 * with the area below it (vm_brk_flags). Takes the process lock. Returns ADDR or an errno of
 * vm_mmap.
 */
int64_t mmap_bss(struct vm_process *process, uint64_t addr, uint64_t len, int prot);

#endif
