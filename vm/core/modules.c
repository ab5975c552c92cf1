/*
 * modules.c - the areas of a loaded process: see core_file.h.
 *
 * A PT_LOAD says where memory was and with which rights, NT_FILE which file it was of. What both
 * say of an address is put together in one sweep over the address space. Not every file area has a
 * PT_LOAD, and one need not end where the other does.
 *
 * The file itself is mapped where the core has no bytes, if it is the same file: its build id must
 * be the one that the core has in the header page of the file's first area. Bytes that the core
 * should have and has not, because it was cut short, are never taken from there: they may have been
 * changed in memory.
 */
#include "vm/cache/file.h"
#include "vm/core/core_file.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* --- Files ------------------------------------------------------------------------------------ */

/* The file of the entries at which the sweep is. */
struct module {
	const char *name;     /* NULL: none */
	struct vm_file *file; /* a reference if it is the same file, else NULL */
	struct elf_file elf;  /* of FILE */
	uint64_t bias;        /* address in memory minus address in ELF */
	dev_t dev;
	ino_t ino;
};

struct sweep {
	struct core_file *core;
	struct module module;
	unsigned opened; /* files so far */
};

static void module_close(struct module *module)
{
	elf_clear(&module->elf);
	if (module->file != NULL)
		vm_file_unref(module->file);
	*module = (struct module){.name = NULL};
}

/* Memory from an address on, as a source. */
struct memory {
	const struct core_file *core;
	uint64_t start;
};

static ssize_t read_memory(void *ctx, void *buf, size_t len, uint64_t offset)
{
	const struct memory *memory = ctx;

	if (offset > VM_USER_END)
		return 0;
	return (ssize_t)core_read_memory(memory->core, memory->start + offset, buf, len);
}

static ssize_t read_file(void *ctx, void *buf, size_t len, uint64_t offset)
{
	return vm_file_pread(ctx, buf, len, offset);
}

/* Read the headers of module->file, which is mapped at START from its first byte on. */
static bool module_read(struct module *module, const struct elf_source *source, uint64_t start)
{
	if (elf_open(&module->elf, source) != 0)
		return false;
	for (const Elf64_Phdr *s = NULL; (s = elf_segment(&module->elf, PT_LOAD, s)) != NULL;) {
		if (page_down(s->p_offset) != 0)
			continue;
		module->bias = start - page_down(s->p_vaddr);
		return true;
	}
	return false;
}

/* Open the file of ENTRY, where its first area is, and keep it if it is the same. */
static void module_match(struct sweep *sweep, const struct core_entry *entry)
{
	struct core_file *core = sweep->core;
	struct module *module = &sweep->module;
	struct memory memory = {core, entry->start};
	const struct elf_source in_memory = {read_memory, &memory, VM_USER_END};
	struct build_id wanted = build_id_read(&in_memory, true);
	struct stat status;
	int error;

	if (wanted.len == 0 || core->opener == NULL || sweep->opened++ >= CORE_MODULES_MAX)
		return;
	struct vm_file *file = core->opener->open(core->opener->ctx, entry->name, false, &error);
	if (file == NULL)
		return;
	const struct elf_source on_disk = {read_file, file, UINT64_MAX};
	struct elf_source source = on_disk;
	struct build_id found = build_id_read(&on_disk, false);
	bool same = build_id_equals(&found, &wanted) && !file->filesystem.unmappable &&
	            fstat(file->handle->medium.fd, &status) == 0;
	if (same) {
		source.size = (uint64_t)status.st_size;
		same = module_read(module, &source, entry->start);
	}
	if (!same) {
		elf_clear(&module->elf);
		vm_file_unref(file);
		return;
	}
	module->file = file;
	module->dev = status.st_dev;
	module->ino = status.st_ino;
}

static bool has_address(const struct module *module, uint64_t va)
{
	uint64_t span = elf_span(&module->elf), start = module->bias;

	for (const Elf64_Phdr *s = NULL; (s = elf_segment(&module->elf, PT_LOAD, s)) != NULL;)
		start = MIN(start, module->bias + page_down(s->p_vaddr));
	return va >= start && va - start < span;
}

/* Set what the program's file says of the layout (load_elf_binary). */
static void set_program(struct core_file *core, const struct module *module)
{
	struct vm_layout *layout = &core->image->layout;

	core->image->exe = vm_file_ref(module->file);
	for (const Elf64_Phdr *s = NULL; (s = elf_segment(&module->elf, PT_LOAD, s)) != NULL;) {
		uint64_t start = module->bias + s->p_vaddr, end = start + s->p_filesz;
		if (layout->start_code == 0 || start < layout->start_code)
			layout->start_code = start;
		if (s->p_flags & PF_X)
			layout->end_code = MAX(layout->end_code, end);
		layout->start_data = MAX(layout->start_data, start);
		layout->end_data = MAX(layout->end_data, end);
		core->program_end = MAX(core->program_end, start + s->p_memsz);
	}
}

/* The sweep has come to ENTRY. */
static void module_enter(struct sweep *sweep, const struct core_entry *entry)
{
	struct core_file *core = sweep->core;
	struct module *module = &sweep->module;

	if (module->name != NULL && strcmp(module->name, entry->name) == 0)
		return;
	module_close(module);
	module->name = entry->name;
	if (entry->offset == 0 && entry->name[0] == '/')
		module_match(sweep, entry);
	uint64_t phdr = core_auxv(core->image, AT_PHDR);
	if (module->file != NULL && core->image->exe == NULL && phdr != 0 &&
	    has_address(module, phdr))
		set_program(core, module);
}

/* Whether VA lies in SEGMENT of MODULE, rounded to pages. */
static bool covers(const struct module *module, const Elf64_Phdr *segment, uint64_t va)
{
	uint64_t start = module->bias + segment->p_vaddr;

	return va >= page_down(start) && va < page_align(start + segment->p_memsz);
}

/* The rights with which the kernel or ld.so maps the page at VA, and leaves it. */
static int module_prot(const struct module *module, uint64_t va)
{
	int prot = PROT_READ;

	if (module->file == NULL)
		return prot;
	for (const Elf64_Phdr *s = NULL; (s = elf_segment(&module->elf, PT_LOAD, s)) != NULL;)
		if (covers(module, s, va))
			prot = elf_prot(s);
	for (const Elf64_Phdr *s = NULL; (s = elf_segment(&module->elf, PT_GNU_RELRO, s)) != NULL;)
		if (covers(module, s, va))
			prot &= ~PROT_WRITE;
	return prot;
}

/* --- Areas ------------------------------------------------------------------------------------ */

/* What is known of [START, END): the load and the entry that cover it, or NULL. */
struct part {
	uint64_t start, end;
	const struct core_load *load;
	const struct core_entry *entry;
};

static uint64_t part_offset(const struct part *part)
{
	return part->entry != NULL ? part->entry->offset + (part->start - part->entry->start) : 0;
}

static char *try_copy(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = g_try_malloc(size);

	return copy != NULL ? memcpy(copy, text, size) : NULL;
}

/* A copy of NAME for one more area. NULL: no memory, or the names take too much. */
static char *name_for_area(struct core_file *core, const char *name)
{
	core->names += strlen(name) + 1;
	return core->names <= CORE_NAMES_MAX ? try_copy(name) : NULL;
}

/* Add [START, END) of PART to the image, as an area of FILE or with the bytes of the core. */
static int add_area(struct sweep *sweep, const struct part *part, uint64_t start, uint64_t end,
                    struct vm_file *file)
{
	struct vm_image_area *area = vm_image_add_area(sweep->core->image);
	const struct module *module = &sweep->module;

	if (area == NULL)
		return -ENOMEM;
	area->start = start;
	area->end = end;
	area->prot = part->load != NULL ? part->load->prot : module_prot(module, start);
	if (part->entry == NULL)
		return 0;
	area->offset = part_offset(part) + (start - part->start);
	area->name = name_for_area(sweep->core, part->entry->name);
	area->file = file != NULL ? vm_file_ref(file) : NULL;
	if (module->file != NULL) {
		area->dev = module->dev;
		area->ino = module->ino;
	}
	return area->name != NULL ? 0 : -ENOMEM;
}

/* Where the bytes of PART end that the core should have (DUMPED), or has. */
static uint64_t bytes_end(const struct part *part, bool dumped)
{
	const struct core_load *load = part->load;

	if (load == NULL)
		return part->start;
	uint64_t end = load->vaddr + (dumped ? load->dumped : load->held);
	return CLAMP(end, part->start, part->end);
}

/*
 * Whether the core has just the header page of PART (ELF_HEADERS of coredump_filter), and that is
 * the file's.
 */
static bool is_plain_header(const struct sweep *sweep, const struct part *part)
{
	uint8_t in_core[VM_PAGE_SIZE], in_file[VM_PAGE_SIZE];

	return bytes_end(part, true) == part->start + VM_PAGE_SIZE &&
	       core_read_memory(sweep->core, part->start, in_core, sizeof in_core) ==
	           sizeof in_core &&
	       vm_file_pread(sweep->module.file, in_file, sizeof in_file, part_offset(part)) ==
	           sizeof in_file &&
	       memcmp(in_core, in_file, sizeof in_core) == 0;
}

static int add_part(struct sweep *sweep, const struct part *part)
{
	struct vm_file *file = part->entry != NULL ? sweep->module.file : NULL;
	uint64_t dumped = page_align(bytes_end(part, true));

	if (file == NULL || dumped >= part->end)
		return add_area(sweep, part, part->start, part->end, NULL);
	if (dumped == part->start || is_plain_header(sweep, part))
		return add_area(sweep, part, part->start, part->end, file);
	int error = add_area(sweep, part, part->start, dumped, NULL);
	return error == 0 ? add_area(sweep, part, dumped, part->end, file) : error;
}

/* --- The sweep -------------------------------------------------------------------------------- */

/* The next address above AT at which [START, END) begins or ends. */
static uint64_t next_edge(uint64_t at, uint64_t start, uint64_t end)
{
	return start > at ? start : end;
}

static int run_sweep(struct sweep *sweep)
{
	struct core_file *core = sweep->core;
	size_t l = 0, e = 0;
	uint64_t at = 0;
	int error = 0;

	while (error == 0 && (l < core->loads.len || e < core->entries.len)) {
		const struct core_load *load = l < core->loads.len ? CORE_LOAD(core, l) : NULL;
		const struct core_entry *entry = e < core->entries.len ? CORE_ENTRY(core, e) : NULL;
		struct part part = {.start = at, .end = UINT64_MAX};
		if (load != NULL)
			part.end = MIN(part.end, next_edge(at, load->start, load->end));
		if (entry != NULL)
			part.end = MIN(part.end, next_edge(at, entry->start, entry->end));
		part.load = load != NULL && load->start <= at ? load : NULL;
		part.entry = entry != NULL && entry->start <= at ? entry : NULL;
		if (part.entry != NULL)
			module_enter(sweep, entry);
		if (part.load != NULL || part.entry != NULL)
			error = add_part(sweep, &part);
		at = part.end;
		l += load != NULL && load->end <= at;
		e += entry != NULL && entry->end <= at;
		if (vm_interrupted())
			error = -EINTR;
	}
	return error;
}

/* Name the kernel's own areas: [vdso], which the auxiliary vector tells, and those below it. */
static void name_kernel_areas(struct vm_image *image)
{
	uint64_t vdso = core_auxv(image, AT_SYSINFO_EHDR);
	struct vm_image_area *areas = image->areas.items;
	size_t i = 0, below = 0;

	while (i < image->areas.len && areas[i].start != vdso)
		i++;
	if (vdso == 0 || i == image->areas.len || areas[i].name != NULL)
		return;
	areas[i].name = try_copy("[vdso]");
	while (below < MIN(i, 2)) {
		const struct vm_image_area *area = &areas[i - below - 1];
		if (area->end != area[1].start || area->prot != PROT_READ || area->name != NULL)
			break;
		below++;
	}
	if (below == 2)
		areas[i - 1].name = try_copy("[vvar_vclock]");
	if (below > 0)
		areas[i - below].name = try_copy("[vvar]");
}

int core_modules_add(struct core_file *core)
{
	struct sweep sweep = {.core = core};
	int error = run_sweep(&sweep);

	module_close(&sweep.module);
	if (error == 0)
		name_kernel_areas(core->image);
	return error;
}
