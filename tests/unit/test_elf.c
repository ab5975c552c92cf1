/*
 * test_elf.c - the reader of ELF files, on files made by hand: headers, segments, interpreters and
 * dynamic sections.
 */
#include "vm/exec/elf.h"
#include "vm/internal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

/* --- ELF files in memory ---------------------------------------------------------------------- */

struct bytes {
	uint8_t data[256 << 10];
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

static Elf64_Ehdr *header_of(struct bytes *bytes)
{
	return (Elf64_Ehdr *)bytes->data;
}

static Elf64_Phdr *segment_of(struct bytes *bytes, size_t index)
{
	return (Elf64_Phdr *)(bytes->data + sizeof(Elf64_Ehdr)) + index;
}

/*
 * A valid program with SEGMENTS program headers. The first is a PT_LOAD of two pages at 0x400000,
 * the others are PT_NULL.
 */
static struct bytes *make_elf(uint16_t segments)
{
	struct bytes *bytes = g_new0(struct bytes, 1);

	*header_of(bytes) = (Elf64_Ehdr){
	    .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
	    .e_type = ET_EXEC,
	    .e_machine = EM_X86_64,
	    .e_version = EV_CURRENT,
	    .e_entry = 0x400000,
	    .e_phoff = sizeof(Elf64_Ehdr),
	    .e_ehsize = sizeof(Elf64_Ehdr),
	    .e_phentsize = sizeof(Elf64_Phdr),
	    .e_phnum = segments,
	};
	*segment_of(bytes, 0) = (Elf64_Phdr){.p_type = PT_LOAD,
	                                     .p_flags = PF_R | PF_X,
	                                     .p_vaddr = 0x400000,
	                                     .p_filesz = 0x2000,
	                                     .p_memsz = 0x2000,
	                                     .p_align = 0x1000};
	bytes->size = MAX(0x2000, sizeof(Elf64_Ehdr) + segments * sizeof(Elf64_Phdr));
	return bytes;
}

static int try_open(struct bytes *bytes)
{
	struct elf_source source = {.read = bytes_read, .ctx = bytes, .size = bytes->size};
	struct elf_file elf;
	int error = elf_open(&elf, &source);

	elf_clear(&elf);
	return error;
}

static struct elf_file open_good(struct bytes *bytes)
{
	struct elf_source source = {.read = bytes_read, .ctx = bytes, .size = bytes->size};
	struct elf_file elf;

	g_assert_cmpint(elf_open(&elf, &source), ==, 0);
	return elf;
}

static void test_header_good(void)
{
	g_autofree struct bytes *bytes = make_elf(1);
	struct elf_file elf = open_good(bytes);

	g_assert_cmpuint(elf_span(&elf), ==, 0x2000);
	g_assert_cmpuint(elf_alignment(&elf), ==, 0x1000);
	g_assert_cmpint(elf_prot(&elf.segments[0]), ==, PROT_READ | PROT_EXEC);
	elf_clear(&elf);
}

/* Headers that are wrong in one field each. */
static void test_header_wrong(void)
{
	static const struct {
		size_t offset;
		uint8_t value;
	} changes[] = {
	    {0, 'e'},
	    {EI_CLASS, ELFCLASS32},
	    {EI_CLASS, ELFCLASSNONE},
	    {EI_DATA, ELFDATA2MSB},
	    {offsetof(Elf64_Ehdr, e_type), ET_REL},
	    {offsetof(Elf64_Ehdr, e_type), ET_CORE},
	    {offsetof(Elf64_Ehdr, e_machine), EM_386},
	    {offsetof(Elf64_Ehdr, e_machine), EM_AARCH64},
	    {offsetof(Elf64_Ehdr, e_phentsize), sizeof(Elf32_Phdr)},
	    {offsetof(Elf64_Ehdr, e_phnum), 0},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
		g_autofree struct bytes *bytes = make_elf(1);
		bytes->data[changes[i].offset] = changes[i].value;
		g_assert_cmpint(try_open(bytes), ==, -ENOEXEC);
	}
}

/* A file that is cut off in its headers or pages is refused. Only its last page may be short. */
static void test_truncated(void)
{
	g_autofree struct bytes *bytes = make_elf(3);

	for (size_t size = 0; size < 0x2000; size++) {
		bytes->size = size;
		g_assert_cmpint(try_open(bytes), ==, size > 0x1000 ? 0 : -ENOEXEC);
	}
}

static void test_segment_limits(void)
{
	static const struct {
		Elf64_Phdr segment;
		int result;
	} cases[] = {
	    {{.p_vaddr = 0x400000, .p_filesz = 0x1000, .p_memsz = 0x800}, -ENOEXEC},
	    {{.p_vaddr = 0x400000, .p_memsz = UINT64_MAX}, -ENOEXEC},
	    {{.p_vaddr = 0x400000, .p_memsz = VM_USER_END}, -ENOEXEC},
	    {{.p_vaddr = 0x400000, .p_memsz = VM_USER_END - 0x400000}, 0},
	    {{.p_vaddr = VM_USER_END, .p_memsz = 0}, -ENOEXEC},
	    {{.p_vaddr = UINT64_MAX - 0xfff, .p_memsz = 0x1000}, -ENOEXEC},
	    {{.p_vaddr = 0x400000, .p_filesz = UINT64_MAX, .p_memsz = UINT64_MAX}, -ENOEXEC},
	    {{.p_vaddr = 0x400000,
	      .p_offset = UINT64_MAX - 0xfff,
	      .p_filesz = 0x1000,
	      .p_memsz = 0x1000},
	     -ENOEXEC},
	    {{.p_vaddr = 0x400000,
	      .p_offset = INT64_MAX - 0xfff,
	      .p_filesz = 0x1000,
	      .p_memsz = 0x1000},
	     -ENOEXEC},
	    {{.p_vaddr = 0x400000, .p_offset = 0x2000, .p_filesz = 1, .p_memsz = 1}, -ENOEXEC},
	    {{.p_vaddr = 0x400001, .p_offset = 0, .p_filesz = 1, .p_memsz = 1}, -ENOEXEC},
	    {{.p_vaddr = 0x400001, .p_offset = 1, .p_filesz = 1, .p_memsz = 1}, 0},
	    /* If a segment has no bytes in the file, its offset does not matter. */
	    {{.p_vaddr = 0x400001, .p_offset = UINT64_MAX, .p_filesz = 0, .p_memsz = 1}, 0},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree struct bytes *bytes = make_elf(2);
		*segment_of(bytes, 1) = cases[i].segment;
		segment_of(bytes, 1)->p_type = PT_LOAD;
		g_test_message("case %zu", i);
		g_assert_cmpint(try_open(bytes), ==, cases[i].result);
	}
}

/* Overlapping segments are allowed. The later one wins, as in Linux. */
static void test_overlap(void)
{
	g_autofree struct bytes *bytes = make_elf(2);

	*segment_of(bytes, 1) = *segment_of(bytes, 0);
	segment_of(bytes, 1)->p_vaddr += 0x1000;
	struct elf_file elf = open_good(bytes);
	g_assert_cmpuint(elf_span(&elf), ==, 0x3000);
	elf_clear(&elf);
}

static void test_many_segments(void)
{
	uint16_t limit = 65536 / sizeof(Elf64_Phdr);
	g_autofree struct bytes *most = make_elf(limit), *more = make_elf(limit + 1),
	                        *empty = make_elf(limit);

	g_assert_cmpint(try_open(most), ==, 0);
	g_assert_cmpint(try_open(more), ==, -ENOEXEC);
	header_of(more)->e_phnum = UINT16_MAX;
	g_assert_cmpint(try_open(more), ==, -ENOEXEC);
	/* Nothing to load. */
	segment_of(empty, 0)->p_type = PT_NULL;
	g_assert_cmpint(try_open(empty), ==, -ENOEXEC);
	/* A table of headers that wraps around. */
	header_of(most)->e_phoff = UINT64_MAX - 8;
	g_assert_cmpint(try_open(most), ==, -ENOEXEC);
}

static void test_alignment(void)
{
	g_autofree struct bytes *bytes = make_elf(1);
	struct elf_file elf = open_good(bytes);

	elf.segments[0].p_align = 0x200000;
	g_assert_cmpuint(elf_alignment(&elf), ==, 0x200000);
	elf.segments[0].p_align = 0x200001;
	g_assert_cmpuint(elf_alignment(&elf), ==, 0x1000);
	elf.segments[0].p_align = UINT64_C(1) << 63;
	g_assert_cmpuint(elf_alignment(&elf), ==, UINT64_C(1) << 63);
	elf.segments[0].p_align = 0;
	g_assert_cmpuint(elf_alignment(&elf), ==, 0x1000);
	elf_clear(&elf);
}

static int interpreter_of(struct bytes *bytes, Elf64_Phdr segment, char **path)
{
	segment.p_type = PT_INTERP;
	*segment_of(bytes, 1) = segment;
	struct elf_file elf = open_good(bytes);
	int error = elf_interpreter(&elf, path);

	elf_clear(&elf);
	return error;
}

static void test_interpreter(void)
{
	g_autofree struct bytes *bytes = make_elf(2);
	g_autofree char *path = NULL;
	char *none;

	strcpy((char *)bytes->data + 0x1000, "/lib/ld.so");
	g_assert_cmpint(
	    interpreter_of(bytes, (Elf64_Phdr){.p_offset = 0x1000, .p_filesz = 11}, &path), ==, 0);
	g_assert_cmpstr(path, ==, "/lib/ld.so");

	const Elf64_Phdr wrong[] = {
	    {.p_offset = 0x1000, .p_filesz = 10},         /* no NUL at its end */
	    {.p_offset = 0x1000, .p_filesz = 1},          /* too short */
	    {.p_offset = 0x1000, .p_filesz = 0},          /* empty */
	    {.p_offset = 0x0, .p_filesz = PATH_MAX + 1},  /* too long */
	    {.p_offset = 0x1000, .p_filesz = UINT64_MAX},
	};
	const Elf64_Phdr past_end = {.p_offset = 0x1ff8, .p_filesz = 11};
	const Elf64_Phdr nowhere[] = {
	    {.p_offset = UINT64_MAX - 4, .p_filesz = 11},
	    {.p_offset = INT64_MAX - 4, .p_filesz = 11},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		g_assert_cmpint(interpreter_of(bytes, wrong[i], &none), ==, -ENOEXEC);
	g_assert_cmpint(interpreter_of(bytes, past_end, &none), ==, -EIO);
	for (size_t i = 0; i < G_N_ELEMENTS(nowhere); i++)
		g_assert_cmpint(interpreter_of(bytes, nowhere[i], &none), ==, -EINVAL);
}

/* --- Dynamic sections ------------------------------------------------------------------------- */

enum { DYNAMIC_AT = 0x1000, STRINGS_AT = 0x1800 };

static struct bytes *make_dynamic(const Elf64_Dyn *entries, size_t count, const char *strings,
                                  size_t strings_size)
{
	struct bytes *bytes = make_elf(2);

	*segment_of(bytes, 1) = (Elf64_Phdr){.p_type = PT_DYNAMIC,
	                                     .p_vaddr = 0x400000 + DYNAMIC_AT,
	                                     .p_offset = DYNAMIC_AT,
	                                     .p_filesz = count * sizeof *entries,
	                                     .p_memsz = count * sizeof *entries};
	memcpy(bytes->data + DYNAMIC_AT, entries, count * sizeof *entries);
	memcpy(bytes->data + STRINGS_AT, strings, strings_size);
	return bytes;
}

static struct elf_dynamic read_dynamic(struct bytes *bytes)
{
	struct elf_file elf = open_good(bytes);
	struct elf_dynamic dynamic;

	elf_dynamic_read(&elf, &dynamic);
	elf_clear(&elf);
	return dynamic;
}

static void test_dynamic(void)
{
	static const char strings[] = "\0libone.so\0libtwo.so\0me.so\0$ORIGIN/lib";
	const Elf64_Dyn entries[] = {
	    {DT_NEEDED, {1}},
	    {DT_STRTAB, {0x400000 + STRINGS_AT}},
	    {DT_STRSZ, {sizeof strings}},
	    {DT_AUXILIARY, {11}},
	    {DT_SONAME, {21}},
	    {DT_RUNPATH, {27}},
	    {DT_FLAGS_1, {DF_1_NODEFLIB}},
	    {DT_NULL, {0}},
	    {DT_NEEDED, {1}}, /* past the end */
	};
	g_autofree struct bytes *bytes =
	    make_dynamic(entries, G_N_ELEMENTS(entries), strings, sizeof strings);
	struct elf_dynamic dynamic = read_dynamic(bytes);

	g_assert_cmpuint(dynamic.needed->len, ==, 2);
	const struct elf_needed *one = g_ptr_array_index(dynamic.needed, 0),
	                        *two = g_ptr_array_index(dynamic.needed, 1);
	g_assert_cmpstr(one->name, ==, "libone.so");
	g_assert_false(one->before);
	g_assert_cmpstr(two->name, ==, "libtwo.so");
	g_assert_true(two->before);
	g_assert_cmpstr(dynamic.soname, ==, "me.so");
	g_assert_cmpstr(dynamic.runpath, ==, "$ORIGIN/lib");
	g_assert_null(dynamic.rpath);
	g_assert_true(dynamic.no_default_path);
	g_assert_false(dynamic.pie);
	elf_dynamic_clear(&dynamic);
}

/*
 * String tables that are missing, outside of the file, without a NUL, or too long: the names are
 * left out.
 */
static void test_dynamic_strings(void)
{
	static const Elf64_Dyn tables[][2] = {
	    {{DT_STRTAB, {0}}, {DT_STRSZ, {100}}},
	    {{DT_STRTAB, {UINT64_MAX - 1}}, {DT_STRSZ, {UINT64_MAX}}},
	    {{DT_STRTAB, {0x500000}}, {DT_STRSZ, {100}}},
	    {{DT_STRTAB, {0x400000 + STRINGS_AT}}, {DT_STRSZ, {0}}},
	    {{DT_STRTAB, {0x400000 + STRINGS_AT}}, {DT_STRSZ, {5}}}, /* cuts the name off */
	    {{DT_STRTAB, {0x400000 + 0x1fff}}, {DT_STRSZ, {UINT64_MAX}}},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
		const Elf64_Dyn entries[] = {
		    tables[i][0], tables[i][1], {DT_NEEDED, {1}}, {DT_SONAME, {UINT64_MAX}}};
		g_autofree struct bytes *bytes =
		    make_dynamic(entries, G_N_ELEMENTS(entries), "\0libone.so", 11);
		struct elf_dynamic dynamic = read_dynamic(bytes);
		g_assert_cmpuint(dynamic.needed->len, ==, 0);
		g_assert_null(dynamic.soname);
		elf_dynamic_clear(&dynamic);
	}
}

/* COUNT entries without a DT_NULL. All except two need the library NAME. */
static struct bytes *make_many(size_t count, const char *name)
{
	struct bytes *bytes = make_elf(2);
	Elf64_Dyn *entries = (Elf64_Dyn *)(bytes->data + 0x2000);

	bytes->size = 0x2000 + count * sizeof *entries;
	segment_of(bytes, 0)->p_filesz = segment_of(bytes, 0)->p_memsz = bytes->size;
	for (size_t i = 2; i < count; i++)
		entries[i] = (Elf64_Dyn){DT_NEEDED, {0}};
	entries[0] = (Elf64_Dyn){DT_STRTAB, {0x401000}};
	entries[1] = (Elf64_Dyn){DT_STRSZ, {strlen(name) + 1}};
	strcpy((char *)bytes->data + 0x1000, name);
	*segment_of(bytes, 1) = (Elf64_Phdr){.p_type = PT_DYNAMIC,
	                                     .p_vaddr = 0x402000,
	                                     .p_filesz = UINT64_MAX,
	                                     .p_memsz = UINT64_MAX};
	return bytes;
}

/*
 * Of thousands of names only a bounded number is read, and of long names a bounded number of bytes.
 */
static void test_dynamic_many(void)
{
	g_autofree char *long_name = g_strnfill(0x7ff, 'x');
	g_autofree struct bytes *many = make_many(8000, "lib.so"),
	                        *much = make_many(1000, long_name);
	struct elf_dynamic dynamic = read_dynamic(many);

	g_assert_cmpuint(dynamic.needed->len, ==, 1024);
	elf_dynamic_clear(&dynamic);
	dynamic = read_dynamic(much);
	g_assert_cmpuint(dynamic.needed->len, ==, 65536 / 0x800);
	elf_dynamic_clear(&dynamic);
}

/* Version records that point to themselves. */
static void test_dynamic_version_loop(void)
{
	const Elf64_Dyn entries[] = {{DT_VERNEED, {0x400000 + STRINGS_AT}},
	                             {DT_VERDEF, {0x400000 + STRINGS_AT}}};
	const Elf64_Verneed need = {.vn_aux = 0, .vn_next = (Elf64_Word)-16};
	g_autofree struct bytes *bytes = make_dynamic(entries, 2, (const char *)&need, sizeof need);
	struct elf_dynamic dynamic = read_dynamic(bytes);

	elf_dynamic_clear(&dynamic);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/elf/header-good", test_header_good);
	g_test_add_func("/elf/header-wrong", test_header_wrong);
	g_test_add_func("/elf/truncated", test_truncated);
	g_test_add_func("/elf/segment-limits", test_segment_limits);
	g_test_add_func("/elf/overlap", test_overlap);
	g_test_add_func("/elf/many-segments", test_many_segments);
	g_test_add_func("/elf/alignment", test_alignment);
	g_test_add_func("/elf/interpreter", test_interpreter);
	g_test_add_func("/elf/dynamic", test_dynamic);
	g_test_add_func("/elf/dynamic-strings", test_dynamic_strings);
	g_test_add_func("/elf/dynamic-many", test_dynamic_many);
	g_test_add_func("/elf/dynamic-version-loop", test_dynamic_version_loop);
	return g_test_run();
}
