/*
 * parse.c - vm_core_parse: reads a core file. See core_file.h and vm_core.h.
 *
 * A file that was cut short is read as far as it goes. Linux writes the number of program headers,
 * if it does not fit the ELF header, behind all else: so in a file that was cut short it is missing,
 * and the headers are taken to reach to the notes.
 */
#include "vm/base/reason.h"
#include "vm/cache/file.h"
#include "vm/core/core_file.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* --- Reading ---------------------------------------------------------------------------------- */

static ssize_t read_source(void *ctx, void *buf, size_t len, uint64_t offset)
{
	return vm_file_pread(ctx, buf, len, offset);
}

/* --- Headers ---------------------------------------------------------------------------------- */

static int check_header(const Elf64_Ehdr *header)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return reason_set(-ENOEXEC, VM_WHY_CORE_NOT_ELF, 0, 0, 0);
	/* The two fields are at the same place in files of 32 bits. */
	unsigned bits = header->e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
	/* Where the big end comes first, so it does in the number of the machine. */
	bool big = header->e_ident[EI_DATA] == ELFDATA2MSB;
	unsigned machine = big ? GUINT16_SWAP_LE_BE(header->e_machine) : header->e_machine;
	if (machine != EM_X86_64 || bits != 64)
		return reason_set(-ENOEXEC, VM_WHY_CORE_MACHINE, bits, machine, 0);
	if (header->e_ident[EI_DATA] != ELFDATA2LSB)
		return reason_set(-ENOEXEC, VM_WHY_CORE_BROKEN, 0, 0, 0);
	if (header->e_type != ET_CORE)
		return reason_set(-ENOEXEC, VM_WHY_CORE_TYPE, 0, header->e_type, 0);
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0)
		return reason_set(-ENOEXEC, VM_WHY_CORE_BROKEN, 0, 0, 0);
	return 0;
}

/* The number of program headers. */
static uint64_t count_headers(const struct core_file *core, const Elf64_Ehdr *header)
{
	Elf64_Shdr section;
	Elf64_Phdr first;

	if (header->e_phnum != PN_XNUM)
		return header->e_phnum;
	if (header->e_shoff != 0 &&
	    core_read_file(core, &section, sizeof section, header->e_shoff) == sizeof section)
		return section.sh_info;
	if (core_read_file(core, &first, sizeof first, header->e_phoff) == sizeof first &&
	    first.p_type == PT_NOTE && first.p_offset > header->e_phoff)
		return (first.p_offset - header->e_phoff) / sizeof first;
	return PN_XNUM;
}

/* Append the PT_LOAD HEADER, if any of it lies in user space. 0 or -ENOMEM. */
static int add_load(struct core_file *core, const Elf64_Phdr *header)
{
	uint64_t size = core->source.size, room = VM_USER_END - header->p_vaddr;

	if (header->p_vaddr >= VM_USER_END || header->p_memsz == 0)
		return 0;
	struct core_load *load = array_add(&core->loads, sizeof *load);
	if (load == NULL)
		return -ENOMEM;
	uint64_t len = MIN(header->p_memsz, room);
	uint64_t there = header->p_offset < size ? size - header->p_offset : 0;
	*load = (struct core_load){.start = page_down(header->p_vaddr),
	                           .end = page_align(header->p_vaddr + len),
	                           .vaddr = header->p_vaddr,
	                           .offset = header->p_offset,
	                           .dumped = MIN(header->p_filesz, len),
	                           .prot = elf_prot(header)};
	load->held = MIN(load->dumped, there);
	return 0;
}

/* Read COUNT program headers from OFFSET on: append the loads, and store the notes in NOTES. */
static int read_headers(struct core_file *core, uint64_t offset, uint64_t count,
                        struct buffer *notes)
{
	enum { PIECE = 64 };
	Elf64_Phdr headers[PIECE];
	int error = 0;

	while (error == 0 && count > 0) {
		size_t want = (size_t)MIN(count, PIECE) * sizeof headers[0];
		size_t got = core_read_file(core, headers, want, offset) / sizeof headers[0];
		for (size_t i = 0; error == 0 && i < got; i++) {
			if (headers[i].p_type == PT_LOAD)
				error = add_load(core, &headers[i]);
			else if (headers[i].p_type == PT_NOTE && notes->len < sizeof headers)
				buffer_add(notes, &headers[i], sizeof headers[i]);
		}
		if (got * sizeof headers[0] < want)
			break;
		count -= got;
		offset += want;
		if (vm_interrupted())
			error = -EINTR;
	}
	return notes->failed ? -ENOMEM : error;
}

/* --- Order ------------------------------------------------------------------------------------ */

static int compare_loads(const void *a, const void *b)
{
	const struct core_load *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Sort the loads by address, and leave out those that begin inside another one. */
static void sort_loads(struct core_file *core)
{
	size_t count = 0;

	if (core->loads.len > 0)
		qsort(core->loads.items, core->loads.len, sizeof(struct core_load), compare_loads);
	for (size_t i = 0; i < core->loads.len; i++)
		if (count == 0 || CORE_LOAD(core, count - 1)->end <= CORE_LOAD(core, i)->start)
			*CORE_LOAD(core, count++) = *CORE_LOAD(core, i);
	core->loads.len = count;
}

/* Where the bytes of each load are. 0 or -ENOMEM. */
static int add_pieces(struct core_file *core)
{
	for (size_t i = 0; i < core->loads.len; i++) {
		const struct core_load *load = CORE_LOAD(core, i);
		struct vm_image_piece *piece =
		    load->held > 0 ? vm_image_add_piece(core->image) : NULL;
		if (load->held > 0 && piece == NULL)
			return -ENOMEM;
		if (piece != NULL)
			*piece = (struct vm_image_piece){load->vaddr, load->vaddr + load->held,
			                                 load->offset};
	}
	return 0;
}

static int read_notes(struct core_file *core, const struct buffer *notes)
{
	Elf64_Phdr header;
	int error = 0;

	for (size_t at = 0; error == 0 && at < notes->len; at += sizeof header) {
		memcpy(&header, notes->bytes + at, sizeof header);
		error = core_notes_read(core, header.p_offset, header.p_filesz);
	}
	return error;
}

static int parse(struct core_file *core, struct buffer *notes)
{
	Elf64_Ehdr header = {.e_type = ET_NONE};
	size_t got = core_read_file(core, &header, sizeof header, 0);

	if (got < EI_NIDENT)
		return reason_set(-ENOEXEC, VM_WHY_CORE_NOT_ELF, 0, 0, 0);
	int error = check_header(&header);
	if (error != 0)
		return error;
	uint64_t count = count_headers(core, &header);
	if (count > CORE_SEGMENTS_MAX || got < sizeof header)
		return reason_set(-ENOEXEC, VM_WHY_CORE_BROKEN, 0, 0, 0);
	error = read_headers(core, header.e_phoff, count, notes);
	sort_loads(core);
	if (error == 0)
		error = add_pieces(core);
	if (error == 0)
		error = read_notes(core, notes);
	if (error == 0)
		error = core_modules_add(core);
	return error;
}

/* The layout has the registers of the first thread. */
static void set_registers(struct vm_image *image)
{
	if (image->threads.len == 0)
		return;
	const struct vm_regs *regs = &ARRAY_AT(&image->threads, struct vm_thread, 0).regs;
	image->layout.pc = regs->rip;
	image->layout.sp = regs->rsp;
}

int vm_core_parse(struct vm_image *image, const struct vm_opener *opener)
{
	struct vm_file *source = image->source;
	struct core_file core = {.image = image, .opener = opener};
	struct buffer notes = {.bytes = NULL};
	struct stat status;

	if (fstat(source->handle->medium.fd, &status) != 0)
		return -errno;
	core.source = (struct elf_source){read_source, source, (uint64_t)status.st_size};
	int error = parse(&core, &notes);
	if (error == 0) {
		core_scan_stack(&core);
		core_find_heap(&core);
		set_registers(image);
	}
	buffer_clear(&notes);
	buffer_clear(&core.file_note);
	array_clear(&core.loads);
	array_clear(&core.entries);
	return error;
}
