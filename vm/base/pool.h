/*
 * pool.h - numbered things of a fixed size in reserved memory (frames, table pages, twins): which
 * are free, and giving the memory of free ones back to the host.
 *
 * Free things are a stack. What was freed last is taken first, because its memory is still in the
 * caches. If the stack is empty, the next thing that was never used is taken.
 *
 *     top     freed last, taken next
 *     ...     these have memory of the host
 *     first   the lowest that has
 *     ...     GIVEN of them: their memory was given back, and reads as zeros
 *
 * Once in a while pool_give_back_locked gives back what lies in the part of the stack that has not
 * been touched since its last call. So what is used again soon keeps its memory, and the order in
 * which things are taken does not depend on time.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_BASE_POOL_H
#define VM_BASE_POOL_H

#include "vm/internal.h"

/*
 * Prepare POOL for TOTAL things, of which FIRST is the lowest that may be taken. False: no memory.
 */
bool pool_init(struct vm_pool *pool, uint32_t total, uint32_t first);
void pool_fini(struct vm_pool *pool);

/*
 * Each thing of POOL has SIZE bytes at MEMORY + its number x SIZE, all of them reserved. They may
 * be given back while it is free. Call this for each part of a thing, VM_POOL_PARTS at most. Only
 * whole pages are given back.
 */
void pool_add_part(struct vm_pool *pool, void *memory, size_t size);

/*
 * Take a thing. Returns its number, or VM_POOL_NONE: all are in use. *CLEARED: the page-sized parts
 * of it are zeros.
 */
uint32_t pool_take_locked(struct vm_pool *pool, bool *cleared);

/* Take COUNT things in a row that were never used. VM_POOL_NONE: there are not so many. */
uint32_t pool_take_row_locked(struct vm_pool *pool, uint32_t count);

/* Free thing NUMBER, which is in use. */
void pool_put_locked(struct vm_pool *pool, uint32_t number);

/*
 * Give back the memory of what has been free since the last call. The lock is dropped now and then.
 * Not everything may be given back at once.
 */
void pool_give_back_locked(struct vm_machine *machine, struct vm_pool *pool);

/* Bring what putting and taking NUMBER changes into the caches of the host's processor. */
static inline void pool_prefetch(const struct vm_pool *pool, uint32_t number)
{
	__builtin_prefetch(&pool->links[number], 1);
}

/* How many things are free: the stack, and those never used. */
static inline uint32_t pool_free(const struct vm_pool *pool)
{
	return pool->count + (pool->total - pool->used);
}

#endif
