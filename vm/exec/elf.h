/*
 * elf.h - what exec needs to know of an ELF file, read from bytes that nobody vouches for.
 *
 * Every count, offset and size of the file is checked before it is used; a file that fails a check
 * is -ENOEXEC. The work is bounded whatever the bytes say. Nothing here touches an address space or
 * a machine, so tests feed it arrays.
 */
#ifndef VM_EXEC_ELF_H
#define VM_EXEC_ELF_H

#include <elf.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Where the bytes come from. READ gives fewer than LEN only at the end of the file, or a negative
 * errno.
 */
struct elf_source {
	ssize_t (*read)(void *ctx, void *buf, size_t len, uint64_t offset);
	void *ctx;
	uint64_t size; /* of the file */
};

struct elf_file {
	struct elf_source source;
	Elf64_Ehdr header;
	Elf64_Phdr *segments; /* header.e_phnum of them */
};

/*
 * Read the headers of an ELF64 x86-64 program or shared object into *ELF, to be cleared with
 * elf_clear in any case. Afterwards each PT_LOAD lies in user space, has its bytes in the file, and
 * at least one exists. -ENOEXEC, or the source's error.
 */
int elf_open(struct elf_file *elf, const struct elf_source *source);
void elf_clear(struct elf_file *elf);

/* The next segment of TYPE after PREVIOUS (NULL: the first), or NULL. */
const Elf64_Phdr *elf_segment(const struct elf_file *elf, uint32_t type,
                              const Elf64_Phdr *previous);

/* Bytes from the first page of the lowest PT_LOAD to the end of the highest. */
uint64_t elf_span(const struct elf_file *elf);

/* The largest power of two among the PT_LOADs' p_align, at least a page. */
uint64_t elf_alignment(const struct elf_file *elf);

/* PROT_ bits of a segment. */
int elf_prot(const Elf64_Phdr *segment);

/*
 * The path in PT_INTERP in *PATH (free with g_free), or NULL where there is none. -ENOEXEC: it is
 * not a string of at most PATH_MAX bytes.
 */
int elf_interpreter(const struct elf_file *elf, char **path);

/* What ld.so reads in the dynamic section. */
struct elf_dynamic {
	GPtrArray *needed;              /* names in DT_NEEDED, in order */
	char *soname, *rpath, *runpath; /* or NULL */
	bool no_default_path;           /* DF_1_NODEFLIB */
	bool pie;                       /* DF_1_PIE: a program, not a library */
	unsigned versions;              /* highest index in the version tables */
};

/* Read the dynamic section; what is malformed in it is left out. Clear with elf_dynamic_clear. */
void elf_dynamic_read(const struct elf_file *elf, struct elf_dynamic *dynamic);
void elf_dynamic_clear(struct elf_dynamic *dynamic);

#endif
