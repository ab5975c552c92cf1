/*
 * core_file.h - what the files that read a core file share. The bytes may be hostile.
 *
 *     core_file.c    reading it, as a file and as memory
 *     parse.c        vm_core_parse: the headers and segments, and the order of all
 *     core_notes.c   notes: threads, auxiliary vector, names of files
 *     modules.c      the areas of files, and the files with the same build id
 *     build_id.c     the build id of an ELF file, on disk or in memory
 *     stack_scan.c   arguments and environment on the stack; the heap
 *
 * Every count, offset and size is checked before it is used. Memory grows with the file, since
 * nothing is allocated for what was not read, and is bounded by the constants below.
 */
#ifndef VM_CORE_CORE_FILE_H
#define VM_CORE_CORE_FILE_H

#include "vm/core/buffer.h"
#include "vm/exec/elf.h"
#include "vm/internal.h"
#include "vm/vm_core.h"

enum {
	CORE_SEGMENTS_MAX = 1 << 20,
	CORE_THREADS_MAX = 1 << 16,
	CORE_NOTES_MAX = 1 << 20,
	CORE_FILE_NOTE_MAX = 16 << 20, /* bytes of NT_FILE; Linux writes at most 4 MiB */
	CORE_MODULES_MAX = 4096,       /* files that are opened */
	CORE_NAMES_MAX = 64 << 20,     /* bytes of the names of all areas, which have one each */
};

/* A PT_LOAD in user space. */
struct core_load {
	uint64_t start, end; /* rounded to pages */
	uint64_t vaddr, offset;
	uint64_t dumped; /* bytes from VADDR on that the core should have ... */
	uint64_t held;   /* ... and that it has: fewer if it was cut short */
	int prot;
};

/* A line of NT_FILE. */
struct core_entry {
	uint64_t start, end;
	uint64_t offset;  /* bytes */
	const char *name; /* in file_note */
};

struct core_file {
	struct vm_image *image;
	const struct vm_opener *opener; /* or NULL */
	struct elf_source source;
	struct array loads;      /* struct core_load, by address, not overlapping */
	struct array entries;    /* struct core_entry, the same */
	struct buffer file_note; /* the bytes of NT_FILE, with a NUL behind them */
	uint64_t notes;          /* notes seen so far */
	uint64_t names;          /* bytes of names given to areas so far */
	uint64_t program_end;    /* where the memory of the program ends, its bss included; or 0 */
};

#define CORE_LOAD(core, i) (&ARRAY_AT(&(core)->loads, struct core_load, i))
#define CORE_ENTRY(core, i) (&ARRAY_AT(&(core)->entries, struct core_entry, i))

/* Read up to LEN bytes at OFFSET. Returns how many there are; 0 also after an error. */
size_t core_read_file(const struct core_file *core, void *buf, size_t len, uint64_t offset);

/* The index of the first load that ends above VA; loads.len if there is none. */
size_t core_find_load(const struct core_file *core, uint64_t va);

/*
 * Read up to LEN bytes of memory at VA. Returns how many the core has without a gap. The loads must
 * be sorted.
 */
size_t core_read_memory(const struct core_file *core, uint64_t va, void *buf, size_t len);

/* --- core_notes.c ----------------------------------------------------------------------------- */

/* Take what the notes in [OFFSET, OFFSET + LEN) of the file say. 0, -ENOMEM or -EINTR. */
int core_notes_read(struct core_file *core, uint64_t offset, uint64_t len);

/* The value of KEY in the auxiliary vector, or 0. */
uint64_t core_auxv(const struct vm_image *image, uint64_t key);

/* --- modules.c -------------------------------------------------------------------------------- */

/*
 * Make the areas of the image: of all loads, with the names of the entries, and of entries without
 * loads. Set what the program's file says of the layout. 0, -ENOMEM or -EINTR.
 */
int core_modules_add(struct core_file *core);

/* --- build_id.c ------------------------------------------------------------------------------- */

struct build_id {
	size_t len; /* 0: there is none */
	uint8_t bytes[64];
};

/*
 * The build id of the ELF file SOURCE. IN_MEMORY: SOURCE is its memory, from its first byte on;
 * else the file.
 */
struct build_id build_id_read(const struct elf_source *source, bool in_memory);

static inline bool build_id_equals(const struct build_id *a, const struct build_id *b)
{
	return a->len > 0 && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* --- stack_scan.c ----------------------------------------------------------------------------- */

/* Find the arguments and the environment on the stack, and the heap; set them in the layout. */
void core_scan_stack(struct core_file *core);
void core_find_heap(struct core_file *core);

#endif
