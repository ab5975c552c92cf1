/*
 * elf.c - the headers and segments of an ELF file. See elf.h. The dynamic section is in
 * elf_dynamic.c.
 *
 * Follows load_elf_phdrs, total_mapping_size and maximum_alignment of Linux's fs/binfmt_elf.c.
 * Three checks are stricter than those of Linux: the class and byte order must be those of x86-64,
 * there must be a PT_LOAD, and no page of a file part may lie wholly past the end of the file.
 */
#include "vm/exec/elf.h"
#include "vm/internal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_SEGMENT_TABLE = 65536 }; /* bytes of program headers, as in load_elf_phdrs */

/* Read LEN bytes at OFFSET. -ENOEXEC: the file ends before that; or an error of SOURCE. */
static int read_exactly(const struct elf_source *source, void *buf, size_t len, uint64_t offset)
{
	if (offset > source->size || len > source->size - offset)
		return -ENOEXEC;
	ssize_t got = source->read(source->ctx, buf, len, offset);
	if (got < 0)
		return (int)got;
	return (size_t)got == len ? 0 : -ENOEXEC;
}

static bool is_for_this_machine(const Elf64_Ehdr *header)
{
	return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_machine == EM_X86_64;
}

/* Whether the number and size of program headers are possible (load_elf_phdrs). */
static bool table_valid(const Elf64_Ehdr *header)
{
	return header->e_phentsize == sizeof(Elf64_Phdr) && header->e_phnum > 0 &&
	       header->e_phnum <= MAX_SEGMENT_TABLE / sizeof(Elf64_Phdr);
}

static bool header_valid(const Elf64_Ehdr *header)
{
	return is_for_this_machine(header) &&
	       (header->e_type == ET_EXEC || header->e_type == ET_DYN) && table_valid(header);
}

/*
 * Whether the file part of SEGMENT can be mapped from a file of SIZE bytes: offset and address are
 * equal modulo the page size, and each page starts before the end of the file.
 */
static bool file_part_valid(const Elf64_Phdr *segment, uint64_t size)
{
	uint64_t end;

	if (segment->p_filesz == 0)
		return true;
	if (__builtin_add_overflow(segment->p_offset, segment->p_filesz, &end) || end > INT64_MAX)
		return false;
	return (segment->p_offset - segment->p_vaddr) % VM_PAGE_SIZE == 0 &&
	       page_align(end) <= page_align(size);
}

static bool load_segment_valid(const Elf64_Phdr *segment, uint64_t size)
{
	return segment->p_vaddr < VM_USER_END && segment->p_filesz <= segment->p_memsz &&
	       segment->p_memsz <= VM_USER_END - segment->p_vaddr && file_part_valid(segment, size);
}

static int segments_check(const struct elf_file *elf)
{
	const Elf64_Phdr *segment = elf_segment(elf, PT_LOAD, NULL);

	if (segment == NULL)
		return -ENOEXEC;
	for (; segment != NULL; segment = elf_segment(elf, PT_LOAD, segment))
		if (!load_segment_valid(segment, elf->source.size))
			return -ENOEXEC;
	return 0;
}

int elf_open(struct elf_file *elf, const struct elf_source *source)
{
	*elf = (struct elf_file){.source = *source};

	int error = read_exactly(source, &elf->header, sizeof elf->header, 0);
	if (error != 0)
		return error;
	if (!header_valid(&elf->header))
		return -ENOEXEC;
	size_t size = elf->header.e_phnum * sizeof(Elf64_Phdr);
	elf->segments = g_try_malloc(size);
	if (elf->segments == NULL)
		return -ENOMEM;
	error = read_exactly(source, elf->segments, size, elf->header.e_phoff);
	return error != 0 ? error : segments_check(elf);
}

int elf_interpreter_error(const struct elf_file *elf)
{
	const Elf64_Ehdr *header = &elf->header;
	uint64_t table = header->e_phnum * sizeof(Elf64_Phdr), size = elf->source.size;

	if (size < sizeof *header)
		return -EIO;
	if (!is_for_this_machine(header) || !table_valid(header) || header->e_phoff > size ||
	    table > size - header->e_phoff)
		return -ELIBBAD;
	return -ENOEXEC;
}

void elf_clear(struct elf_file *elf)
{
	g_clear_pointer(&elf->segments, g_free);
}

const Elf64_Phdr *elf_segment(const struct elf_file *elf, uint32_t type, const Elf64_Phdr *previous)
{
	const Elf64_Phdr *end = elf->segments + elf->header.e_phnum;

	for (const Elf64_Phdr *segment = previous != NULL ? previous + 1 : elf->segments;
	     segment < end; segment++)
		if (segment->p_type == type)
			return segment;
	return NULL;
}

uint64_t elf_span(const struct elf_file *elf)
{
	uint64_t low = UINT64_MAX, high = 0;

	for (const Elf64_Phdr *s = NULL; (s = elf_segment(elf, PT_LOAD, s)) != NULL;) {
		low = MIN(low, page_down(s->p_vaddr));
		high = MAX(high, s->p_vaddr + s->p_memsz);
	}
	return high - low;
}

uint64_t elf_alignment(const struct elf_file *elf)
{
	uint64_t alignment = VM_PAGE_SIZE;

	for (const Elf64_Phdr *s = NULL; (s = elf_segment(elf, PT_LOAD, s)) != NULL;)
		if (s->p_align != 0 && (s->p_align & (s->p_align - 1)) == 0)
			alignment = MAX(alignment, s->p_align);
	return alignment;
}

int elf_prot(const Elf64_Phdr *segment)
{
	return (segment->p_flags & PF_R ? PROT_READ : 0) |
	       (segment->p_flags & PF_W ? PROT_WRITE : 0) |
	       (segment->p_flags & PF_X ? PROT_EXEC : 0);
}

int elf_interpreter(const struct elf_file *elf, char **path)
{
	const Elf64_Phdr *segment = elf_segment(elf, PT_INTERP, NULL);

	*path = NULL;
	if (segment == NULL)
		return 0;
	if (segment->p_filesz < 2 || segment->p_filesz > PATH_MAX)
		return -ENOEXEC;
	g_autofree char *text = g_try_malloc(segment->p_filesz);
	if (text == NULL)
		return -ENOMEM;
	/* rw_verify_area; elf_read. */
	if (segment->p_offset > INT64_MAX - segment->p_filesz)
		return -EINVAL;
	int error = read_exactly(&elf->source, text, segment->p_filesz, segment->p_offset);
	if (error != 0)
		return error == -ENOEXEC ? -EIO : error;
	if (text[segment->p_filesz - 1] != '\0')
		return -ENOEXEC;
	*path = g_steal_pointer(&text);
	return 0;
}
