/*
 * ldheap.c - the allocations that ld.so makes with its own malloc, before libc is loaded (glibc
 * 2.36, elf/dl-minimal-malloc.c). See library.h.
 *
 * They matter because each piece of memory is mapped below all mappings so far, that is between
 * libraries. The sizes are those that glibc requests on x86-64. Some depend on how many subfolders
 * it has for the processor. What it allocates while it relocates (tables of unique C++ symbols)
 * would be below all libraries, and is left out.
 */
#include "vm/exec/library.h"

#include <string.h>
#include <sys/mman.h>

/* Bytes, unless the comment says otherwise. */
enum {
	ALIGNMENT = 16,       /* of each allocation */
	LINK_MAP = 1224,      /* struct link_map and the head of its list of names */
	LINK_MAP_AUDIT = 256, /* state for auditors: only for the program and the vdso */
	NAME = 24,            /* struct libname_list */
	POINTER = 8,
	VERSION = 24,      /* struct r_found_version */
	VDSO_VERSIONS = 3, /* number of version records for the vdso */
	/* an entry in the table of modules with thread-local storage; its head is as large */
	SLOT_INFO = 16,
	SLOT_EXTRA = 64, /* number of entries beyond those of the modules, with the head */
	FOLDER = 40,     /* struct r_search_path_elem, without the states of its subfolders */
	FOLDER_STATE = 4,
	DEFAULT_FOLDERS = 4,     /* number */
	SUBFOLDER = 16,          /* struct r_strlenpair */
	SUBFOLDER_PRIORITY = 16, /* struct dl_hwcaps_priority, for those in glibc-hwcaps */
	DTV_ENTRY = 16,
	DTV_EXTRA = 16,   /* number of entries beyond those of the modules */
	FIND_OBJECT = 32, /* struct dl_find_object_internal */
	TCB_ALIGNMENT = 64,
	TLS_SURPLUS = 1664,   /* for libraries loaded later */
	TLS_LIMIT = 64 << 20, /* a module with more, or aligned to more, is ignored as hostile */
};

static uint64_t round_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) / align * align;
}

int ld_heap_alloc(struct libraries *libraries, uint64_t size)
{
	struct ld_heap *heap = &libraries->heap;

	heap->at = (heap->at + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
	if (heap->at + size >= heap->end) {
		/* One page more than needed, as in __minimal_malloc. */
		uint64_t len = page_align(size) + VM_PAGE_SIZE;
		int64_t at = builder_map(&libraries->exec->builder, 0, len, PROT_READ | PROT_WRITE,
		                         MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
		if (at < 0)
			return (int)at;
		/* If the new piece follows the old one, the rest of that is used first. */
		if ((uint64_t)at != heap->end)
			heap->at = (uint64_t)at;
		heap->end = (uint64_t)at + len;
	}
	heap->at += size;
	return 0;
}

static int alloc_all(struct libraries *libraries, const uint64_t *sizes, size_t count)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < count; i++)
		error = ld_heap_alloc(libraries, sizes[i]);
	return error;
}

/* Start with the first piece: what is unused of the last page of ld.so's own data. */
static void heap_begin(struct libraries *libraries)
{
	const struct exec_image *image = &libraries->exec->interpreter;
	uint64_t end = 0;

	for (const Elf64_Phdr *s = NULL; (s = elf_segment(&image->elf, PT_LOAD, s)) != NULL;)
		end = MAX(end, s->p_vaddr + s->p_memsz);
	libraries->heap.at = image->bias + end;
	libraries->heap.end = page_align(libraries->heap.at);
}

static unsigned hwcaps_subfolders(const struct processor *processor)
{
	return processor->level - 1;
}

/*
 * The number of combinations of the old names. The names are x86_64, the platform, tls, and on some
 * processors avx512_1. Each is in a combination or not.
 */
static unsigned combinations(const struct processor *processor)
{
	return 1U << (processor->avx512 ? 4 : 3);
}

unsigned ld_heap_subfolders(const struct processor *processor)
{
	return hwcaps_subfolders(processor) + combinations(processor);
}

/*
 * A combination without the first or the last name is stored as a part of the one that has both. So
 * only a quarter of the combinations take bytes of their own: those with both names. Each other
 * name is in half of these.
 */
uint64_t ld_heap_subfolders_size(const struct processor *processor)
{
	uint64_t outer = strlen("x86_64/tls/"), inner = strlen(processor->platform) + 1;

	if (processor->avx512)
		inner += strlen("avx512_1/");
	return ld_heap_subfolders(processor) * SUBFOLDER +
	       hwcaps_subfolders(processor) * strlen("glibc-hwcaps/x86-64-vN/") +
	       combinations(processor) / 4 * outer + combinations(processor) / 8 * inner;
}

static uint64_t folder_size(const struct libraries *libraries)
{
	return FOLDER + ld_heap_subfolders(&libraries->processor) * FOLDER_STATE;
}

int ld_heap_start(struct libraries *libraries)
{
	const struct processor *processor = &libraries->processor;
	const uint64_t sizes[] = {
	    LINK_MAP + 1 + LINK_MAP_AUDIT,
	    LINK_MAP + 1 + LINK_MAP_AUDIT, /* the program, the vdso */
	    hwcaps_subfolders(processor) * SUBFOLDER_PRIORITY,
	    ld_heap_subfolders_size(processor),
	    (DEFAULT_FOLDERS + 1) * POINTER,
	    DEFAULT_FOLDERS * round_up(folder_size(libraries), FOLDER),
	};

	heap_begin(libraries);
	return alloc_all(libraries, sizes, G_N_ELEMENTS(sizes));
}

int ld_heap_add_library(struct libraries *libraries, const char *name, const char *path)
{
	uint64_t path_size = strlen(path) + 1;
	const uint64_t sizes[] = {path_size, LINK_MAP + strlen(name) + 1, path_size};

	return alloc_all(libraries, sizes, G_N_ELEMENTS(sizes));
}

int ld_heap_add_name(struct libraries *libraries, const char *name)
{
	return ld_heap_alloc(libraries, NAME + strlen(name) + 1);
}

int ld_heap_add_list(struct libraries *libraries, uint64_t count, uint64_t len)
{
	const uint64_t sizes[] = {len + 1, (count + 1) * POINTER};

	return alloc_all(libraries, sizes, G_N_ELEMENTS(sizes));
}

int ld_heap_add_folder(struct libraries *libraries, const char *folder, const char *owner)
{
	g_autofree char *known =
	    g_str_has_suffix(folder, "/") ? g_strdup(folder) : g_strconcat(folder, "/", NULL);
	uint64_t size = strlen(known) + 1;
	const uint64_t sizes[] = {size, folder_size(libraries) + strlen(owner) + 1 + size};

	if (g_hash_table_contains(libraries->folders, known))
		return 0;
	g_hash_table_add(libraries->folders, g_steal_pointer(&known));
	return alloc_all(libraries, sizes, G_N_ELEMENTS(sizes));
}

int ld_heap_add_needed(struct libraries *libraries, guint needed)
{
	return ld_heap_alloc(libraries, (2 * ((uint64_t)needed + 1) + 1) * POINTER);
}

/* --- When all libraries are loaded ------------------------------------------------------------ */

/*
 * The layout of static thread-local storage, as _dl_determine_tlsoffset makes it. Offsets are bytes
 * below the thread pointer.
 */
struct tls {
	/* the end of the last block; the largest alignment; number of modules that have a block */
	uint64_t offset, align, modules;
	uint64_t gap_top, gap_bottom; /* a gap between blocks, which a small block may fill */
};

/* Place the block of IMAGE, if it has one: in the gap if it fits there, else after the last. */
static void tls_add(struct tls *tls, const struct exec_image *image)
{
	const Elf64_Phdr *s = elf_segment(&image->elf, PT_TLS, NULL);

	if (s == NULL || s->p_memsz == 0 || s->p_memsz > TLS_LIMIT || s->p_align > TLS_LIMIT)
		return;
	uint64_t align = MAX(s->p_align, 1), first = -s->p_vaddr % align;
	tls->modules++;
	tls->align = MAX(tls->align, align);
	if (tls->gap_bottom - tls->gap_top >= s->p_memsz) {
		uint64_t end = round_up(tls->gap_top + s->p_memsz - first, align) + first;
		if (end <= tls->gap_bottom) {
			tls->gap_top = end;
			return;
		}
	}
	uint64_t end = round_up(tls->offset + s->p_memsz - first, align) + first;
	if (end > tls->offset + s->p_memsz + (tls->gap_bottom - tls->gap_top)) {
		tls->gap_top = tls->offset;
		tls->gap_bottom = end - s->p_memsz;
	}
	tls->offset = end;
}

/* The table of modules, the block of the first thread with its struct pthread, and its dtv. */
static int alloc_tls(struct libraries *libraries)
{
	struct tls tls = {.align = TCB_ALIGNMENT};

	for (guint i = 0; i < libraries->loaded->len; i++)
		tls_add(&tls, &((struct library *)g_ptr_array_index(libraries->loaded, i))->image);
	uint64_t block = round_up(tls.offset + TLS_SURPLUS, tls.align) + LD_HEAP_TCB;
	const uint64_t sizes[] = {(tls.modules + SLOT_EXTRA) * SLOT_INFO,
	                          block + tls.align + POINTER,
	                          (tls.modules + DTV_EXTRA) * DTV_ENTRY};

	return alloc_all(libraries, sizes, G_N_ELEMENTS(sizes));
}

static int alloc_library_versions(struct libraries *libraries, const struct library *library)
{
	uint64_t highest = library->dynamic.versions;

	return highest > 0 ? ld_heap_alloc(libraries, (highest + 1) * VERSION) : 0;
}

/*
 * The version records, in the order of ld.so's list: the program, the vdso, the libraries. The
 * interpreter is among these, at interpreter_place.
 */
static int alloc_versions(struct libraries *libraries)
{
	int error = 0;

	for (guint i = 0; error == 0 && i < libraries->loaded->len; i++) {
		if (i > 0 && i == libraries->interpreter_place)
			error = alloc_library_versions(libraries, libraries->interpreter);
		if (error == 0)
			error = alloc_library_versions(libraries,
			                               g_ptr_array_index(libraries->loaded, i));
		if (error == 0 && i == 0)
			error = ld_heap_alloc(libraries, VDSO_VERSIONS * VERSION);
	}
	if (error == 0 && libraries->interpreter_place == libraries->loaded->len)
		error = alloc_library_versions(libraries, libraries->interpreter);
	return error;
}

int ld_heap_finish(struct libraries *libraries)
{
	uint64_t objects = libraries->loaded->len + 1; /* and the interpreter */
	int error = ld_heap_alloc(libraries, (2 * objects + 1) * POINTER);

	if (error == 0)
		error = alloc_versions(libraries);
	if (error == 0)
		error = alloc_tls(libraries);
	return error != 0 ? error : ld_heap_alloc(libraries, objects * FIND_OBJECT);
}
