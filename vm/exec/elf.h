/*
 * elf.h - reads what exec needs from an ELF file. The bytes may be hostile.
 *
 *     elf_open                              reads and checks the headers
 *       elf_segment, elf_span, ...          what the headers say
 *       elf_interpreter, elf_dynamic_read   read more of the file
 *     elf_clear                             in any case, also after a failed elf_open
 *
 * Every count, offset and size is checked before it is used. The work is bounded whatever the bytes
 * say. Nothing here uses an address space, a machine or a lock, so tests can pass arrays. The file
 * may change between two reads: what was read is used as it was read.
 */
#ifndef VM_EXEC_ELF_H
#define VM_EXEC_ELF_H

#include <elf.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Where the bytes come from. READ reads LEN bytes at OFFSET and returns how many it read, or a
 * negative errno. It returns fewer than LEN only at the end of the file.
 */
struct elf_source {
	ssize_t (*read)(void *ctx, void *buf, size_t len, uint64_t offset);
	void *ctx;
	uint64_t size; /* of the file, in bytes */
};

struct elf_file {
	struct elf_source source;
	Elf64_Ehdr header;
	Elf64_Phdr *segments; /* header.e_phnum of them */
};

/*
 * Read the headers of an ELF64 x86-64 program or shared object into *ELF, which copies *SOURCE.
 * On success there is at least one PT_LOAD, and each has these properties:
 *
 *     [p_vaddr, p_vaddr + p_memsz) lies below VM_USER_END
 *     p_filesz is at most p_memsz
 *     unless p_filesz is 0: each page of the file part starts before the end of the file, and
 *     p_offset and p_vaddr are equal modulo the page size
 *
 * Nothing else is checked: other segments, the entry point and p_align may have any value. If
 * p_filesz is 0, p_offset may, too. Returns 0; -ENOEXEC: a check failed, or the file ends too
 * early; -ENOMEM; or an error of the source. Linux: load_elf_phdrs, load_elf_binary.
 */
int elf_open(struct elf_file *elf, const struct elf_source *source);
/*
 * The errno of load_elf_binary for the interpreter ELF, with which elf_open failed with -ENOEXEC:
 * -EIO (the file is shorter than a header), -ELIBBAD (it is no ELF file for this machine, or its
 * program headers cannot be read) or -ENOEXEC (what Linux notices only when it maps the file).
 */
int elf_interpreter_error(const struct elf_file *elf);
/* Free what *ELF has. May be called twice, and for an *ELF that is all zero. */
void elf_clear(struct elf_file *elf);

/* The next program header of TYPE (PT_) after PREVIOUS, the first if that is NULL; or NULL. */
const Elf64_Phdr *elf_segment(const struct elf_file *elf, uint32_t type,
                              const Elf64_Phdr *previous);

/*
 * Bytes from the first page of the lowest PT_LOAD to the last byte of the highest. The result may
 * not be a multiple of the page size. Linux: total_mapping_size.
 */
uint64_t elf_span(const struct elf_file *elf);

/*
 * The largest p_align of the PT_LOADs, in bytes; at least a page. A p_align that is not a power of
 * two is ignored. Linux: maximum_alignment.
 */
uint64_t elf_alignment(const struct elf_file *elf);

/* The PROT_ bits for the PF_ flags of SEGMENT. Linux: make_prot. */
int elf_prot(const Elf64_Phdr *segment);

/*
 * Set *PATH to the path in PT_INTERP (free with g_free), or to NULL if there is no PT_INTERP or on
 * failure. -ENOEXEC: its size is not 2 to PATH_MAX bytes, or it does not end with a NUL; -EIO: it
 * lies outside the file; -ENOMEM; or an error of the source. Linux: load_elf_binary.
 */
int elf_interpreter(const struct elf_file *elf, char **path);

/* A library that another one names. */
struct elf_needed {
	/* DT_AUXILIARY or DT_FILTER: it comes before the one that names it. Else DT_NEEDED */
	bool before;
	char name[]; /* not empty */
};

/* What ld.so reads from the dynamic section. */
struct elf_dynamic {
	GPtrArray *needed;              /* struct elf_needed *, in the order of the section */
	char *soname, *rpath, *runpath; /* or NULL */
	bool no_default_path;           /* DF_1_NODEFLIB */
	bool pie;                       /* DF_1_PIE: a program, not a library */
	unsigned versions;              /* highest index in the version tables, 0 to 32767 */
	bool no_memory;                 /* something was left out for want of memory */
};

/*
 * Read the dynamic section of ELF, if it has one, into *DYNAMIC. What is malformed or cannot be
 * read is left out: this never fails. Clear with elf_dynamic_clear.
 */
void elf_dynamic_read(const struct elf_file *elf, struct elf_dynamic *dynamic);
/* Free what *DYNAMIC has. May be called twice, and for a *DYNAMIC that is all zero. */
void elf_dynamic_clear(struct elf_dynamic *dynamic);

#endif
