/*
 * test_elf.c - the readers of foreign bytes that exec depends on, on bytes made by hand: ELF headers and dynamic sections,
 * #! lines, ld.so.cache.
 */
#include "vm/elf.h"
#include "vm/exec.h"
#include "vm/ldcache.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

/* --- ELF files in memory ------------------------------------------------------------------------------------ */

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

/* A good program of SEGMENTS headers, the first a PT_LOAD of two pages at 0x400000, the others PT_NULL. */
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

/* Every header of the wrong kind, one change at a time. */
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

/* Cut off anywhere in its headers or its pages, it is refused; its last page may be short. */
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
	    {{.p_vaddr = 0x400000, .p_offset = UINT64_MAX - 0xfff, .p_filesz = 0x1000, .p_memsz = 0x1000}, -ENOEXEC},
	    {{.p_vaddr = 0x400000, .p_offset = INT64_MAX - 0xfff, .p_filesz = 0x1000, .p_memsz = 0x1000}, -ENOEXEC},
	    {{.p_vaddr = 0x400000, .p_offset = 0x2000, .p_filesz = 1, .p_memsz = 1}, -ENOEXEC},
	    {{.p_vaddr = 0x400001, .p_offset = 0, .p_filesz = 1, .p_memsz = 1}, -ENOEXEC},
	    {{.p_vaddr = 0x400001, .p_offset = 1, .p_filesz = 1, .p_memsz = 1}, 0},
	    /* Without bytes of the file its offset means nothing. */
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

/* Overlapping segments are no fault of form: the later wins, as in Linux. */
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
	g_autofree struct bytes *most = make_elf(limit), *more = make_elf(limit + 1), *empty = make_elf(limit);

	g_assert_cmpint(try_open(most), ==, 0);
	g_assert_cmpint(try_open(more), ==, -ENOEXEC);
	header_of(more)->e_phnum = UINT16_MAX;
	g_assert_cmpint(try_open(more), ==, -ENOEXEC);
	/* Nothing to load. */
	segment_of(empty, 0)->p_type = PT_NULL;
	g_assert_cmpint(try_open(empty), ==, -ENOEXEC);
	/* A table that wraps around. */
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
	g_assert_cmpint(interpreter_of(bytes, (Elf64_Phdr){.p_offset = 0x1000, .p_filesz = 11}, &path), ==, 0);
	g_assert_cmpstr(path, ==, "/lib/ld.so");

	const Elf64_Phdr wrong[] = {
	    {.p_offset = 0x1000, .p_filesz = 10},         /* no NUL at its end */
	    {.p_offset = 0x1000, .p_filesz = 1},          /* too short */
	    {.p_offset = 0x1000, .p_filesz = 0},          /* empty */
	    {.p_offset = 0x0, .p_filesz = PATH_MAX + 1},  /* too long */
	    {.p_offset = 0x1ff8, .p_filesz = 11},         /* behind the end */
	    {.p_offset = UINT64_MAX - 4, .p_filesz = 11}, /* around the end */
	    {.p_offset = 0x1000, .p_filesz = UINT64_MAX},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		g_assert_cmpint(interpreter_of(bytes, wrong[i], &none), ==, -ENOEXEC);
}

/* --- Dynamic sections --------------------------------------------------------------------------------------- */

enum { DYNAMIC_AT = 0x1000, STRINGS_AT = 0x1800 };

static struct bytes *make_dynamic(const Elf64_Dyn *entries, size_t count, const char *strings, size_t strings_size)
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
	    {DT_NEEDED, {11}},
	    {DT_SONAME, {21}},
	    {DT_RUNPATH, {27}},
	    {DT_FLAGS_1, {DF_1_NODEFLIB}},
	    {DT_NULL, {0}},
	    {DT_NEEDED, {1}}, /* behind the end */
	};
	g_autofree struct bytes *bytes = make_dynamic(entries, G_N_ELEMENTS(entries), strings, sizeof strings);
	struct elf_dynamic dynamic = read_dynamic(bytes);

	g_assert_cmpuint(dynamic.needed->len, ==, 2);
	g_assert_cmpstr(g_ptr_array_index(dynamic.needed, 0), ==, "libone.so");
	g_assert_cmpstr(g_ptr_array_index(dynamic.needed, 1), ==, "libtwo.so");
	g_assert_cmpstr(dynamic.soname, ==, "me.so");
	g_assert_cmpstr(dynamic.runpath, ==, "$ORIGIN/lib");
	g_assert_null(dynamic.rpath);
	g_assert_true(dynamic.no_default_path);
	g_assert_false(dynamic.pie);
	elf_dynamic_clear(&dynamic);
}

/* String tables that are missing, outside, without a NUL, or overlong: the names are left out. */
static void test_dynamic_strings(void)
{
	static const Elf64_Dyn tables[][2] = {
	    {{DT_STRTAB, {0}}, {DT_STRSZ, {100}}},
	    {{DT_STRTAB, {UINT64_MAX - 1}}, {DT_STRSZ, {UINT64_MAX}}},
	    {{DT_STRTAB, {0x500000}}, {DT_STRSZ, {100}}},
	    {{DT_STRTAB, {0x400000 + STRINGS_AT}}, {DT_STRSZ, {0}}},
	    {{DT_STRTAB, {0x400000 + STRINGS_AT}}, {DT_STRSZ, {5}}}, /* cuts the name */
	    {{DT_STRTAB, {0x400000 + 0x1fff}}, {DT_STRSZ, {UINT64_MAX}}},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
		const Elf64_Dyn entries[] = {tables[i][0], tables[i][1], {DT_NEEDED, {1}}, {DT_SONAME, {UINT64_MAX}}};
		g_autofree struct bytes *bytes = make_dynamic(entries, G_N_ELEMENTS(entries), "\0libone.so", 11);
		struct elf_dynamic dynamic = read_dynamic(bytes);
		g_assert_cmpuint(dynamic.needed->len, ==, 0);
		g_assert_null(dynamic.soname);
		elf_dynamic_clear(&dynamic);
	}
}

/* Thousands of DT_NEEDED, without a DT_NULL: a bounded number is read. */
static void test_dynamic_many(void)
{
	g_autofree struct bytes *bytes = make_elf(2);
	Elf64_Dyn *entries = (Elf64_Dyn *)(bytes->data + 0x2000);
	size_t count = 8000;

	bytes->size = 0x2000 + count * sizeof *entries;
	segment_of(bytes, 0)->p_filesz = segment_of(bytes, 0)->p_memsz = bytes->size;
	for (size_t i = 0; i < count; i++)
		entries[i] = (Elf64_Dyn){DT_NEEDED, {1}};
	entries[0] = (Elf64_Dyn){DT_STRTAB, {0x401000}};
	entries[1] = (Elf64_Dyn){DT_STRSZ, {10}};
	strcpy((char *)bytes->data + 0x1001, "lib.so");
	*segment_of(bytes, 1) =
	    (Elf64_Phdr){.p_type = PT_DYNAMIC, .p_vaddr = 0x402000, .p_filesz = UINT64_MAX, .p_memsz = UINT64_MAX};
	struct elf_dynamic dynamic = read_dynamic(bytes);
	g_assert_cmpuint(dynamic.needed->len, ==, 1024);
	elf_dynamic_clear(&dynamic);
}

/* Version records that point to themselves. */
static void test_dynamic_version_loop(void)
{
	const Elf64_Dyn entries[] = {{DT_VERNEED, {0x400000 + STRINGS_AT}}, {DT_VERDEF, {0x400000 + STRINGS_AT}}};
	const Elf64_Verneed need = {.vn_aux = 0, .vn_next = (Elf64_Word)-16};
	g_autofree struct bytes *bytes = make_dynamic(entries, 2, (const char *)&need, sizeof need);
	struct elf_dynamic dynamic = read_dynamic(bytes);

	elf_dynamic_clear(&dynamic);
}

/* --- #! lines ------------------------------------------------------------------------------------------------- */

static const struct script_case {
	const char *head, *interpreter, *argument; /* interpreter NULL: -ENOEXEC */
} script_cases[] = {
    {"#!/bin/sh\n", "/bin/sh", NULL},
    {"#!/bin/sh", "/bin/sh", NULL},
    {"#! \t /bin/sh\n", "/bin/sh", NULL},
    {"#!/bin/sh \t \n", "/bin/sh", NULL},
    {"#!/bin/sh -e\n", "/bin/sh", "-e"},
    {"#!/bin/sh  -e -x  \n", "/bin/sh", "-e -x"},
    {"#!/bin/sh\t-e\nsecond line", "/bin/sh", "-e"},
    {"#!sh\n", "sh", NULL},
    /* Without a newline Linux sees an empty argument behind a blank, and does not trim. */
    {"#!/bin/sh ", "/bin/sh", ""},
    {"#!/bin/sh -e ", "/bin/sh", "-e "},
    {"#!\n", NULL, NULL},
    {"#! \t\n", NULL, NULL},
    {"#!", "", NULL},
    {"#", NULL, NULL},
    {"", NULL, NULL},
    {" #!/bin/sh\n", NULL, NULL},
    {"\177ELF", NULL, NULL},
};

static void test_script(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(script_cases); i++) {
		const struct script_case *c = &script_cases[i];
		char head[SCRIPT_HEAD] = {0};
		struct script script;
		strncpy(head, c->head, sizeof head - 1);
		g_assert_cmpint(script_parse(head, &script), ==, c->interpreter != NULL ? 0 : -ENOEXEC);
		g_assert_cmpstr(script.interpreter, ==, c->interpreter);
		g_assert_cmpstr(script.argument, ==, c->argument);
		script_clear(&script);
	}
}

/* A line that fills the buffer: a name cut off is no name, an argument cut off is one. */
static void test_script_long(void)
{
	char head[SCRIPT_HEAD];
	struct script script;

	memset(head, 'x', sizeof head);
	memcpy(head, "#!", 2);
	g_assert_cmpint(script_parse(head, &script), ==, -ENOEXEC);
	memset(head + 2, ' ', sizeof head - 2);
	g_assert_cmpint(script_parse(head, &script), ==, -ENOEXEC);
	memset(head + 2, 'x', sizeof head - 2);
	head[100] = ' ';
	g_assert_cmpint(script_parse(head, &script), ==, 0);
	g_assert_cmpuint(strlen(script.interpreter), ==, 98);
	g_assert_cmpuint(strlen(script.argument), ==, 154);
	script_clear(&script);
	head[100] = 'x';
	head[SCRIPT_HEAD - 1] = '\n';
	g_assert_cmpint(script_parse(head, &script), ==, 0);
	g_assert_cmpuint(strlen(script.interpreter), ==, 253);
	script_clear(&script);
}

/* --- Argument strings ------------------------------------------------------------------------------------------ */

/* COUNT copies of a string of LEN bytes with its NUL, then NULL. The string is freed with the first element. */
static const char **repeat(size_t count, size_t len)
{
	const char **strings = g_new(const char *, count + 1);
	char *text = g_strnfill(len - 1, 'x');

	for (size_t i = 0; i < count; i++)
		strings[i] = text;
	strings[count] = NULL;
	return strings;
}

static int try_strings(size_t count, size_t len)
{
	const char *const no_environment[] = {NULL};
	g_autofree const char **argv = repeat(count, len);
	struct vm_exec_args args = {.path = "/x", .argv = argv, .envp = no_environment};
	struct exec_strings strings;
	int error = exec_strings_init(&strings, &args, NULL);

	exec_strings_clear(&strings);
	g_free((char *)argv[0]);
	return error;
}

static void test_strings_limits(void)
{
	g_assert_cmpint(try_strings(1, 131072), ==, 0);
	g_assert_cmpint(try_strings(1, 131073), ==, -E2BIG);
	/* 2 MiB less 3 bytes for "/x" and 8 for each pointer. */
	g_assert_cmpint(try_strings(15, 131072), ==, 0);
	g_assert_cmpint(try_strings(16, 131072), ==, -E2BIG);
	g_assert_cmpint(try_strings((2097152 - 3) / 10, 2), ==, 0);
	g_assert_cmpint(try_strings((2097152 - 3) / 10 + 1, 2), ==, -E2BIG);
	g_assert_cmpint(try_strings(262144, 1), ==, -E2BIG);
}

static void test_strings_interpret(void)
{
	const char *const argv[] = {"zero", "one", NULL}, *const envp[] = {NULL};
	struct vm_exec_args args = {.path = "script", .argv = argv, .envp = envp};
	struct script script = {.interpreter = g_strdup("/bin/sh"), .argument = g_strdup("-e")};
	static const char *const expected[] = {"/bin/sh", "-e", "script", "one"};
	struct exec_strings strings;

	g_assert_cmpint(exec_strings_init(&strings, &args, NULL), ==, 0);
	g_assert_cmpint(exec_strings_interpret(&strings, &script, "script"), ==, 0);
	g_assert_cmpuint(strings.argv->len, ==, G_N_ELEMENTS(expected));
	for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
		g_assert_cmpstr(g_ptr_array_index(strings.argv, i), ==, expected[i]);
	g_assert_cmpuint(strings.size, ==, 7 + 8 + 3 + 7 + 4);
	g_assert_cmpstr(strings.filename, ==, "script");
	exec_strings_clear(&strings);
	script_clear(&script);
}

/* --- ld.so.cache ------------------------------------------------------------------------------------------------- */

/* The layout of the file, as glibc writes it. */
struct cache_file {
	char magic[20];
	uint32_t entries, strings_size;
	uint8_t endianness, padding[3];
	uint32_t extensions, unused[3];
	struct {
		uint32_t flags, name, path, unused;
		uint64_t hwcap;
	} entry[4];
	char strings[128];
	struct {
		uint32_t magic, count, tag, flags, offset, size;
	} extension;
	uint32_t folders[2];
};

static uint32_t cache_string(struct cache_file *file, const char *text)
{
	char *at = file->strings + file->strings_size;

	strcpy(at, text);
	file->strings_size += (uint32_t)strlen(text) + 1;
	return (uint32_t)(at - (char *)file);
}

static struct cache_file make_cache(void)
{
	struct cache_file file = {.entries = 4, .endianness = 2};
	uint64_t folder = UINT64_C(1) << 62;

	memcpy(file.magic, "glibc-ld.so.cache1.1", sizeof file.magic);
	uint32_t a = cache_string(&file, "liba.so"), b = cache_string(&file, "libb.so");
	file.entry[0] = (typeof(file.entry[0])){0x0303, a, cache_string(&file, "/v3/liba.so"), 0, folder | 0};
	file.entry[1] = (typeof(file.entry[0])){0x0303, a, cache_string(&file, "/lib/liba.so"), 0, 0};
	file.entry[2] = (typeof(file.entry[0])){0x0003, b, cache_string(&file, "/lib32/libb.so"), 0, 0};
	file.entry[3] = (typeof(file.entry[0])){0x0303, b, cache_string(&file, "/lib/libb.so"), 0, 0};
	file.extensions = offsetof(struct cache_file, extension);
	file.extension =
	    (typeof(file.extension)){0xeaa42174, 1, 1, 0, offsetof(struct cache_file, folders), sizeof file.folders};
	file.folders[0] = cache_string(&file, "x86-64-v3");
	file.folders[1] = cache_string(&file, "other");
	return file;
}

static void test_cache(void)
{
	struct cache_file file = make_cache();
	struct ld_cache cache = {(char *)&file, sizeof file};

	g_assert_cmpstr(ld_cache_find(&cache, "liba.so", 4), ==, "/v3/liba.so");
	g_assert_cmpstr(ld_cache_find(&cache, "liba.so", 2), ==, "/lib/liba.so");
	g_assert_cmpstr(ld_cache_find(&cache, "libb.so", 4), ==, "/lib/libb.so");
	g_assert_null(ld_cache_find(&cache, "lib", 4));
	g_assert_null(ld_cache_find(&cache, "", 4));
	g_assert_null(ld_cache_find(&(struct ld_cache){NULL, 0}, "liba.so", 4));
}

/* Behind a cache in the old format, of one entry. */
static void test_cache_old_format(void)
{
	struct cache_file file = make_cache();
	char bytes[32 + sizeof file] = "ld.so-1.7.0";
	uint32_t entries = 1;

	memcpy(bytes + 12, &entries, sizeof entries);
	memcpy(bytes + 32, &file, sizeof file);
	struct ld_cache cache = {bytes, sizeof bytes};
	g_assert_cmpstr(ld_cache_find(&cache, "libb.so", 1), ==, "/lib/libb.so");
	entries = UINT32_MAX;
	memcpy(bytes + 12, &entries, sizeof entries);
	g_assert_null(ld_cache_find(&cache, "libb.so", 1));
}

/* Cut off at every length, and with every word of it set to values that point away: no read outside, some answer. */
static void test_cache_hostile(void)
{
	static const uint32_t values[] = {0, 1, 0x7fffffff, 0xfffffff0, UINT32_MAX};
	const struct cache_file good = make_cache();

	for (size_t size = 0; size <= sizeof good; size++) {
		g_autofree char *copy = g_memdup2(&good, MAX(size, 1));
		ld_cache_find(&(struct ld_cache){copy, size}, "liba.so", 4);
	}
	for (size_t at = sizeof good.magic; at < sizeof good; at += sizeof(uint32_t)) {
		for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
			g_autofree char *copy = g_memdup2(&good, sizeof good);
			memcpy(copy + at, &values[i], sizeof values[i]);
			ld_cache_find(&(struct ld_cache){copy, sizeof good}, "liba.so", 4);
		}
	}
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
	g_test_add_func("/script/lines", test_script);
	g_test_add_func("/script/long", test_script_long);
	g_test_add_func("/strings/limits", test_strings_limits);
	g_test_add_func("/strings/interpret", test_strings_interpret);
	g_test_add_func("/ldcache/find", test_cache);
	g_test_add_func("/ldcache/old-format", test_cache_old_format);
	g_test_add_func("/ldcache/hostile", test_cache_hostile);
	return g_test_run();
}
