/*
 * image.c - maps the program and its interpreter as load_elf_binary of Linux's fs/binfmt_elf.c
 * does.
 *
 *     ET_EXEC                     at its addresses
 *     ET_DYN with interpreter     (PIE) two thirds up the address space, as aligned as its segments ask for
 *     ET_DYN without              (static PIE, or ld.so itself) where mmap chooses
 *     interpreter                 where mmap chooses
 *
 * Linux finds some faults of a file only when the old address space is gone, and kills the process.
 * Here they are -ENOEXEC like all others.
 */
#include "vm/exec/exec.h"
#include "vm/space/place.h"

#include <errno.h>
#include <sys/mman.h>

#define PIE_BASE (VM_USER_END / 3 * 2)       /* ELF_ET_DYN_BASE */
#define PIE_RANDOM_PAGES (UINT64_C(1) << 28) /* vm.mmap_rnd_bits */
#define BRK_RANDOM_PAGES (UINT64_C(1) << 18) /* arch_randomize_brk: 1 GiB */

/*
 * What the caller of exec is told of a failed mapping: want of memory, or that the file asks for
 * something silly.
 */
static int map_error(int64_t error)
{
	return error == -ENOMEM || error == -EIO ? (int)error : -ENOEXEC;
}

/*
 * The bytes behind the file's in the last page of a segment are zero; Linux skips it where they
 * can't be written.
 */
static int zero_tail(struct exec *exec, uint64_t start, int prot)
{
	static const char zeros[VM_PAGE_SIZE];
	uint64_t len = page_align(start) - start;

	if (len == 0 || !(prot & PROT_WRITE))
		return 0;
	return exec_store(exec, start, zeros, len);
}

/*
 * Anonymous pages in place of [START, END): vm_brk_flags. They can be written whatever the segment
 * says.
 */
static int64_t map_bss(struct exec *exec, uint64_t start, uint64_t end, int prot)
{
	if (start >= end)
		return 0;
	return builder_map(&exec->builder, start, end - start,
	                   PROT_READ | PROT_WRITE | (prot & PROT_EXEC),
	                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
}

/*
 * Map the file's part of a segment at ADDR: elf_map. With TOTAL, which spans all segments, that
 * much is mapped to find room for them, and the rest given back. Returns the address of the first
 * page.
 */
static int64_t map_file_part(struct exec *exec, struct vm_file *file, const Elf64_Phdr *segment,
                             uint64_t addr, int flags, uint64_t total)
{
	uint64_t in_page = segment->p_vaddr % VM_PAGE_SIZE;
	uint64_t size = page_align(segment->p_filesz + in_page);
	uint64_t mapped = MAX(page_align(total), size);

	int64_t at = builder_map(&exec->builder, page_down(addr), mapped, elf_prot(segment),
	                         MAP_PRIVATE | flags, file, segment->p_offset - in_page);
	if (at < 0 || mapped == size)
		return at;
	int error = builder_unmap(&exec->builder, (uint64_t)at + size, mapped - size);
	return error != 0 ? error : at;
}

/* Map one PT_LOAD: elf_load. Returns the address of its first page. */
static int64_t map_segment(struct exec *exec, struct vm_file *file, const Elf64_Phdr *segment,
                           uint64_t addr, int flags, uint64_t total)
{
	int64_t at = (int64_t)page_down(addr);
	int prot = elf_prot(segment);

	if (segment->p_filesz > 0)
		at = map_file_part(exec, file, segment, addr, flags, total);
	if (at < 0 || segment->p_memsz <= segment->p_filesz)
		return at;
	uint64_t start = (uint64_t)at + segment->p_vaddr % VM_PAGE_SIZE;
	int64_t error = 0;
	if (segment->p_filesz > 0)
		error = zero_tail(exec, start + segment->p_filesz, prot);
	if (error == 0)
		error = map_bss(exec,
		                segment->p_filesz > 0 ? page_align(start + segment->p_filesz)
		                                      : (uint64_t)at,
		                page_align(start + segment->p_memsz), prot);
	return error < 0 ? error : at;
}

/*
 * Map every PT_LOAD of IMAGE, the first with FLAGS and TOTAL where IMAGE->bias says, the others
 * relative to it.
 */
static int map_segments(struct exec *exec, struct exec_image *image, int flags, uint64_t total)
{
	bool first = true;

	for (const Elf64_Phdr *s = NULL; (s = elf_segment(&image->elf, PT_LOAD, s)) != NULL;
	     first = false) {
		int64_t at = map_segment(exec, image->file, s, image->bias + s->p_vaddr,
		                         first ? flags : MAP_FIXED, first ? total : 0);
		if (at < 0)
			return map_error(at);
		if (first && image->elf.header.e_type == ET_DYN)
			image->bias = (uint64_t)at - page_down(s->p_vaddr);
	}
	return 0;
}

/* Choose where a position-independent program goes; *FLAGS say whether it must be there. */
static int choose_base(struct exec *exec, uint64_t total, int *flags)
{
	uint64_t alignment = elf_alignment(&exec->program.elf), base = 0;
	bool is_pie = exec->interpreter.file != NULL;

	if (is_pie) {
		base = PIE_BASE + exec_random(exec, PIE_RANDOM_PAGES) * VM_PAGE_SIZE;
	} else if (alignment > VM_PAGE_SIZE) {
		int64_t place = space_find_place(exec->builder.space, 0, total, 0, true, 0);
		if (place < 0)
			return (int)place;
		base = (uint64_t)place;
	}
	base &= ~(alignment - 1);
	if (total > VM_USER_END - base)
		return -ENOEXEC;
	*flags = is_pie || alignment > VM_PAGE_SIZE ? MAP_FIXED_NOREPLACE : 0;
	exec->program.bias =
	    page_down(base - elf_segment(&exec->program.elf, PT_LOAD, NULL)->p_vaddr);
	return 0;
}

static int map_program(struct exec *exec)
{
	uint64_t total = page_align(elf_span(&exec->program.elf));
	int flags = 0;

	if (exec->program.elf.header.e_type == ET_EXEC)
		return map_segments(exec, &exec->program, MAP_FIXED_NOREPLACE, 0);
	if (total > exec->builder.space->mmap_base)
		return -ENOEXEC;
	int error = choose_base(exec, total, &flags);
	return error != 0 ? map_error(error) : map_segments(exec, &exec->program, flags, total);
}

/* load_elf_interp: a hint only where the program has fixed addresses, and none is needed. */
static int map_interpreter(struct exec *exec)
{
	struct exec_image *image = &exec->interpreter;
	uint64_t total = page_align(elf_span(&image->elf));
	bool fixed = image->elf.header.e_type == ET_EXEC;

	if (!fixed && total > exec->builder.space->mmap_base)
		return -ENOEXEC;
	if (!fixed && exec->program.bias != 0)
		image->bias = -elf_segment(&image->elf, PT_LOAD, NULL)->p_vaddr;
	return map_segments(exec, image, fixed ? MAP_FIXED : 0, total);
}

/* The bounds of code and data that the space shows, in the program's addresses. */
static void set_bounds(struct vm_space *space, const struct exec_image *program)
{
	uint64_t start_code = UINT64_MAX, end_code = 0, start_data = 0, end_data = 0;

	for (const Elf64_Phdr *s = NULL; (s = elf_segment(&program->elf, PT_LOAD, s)) != NULL;) {
		if (s->p_flags & PF_X) {
			start_code = MIN(start_code, s->p_vaddr);
			end_code = MAX(end_code, s->p_vaddr + s->p_filesz);
		}
		start_data = MAX(start_data, s->p_vaddr);
		end_data = MAX(end_data, s->p_vaddr + s->p_filesz);
	}
	space->layout.start_code = start_code + program->bias;
	space->layout.end_code = end_code + program->bias;
	space->layout.start_data = start_data + program->bias;
	space->layout.end_data = end_data + program->bias;
}

/* The heap starts behind the program, but behind PIE_BASE for one that lies among the mappings. */
static void set_brk(struct exec *exec)
{
	const struct exec_image *program = &exec->program;
	bool among_mappings =
	    program->elf.header.e_type == ET_DYN && exec->interpreter.file == NULL;
	uint64_t end = 0;

	for (const Elf64_Phdr *s = NULL; (s = elf_segment(&program->elf, PT_LOAD, s)) != NULL;)
		end = MAX(end, s->p_vaddr + s->p_memsz);
	uint64_t brk = page_align(among_mappings ? PIE_BASE : end + program->bias);
	if (exec->machine->config.aslr && !among_mappings)
		brk += VM_PAGE_SIZE;
	brk += exec_random(exec, BRK_RANDOM_PAGES) * VM_PAGE_SIZE;
	exec->builder.space->layout.start_brk = exec->builder.space->layout.brk = brk;
}

uint64_t exec_entry(const struct exec *exec)
{
	return exec->program.elf.header.e_entry + exec->program.bias;
}

int exec_map_images(struct exec *exec)
{
	struct vm_space *space = exec->builder.space;
	int error = map_program(exec);

	if (error == 0 && exec->interpreter.file != NULL)
		error = map_interpreter(exec);
	if (error != 0)
		return error;
	space->layout.pc = exec->interpreter.file != NULL
	                       ? exec->interpreter.elf.header.e_entry + exec->interpreter.bias
	                       : exec_entry(exec);
	if (space->layout.pc >= VM_USER_END)
		return -ENOEXEC;
	set_bounds(space, &exec->program);
	set_brk(exec);
	return 0;
}
