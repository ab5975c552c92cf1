/*
 * ldcache.h - /etc/ld.so.cache: which file a library's name stands for. Bytes that nobody vouches
 * for.
 */
#ifndef VM_EXEC_LDCACHE_H
#define VM_EXEC_LDCACHE_H

#include <stddef.h>

struct ld_cache {
	char *bytes; /* the file, owned; NULL without one */
	size_t size;
};

/*
 * The path of library NAME, as ld.so on a processor of LEVEL (1 to 4, as in x86-64-v3) would choose
 * it, or NULL. It lives as long as the cache.
 */
const char *ld_cache_find(const struct ld_cache *cache, const char *name, unsigned level);

#endif
