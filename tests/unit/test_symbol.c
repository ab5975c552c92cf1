/*
 * test_symbol.c - symbols of ELF files: of this program itself, and of files that are damaged.
 */
#include "vm/symbol/symbol_table.h"
#include "vm/vm.h"

#include <errno.h>
#include <string.h>

/* --- Files in memory -------------------------------------------------------------------------- */

struct bytes {
	char *data;
	size_t size;
};

static ssize_t bytes_read(void *ctx, void *buf, size_t len, uint64_t offset)
{
	const struct bytes *bytes = ctx;

	if (offset >= bytes->size)
		return 0;
	len = MIN(len, bytes->size - offset);
	memcpy(buf, bytes->data + offset, len);
	return (ssize_t)len;
}

/* This program, as a file. */
static struct bytes own_bytes(void)
{
	struct bytes bytes;

	g_assert_true(g_file_get_contents("/proc/self/exe", &bytes.data, &bytes.size, NULL));
	return bytes;
}

static struct symbol_table *open_table(struct bytes *bytes, struct elf_file *elf)
{
	const struct elf_source source = {bytes_read, bytes, bytes->size};

	return elf_open(elf, &source) == 0 ? symbol_table_open(elf) : NULL;
}

/* --- What there is to find -------------------------------------------------------------------- */

int first_of_two(int number);
int second_of_two(int number);

__attribute__((noinline)) int first_of_two(int number)
{
	return number * 3;
}

__attribute__((noinline)) int second_of_two(int number)
{
	return number ^ 7;
}

static void test_find(void)
{
	struct bytes bytes = own_bytes();
	struct elf_file elf;
	struct symbol_table *table = open_table(&bytes, &elf);
	uint64_t first = 0, second = 0, start = 0;

	g_assert_nonnull(table);
	g_assert_true(symbol_table_find(table, "first_of_two", &first));
	g_assert_true(symbol_table_find(table, "second_of_two", &second));
	g_assert_cmpint((int64_t)(second - first), ==,
	                (char *)second_of_two - (char *)first_of_two);
	g_assert_false(symbol_table_find(table, "first_of_tw", &start));
	g_assert_false(symbol_table_find(table, "irst_of_two", &start));
	g_assert_false(symbol_table_find(table, "", &start));
	/* A library's function is not defined here. */
	g_assert_false(symbol_table_find(table, "g_file_get_contents", &start));
	g_autofree char *name = symbol_table_at(table, first, &start);
	g_assert_cmpstr(name, ==, "first_of_two");
	g_assert_cmphex(start, ==, first);
	g_autofree char *inside = symbol_table_at(table, second + 1, &start);
	g_assert_cmpstr(inside, ==, "second_of_two");
	g_assert_cmphex(start, ==, second);
	g_assert_null(symbol_table_at(table, 0, &start));
	g_assert_null(symbol_table_at(table, UINT64_MAX, &start));
	symbol_table_close(table);
	elf_clear(&elf);
	g_free(bytes.data);
}

/* A file with COUNT functions, whose names are long, so that they fill many pieces. */
static struct bytes make_large(unsigned count)
{
	enum { NAME = 64 };
	size_t symbols = 4096, names = symbols + count * sizeof(Elf64_Sym),
	       sections = names + 1 + (size_t)count * NAME;
	struct bytes bytes = {g_malloc0(sections + 3 * sizeof(Elf64_Shdr)),
	                      sections + 3 * sizeof(Elf64_Shdr)};
	Elf64_Ehdr header = {
	    .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
	    .e_type = ET_DYN,
	    .e_machine = EM_X86_64,
	    .e_phoff = sizeof(Elf64_Ehdr),
	    .e_phentsize = sizeof(Elf64_Phdr),
	    .e_phnum = 1,
	    .e_shoff = sections,
	    .e_shentsize = sizeof(Elf64_Shdr),
	    .e_shnum = 3};
	Elf64_Phdr load = {.p_type = PT_LOAD, .p_filesz = 4096, .p_memsz = 4096};
	Elf64_Shdr headers[3] = {
	    {.sh_type = SHT_NULL, .sh_size = UINT64_MAX},
	    {.sh_type = SHT_SYMTAB,
	     .sh_offset = symbols,
	     .sh_size = count * sizeof(Elf64_Sym),
	     .sh_entsize = sizeof(Elf64_Sym),
	     .sh_link = 2},
	    {.sh_type = SHT_STRTAB, .sh_offset = names, .sh_size = sections - names}};

	memcpy(bytes.data, &header, sizeof header);
	memcpy(bytes.data + sizeof header, &load, sizeof load);
	memcpy(bytes.data + sections, headers, sizeof headers);
	for (unsigned i = 0; i < count; i++) {
		/* The names in another order than the symbols. */
		unsigned place = (unsigned)((uint64_t)i * 7919 % count);
		Elf64_Sym symbol = {.st_name = 1 + place * NAME,
		                    .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		                    .st_shndx = 1,
		                    .st_value = 16 * i,
		                    .st_size = 16};

		memcpy(bytes.data + symbols + i * sizeof symbol, &symbol, sizeof symbol);
		g_snprintf(bytes.data + names + symbol.st_name, NAME, "%040u_function_%u", 0, i);
	}
	return bytes;
}

static void test_large(void)
{
	enum { COUNT = 100003 };
	struct bytes bytes = make_large(COUNT);
	struct elf_file elf;
	struct symbol_table *table = open_table(&bytes, &elf);
	uint64_t value = 0, start;

	g_assert_nonnull(table);
	for (unsigned i = 0; i < COUNT; i += 9091) {
		g_autofree char *name = g_strdup_printf("%040u_function_%u", 0, i);
		g_assert_true(symbol_table_find(table, name, &value));
		g_assert_cmpuint(value, ==, 16 * i);
		/* A symbol of which this is the end has another name. */
		g_assert_false(symbol_table_find(table, name + 1, &value));
		g_autofree char *at = symbol_table_at(table, 16 * i + 15, &start);
		g_assert_cmpstr(at, ==, name);
		g_assert_cmpuint(start, ==, 16 * i);
	}
	symbol_table_close(table);
	elf_clear(&elf);
	g_free(bytes.data);
}

/* --- Hostile bytes ---------------------------------------------------------------------------- */

static void try_all(struct bytes *bytes)
{
	struct elf_file elf;
	struct symbol_table *table = open_table(bytes, &elf);
	uint64_t value;

	if (table != NULL) {
		symbol_table_find(table, "first_of_two", &value);
		for (uint64_t at = 1; at != 0; at <<= 7)
			g_free(symbol_table_at(table, at, &value));
	}
	symbol_table_close(table);
	elf_clear(&elf);
}

/* Overwrite some bytes in the headers of sections, in the header of the file, or anywhere. */
static void damage(struct bytes *bytes, GRand *rand)
{
	static const uint64_t values[] = {0, 1, 0xff, UINT32_MAX, UINT64_MAX, UINT64_C(1) << 63};
	Elf64_Ehdr header;
	uint64_t value = values[g_rand_int_range(rand, 0, G_N_ELEMENTS(values))];

	memcpy(&header, bytes->data, sizeof header);
	uint64_t table = header.e_shnum * sizeof(Elf64_Shdr);
	uint64_t at = (uint64_t)g_rand_int_range(rand, 0, (gint32)(bytes->size - 8));
	if (g_rand_boolean(rand) && table > 8 && header.e_shoff < bytes->size &&
	    table <= bytes->size - header.e_shoff)
		at = header.e_shoff + (uint64_t)g_rand_int_range(rand, 0, (gint32)(table - 8));
	else if (g_rand_boolean(rand))
		at %= sizeof header;
	if (at <= bytes->size - 8)
		memcpy(bytes->data + at, &value, (size_t)g_rand_int_range(rand, 1, 9));
}

static void test_damaged(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(7);
	struct bytes good = own_bytes();

	for (int round = 0; round < 400; round++) {
		struct bytes bad = {g_memdup2(good.data, good.size), good.size};
		for (int count = g_rand_int_range(rand, 1, 5); count > 0; count--)
			damage(&bad, rand);
		if (g_rand_int_range(rand, 0, 4) == 0)
			bad.size = (size_t)g_rand_int_range(rand, 8, (gint32)good.size);
		try_all(&bad);
		g_free(bad.data);
	}
	g_free(good.data);
}

/* A file that says it has more symbols than can be looked at: the source ends it. */
static ssize_t endless_read(void *ctx, void *buf, size_t len, uint64_t offset)
{
	struct bytes *bytes = ctx;

	if (bytes->size-- == 0)
		return -EINTR;
	memset(buf, 0x11, len);
	return (ssize_t)len;
}

static void test_endless(void)
{
	struct bytes bytes = own_bytes(), left = {NULL, 100};
	struct elf_file elf;
	struct symbol_table *table = open_table(&bytes, &elf);
	uint64_t value;

	g_assert_nonnull(table);
	elf.source = (struct elf_source){endless_read, &left, UINT64_MAX / 2};
	g_assert_false(symbol_table_find(table, "nowhere", &value));
	symbol_table_close(table);
	elf_clear(&elf);
	g_free(bytes.data);
}

static void test_names(void)
{
	g_assert_true(vm_name_is("/lib/libc.so.6", "libc.so.6"));
	g_assert_true(vm_name_is("/tmp/x (deleted)", "x"));
	g_assert_true(vm_name_is("[heap]", "[heap]"));
	g_assert_false(vm_name_is("/lib/libc.so.6", "libc.so"));
	g_assert_false(vm_name_is("/lib/libc.so.6", "c.so.6"));
	g_assert_false(vm_name_is("", ""));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/symbol/find", test_find);
	g_test_add_func("/symbol/large", test_large);
	g_test_add_func("/symbol/damaged", test_damaged);
	g_test_add_func("/symbol/endless", test_endless);
	g_test_add_func("/symbol/names", test_names);
	return g_test_run();
}
