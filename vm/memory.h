/*
 * memory.h - copying to simulated memory.
 *
 * Two simulated processes may store to the same page at the same time, and one may load what the other stores: as on a
 * real machine, their bytes mix, and it is their affair. The copy is written so that ThreadSanitizer, which watches the
 * daemon's own data, does not take that for a race of ours.
 */
#ifndef VM_MEMORY_H
#define VM_MEMORY_H

#include <stddef.h>

/* Copy LEN bytes from FROM to simulated memory at TO. */
static inline void memory_copy(void *to, const void *from, size_t len)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
}

#endif
