/*
 * image.c - maps the program and its interpreter, as load_elf_binary of Linux's fs/binfmt_elf.c
 * does:
 *
 *     ET_EXEC                       at the addresses in the file
 *     ET_DYN with interpreter       (PIE) at two thirds of the address space, as its segments are
 *                                   aligned
 *     ET_DYN without interpreter    (static PIE, or ld.so itself) where mmap chooses
 *     the interpreter, if ET_DYN    where mmap chooses
 *
 * Linux notices some malformed files only when the old address space is gone, and then kills the
 * process. Here they are -ENOEXEC like all others.
 */
#include "vm/exec/exec.h"
#include "vm/space/place.h"

#include <errno.h>
#include <sys/mman.h>

#define PIE_BASE (VM_USER_END / 3 * 2)       /* ELF_ET_DYN_BASE */
#define PIE_RANDOM_PAGES (UINT64_C(1) << 28) /* vm.mmap_rnd_bits: 1 TiB */
#define BRK_RANDOM_PAGES (UINT64_C(1) << 18) /* arch_randomize_brk: 1 GiB */

/*
 * The errno of exec for a mapping that failed with ERROR. Lack of memory and a failed read are
 * reported as such. Any other error means that the file asks for a mapping that is not possible.
 */
static int map_error(int64_t error)
{
	return error == -ENOMEM || error == -EIO ? (int)error : -ENOEXEC;
}

/*
 * Clear the page in which the file part of a segment ends, from START to the end of the page:
 * padzero. As in Linux, a segment that is not writable keeps what the file has there.
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
 * Map anonymous pages at [START, END), over what was there: vm_brk_flags. They are writable even if
 * the segment is not. START and END are page-aligned.
 */
static int64_t map_bss(struct exec *exec, uint64_t start, uint64_t end, int prot)
{
	if (start >= end)
		return 0;
	return builder_map_bss(&exec->builder, start, end - start,
	                       PROT_READ | PROT_WRITE | (prot & PROT_EXEC));
}

/*
 * Map the file part of SEGMENT at ADDR: elf_map. TOTAL is 0, or the bytes that all segments span.
 * If it is not 0, so much is mapped first, to find a place that is large enough for all segments.
 * Then the pages past this segment are unmapped. Returns the address of the first page, or a
 * negative errno.
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

/*
 * Map one PT_LOAD: elf_load. Parameters as in map_file_part. Returns the address of its first page,
 * or a negative errno.
 */
static int64_t map_segment(struct exec *exec, struct vm_file *file, const Elf64_Phdr *segment,
                           uint64_t addr, int flags, uint64_t total)
{
	int64_t at = (int64_t)page_down(addr);
	int prot = elf_prot(segment);

	if (segment->p_filesz > 0)
		at = map_file_part(exec, file, segment, addr, flags, total);
	if (at < 0 || segment->p_memsz <= segment->p_filesz)
		return at;
	/* The rest is .bss: the end of the file's last page, and whole pages after it. */
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
 * Map every PT_LOAD of IMAGE. The first is mapped at IMAGE->bias plus its address, with FLAGS and
 * TOTAL (map_file_part). If mmap puts an ET_DYN elsewhere, the bias is changed accordingly. The
 * others follow at fixed addresses.
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

/*
 * Where mmap puts a program that spans TOTAL bytes. Linux maps the first segment to find that out,
 * so the offset of its file part counts. Without a file part it finds address 0.
 */
static int64_t try_place(const struct exec *exec, uint64_t total)
{
	const Elf64_Phdr *first = elf_segment(&exec->program.elf, PT_LOAD, NULL);

	if (first->p_filesz == 0)
		return 0;
	return space_find_place(exec->builder.space, 0, total, 0, exec->program.file,
	                        page_down(first->p_offset));
}

/*
 * Choose the bias of a position-independent program that spans TOTAL bytes. *FLAGS is set to
 * MAP_FIXED_NOREPLACE if it must be mapped exactly there, to 0 if that is a hint.
 */
static int choose_base(struct exec *exec, uint64_t total, int *flags)
{
	uint64_t alignment = elf_alignment(&exec->program.elf), base = 0;
	bool is_pie = exec->interpreter.file != NULL;

	if (is_pie) {
		base = PIE_BASE + exec_random(exec, PIE_RANDOM_PAGES) * VM_PAGE_SIZE;
	} else if (alignment > VM_PAGE_SIZE) {
		/* mmap would not align it: find a place first, and round that down. */
		int64_t place = try_place(exec, total);
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

/*
 * Map the interpreter: load_elf_interp. For an ET_DYN the address is only a hint. If the program is
 * position-independent the hint is 0, so mmap chooses. Else it is the address in the file, which is
 * 0 for ld.so.
 */
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

/*
 * Set the bounds of code and data in the layout, as load_elf_binary does: code is from the lowest
 * to the highest executable segment, data from the start of the highest segment to the highest end
 * of a file part.
 */
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

/*
 * Choose where the heap starts: after the program. A program that lies among the mappings would
 * have no room there, so its heap starts at PIE_BASE. With randomised addresses Linux leaves at
 * least one page free between the program and its heap.
 */
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

	if (error != 0)
		return error;
	if (exec->interpreter.file != NULL)
		error = map_interpreter(exec);
	if (error == -ENOEXEC)
		exec_blame(exec, exec->interpreter_path);
	if (error != 0)
		return error;
	/* The kernel starts the interpreter. Without one it starts the program itself. */
	space->layout.pc = exec->interpreter.file != NULL
	                       ? exec->interpreter.elf.header.e_entry + exec->interpreter.bias
	                       : exec_entry(exec);
	if (space->layout.pc >= VM_USER_END)
		return -ENOEXEC;
	set_bounds(space, &exec->program);
	set_brk(exec);
	return 0;
}
