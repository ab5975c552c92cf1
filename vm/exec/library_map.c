/*
 * library_map.c - how ld.so maps a library: glibc's elf/dl-map-segments.h and
 * _dl_map_object_from_fd.
 *
 * One mmap of the whole span with the rights of the first segment, the others over it at fixed
 * places, holes without any rights, zeros behind the file's data.
 */
#include "vm/exec/library.h"

#include <errno.h>
#include <sys/mman.h>

/* ld.so wants the segments in order of their addresses, each on pages of its own. */
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

/* First page behind the file's part of SEGMENT, in the file's addresses. */
static uint64_t file_end(const Elf64_Phdr *segment)
{
	return page_align(segment->p_vaddr + segment->p_filesz);
}

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
 * The span where mmap chooses, or, where segments want more than pages, at a multiple of that
 * within a larger one.
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

/* The holes between the segments are under the first mapping: take its rights away. */
static int close_holes(struct exec *exec, const struct exec_image *image)
{
	const Elf64_Phdr *first = elf_segment(&image->elf, PT_LOAD, NULL),
	                 *last = last_segment(&image->elf);

	if (!has_holes(&image->elf) || page_down(last->p_vaddr) <= file_end(first))
		return 0;
	return builder_protect(&exec->builder, image->bias + file_end(first),
	                       page_down(last->p_vaddr) - file_end(first), PROT_NONE);
}

/* Zeros behind the file's data in its last page, whatever the page's rights. */
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

	if (!layout_valid(&image->elf) || span > room || elf_alignment(&image->elf) > room - span)
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
	if (error == -ENOEXEC)
		builder_unmap(&exec->builder, (uint64_t)at, span);
	return error;
}

/* The PT_LOAD whose pages hold [START, END), in the file's addresses, or NULL. */
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
	uint64_t first = page_down(image->bias + s->p_vaddr), last = page_down(image->bias + end);
	return first < last ? builder_protect(&exec->builder, first, last - first, PROT_READ) : 0;
}
