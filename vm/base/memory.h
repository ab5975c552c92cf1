/*
 * memory.h - physical memory: where its pages are in the daemon, and copying to them.
 *
 * Two simulated processes may store to the same page at the same time, and one may load what the
 * other stores. As on a real machine their bytes then mix, and that is their affair. The copy is
 * written so that ThreadSanitizer, which watches the daemon's own data, does not report it as a
 * race of ours.
 */
#ifndef VM_BASE_MEMORY_H
#define VM_BASE_MEMORY_H

#include "vm/internal.h"

#include <stddef.h>

/*
 * Physical page PFN: a frame of RAM, or a table page (the zero page and the vdso's pages among
 * them).
 */
static inline void *machine_page(const struct vm_machine *machine, uint64_t pfn)
{
	if (pfn < machine->nr_frames)
		return machine->ram + (pfn << VM_PAGE_SHIFT);
	return (uint8_t *)machine->table_mem + ((pfn - machine->nr_frames) << VM_PAGE_SHIFT);
}

/* The zero page is table page 0. */
static inline uint64_t machine_zero_pfn(const struct vm_machine *machine)
{
	return machine->nr_frames;
}

/* Copy LEN bytes from FROM to simulated memory at TO. */
static inline void memory_copy(void *to, const void *from, size_t len)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
}

/*
 * Copy a whole page, TO aligned to 16 bytes, past the caches: a transfer of many pages through
 * scattered frames would else read each line of them just to overwrite it.
 */
static inline void memory_copy_page(void *to, const void *from)
{
	for (size_t i = 0; i < 4096; i += 64)
		__asm__ volatile("movdqu (%1), %%xmm0\n\tmovdqu 16(%1), %%xmm1\n\t"
		                 "movdqu 32(%1), %%xmm2\n\tmovdqu 48(%1), %%xmm3\n\t"
		                 "movntdq %%xmm0, (%0)\n\tmovntdq %%xmm1, 16(%0)\n\t"
		                 "movntdq %%xmm2, 32(%0)\n\tmovntdq %%xmm3, 48(%0)"
		                 :
		                 : "r"((char *)to + i), "r"((const char *)from + i)
		                 : "xmm0", "xmm1", "xmm2", "xmm3", "memory");
	__asm__ volatile("sfence" : : : "memory");
}

#endif
