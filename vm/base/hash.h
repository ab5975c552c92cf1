/*
 * hash.h - the hash of (object, page index). The page cache and the swap slots of shared anonymous
 * memory use it.
 */
#ifndef VM_BASE_HASH_H
#define VM_BASE_HASH_H

#include "vm/internal.h"

/*
 * A hash of page INDEX of OBJECT; 32 bits. Neighbouring pages get very different hashes
 * (multiplicative hashing, Knuth 6.4).
 */
static inline uint64_t hash_page(const struct vm_object *object, uint64_t index)
{
	uint64_t hash =
	    (index + object->number * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93);

	return hash >> 32;
}

#endif
