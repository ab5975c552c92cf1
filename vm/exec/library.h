/*
 * library.h - what the files that do ld.so's work share: library.c, library_map.c, library_path.c,
 * library_text.c, ldheap.c.
 *
 * All of it belongs to the one thread that execs, which holds no lock. A function that returns int
 * and does not say otherwise returns 0 or a negative errno. If one fails with anything but the
 * errno that it documents for a library to be left out, the exec fails.
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
	GPtrArray *names;                  /* char *: its names (l_libname) besides DT_SONAME */
	struct library *loader;            /* the object that needed it first, or NULL */
	bool done;                         /* what it needs is loaded */
	char **rpath_list, **runpath_list; /* their folders; NULL until first used */
};

/*
 * The heap of ld.so's own malloc, which it uses until libc's is loaded. Allocations take memory
 * from the current piece, from low to high, and nothing is freed.
 */
struct ld_heap {
	uint64_t at, end; /* what is unused of the current piece: addresses of the process */
};

/* A file of /etc that ld.so maps while it reads it. All zero: there is none. */
struct ld_text {
	char *bytes; /* what the file has; free with g_free */
	size_t size;
	uint64_t at, mapped; /* where it is mapped, and how many bytes */
};

/* What ld.so knows while it loads libraries. */
struct libraries {
	struct exec *exec;
	/* struct library *: the program, then the libraries in the order of loading */
	GPtrArray *loaded;
	struct library *interpreter; /* loaded from the start, but not in LOADED */
	/* ld.so moves it to this index of its list when something needs it; 0: nothing has yet */
	guint interpreter_place;
	GHashTable *folders; /* char *: for these ld.so has allocated a record */
	struct ld_heap heap;
	struct ld_text cache;      /* /etc/ld.so.cache */
	bool cache_tried;          /* to open the cache is tried once */
	const char *path_variable; /* LD_LIBRARY_PATH in the new environment, or NULL */
	bool only_setuid;          /* accept no library without S_ISUID */
	char **path_list;          /* its folders; NULL until it is first used */
	struct processor processor;
	unsigned tries;      /* names searched and files tried so far */
	uint64_t list_bytes; /* bytes that the split lists take so far */
};

/* --- ldheap.c: what ld.so allocates, which decides where libraries are mapped ----------------- */

/* Bytes of glibc's struct pthread, which follows the thread-local storage of the first thread. */
enum { LD_HEAP_TCB = 2368 };

/*
 * Allocate SIZE bytes as ld.so's malloc does. If the current piece is too small, map a new one.
 * -ENOMEM.
 */
int ld_heap_alloc(struct libraries *libraries, uint64_t size);

/*
 * The number of subfolders in which ld.so on PROCESSOR looks for each library: one for each
 * glibc-hwcaps/x86-64-vN, and one for each combination of the old names (x86_64, avx512_1, the
 * platform, tls).
 */
unsigned ld_heap_subfolders(const struct processor *processor);
/* The number of bytes that it allocates for the list of these subfolders. */
uint64_t ld_heap_subfolders_size(const struct processor *processor);

/* The functions below allocate what ld.so allocates at one moment. All of them: -ENOMEM. */

/* Before it looks for libraries. Must come first: the heap starts with it. */
int ld_heap_start(struct libraries *libraries);
/* For the library NAME that was opened as PATH, before it is mapped. */
int ld_heap_add_library(struct libraries *libraries, const char *name, const char *path);
/* For a list of COUNT folders, a string of LEN bytes without its NUL, when it is first used. */
int ld_heap_add_list(struct libraries *libraries, uint64_t count, uint64_t len);
/*
 * For FOLDER in such a list. OWNER is the path of the library that has the list. Allocates nothing
 * if there is a record for FOLDER.
 */
int ld_heap_add_folder(struct libraries *libraries, const char *folder, const char *owner);
/* For NAME, a further name of a library that is loaded. */
int ld_heap_add_name(struct libraries *libraries, const char *name);
/* For a library with NEEDED names in DT_NEEDED, once these are loaded. */
int ld_heap_add_needed(struct libraries *libraries, guint needed);
/* When all libraries are loaded: for versions, and the first thread's thread-local storage. */
int ld_heap_finish(struct libraries *libraries);

/* --- library_path.c: where ld.so looks -------------------------------------------------------- */

/*
 * Search for the library NAME that LOADER needs, as _dl_map_object does. Open it in *IMAGE, which
 * must be all zero, and set *PATH to the path under which it was found (free with g_free). On
 * failure *IMAGE needs no clearing, and *PATH is NULL or unchanged.
 *
 * -ENOENT: there is no such library, or too much has been searched in this exec. Any other error
 * must end the exec: -ENOMEM, or an error of mapping the cache.
 */
int library_find(struct libraries *libraries, const char *name, struct library *loader,
                 struct exec_image *image, char **path);

/* Free the cache and unmap it, as _dl_unload_cache does. -ENOMEM, as munmap. */
int library_drop_cache(struct libraries *libraries);

/* --- library_text.c: the files of /etc that ld.so reads --------------------------------------- */

/*
 * Read the file PATH into *TEXT and map it with PROT, as ld.so does (_dl_sysdep_read_whole_file):
 * what is mapped before library_unmap_text lies below it. A file that is missing, empty, larger
 * than 8 MiB or that cannot be read counts as none: *TEXT is all zero then. -ENOMEM, or an error of
 * mmap.
 */
int library_map_text(struct libraries *libraries, const char *path, int prot, struct ld_text *text);
/* Free *TEXT and unmap it. Nothing, if it is all zero. -ENOMEM, as munmap. */
int library_unmap_text(struct libraries *libraries, struct ld_text *text);
/*
 * The names in TEXT, which is /etc/ld.so.preload: between blanks, tabs, newlines and colons; a `#`
 * begins a comment. Some may be empty. Changes TEXT. Free with g_strfreev.
 */
char **library_preload_names(struct ld_text *text);

/* --- library_map.c: how ld.so maps a library -------------------------------------------------- */

/*
 * Map IMAGE where mmap chooses, and set its bias. -ENOEXEC: ld.so would refuse it, and nothing of
 * it is mapped. After any other error a part may be mapped, and the exec must fail: -ENOMEM, -EIO
 * (a page cannot be read), or another error of mmap or mprotect (-EOVERFLOW for a hostile offset).
 */
int library_map(struct exec *exec, struct exec_image *image);

/*
 * Make the pages of PT_GNU_RELRO read-only: they are written only by relocations. Ignores one that
 * lies in no PT_LOAD. glibc: _dl_protect_relro. Returns errors of mprotect.
 */
int library_protect_relro(struct exec *exec, const struct exec_image *image);

#endif
