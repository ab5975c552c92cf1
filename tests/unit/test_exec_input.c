/*
 * test_exec_input.c - the other untrusted input of exec: #! lines, argument strings, ld.so.cache.
 */
#include "vm/exec/exec.h"
#include "vm/exec/ldcache.h"

#include <errno.h>
#include <string.h>

/* --- #! lines --------------------------------------------------------------------------------- */

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
    /*
     * A blank after the interpreter and no newline: Linux does not trim, and passes an empty
     * argument.
     */
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
		g_assert_cmpint(script_parse(head, &script), ==,
		                c->interpreter != NULL ? 0 : -ENOEXEC);
		g_assert_cmpstr(script.interpreter, ==, c->interpreter);
		g_assert_cmpstr(script.argument, ==, c->argument);
		script_clear(&script);
	}
}

/*
 * A line that fills the buffer. A name that is cut off is refused; an argument that is cut off is
 * used.
 */
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

/* --- Argument strings ------------------------------------------------------------------------- */

/*
 * COUNT copies of one string of LEN bytes (with its NUL), then NULL. Freeing the first element
 * frees the string.
 */
static const char **repeat(size_t count, size_t len)
{
	const char **strings = g_new(const char *, count + 1);
	char *text = g_strnfill(len - 1, 'x');

	for (size_t i = 0; i < count; i++)
		strings[i] = text;
	strings[count] = NULL;
	return strings;
}

/* The limit of strings follows from this process's stack limit of 8 MiB. */
static struct vm_process *process;

static int try_strings(size_t count, size_t len)
{
	const char *const no_environment[] = {NULL};
	g_autofree const char **argv = repeat(count, len);
	struct vm_exec_args args = {.path = "/x", .argv = argv, .envp = no_environment};
	struct exec_strings strings;
	int error = exec_strings_init(&strings, &args, process);

	exec_strings_clear(&strings);
	g_free((char *)argv[0]);
	return error;
}

static void test_strings_limits(void)
{
	g_assert_cmpint(try_strings(1, 131072), ==, 0);
	g_assert_cmpint(try_strings(1, 131073), ==, -E2BIG);
	/* 2 MiB, minus 3 bytes for "/x" and 8 for each pointer. */
	g_assert_cmpint(try_strings(15, 131072), ==, 0);
	g_assert_cmpint(try_strings(16, 131072), ==, -E2BIG);
	g_assert_cmpint(try_strings((2097152 - 3) / 10, 2), ==, 0);
	g_assert_cmpint(try_strings((2097152 - 3) / 10 + 1, 2), ==, -E2BIG);
	g_assert_cmpint(try_strings(262144, 1), ==, -E2BIG);
}

/*
 * A program always gets an argv[0], an empty one if necessary (bprm_stack_limits, since Linux
 * 5.18).
 */
static void test_strings_none(void)
{
	const char *const none[] = {NULL};
	struct vm_exec_args args = {.path = "program", .argv = none, .envp = none};
	struct exec_strings strings;

	g_assert_cmpint(exec_strings_init(&strings, &args, process), ==, 0);
	g_assert_cmpuint(strings.argv.len, ==, 1);
	g_assert_cmpstr(ARRAY_AT(&strings.argv, char *, 0), ==, "");
	exec_strings_clear(&strings);
}

static void test_strings_interpret(void)
{
	const char *const argv[] = {"zero", "one", NULL}, *const envp[] = {NULL};
	struct vm_exec_args args = {.path = "script", .argv = argv, .envp = envp};
	struct script script = {.interpreter = g_strdup("/bin/sh"), .argument = g_strdup("-e")};
	static const char *const expected[] = {"/bin/sh", "-e", "script", "one"};
	struct exec_strings strings;

	g_assert_cmpint(exec_strings_init(&strings, &args, process), ==, 0);
	g_assert_cmpint(exec_strings_interpret(&strings, &script, "script"), ==, 0);
	g_assert_cmpuint(strings.argv.len, ==, G_N_ELEMENTS(expected));
	for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
		g_assert_cmpstr(ARRAY_AT(&strings.argv, char *, i), ==, expected[i]);
	g_assert_cmpuint(strings.size, ==, 7 + 8 + 3 + 7 + 4);
	g_assert_cmpstr(strings.filename, ==, "script");
	exec_strings_clear(&strings);
	script_clear(&script);
}

/* --- ld.so.cache ------------------------------------------------------------------------------ */

/* The layout of the file as glibc writes it. */
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
	file.entry[0] =
	    (typeof(file.entry[0])){0x0303, a, cache_string(&file, "/v3/liba.so"), 0, folder | 0};
	file.entry[1] =
	    (typeof(file.entry[0])){0x0303, a, cache_string(&file, "/lib/liba.so"), 0, 0};
	file.entry[2] =
	    (typeof(file.entry[0])){0x0003, b, cache_string(&file, "/lib32/libb.so"), 0, 0};
	file.entry[3] =
	    (typeof(file.entry[0])){0x0303, b, cache_string(&file, "/lib/libb.so"), 0, 0};
	file.extensions = offsetof(struct cache_file, extension);
	file.extension = (typeof(file.extension)){
	    0xeaa42174, 1, 1, 0, offsetof(struct cache_file, folders), sizeof file.folders};
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

/* A new cache that follows a cache in the old format with one entry. */
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

/*
 * The cache is cut off at every length, and every word of it is set to values that point elsewhere.
 * The reader must not read outside of the file, and must give some answer.
 */
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

/*
 * Hundreds of thousands of entries have the same name. The path of each ends far away, and so does
 * the folder name, which stands behind as many extensions. The reader must read the file only about
 * once, or this test takes minutes.
 */
static void test_cache_large(void)
{
	enum { ENTRIES = 300000, EXTENSIONS = 300000 };
	struct cache_file head = {.entries = ENTRIES, .endianness = 2};
	size_t header_size = offsetof(struct cache_file, entry), entry_size = sizeof head.entry[0];
	size_t extensions = header_size + ENTRIES * entry_size,
	       size = extensions + 8 + (EXTENSIONS + 1) * 16;
	g_autofree char *bytes = g_malloc(size);
	const struct ld_cache cache = {bytes, size};

	memset(bytes, 'x', size);
	memcpy(head.magic, "glibc-ld.so.cache1.1", sizeof head.magic);
	head.extensions = (uint32_t)extensions;
	memcpy(bytes, &head, header_size);
	memcpy(bytes + size - 1, "", 1);
	for (size_t i = 0; i < ENTRIES; i++) {
		typeof(head.entry[0]) entry = {0x0303, (uint32_t)size - 1, (uint32_t)extensions + 8,
		                               0, i % 2 != 0 ? UINT64_C(1) << 62 : 0};
		memcpy(bytes + header_size + i * entry_size, &entry, entry_size);
	}
	const uint32_t list[] = {0xeaa42174, EXTENSIONS + 1};
	memcpy(bytes + extensions, list, sizeof list);
	g_assert_null(ld_cache_find(&cache, "", 4));
}

int main(int argc, char **argv)
{
	struct vm_cred cred = {0, 0};
	struct vm_machine *machine;
	struct vm_config config;
	int error;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/script/lines", test_script);
	g_test_add_func("/script/long", test_script_long);
	g_test_add_func("/strings/limits", test_strings_limits);
	g_test_add_func("/strings/none", test_strings_none);
	g_test_add_func("/strings/interpret", test_strings_interpret);
	g_test_add_func("/ldcache/find", test_cache);
	g_test_add_func("/ldcache/old-format", test_cache_old_format);
	g_test_add_func("/ldcache/hostile", test_cache_hostile);
	g_test_add_func("/ldcache/large", test_cache_large);
	vm_config_init(&config);
	machine = vm_machine_new(&config, NULL);
	process = vm_process_spawn(machine, &cred, "input", &error);
	int status = g_test_run();
	vm_process_unref(process);
	vm_machine_free(machine);
	return status;
}
