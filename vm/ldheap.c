/*
 * ldheap.c - ld.so's allocations before malloc is there (glibc 2.36, elf/dl-minimal-malloc.c).
 *
 * They matter since each piece of memory goes below the mappings so far, between libraries. The sizes are what
 * glibc asks for on x86-64 and, where they depend on it, on the host's processor. What it allocates while
 * relocating (tables of unique C++ symbols) would come below all libraries, and is left out.
 */
#include "vm/library.h"

#include <string.h>
#include <sys/mman.h>

enum {
	ALIGNMENT = 16,
	LINK_MAP = 1224,      /* struct link_map and the head of its list of names */
	LINK_MAP_AUDIT = 256, /* room for auditors that the program's and the vdso's have */
	NAME = 24,            /* struct libname_list */
	POINTER = 8,
	VERSION = 24, /* struct r_found_version */
	VDSO_VERSIONS = 3,
	SLOT_INFO = 16,   /* an entry in the table of modules with thread-local storage, and its head */
	SLOT_EXTRA = 64,  /* entries besides the modules' */
	FOLDER = 40,      /* struct r_search_path_elem, and ... */
	FOLDER_STATE = 4, /* ... the state of each of its subfolders */
	DEFAULT_FOLDERS = 4,
	SUBFOLDER = 16,  /* struct r_strlenpair */
	LEVEL_NAME = 23, /* "glibc-hwcaps/x86-64-v4/" */
	DTV_ENTRY = 16,
	DTV_EXTRA = 16,   /* entries besides the modules' */
	FIND_OBJECT = 32, /* struct dl_find_object_internal */
	TCB = 2304,       /* struct pthread */
	TCB_ALIGNMENT = 64,
	TLS_SURPLUS = 1664,   /* for libraries loaded later */
	TLS_LIMIT = 64 << 20, /* bytes of one module: more is not believed */
};

int ld_heap_alloc(struct libraries *libraries, uint64_t size)
{
	struct ld_heap *heap = &libraries->heap;

	heap->at = (heap->at + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
	if (heap->at + size >= heap->end) {
		uint64_t len = page_align(size) + VM_PAGE_SIZE;
		int64_t at = vm_mmap(libraries->exec->nascent, 0, len, PROT_READ | PROT_WRITE,
		                     MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
		if (at < 0)
			return (int)at;
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

/* --- What depends on the processor --------------------------------------------------------------- */

/* Names of folders for some processors only, and how long they are. */
struct capabilities {
	unsigned count, len[4];
};

static bool is_intel_with_avx512(void)
{
	return __builtin_cpu_is("intel") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool is_haswell(void)
{
	return __builtin_cpu_is("intel") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("fma");
}

/* In glibc's order (update_active of sysdeps/x86/cpu-features.c, _dl_important_hwcaps). */
static struct capabilities capabilities(void)
{
	const char *const names[] = {"x86_64", is_intel_with_avx512() ? "avx512_1" : NULL,
	                             is_haswell() ? "haswell" : "x86_64", "tls"};
	struct capabilities found = {0};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (names[i] != NULL)
			found.len[found.count++] = (unsigned)strlen(names[i]);
	return found;
}

/* Subfolders that are tried in each folder: of the processor's levels, and of every set of capabilities. */
static uint64_t subfolders(const struct libraries *libraries)
{
	return (libraries->level - 1) + (UINT64_C(1) << capabilities().count);
}

/* Their names, as _dl_important_hwcaps adds them up. */
static uint64_t subfolder_names(const struct libraries *libraries)
{
	struct capabilities c = capabilities();
	uint64_t len = 2 * (c.len[0] + c.len[c.count - 1] + 2);

	for (unsigned i = 1; i + 1 < c.count; i++)
		len += c.len[i] + 1;
	return (libraries->level - 1) * LEVEL_NAME + (len << (c.count - 3));
}

static uint64_t folder_size(const struct libraries *libraries)
{
	return FOLDER + subfolders(libraries) * FOLDER_STATE;
}

/* --- Along the way ------------------------------------------------------------------------------- */

/* The first piece is what is left of the last page of ld.so's own data. */
static void heap_begin(struct libraries *libraries)
{
	const struct exec_image *image = &libraries->exec->interpreter;
	uint64_t end = 0;

	for (const Elf64_Phdr *s = NULL; (s = elf_segment(&image->elf, PT_LOAD, s)) != NULL;)
		end = MAX(end, s->p_vaddr + s->p_memsz);
	libraries->heap.at = image->bias + end;
	libraries->heap.end = page_align(libraries->heap.at);
}

int ld_heap_start(struct libraries *libraries)
{
	const uint64_t sizes[] = {
	    LINK_MAP + 1 + LINK_MAP_AUDIT,
	    LINK_MAP + 1 + LINK_MAP_AUDIT, /* the program, the vdso */
	    48,
	    subfolders(libraries) * SUBFOLDER + subfolder_names(libraries),
	    40,
	    /* An array, so each is rounded up to a multiple of its size without states. */
	    (folder_size(libraries) + FOLDER - 1) / FOLDER * FOLDER * DEFAULT_FOLDERS,
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
	g_autofree char *known = g_str_has_suffix(folder, "/") ? g_strdup(folder) : g_strconcat(folder, "/", NULL);
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

/* Offsets below the thread pointer, as _dl_determine_tlsoffset gives them out. */
struct tls {
	uint64_t offset, align, modules;
	uint64_t gap_top, gap_bottom; /* a hole between blocks that small ones may fill */
};

static uint64_t round_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) / align * align;
}

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

static int alloc_tls(struct libraries *libraries)
{
	struct tls tls = {.align = TCB_ALIGNMENT};

	for (guint i = 0; i < libraries->loaded->len; i++)
		tls_add(&tls, &((struct library *)g_ptr_array_index(libraries->loaded, i))->image);
	uint64_t block = round_up(tls.offset + TLS_SURPLUS, tls.align) + TCB;
	const uint64_t sizes[] = {(tls.modules + SLOT_EXTRA) * SLOT_INFO, block + tls.align + POINTER,
	                          (tls.modules + DTV_EXTRA) * DTV_ENTRY};

	return alloc_all(libraries, sizes, G_N_ELEMENTS(sizes));
}

static int alloc_library_versions(struct libraries *libraries, const struct library *library)
{
	uint64_t highest = library->dynamic.versions;

	return highest > 0 ? ld_heap_alloc(libraries, (highest + 1) * VERSION) : 0;
}

static int alloc_versions(struct libraries *libraries)
{
	int error = 0;

	for (guint i = 0; error == 0 && i < libraries->loaded->len; i++) {
		if (i > 0 && i == libraries->interpreter_place)
			error = alloc_library_versions(libraries, libraries->interpreter);
		if (error == 0)
			error = alloc_library_versions(libraries, g_ptr_array_index(libraries->loaded, i));
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
