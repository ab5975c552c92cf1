/*
 * library.h - what the rooms that imitate ld.so share: library.c, library_map.c, library_path.c,
 * ldheap.c.
 */
#ifndef VM_EXEC_LIBRARY_H
#define VM_EXEC_LIBRARY_H

#include "vm/exec/exec.h"
#include "vm/exec/ldcache.h"
#include "vm/exec/processor.h"

/* One loaded object: the program, the interpreter, or a library (ld.so's link_map). */
struct library {
	struct exec_image image;
	struct elf_dynamic dynamic;
	char *path;                        /* under which it was opened; NULL for the program */
	GPtrArray *names;                  /* that it answers to, besides its DT_SONAME */
	struct library *loader;            /* that asked for it first, or NULL */
	char **rpath_list, **runpath_list; /* their folders, once the list is taken apart */
};

/* ld.so's malloc before libc's is there: it cuts pieces from a page, and never gives any back. */
struct ld_heap {
	uint64_t at, end; /* what is left of the present piece of memory */
};

struct libraries {
	struct exec *exec;
	/* struct library *: the program, then libraries in the order of their loading */
	GPtrArray *loaded;
	struct library *interpreter; /* loaded from the start, but not in the list */
	/* where it would stand in the list: it was asked for then; 0 if never */
	guint interpreter_place;
	GHashTable *folders; /* that ld.so has a record of */
	struct ld_heap heap;
	struct ld_cache cache;
	bool cache_tried;
	uint64_t cache_at, cache_size; /* where the cache is mapped, or 0 */
	const char *path_variable;     /* LD_LIBRARY_PATH, or NULL */
	char **path_list;              /* its folders, once it is taken apart */
	struct processor processor;
	unsigned tries;      /* names looked for and files tried so far */
	uint64_t list_bytes; /* of all lists taken apart so far */
};

/* --- ldheap.c: the pages that ld.so allocates, so that libraries come to lie where they would - */

/* sizeof(struct pthread), which stands behind the first thread's thread-local storage. */
enum { LD_HEAP_TCB = 2368 };

/* One allocation of SIZE bytes; maps pages where the last piece is used up. -ENOMEM. */
int ld_heap_alloc(struct libraries *libraries, uint64_t size);

/*
 * The subfolders of each folder that ld.so knows of on PROCESSOR: glibc-hwcaps/x86-64-vN, and every
 * combination of the old names (x86_64, avx512_1, the platform, tls). And how many bytes it
 * allocates to list them.
 */
unsigned ld_heap_subfolders(const struct processor *processor);
uint64_t ld_heap_subfolders_size(const struct processor *processor);

/* What ld.so allocates before it looks for libraries, ... */
int ld_heap_start(struct libraries *libraries);
/* ... for one library, opened as PATH for the name NAME, before it is mapped, ... */
int ld_heap_add_library(struct libraries *libraries, const char *name, const char *path);
/* ... for a list of COUNT folders, LEN bytes in all, when it is first used, ... */
int ld_heap_add_list(struct libraries *libraries, uint64_t count, uint64_t len);
/*
 * ... for FOLDER in it, unless there is a record of it; OWNER is the path of the library that has
 * the list, ...
 */
int ld_heap_add_folder(struct libraries *libraries, const char *folder, const char *owner);
/* ... for a further name of one, ... */
int ld_heap_add_name(struct libraries *libraries, const char *name);
/* ... once what a library needs is loaded, ... */
int ld_heap_add_needed(struct libraries *libraries, guint needed);
/* ... and when all are: versions, thread-local storage of the first thread. */
int ld_heap_finish(struct libraries *libraries);

/* --- library_path.c: where ld.so looks -------------------------------------------------------- */

/*
 * Open the file that NAME means to LOADER in IMAGE, and give the path in *PATH (free with g_free).
 * -ENOENT: there is no such library; -ENOMEM.
 */
int library_find(struct libraries *libraries, const char *name, struct library *loader,
                 struct exec_image *image, char **path);

/* Unmap and forget the cache. */
int library_drop_cache(struct libraries *libraries);

/* --- library_map.c: how ld.so maps a library -------------------------------------------------- */

/* Map IMAGE. -ENOEXEC: ld.so would refuse it, nothing is mapped. -ENOMEM and others. */
int library_map(struct exec *exec, struct exec_image *image);

/* Write-protect what is only written while relocating. */
int library_protect_relro(struct exec *exec, const struct exec_image *image);

#endif
