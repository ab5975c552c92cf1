/*
 * library_map.c - maps a library as ld.so does: glibc's elf/dl-map-segments.h and
 * _dl_map_object_from_fd. See library.h.
 *
 *     1. mmap the whole span of the library with the rights of its first segment
 *     2. take all rights from what lies between the first and the last segment, if there are holes
 *     3. map each further segment over that, at a fixed address
 *     4. for each segment, clear what follows the file's data, and map .bss
 */
#include "vm/exec/library.h"

#include <errno.h>
#include <sys/mman.h>

/*
 * Whether ld.so would map ELF. The segments must ascend, and no two may share a page; p_align must
 * be a multiple of the page size, and offset and address equal modulo the page size. Besides that,
 * the first segment must have a file part here.
 */
static bool layout_valid(const struct elf_file *elf)
{
	uint64_t end = 0;

	for (const Elf64_Phdr *s = NULL; (s = elf_segment(elf, PT_LOAD, s)) != NULL;) {
		if (page_down(s->p_vaddr) < end || s->p_align % VM_PAGE_SIZE != 0 ||
		    (s->p_vaddr - s->p_offset) % VM_PAGE_SIZE != 0)
			return false;
		end = page_align(s->p_vaddr + s->p_memsz);
	}
	const Elf64_Phdr *first = elf_segment(elf, PT_LOAD, NULL);
	return first->p_filesz > 0;
}

/*
 * Whether mmap refuses one of the segments because of the file system of IMAGE: none can be mapped,
 * or one is executable, and the mount is noexec.
 */
static bool mount_refuses(const struct exec_image *image)
{
	bool executable = false;

	for (const Elf64_Phdr *s = NULL; (s = elf_segment(&image->elf, PT_LOAD, s)) != NULL;)
		executable |= (s->p_flags & PF_X) != 0;
	return image->file->filesystem.unmappable || (executable && image->file->filesystem.noexec);
}

/* The end of the last page of SEGMENT's file part, as an address of the file. */
static uint64_t file_end(const Elf64_Phdr *segment)
{
	return page_align(segment->p_vaddr + segment->p_filesz);
}

/* Whether some segment does not start on the page after the file part of the one before. */
static bool has_holes(const struct elf_file *elf)
{
	const Elf64_Phdr *previous = elf_segment(elf, PT_LOAD, NULL);

	for (const Elf64_Phdr *s = previous; (s = elf_segment(elf, PT_LOAD, s)) != NULL;
	     previous = s)
		if (file_end(previous) != page_down(s->p_vaddr))
			return true;
	return false;
}

static const Elf64_Phdr *last_segment(const struct elf_file *elf)
{
	const Elf64_Phdr *last = NULL;

	for (const Elf64_Phdr *s = NULL; (s = elf_segment(elf, PT_LOAD, s)) != NULL;)
		last = s;
	return last;
}

/*
 * Map SPAN bytes of the file from its first segment on, where mmap chooses. If the segments are
 * aligned to more than a page, reserve a larger range, map the span at a multiple of the alignment
 * in it, and unmap the rest (_dl_map_segment). Returns the address or a negative errno. After an
 * error the reserved range may still be mapped.
 */
static int64_t map_span(struct exec *exec, const struct exec_image *image, uint64_t span)
{
	const Elf64_Phdr *first = elf_segment(&image->elf, PT_LOAD, NULL);
	uint64_t align = elf_alignment(&image->elf), offset = page_down(first->p_offset),
	         room = span + align;

	if (align <= VM_PAGE_SIZE)
		return builder_map(&exec->builder, 0, span, elf_prot(first), MAP_PRIVATE,
		                   image->file, offset);
	int64_t at =
	    builder_map(&exec->builder, 0, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	if (at < 0)
		return at;
	uint64_t start = ((uint64_t)at + align - 1) & ~(align - 1), end = page_align(start + span);
	int64_t error = builder_map(&exec->builder, start, span, elf_prot(first),
	                            MAP_PRIVATE | MAP_FIXED, image->file, offset);
	if (error >= 0 && start > (uint64_t)at)
		error = builder_unmap(&exec->builder, (uint64_t)at, start - (uint64_t)at);
	if (error >= 0 && end < (uint64_t)at + room)
		error = builder_unmap(&exec->builder, end, (uint64_t)at + room - end);
	return error < 0 ? error : (int64_t)start;
}

/*
 * If there are holes between the segments, the first mapping covers them. Take all rights from
 * everything between the end of the first segment and the start of the last one. The segments in
 * between are mapped over that later, with their own rights.
 */
static int close_holes(struct exec *exec, const struct exec_image *image)
{
	const Elf64_Phdr *first = elf_segment(&image->elf, PT_LOAD, NULL),
	                 *last = last_segment(&image->elf);

	if (!has_holes(&image->elf) || page_down(last->p_vaddr) <= file_end(first))
		return 0;
	return builder_protect(&exec->builder, image->bias + file_end(first),
	                       page_down(last->p_vaddr) - file_end(first), PROT_NONE);
}

/*
 * Clear LEN bytes at START, the rest of the last page of a file part. A page that is not writable
 * (PROT) is made writable for that, as ld.so does.
 */
static int zero_tail(struct exec *exec, uint64_t start, uint64_t len, int prot)
{
	static const char zeros[VM_PAGE_SIZE];
	uint64_t page = page_down(start);
	int error = 0;

	if (!(prot & PROT_WRITE))
		error = builder_protect(&exec->builder, page, VM_PAGE_SIZE, prot | PROT_WRITE);
	if (error == 0)
		error = exec_store(exec, start, zeros, len);
	if (error == 0 && !(prot & PROT_WRITE))
		error = builder_protect(&exec->builder, page, VM_PAGE_SIZE, prot);
	return error;
}

/* Clear what follows the file part of SEGMENT in its last page. Map anonymous pages after that. */
static int map_bss(struct exec *exec, const struct exec_image *image, const Elf64_Phdr *segment)
{
	uint64_t zero = image->bias + segment->p_vaddr + segment->p_filesz;
	uint64_t end = image->bias + segment->p_vaddr + segment->p_memsz;
	uint64_t page = MIN(page_align(zero), end);
	int prot = elf_prot(segment), error = 0;

	if (page > zero)
		error = zero_tail(exec, zero, page - zero, prot);
	if (error != 0 || end <= page)
		return error;
	int64_t at = builder_map(&exec->builder, page, end - page, prot,
	                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	return at < 0 ? (int)at : 0;
}

/* Map SEGMENT at its place in the span. The FIRST is mapped already, except for its .bss. */
static int map_segment(struct exec *exec, const struct exec_image *image, const Elf64_Phdr *segment,
                       bool first)
{
	uint64_t start = page_down(segment->p_vaddr), end = file_end(segment);

	if (!first && end > start) {
		int64_t at =
		    builder_map(&exec->builder, image->bias + start, end - start, elf_prot(segment),
		                MAP_PRIVATE | MAP_FIXED, image->file, page_down(segment->p_offset));
		if (at < 0)
			return (int)at;
	}
	return map_bss(exec, image, segment);
}

int library_map(struct exec *exec, struct exec_image *image)
{
	uint64_t span = elf_span(&image->elf), room = exec->builder.space->mmap_base;

	/* Hostile sizes end here, so that the sums in map_span do not wrap around. */
	if (!layout_valid(&image->elf) || span > room || elf_alignment(&image->elf) > room - span)
		return -ENOEXEC;
	if (mount_refuses(image))
		return -ENOEXEC;
	const Elf64_Phdr *first = elf_segment(&image->elf, PT_LOAD, NULL);
	int64_t at = map_span(exec, image, span);
	if (at < 0)
		return (int)at;
	image->bias = (uint64_t)at - page_down(first->p_vaddr);
	int error = close_holes(exec, image);
	for (const Elf64_Phdr *s = first; error == 0 && s != NULL;
	     s = elf_segment(&image->elf, PT_LOAD, s))
		error = map_segment(exec, image, s, s == first);
	/* The library will be left out and the exec goes on, so nothing of it may stay. */
	if (error == -ENOEXEC)
		builder_unmap(&exec->builder, (uint64_t)at, span);
	return error;
}

/* The PT_LOAD whose pages contain [START, END), addresses of the file, or NULL. */
static const Elf64_Phdr *segment_around(const struct elf_file *elf, uint64_t start, uint64_t end)
{
	for (const Elf64_Phdr *s = NULL; (s = elf_segment(elf, PT_LOAD, s)) != NULL;)
		if (start >= page_down(s->p_vaddr) && end <= page_align(s->p_vaddr + s->p_memsz))
			return s;
	return NULL;
}

int library_protect_relro(struct exec *exec, const struct exec_image *image)
{
	const Elf64_Phdr *s = elf_segment(&image->elf, PT_GNU_RELRO, NULL);
	uint64_t end;

	if (s == NULL || __builtin_add_overflow(s->p_vaddr, s->p_memsz, &end) ||
	    segment_around(&image->elf, s->p_vaddr, end) == NULL)
		return 0;
	/* END is rounded down, because the rest of that page may be written later. */
	uint64_t first = page_down(image->bias + s->p_vaddr), last = page_down(image->bias + end);
	return first < last ? builder_protect(&exec->builder, first, last - first, PROT_READ) : 0;
}
