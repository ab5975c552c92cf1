/*
 * symbol.c - the symbols of the files that a process maps.
 *
 * The files are collected under the process lock, with references, and read with no lock held,
 * through the descriptors with which they were mapped. So areas may have changed by then. One
 * search reads at most READS pieces, whatever the files say.
 */
#include "vm/base/lock.h"
#include "vm/cache/file.h"
#include "vm/space/area.h"
#include "vm/symbol/symbol_table.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { READS = 1 << 15 };

/* A mapped file, and its lowest area. */
struct module {
	struct vm_file *file; /* a reference */
	uint64_t start;       /* of the area */
	uint64_t offset;      /* of the area in the file */
};

/* --- Collecting ------------------------------------------------------------------------------- */

static bool is_host_file(const struct vm_area *area)
{
	return area->file != NULL && area->object != NULL && !area->object->shmem &&
	       !area->object->view;
}

static struct module module_of(const struct vm_area *area)
{
	return (struct module){vm_file_ref(area->file), area->start, area->pgoff << VM_PAGE_SHIFT};
}

static void module_clear(void *element)
{
	struct module *module = element;

	vm_file_unref(module->file);
}

/*
 * The files that PROCESS maps, by address: its program alone, or all others. NULL: the process has
 * ended. Free with g_array_unref when no lock is held.
 */
static GArray *collect(struct vm_process *process, bool program)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	if (process_enter(process) != 0)
		return NULL;
	GArray *modules = g_array_new(FALSE, FALSE, sizeof(struct module));
	g_array_set_clear_func(modules, module_clear);
	const struct vm_file *exe = process->space->exe;
	for (const struct vm_area *a = process->space->first; a != NULL; a = a->next) {
		bool is_program = exe != NULL && a->object == exe->object;
		if (!is_host_file(a) || is_program != program || !g_hash_table_add(seen, a->object))
			continue;
		struct module module = module_of(a);
		g_array_append_val(modules, module);
	}
	process_unlock(process);
	return modules;
}

/* --- Reading ---------------------------------------------------------------------------------- */

struct reader {
	struct vm_file *file;
	unsigned *reads; /* how many are left */
};

/* The `read` of struct elf_source. -EINTR: the search is not wanted any more, or long enough. */
static ssize_t reader_read(void *ctx, void *buf, size_t len, uint64_t offset)
{
	const struct reader *reader = ctx;

	if (*reader->reads == 0 || vm_interrupted())
		return -EINTR;
	--*reader->reads;
	return vm_file_pread(reader->file, buf, len, offset);
}

/* Open the ELF file of READER. Clear *ELF in any case. */
static bool open_elf(struct reader *reader, struct elf_file *elf)
{
	struct stat status;

	*elf = (struct elf_file){.segments = NULL};
	if (reader->file->access == O_WRONLY ||
	    fstat(reader->file->handle->medium.fd, &status) != 0)
		return false;
	const struct elf_source source = {reader_read, reader, (uint64_t)status.st_size};
	return elf_open(elf, &source) == 0;
}

/*
 * What is added to an address in ELF to get that in the process, if START is where OFFSET of the
 * file is mapped. False: no segment has that offset.
 */
static bool find_bias(const struct elf_file *elf, uint64_t start, uint64_t offset, uint64_t *bias)
{
	for (const Elf64_Phdr *s = NULL; (s = elf_segment(elf, PT_LOAD, s)) != NULL;) {
		uint64_t first = page_down(s->p_offset);
		if (s->p_filesz == 0 || offset < first || offset >= s->p_offset + s->p_filesz)
			continue;
		*bias = start - (page_down(s->p_vaddr) + (offset - first));
		return true;
	}
	return false;
}

/* Whether VA lies in the memory of ELF with BIAS, from its first segment to its last. */
static bool covers(const struct elf_file *elf, uint64_t bias, uint64_t va)
{
	uint64_t low = UINT64_MAX;

	for (const Elf64_Phdr *s = NULL; (s = elf_segment(elf, PT_LOAD, s)) != NULL;)
		low = MIN(low, page_down(s->p_vaddr));
	return va - bias >= low && va - bias - low < elf_span(elf);
}

/* --- By name ---------------------------------------------------------------------------------- */

/* Whether NAME is the last part of the file's present name. */
static bool is_called(const struct vm_file *file, const char *name)
{
	g_autofree char *path = vm_file_name(file);

	return vm_name_is(path, name);
}

static bool find_in_module(const struct module *module, const char *name, unsigned *reads,
                           uint64_t *va)
{
	struct reader reader = {module->file, reads};
	struct symbol_table *table = NULL;
	struct elf_file elf;
	uint64_t value = 0, bias;
	bool found = false;

	if (open_elf(&reader, &elf) && find_bias(&elf, module->start, module->offset, &bias) &&
	    (table = symbol_table_open(&elf)) != NULL)
		found = symbol_table_find(table, name, &value);
	if (found)
		*va = bias + value;
	symbol_table_close(table);
	elf_clear(&elf);
	return found;
}

static int find(struct vm_process *process, bool program, const char *file, const char *name,
                uint64_t *va)
{
	GArray *modules = collect(process, program);
	unsigned reads = READS;
	bool found = false;

	if (modules == NULL)
		return -ESRCH;
	for (guint i = 0; i < modules->len && !found && reads > 0; i++) {
		const struct module *module = &g_array_index(modules, struct module, i);
		if (file == NULL || is_called(module->file, file))
			found = find_in_module(module, name, &reads, va);
	}
	g_array_unref(modules);
	return found ? 0 : -ENOENT;
}

int vm_process_symbol(struct vm_process *process, enum vm_symbols where, const char *file,
                      const char *name, uint64_t *va)
{
	int error = -ENOENT;

	if (where != VM_SYMBOLS_LIBRARIES)
		error = find(process, true, file, name, va);
	if (error == -ENOENT && where != VM_SYMBOLS_PROGRAM)
		error = find(process, false, file, name, va);
	return error;
}

bool vm_name_is(const char *path, const char *name)
{
	static const char deleted[] = " (deleted)";
	const char *slash = strrchr(path, '/'), *last = slash != NULL ? slash + 1 : path;
	size_t len = strlen(last);

	if (g_str_has_suffix(last, deleted))
		len -= strlen(deleted);
	return len > 0 && strlen(name) == len && memcmp(last, name, len) == 0;
}

/* --- By address ------------------------------------------------------------------------------- */

/* The file whose memory VA may be, and where its areas are. */
struct place {
	struct module first; /* its lowest area */
	struct module own;   /* the area of VA, if that maps the file; else without a file */
};

/*
 * Find the file that VA belongs to: that of its area, or for anonymous memory (a bss) the nearest
 * below. False: there is none, or the process has ended. The references are the caller's.
 */
static bool find_file(struct vm_process *process, uint64_t va, struct place *place)
{
	*place = (struct place){.first = {.file = NULL}};
	if (process_enter(process) != 0)
		return false;
	const struct vm_area *own = va < VM_USER_END ? area_at(process->space, va) : NULL;
	const struct vm_area *area = own;
	if (own != NULL && own->object == NULL)
		while (area != NULL && !is_host_file(area))
			area = area->prev;
	if (area != NULL && is_host_file(area)) {
		const struct vm_area *first = process->space->first;
		while (first->object != area->object)
			first = first->next;
		place->first = module_of(first);
		if (area == own)
			place->own = module_of(own);
	}
	process_unlock(process);
	return place->first.file != NULL;
}

static char *find_symbol_at(const struct place *place, uint64_t va, uint64_t *start)
{
	unsigned reads = READS;
	struct reader reader = {place->first.file, &reads};
	struct symbol_table *table = NULL;
	struct elf_file elf;
	uint64_t bias = 0;
	char *name = NULL;

	bool known = open_elf(&reader, &elf) &&
	             find_bias(&elf, place->first.start, place->first.offset, &bias) &&
	             covers(&elf, bias, va);
	/* The file may be mapped more than once. */
	if (!known && elf.segments != NULL && place->own.file != NULL)
		known = find_bias(&elf, place->own.start, place->own.offset, &bias) &&
		        covers(&elf, bias, va);
	if (known && (table = symbol_table_open(&elf)) != NULL)
		name = symbol_table_at(table, va - bias, start);
	*start += bias;
	symbol_table_close(table);
	elf_clear(&elf);
	return name;
}

char *vm_process_symbol_at(struct vm_process *process, uint64_t va, uint64_t *start)
{
	struct place place;
	char *name = NULL;

	*start = 0;
	if (find_file(process, va, &place))
		name = find_symbol_at(&place, va, start);
	if (place.first.file != NULL)
		vm_file_unref(place.first.file);
	if (place.own.file != NULL)
		vm_file_unref(place.own.file);
	return name;
}
