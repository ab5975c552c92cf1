/*
 * ldcache.h - searches /etc/ld.so.cache, which has the path of a library for each name. The bytes
 * may be hostile: what is malformed is not found. No lock is used.
 */
#ifndef VM_EXEC_LDCACHE_H
#define VM_EXEC_LDCACHE_H

#include <stddef.h>

struct ld_cache {
	char *bytes; /* the whole file; the user of the structure frees it; NULL: no cache */
	size_t size; /* of the file, in bytes */
};

/*
 * The path that ld.so would choose for the library NAME on a processor of LEVEL (1 to 4: 3 is
 * x86-64-v3). NULL: the cache has no path for NAME, or it is malformed. The result points into
 * cache->bytes and has less than PATH_MAX bytes. glibc: _dl_load_cache_lookup.
 */
const char *ld_cache_find(const struct ld_cache *cache, const char *name, unsigned level);

#endif
