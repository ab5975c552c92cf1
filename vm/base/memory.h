/*
 * memory.h - physical memory: where a physical page is in the daemon's memory, and copying to it.
 *
 * Two simulated processes may store to the same page at the same time, and one may load what the
 * other stores. Their bytes then mix, as on a real machine, but no aligned word of eight bytes is
 * torn. That is a race of the simulated programs, not of the daemon. The copies are written in
 * assembler, so that ThreadSanitizer does not report it.
 */
#ifndef VM_BASE_MEMORY_H
#define VM_BASE_MEMORY_H

#include "vm/internal.h"

#include <stddef.h>

/*
 * The contents of physical page PFN, in the daemon's memory. Below nr_frames it is a frame of RAM.
 * Above it is a page of the table region: a page table, the zero page, or a page of the vdso.
 */
static inline void *machine_page(const struct vm_machine *machine, uint64_t pfn)
{
	if (pfn < machine->nr_frames)
		return machine->ram + (pfn << VM_PAGE_SHIFT);
	return (uint8_t *)machine->table_mem + ((pfn - machine->nr_frames) << VM_PAGE_SHIFT);
}

/*
 * The frames of RAM that pages can have. Frame 0 is none of them: tools take 0 for "not told", as
 * pagemap shows it to who has no right to frame numbers.
 */
static inline uint64_t machine_ram_pages(const struct vm_machine *machine)
{
	return machine->nr_frames - 1;
}

/* The physical page number of the zero page, which is table page 0. */
static inline uint64_t machine_zero_pfn(const struct vm_machine *machine)
{
	return machine->nr_frames;
}

/* Copy LEN bytes from FROM to TO. Both are the daemon's addresses; one is in simulated memory. */
static inline void memory_copy(void *to, const void *from, size_t len)
{
	if (((uintptr_t)to | len) % 8 == 0) {
		len /= 8;
		__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
	} else {
		__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
	}
}

/*
 * Copy a whole page (4096 bytes) to simulated memory at TO, which must be aligned to 16 bytes. The
 * stores bypass the caches. Otherwise the processor would read each cache line of TO only to
 * overwrite it, which costs much when many scattered frames are written.
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
