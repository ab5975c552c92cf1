/*
 * dump.c - a core file of a process, made as it is read. vm_core.h documents the functions.
 *
 *     ELF header, program headers (PT_NOTE, a PT_LOAD for each area)
 *     notes
 *     zeros up to a multiple of the page size
 *     memory: of each area as much as is dumped, by address
 *     one section header, if there are too many program headers to be counted in the ELF header
 *
 * Linux: elf_core_dump.
 */
#include "vm/core/notes.h"
#include "vm/core/segments.h"
#include "vm/look/bytes.h"

#include <elf.h>
#include <errno.h>
#include <sys/procfs.h>

struct vm_core {
	struct buffer head; /* all before the memory */
	size_t count;
	uint64_t memory_end; /* offset */
	bool has_tail;
	Elf64_Shdr tail; /* its sh_info is the number of program headers */
	struct segment segments[];
};

/* --- Making the layout ------------------------------------------------------------------------ */

/* How many bytes the segments of CORE dump. Sets their offsets, from START on. */
static uint64_t place_segments(struct vm_core *core, uint64_t start)
{
	for (size_t i = 0; i < core->count; i++) {
		core->segments[i].offset = start;
		start += core->segments[i].dumped;
	}
	return start;
}

static void add_header(struct vm_core *core)
{
	size_t count = core->count + 1;
	Elf64_Ehdr header = {
	    .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
	    .e_type = ET_CORE,
	    .e_machine = EM_X86_64,
	    .e_version = EV_CURRENT,
	    .e_phoff = sizeof header,
	    .e_ehsize = sizeof header,
	    .e_phentsize = sizeof(Elf64_Phdr),
	    .e_phnum = (uint16_t)MIN(count, PN_XNUM)};

	core->has_tail = count >= PN_XNUM;
	if (core->has_tail) {
		header.e_shoff = core->memory_end;
		header.e_shentsize = sizeof(Elf64_Shdr);
		header.e_shnum = 1;
		core->tail = (Elf64_Shdr){.sh_size = 1, .sh_info = (uint32_t)count};
	}
	buffer_add(&core->head, &header, sizeof header);
}

static void add_program_headers(struct vm_core *core, uint64_t notes_at, uint64_t notes_len)
{
	const Elf64_Phdr note = {
	    .p_type = PT_NOTE, .p_offset = notes_at, .p_filesz = notes_len, .p_align = 4};

	buffer_add(&core->head, &note, sizeof note);
	for (size_t i = 0; i < core->count; i++) {
		const struct segment *segment = &core->segments[i];
		const Elf64_Phdr load = {.p_type = PT_LOAD,
		                         .p_flags = segment->flags,
		                         .p_offset = segment->offset,
		                         .p_vaddr = segment->start,
		                         .p_filesz = segment->dumped,
		                         .p_memsz = segment->end - segment->start,
		                         .p_align = VM_PAGE_SIZE};
		buffer_add(&core->head, &load, sizeof load);
	}
}

static void build(struct vm_core *core, const struct buffer *notes)
{
	uint64_t notes_at = sizeof(Elf64_Ehdr) + (core->count + 1) * sizeof(Elf64_Phdr);
	uint64_t memory_at = page_align(notes_at + notes->len);

	core->memory_end = place_segments(core, memory_at);
	/* All at once, so that nothing is moved. */
	if (buffer_extend(&core->head, memory_at) == NULL)
		return;
	core->head.len = 0;
	add_header(core);
	add_program_headers(core, notes_at, notes->len);
	buffer_add(&core->head, notes->bytes, notes->len);
	buffer_extend(&core->head, memory_at - core->head.len);
}

/* A core with the segments of SEGMENTS and no more. NULL: no memory. */
static struct vm_core *core_alloc(const struct segments *segments)
{
	struct vm_core *core = g_try_malloc(sizeof *core + segments->list.len);

	if (core == NULL)
		return NULL;
	*core = (struct vm_core){.count = segments_count(segments)};
	if (segments->list.len > 0)
		memcpy(core->segments, segments->list.bytes, segments->list.len);
	return core;
}

struct vm_core *vm_core_new(struct vm_process *process, unsigned filter,
                            const struct vm_thread *main, int *error)
{
	struct vm_core *core = NULL;
	struct segments segments;
	struct buffer notes = {.bytes = NULL};

	*error = segments_collect(&segments, process, filter);
	if (*error == 0) {
		notes_add(&notes, process, main, &segments);
		core = notes.failed ? NULL : core_alloc(&segments);
		if (core != NULL)
			build(core, &notes);
		if (core == NULL || core->head.failed)
			*error = -ENOMEM;
	}
	if (*error != 0)
		g_clear_pointer(&core, vm_core_free);
	segments_clear(&segments);
	buffer_clear(&notes);
	return core;
}

void vm_core_free(struct vm_core *core)
{
	buffer_clear(&core->head);
	g_free(core);
}

uint64_t vm_core_size(const struct vm_core *core)
{
	return core->memory_end + (core->has_tail ? sizeof core->tail : 0);
}

size_t vm_core_memory(const struct vm_core *core)
{
	return sizeof *core + core->head.room + core->count * sizeof core->segments[0];
}

size_t vm_core_estimate(struct vm_process *process)
{
	/* Of an area: its segment twice, its program header, and an entry of NT_FILE twice. */
	enum { AREA = 2 * sizeof(struct segment) + sizeof(Elf64_Phdr) + 2 * 100 };
	/* Of a thread: two notes, while they are collected and in the file. */
	enum { THREAD = 2 * (sizeof(struct elf_prstatus) + VM_FPU_LEN + 2 * 20) };
	struct vm_process_info info;

	vm_process_info(process, &info);
	return 4 * VM_PAGE_SIZE + info.areas * AREA + (size_t)info.threads * THREAD;
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* The first segment with memory in the file behind OFFSET, or NULL. */
static const struct segment *segment_behind(const struct vm_core *core, uint64_t offset)
{
	size_t low = 0, high = core->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct segment *segment = &core->segments[middle];
		if (segment->offset + segment->dumped <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < core->count ? &core->segments[low] : NULL;
}

/* Copy up to LEN bytes at OFFSET from one part of the file. 0: the file ends there. */
static size_t read_part(const struct vm_core *core, struct vm_process *process, uint8_t *buf,
                        size_t len, uint64_t offset)
{
	const struct segment *segment = segment_behind(core, offset);

	if (offset < core->head.len) {
		len = MIN(len, core->head.len - offset);
		memcpy(buf, core->head.bytes + offset, len);
	} else if (segment != NULL) {
		uint64_t skip = offset - segment->offset;
		len = MIN(len, segment->dumped - skip);
		look_bytes(process, segment->start + skip, buf, len);
	} else {
		uint64_t size = vm_core_size(core);
		len = offset < size ? MIN(len, size - offset) : 0;
		memcpy(buf, (const uint8_t *)&core->tail + (offset - core->memory_end), len);
	}
	return len;
}

size_t vm_core_read(const struct vm_core *core, struct vm_process *process, void *buf, size_t len,
                    uint64_t offset)
{
	uint64_t size = vm_core_size(core);
	size_t done = 0;

	len = offset < size ? (size_t)MIN(len, size - offset) : 0;
	while (done < len && !vm_interrupted())
		done += read_part(core, process, (uint8_t *)buf + done, len - done, offset + done);
	return done;
}

/* vm_core_seek in the memory of SEGMENT. Returns an offset, or the end of the segment's part. */
static uint64_t seek_in_segment(const struct segment *segment, struct vm_process *process,
                                uint64_t offset, bool hole)
{
	uint64_t va = segment->start + (offset - segment->offset);
	uint64_t end = segment->start + segment->dumped;
	uint64_t found = look_next(process, page_down(va), end, hole);

	return segment->offset + (MAX(found, va) - segment->start);
}

int64_t vm_core_seek(const struct vm_core *core, struct vm_process *process, uint64_t offset,
                     bool hole)
{
	uint64_t size = vm_core_size(core);

	if (offset >= size)
		return -ENXIO;
	if (offset < core->head.len && !hole)
		return (int64_t)offset;
	offset = MAX(offset, core->head.len);
	for (const struct segment *segment; (segment = segment_behind(core, offset)) != NULL;) {
		uint64_t end = segment->offset + segment->dumped;
		uint64_t found = seek_in_segment(segment, process, offset, hole);
		if (found < end)
			return (int64_t)found;
		offset = end;
	}
	if (hole)
		return (int64_t)size;
	return core->has_tail ? (int64_t)MAX(offset, core->memory_end) : -ENXIO;
}
