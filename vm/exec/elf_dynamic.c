/*
 * elf_dynamic.c - reads from the dynamic section of an ELF file what ld.so needs to choose
 * libraries. See elf.h.
 *
 * Nothing in the section makes an exec fail. If a table is cut off, points outside the file or
 * never ends, then it is read as far as it is valid. The limits below bound the work. No real file
 * reaches them.
 */
#include "vm/exec/elf.h"
#include "vm/internal.h"

#include <limits.h>
#include <string.h>

enum {
	MAX_ENTRIES = 4096, /* entries of the section */
	MAX_NEEDED = 1024,  /* names of other libraries */
	/* bytes of an RPATH or RUNPATH; no more names of libraries are read past so many bytes */
	MAX_PATH_TEXT = 65536,
	MAX_VERSION_STEPS = 1024 /* records of one version table, about */
};

struct section {
	const struct elf_file *elf;
	Elf64_Dyn *entries;
	size_t count;
	uint64_t strings, strings_size; /* DT_STRTAB: address in the file; DT_STRSZ: bytes */
	bool no_memory;                 /* something was left out for want of memory */
};

/*
 * Read up to LEN bytes at address VADDR of the file. The PT_LOADs say where in the file that is.
 * Returns the number of bytes, which is less than LEN at the end of a file part; 0 for none.
 */
static size_t read_at(const struct elf_file *elf, uint64_t vaddr, void *buf, size_t len)
{
	for (const Elf64_Phdr *s = NULL; (s = elf_segment(elf, PT_LOAD, s)) != NULL;) {
		if (vaddr < s->p_vaddr || vaddr - s->p_vaddr >= s->p_filesz)
			continue;
		uint64_t skip = vaddr - s->p_vaddr;
		ssize_t got = elf->source.read(elf->source.ctx, buf, MIN(len, s->p_filesz - skip),
		                               s->p_offset + skip);
		return got > 0 ? (size_t)got : 0;
	}
	return 0;
}

/* The value of the last entry with TAG, which is the one that ld.so uses; 0: there is none. */
static uint64_t entry_value(const struct section *section, int64_t tag)
{
	for (size_t i = section->count; i-- > 0;)
		if (section->entries[i].d_tag == tag)
			return section->entries[i].d_un.d_val;
	return 0;
}

/*
 * A copy of the string at OFFSET in the string table. NULL: it does not end within the table, or
 * it does not fit into LIMIT bytes with its NUL, or it cannot be read.
 */
static char *string_at(struct section *section, uint64_t offset, size_t limit)
{
	if (offset >= section->strings_size || section->strings > UINT64_MAX - offset)
		return NULL;
	size_t room = MIN(limit, section->strings_size - offset);
	g_autofree char *text = g_try_malloc(room);
	section->no_memory |= text == NULL;
	if (text == NULL)
		return NULL;
	size_t got = read_at(section->elf, section->strings + offset, text, room);
	return memchr(text, '\0', got) != NULL ? g_strdup(text) : NULL;
}

static char *entry_string(struct section *section, int64_t tag, size_t limit)
{
	uint64_t offset = entry_value(section, tag);

	return offset != 0 ? string_at(section, offset, limit) : NULL;
}

/* Append the name in ENTRY to NEEDED, if it can be read. Returns the bytes that it takes. */
static size_t add_needed(struct section *section, const Elf64_Dyn *entry, GPtrArray *needed)
{
	g_autofree char *name = string_at(section, entry->d_un.d_val, PATH_MAX);

	if (name == NULL || name[0] == '\0')
		return 0;
	size_t size = strlen(name) + 1;
	struct elf_needed *added = g_malloc(sizeof *added + size);
	added->before = entry->d_tag != DT_NEEDED;
	memcpy(added->name, name, size);
	g_ptr_array_add(needed, added);
	return size;
}

static void read_needed(struct section *section, GPtrArray *needed)
{
	size_t size = 0;

	for (size_t i = 0; i < section->count && needed->len < MAX_NEEDED && size < MAX_PATH_TEXT;
	     i++) {
		const Elf64_Dyn *entry = &section->entries[i];
		if (entry->d_tag == DT_NEEDED || entry->d_tag == DT_AUXILIARY ||
		    entry->d_tag == DT_FILTER)
			size += add_needed(section, entry, needed);
	}
}

/*
 * The highest version index in DT_VERNEED: a chain of records (vn_next), each of which has a chain
 * of its own (vna_next). Bit 15 of an index is the hidden flag. STEPS counts records of both kinds,
 * so chains that run in circles end.
 */
static unsigned needed_versions(const struct section *section)
{
	uint64_t at = entry_value(section, DT_VERNEED);
	unsigned highest = 0;
	Elf64_Verneed need;
	Elf64_Vernaux aux;

	if (at == 0)
		return 0;
	for (unsigned steps = 0; steps < MAX_VERSION_STEPS; at += need.vn_next) {
		if (read_at(section->elf, at, &need, sizeof need) != sizeof need)
			break;
		uint64_t aux_at = at + need.vn_aux;
		do {
			if (read_at(section->elf, aux_at, &aux, sizeof aux) != sizeof aux)
				break;
			highest = MAX(highest, aux.vna_other & 0x7fffU);
			aux_at += aux.vna_next;
		} while (aux.vna_next != 0 && ++steps < MAX_VERSION_STEPS);
		if (need.vn_next == 0)
			break;
		steps++;
	}
	return highest;
}

/* The highest version index in DT_VERDEF, a chain of records (vd_next). */
static unsigned defined_versions(const struct section *section)
{
	uint64_t at = entry_value(section, DT_VERDEF);
	unsigned highest = 0;
	Elf64_Verdef def;

	if (at == 0)
		return 0;
	for (unsigned steps = 0; steps < MAX_VERSION_STEPS; steps++) {
		if (read_at(section->elf, at, &def, sizeof def) != sizeof def)
			break;
		highest = MAX(highest, def.vd_ndx & 0x7fffU);
		if (def.vd_next == 0)
			break;
		at += def.vd_next;
	}
	return highest;
}

/*
 * Read the entries up to DT_NULL. False: there is no section, and nothing to free. Else the caller
 * frees section->entries with g_free.
 */
static bool section_read(struct section *section, const struct elf_file *elf)
{
	const Elf64_Phdr *segment = elf_segment(elf, PT_DYNAMIC, NULL);

	*section = (struct section){.elf = elf};
	if (segment == NULL)
		return false;
	size_t size = MIN(segment->p_filesz, MAX_ENTRIES * sizeof(Elf64_Dyn));
	section->entries = g_try_malloc(MAX(size, sizeof(Elf64_Dyn)));
	section->no_memory = section->entries == NULL;
	if (section->no_memory)
		return false;
	size_t count = read_at(elf, segment->p_vaddr, section->entries, size) / sizeof(Elf64_Dyn);
	while (section->count < count && section->entries[section->count].d_tag != DT_NULL)
		section->count++;
	section->strings = entry_value(section, DT_STRTAB);
	section->strings_size = entry_value(section, DT_STRSZ);
	return true;
}

void elf_dynamic_read(const struct elf_file *elf, struct elf_dynamic *dynamic)
{
	struct section section;

	*dynamic = (struct elf_dynamic){.needed = g_ptr_array_new_with_free_func(g_free)};
	bool found = section_read(&section, elf);
	dynamic->no_memory = section.no_memory;
	if (!found)
		return;
	uint64_t flags = entry_value(&section, DT_FLAGS_1);
	dynamic->no_default_path = flags & DF_1_NODEFLIB;
	dynamic->pie = flags & DF_1_PIE;
	dynamic->soname = entry_string(&section, DT_SONAME, PATH_MAX);
	dynamic->rpath = entry_string(&section, DT_RPATH, MAX_PATH_TEXT);
	dynamic->runpath = entry_string(&section, DT_RUNPATH, MAX_PATH_TEXT);
	dynamic->versions = MAX(needed_versions(&section), defined_versions(&section));
	read_needed(&section, dynamic->needed);
	dynamic->no_memory = section.no_memory;
	g_free(section.entries);
}

void elf_dynamic_clear(struct elf_dynamic *dynamic)
{
	if (dynamic->needed != NULL)
		g_ptr_array_unref(dynamic->needed);
	g_free(dynamic->soname);
	g_free(dynamic->rpath);
	g_free(dynamic->runpath);
	*dynamic = (struct elf_dynamic){0};
}
