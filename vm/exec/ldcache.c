/*
 * ldcache.c - reads the new format of the cache ("glibc-ld.so.cache1.1", glibc's
 * sysdeps/generic/dl-cache.h). The file may start with the old format, which is skipped. The new
 * format consists of
 *
 *     a header of 48 bytes
 *     entries of 24 bytes each
 *     strings
 *     extensions: among others the names of glibc-hwcaps folders
 *
 * All integers are little-endian. Offsets count from the start of the new format.
 *
 * ld.so does a binary search in the entries, which are sorted. Here all entries are read in turn.
 * So the result does not depend on the order of a hostile file.
 */
#include "vm/exec/ldcache.h"

#include <glib.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define NEW_MAGIC "glibc-ld.so.cache1.1"
#define OLD_MAGIC "ld.so-1.7.0"
#define EXTENSION_MAGIC UINT32_C(0xeaa42174)

enum {
	OLD_HEADER = 16,
	OLD_ENTRY = 12,
	ELF_X86_64 = 0x0303, /* flags of an entry: an x86-64 library for glibc 2 */
	TAG_HWCAPS = 1,      /* extension: offsets of the names of glibc-hwcaps folders */
	/* in the upper half of an entry's hwcap: the lower half is an index of that table */
	HWCAP_EXTENSION = 1 << 30,
};

struct header {
	char magic[20];
	uint32_t entries, strings_size;
	uint8_t endianness, padding[3];
	uint32_t extensions; /* offset, or 0 */
	uint32_t unused[3];
};

struct entry {
	uint32_t flags, name, path, unused;
	uint32_t hwcap, hwcap_kind; /* the lower and the upper half of glibc's hwcap */
};

struct extension {
	uint32_t tag, flags, offset, size;
};

/* The part of the file that is in the new format. */
struct view {
	const char *bytes;
	size_t size;
	struct header header;
	/* offsets of the names of glibc-hwcaps folders; size 0: there are none */
	struct extension hwcaps;
};

G_STATIC_ASSERT(sizeof(struct header) == 48 && sizeof(struct entry) == 24);

/* Copy LEN bytes at OFFSET to TO. False: they do not lie within VIEW. */
static bool view_copy(const struct view *view, uint64_t offset, void *to, size_t len)
{
	if (offset > view->size || len > view->size - offset)
		return false;
	memcpy(to, view->bytes + offset, len);
	return true;
}

/* The string at OFFSET. NULL: it does not end within VIEW, or it is longer than a path can be. */
static const char *view_string(const struct view *view, uint32_t offset)
{
	if (offset >= view->size ||
	    memchr(view->bytes + offset, '\0', MIN(view->size - offset, PATH_MAX)) == NULL)
		return NULL;
	return view->bytes + offset;
}

/*
 * Where in the file the new format starts: after the entries of the old one, aligned to 8 bytes; 0
 * if there is no old one. The result may lie past the end of the file.
 */
static uint64_t new_format_offset(const struct ld_cache *cache)
{
	uint32_t entries;

	if (cache->size < OLD_HEADER || memcmp(cache->bytes, OLD_MAGIC, strlen(OLD_MAGIC)) != 0)
		return 0;
	memcpy(&entries, cache->bytes + OLD_HEADER - sizeof entries, sizeof entries);
	return (OLD_HEADER + (uint64_t)entries * OLD_ENTRY + 7) & ~UINT64_C(7);
}

/* The first extension with names of glibc-hwcaps folders; all zero if there is none. */
static struct extension find_hwcaps(const struct view *view)
{
	uint64_t at = view->header.extensions;
	uint32_t head[2];
	struct extension extension;

	if (at == 0 || !view_copy(view, at, head, sizeof head) || head[0] != EXTENSION_MAGIC)
		return (struct extension){0};
	at += sizeof head;
	for (uint32_t i = 0; i < head[1] && view_copy(view, at, &extension, sizeof extension);
	     i++) {
		at += sizeof extension;
		if (extension.tag == TAG_HWCAPS)
			return extension;
	}
	return (struct extension){0};
}

/* Find the new format in CACHE. False: there is none, or its header is cut off. */
static bool view_open(struct view *view, const struct ld_cache *cache)
{
	uint64_t offset = new_format_offset(cache);

	if (cache->bytes == NULL || offset > cache->size)
		return false;
	*view = (struct view){.bytes = cache->bytes + offset, .size = cache->size - offset};
	if (!view_copy(view, 0, &view->header, sizeof view->header) ||
	    memcmp(view->header.magic, NEW_MAGIC, sizeof view->header.magic) != 0)
		return false;
	view->hwcaps = find_hwcaps(view);
	return true;
}

/* The name of glibc-hwcaps folder NUMBER, or NULL. */
static const char *hwcaps_name(const struct view *view, uint32_t number)
{
	uint32_t offset;

	if (number >= view->hwcaps.size / sizeof offset ||
	    !view_copy(view, view->hwcaps.offset + (uint64_t)number * sizeof offset, &offset,
	               sizeof offset))
		return NULL;
	return view_string(view, offset);
}

/*
 * The level of the processors for which ENTRY is made: 1 for every processor, 2 for x86-64-v2, and
 * so on. 0: a processor of LEVEL must not use it, or its hwcap is not known. Of the entries with
 * the same name, the one with the highest rank is chosen.
 */
static unsigned entry_rank(const struct view *view, const struct entry *entry, unsigned level)
{
	if (entry->hwcap_kind == 0 && entry->hwcap == 0)
		return 1;
	if (!(entry->hwcap_kind & HWCAP_EXTENSION))
		return 0;
	const char *name = hwcaps_name(view, entry->hwcap);
	if (name == NULL || strncmp(name, "x86-64-v", 8) != 0 || name[8] < '2' || name[8] > '4' ||
	    name[9] != '\0')
		return 0;
	unsigned wanted = (unsigned)(name[8] - '0');
	return wanted <= level ? wanted : 0;
}

const char *ld_cache_find(const struct ld_cache *cache, const char *name, unsigned level)
{
	const char *best = NULL;
	unsigned best_rank = 0;
	struct view view;
	struct entry entry;
	size_t name_size = strlen(name) + 1;

	if (!view_open(&view, cache))
		return NULL;
	for (uint32_t i = 0; i < view.header.entries; i++) {
		if (!view_copy(&view, sizeof view.header + (uint64_t)i * sizeof entry, &entry,
		               sizeof entry))
			break;
		if (entry.flags != ELF_X86_64 || entry.name > view.size ||
		    name_size > view.size - entry.name ||
		    memcmp(view.bytes + entry.name, name, name_size) != 0)
			continue;
		unsigned rank = entry_rank(&view, &entry, level);
		const char *path = view_string(&view, entry.path);
		if (rank > best_rank && path != NULL) {
			best = path;
			best_rank = rank;
		}
	}
	return best;
}
