/*
 * symbol_table.c - the symbols of an ELF file. See symbol_table.h.
 */
#include "vm/symbol/symbol_table.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW = 32 << 10 };

/* A piece of the file that was read last. Whole lookups that stay in it cost no read. */
struct window {
	uint64_t start;
	size_t len;
	uint8_t bytes[WINDOW];
};

struct symbol_table {
	const struct elf_file *elf;
	Elf64_Shdr symbols, names;
	uint64_t versions, version_count; /* offset and number of Elf64_Half; 0: there are none */
	struct window rows, texts;        /* of tables; of names */
	struct window marks;              /* of versions */
};

/*
 * LEN (at most a window) bytes at OFFSET of the file, valid until the next call with WINDOW. NULL:
 * the file ends before that, or it cannot be read.
 */
static const void *window_get(const struct elf_file *elf, struct window *window, uint64_t offset,
                              size_t len)
{
	const struct elf_source *source = &elf->source;

	if (len > WINDOW || offset > source->size || len > source->size - offset)
		return NULL;
	if (offset < window->start || offset + len > window->start + window->len) {
		size_t want = MIN(WINDOW, source->size - offset);
		ssize_t got = source->read(source->ctx, window->bytes, want, offset);
		window->start = offset;
		window->len = got > 0 ? MIN((size_t)got, want) : 0;
	}
	return window->len >= len && offset >= window->start
	           ? window->bytes + (offset - window->start)
	           : NULL;
}

/* --- Sections --------------------------------------------------------------------------------- */

/* Section INDEX. False: there is none. */
static bool section_get(struct symbol_table *table, uint64_t index, Elf64_Shdr *section)
{
	const Elf64_Ehdr *header = &table->elf->header;
	uint64_t offset;

	if (header->e_shoff == 0 || header->e_shentsize != sizeof *section ||
	    __builtin_add_overflow(header->e_shoff, index * sizeof *section, &offset))
		return false;
	const void *bytes = window_get(table->elf, &table->rows, offset, sizeof *section);
	if (bytes != NULL)
		memcpy(section, bytes, sizeof *section);
	return bytes != NULL;
}

/* How many sections there are: in the first one if the header has no room for it (e_shnum). */
static uint64_t section_count(struct symbol_table *table)
{
	enum { MOST = 1 << 16 };
	Elf64_Shdr first;

	if (table->elf->header.e_shnum != 0)
		return table->elf->header.e_shnum;
	return section_get(table, 0, &first) ? MIN(first.sh_size, MOST) : 0;
}

static bool section_in_file(const struct symbol_table *table, const Elf64_Shdr *section)
{
	uint64_t size = table->elf->source.size;

	return section->sh_offset <= size && section->sh_size <= size - section->sh_offset;
}

/* Find the table of symbols: .symtab counts more than .dynsym. And the versions of .dynsym. */
static bool find_sections(struct symbol_table *table)
{
	uint64_t count = section_count(table);
	Elf64_Shdr section, versions = {.sh_type = SHT_NULL};

	table->symbols.sh_type = SHT_NULL;
	for (uint64_t i = 0; i < count && section_get(table, i, &section); i++) {
		bool better =
		    section.sh_type == SHT_SYMTAB ||
		    (section.sh_type == SHT_DYNSYM && table->symbols.sh_type != SHT_SYMTAB);
		if (section.sh_type == SHT_GNU_versym)
			versions = section;
		else if (better && section.sh_entsize == sizeof(Elf64_Sym) &&
		         section_in_file(table, &section))
			table->symbols = section;
	}
	if (table->symbols.sh_type == SHT_DYNSYM && versions.sh_type != SHT_NULL &&
	    section_in_file(table, &versions)) {
		table->versions = versions.sh_offset;
		table->version_count = versions.sh_size / sizeof(Elf64_Half);
	}
	return table->symbols.sh_type != SHT_NULL && table->symbols.sh_link < count &&
	       section_get(table, table->symbols.sh_link, &table->names) &&
	       section_in_file(table, &table->names);
}

struct symbol_table *symbol_table_open(const struct elf_file *elf)
{
	struct symbol_table *table = g_try_new0(struct symbol_table, 1);

	if (table == NULL)
		return NULL;
	table->elf = elf;
	if (!find_sections(table))
		g_clear_pointer(&table, symbol_table_close);
	return table;
}

void symbol_table_close(struct symbol_table *table)
{
	g_free(table);
}

/* --- Symbols ---------------------------------------------------------------------------------- */

/* Symbol INDEX. False: the table ends before it, or cannot be read. */
static bool symbol_get(struct symbol_table *table, uint64_t index, Elf64_Sym *symbol)
{
	if (index >= table->symbols.sh_size / sizeof *symbol)
		return false;
	const void *bytes =
	    window_get(table->elf, &table->rows, table->symbols.sh_offset + index * sizeof *symbol,
	               sizeof *symbol);
	if (bytes != NULL)
		memcpy(symbol, bytes, sizeof *symbol);
	return bytes != NULL;
}

/* Whether SYMBOL stands for a place in the memory of the file. */
static bool is_place(const Elf64_Sym *symbol)
{
	unsigned type = ELF64_ST_TYPE(symbol->st_info);

	if (symbol->st_shndx == SHN_UNDEF ||
	    (symbol->st_shndx >= SHN_LORESERVE && symbol->st_shndx != SHN_XINDEX))
		return false;
	return type == STT_NOTYPE || type == STT_OBJECT || type == STT_FUNC ||
	       type == STT_GNU_IFUNC;
}

/* Whether symbol INDEX is of an old version, which a program gets only if it asks for it. */
static bool is_old(struct symbol_table *table, uint64_t index)
{
	enum { HIDDEN = 0x8000 };
	Elf64_Half version = 0;

	if (index >= table->version_count)
		return false;
	const void *bytes = window_get(table->elf, &table->marks,
	                               table->versions + index * sizeof version, sizeof version);
	if (bytes != NULL)
		memcpy(&version, bytes, sizeof version);
	return version & HIDDEN;
}

/* How much symbol INDEX counts among others of its name or address; at least 1. */
static int weight(struct symbol_table *table, uint64_t index, const Elf64_Sym *symbol)
{
	unsigned bind = ELF64_ST_BIND(symbol->st_info);
	int weight = bind == STB_LOCAL ? 1 : bind == STB_WEAK ? 2 : 3;

	return is_old(table, index) ? 1 : 3 * weight;
}

/* --- By name ---------------------------------------------------------------------------------- */

/*
 * Where NAME, of LEN bytes without its NUL, stands among the names: offsets, ascending. Linkers let
 * names share their ends, so it may be the end of a longer one. To look at the names first, and
 * then only at these numbers, reads both tables forward: names lie in no order. Past MOST places
 * the file is hostile. Free with g_array_unref.
 */
static GArray *places_of(struct symbol_table *table, const char *name, size_t len)
{
	enum { MOST = 1 << 16 };
	GArray *places = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	uint64_t size = table->names.sh_size, at = 0;

	while (at < size && len < size - at && places->len < MOST) {
		size_t piece = MIN(WINDOW, size - at);
		const char *bytes =
		    window_get(table->elf, &table->texts, table->names.sh_offset + at, piece);
		const char *found = bytes;

		while (found != NULL && places->len < MOST &&
		       (found = memmem(found, piece - (size_t)(found - bytes), name, len + 1)) !=
		           NULL) {
			uint64_t place = at + (uint64_t)(found++ - bytes);
			g_array_append_val(places, place);
		}
		if (bytes == NULL || piece < WINDOW)
			break;
		/* The next piece begins where a name that did not fit into this one may begin. */
		at += piece - len;
	}
	return places;
}

static int compare_places(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool symbol_table_find(struct symbol_table *table, const char *name, uint64_t *value)
{
	size_t len = strlen(name);
	Elf64_Sym symbol;
	int best = 0;

	if (len == 0 || len >= SYMBOL_NAME_MAX)
		return false;
	GArray *places = places_of(table, name, len);
	for (uint64_t i = 0; places->len > 0 && symbol_get(table, i, &symbol); i++) {
		uint64_t place = symbol.st_name;
		if (!is_place(&symbol) || bsearch(&place, places->data, places->len, sizeof place,
		                                  compare_places) == NULL)
			continue;
		int this = weight(table, i, &symbol);
		if (this > best) {
			best = this;
			*value = symbol.st_value;
		}
	}
	g_array_unref(places);
	return best > 0;
}

/* --- By address ------------------------------------------------------------------------------- */

/* The name of SYMBOL, or NULL if it has none. */
static char *name_of(struct symbol_table *table, const Elf64_Sym *symbol)
{
	if (symbol->st_name >= table->names.sh_size)
		return NULL;
	size_t room = MIN(table->names.sh_size - symbol->st_name, SYMBOL_NAME_MAX);
	const char *bytes =
	    window_get(table->elf, &table->texts, table->names.sh_offset + symbol->st_name, room);
	return bytes != NULL && bytes[0] != '\0' ? g_strndup(bytes, room) : NULL;
}

/* A symbol at or before an address, and how much it counts. */
struct candidate {
	Elf64_Sym symbol;
	int weight; /* 0: none yet */
};

/* Whether the name of SYMBOL is one that the language reserves: _IO_printf beside printf. */
static bool is_reserved(struct symbol_table *table, const Elf64_Sym *symbol)
{
	const char *first =
	    symbol->st_name < table->names.sh_size
	        ? window_get(table->elf, &table->texts, table->names.sh_offset + symbol->st_name, 1)
	        : NULL;

	return first != NULL && *first == '_';
}

/* Take symbol INDEX if it lies nearer, or counts more at the same address. */
static void consider(struct symbol_table *table, struct candidate *best, uint64_t index,
                     const Elf64_Sym *symbol)
{
	bool tie = best->weight != 0 && symbol->st_value == best->symbol.st_value;

	if (best->weight != 0 && symbol->st_value < best->symbol.st_value)
		return;
	int this = weight(table, index, symbol);
	if (tie &&
	    (this < best->weight || (this == best->weight && (!is_reserved(table, &best->symbol) ||
	                                                      is_reserved(table, symbol)))))
		return;
	*best = (struct candidate){*symbol, this};
}

/* Whether VALUE lies in the section of SYMBOL. */
static bool same_section(struct symbol_table *table, const Elf64_Sym *symbol, uint64_t value)
{
	Elf64_Shdr section;

	return section_get(table, symbol->st_shndx, &section) && value >= section.sh_addr &&
	       value - section.sh_addr < section.sh_size;
}

char *symbol_table_at(struct symbol_table *table, uint64_t value, uint64_t *start)
{
	struct candidate sized = {.weight = 0}, label = {.weight = 0};
	const struct candidate *best = &sized;
	Elf64_Sym symbol;

	for (uint64_t i = 0; symbol_get(table, i, &symbol); i++) {
		if (!is_place(&symbol) || symbol.st_value > value || symbol.st_name == 0)
			continue;
		if (symbol.st_size == 0)
			consider(table, &label, i, &symbol);
		else if (value - symbol.st_value < symbol.st_size)
			consider(table, &sized, i, &symbol);
	}
	if (sized.weight == 0) {
		if (label.weight == 0 || !same_section(table, &label.symbol, value))
			return NULL;
		best = &label;
	}
	*start = best->symbol.st_value;
	return name_of(table, &best->symbol);
}
