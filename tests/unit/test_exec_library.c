/*
 * test_exec_library.c - the libraries that exec maps in place of ld.so: libraries that need each
 * other, are missing, have several names, or are damaged. Also what ld.so allocates depending on
 * the processor.
 *
 *     test_exec_library STATIC STATIC_PIE FIXED    (three builds of exec_target.c)
 *
 * FIXED is linked dynamically.
 */
#include "tests/fixture/exec_fixture.h"
#include "vm/exec/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t count_lines_with(const char *text, const char *word)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	size_t count = 0;

	for (size_t i = 0; lines[i] != NULL; i++)
		count += strstr(lines[i], word) != NULL;
	return count;
}

/* The areas of the dynamic target, run with LD_PRELOAD=PATH. */
static char *exec_with_library(struct exec_fixture *f, const char *path)
{
	g_assert_cmpint(vm_process_setenv(f->process, "LD_PRELOAD", path), ==, 0);
	g_assert_cmpint(exec_path(f, exec_targets[2]), ==, 0);
	return exec_areas(f);
}

/* a needs b. b needs c and a. c needs itself and a library that does not exist. */
static void test_library_circle(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *a =
	    exec_write_library(f, "liba.so", (const char *[]){"libb.so", NULL}, "$ORIGIN");
	g_autofree char *b = exec_write_library(
	    f, "libb.so", (const char *[]){"libc_.so", "liba.so", NULL}, "${ORIGIN}");
	g_autofree char *c = exec_write_library(
	    f, "libc_.so", (const char *[]){"libc_.so", "libnone.so", NULL}, "$ORIGIN");
	g_autofree char *text = exec_with_library(f, a);

	g_assert_cmpuint(count_lines_with(text, a), ==, 1);
	g_assert_cmpuint(count_lines_with(text, b), ==, 1);
	g_assert_cmpuint(count_lines_with(text, c), ==, 1);
	g_assert_cmpuint(count_lines_with(text, "libc.so.6"), >, 3);
	g_assert_cmpuint(count_lines_with(text, "[heap]"), ==, 1);
}

/* The library is found in LD_LIBRARY_PATH. A script or a cut-off file of that name is skipped. */
static void test_library_path(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *top = exec_write_library(
	    f, "libtop.so", (const char *[]){"libx.so", "liby.so", NULL}, "/nowhere");
	g_autofree char *x = exec_write_library(f, "libx.so", (const char *[]){NULL}, "");
	g_autofree char *y = exec_write_text(f, "liby.so", "INPUT(libx.so)\n");
	g_autofree char *list = g_strconcat("/nowhere:/etc;", f->folder, NULL);

	g_assert_cmpint(vm_process_setenv(f->process, "LD_LIBRARY_PATH", list), ==, 0);
	g_autofree char *text = exec_with_library(f, top);
	g_assert_cmpuint(count_lines_with(text, top), ==, 1);
	g_assert_cmpuint(count_lines_with(text, x), ==, 1);
	g_assert_cmpuint(count_lines_with(text, y), ==, 0);
}

/* How often the library libx.so is mapped by PROGRAM, with LD_PRELOAD=NAME. */
static unsigned preloaded(struct exec_fixture *f, const char *program, const char *name)
{
	g_assert_cmpint(vm_process_setenv(f->process, "LD_PRELOAD", name), ==, 0);
	g_assert_cmpint(exec_path(f, program), ==, 0);
	g_autofree char *text = exec_areas(f);
	return count_lines_with(text, "libx.so");
}

/* For a setuid program neither LD_LIBRARY_PATH counts nor a path in LD_PRELOAD. */
static void test_library_secure(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *x = exec_write_library(f, "libx.so", (const char *[]){NULL}, "");
	g_autofree char *bytes = NULL;
	size_t size;

	if (getuid() != 0) {
		g_test_skip("needs root");
		return;
	}
	g_assert_true(g_file_get_contents(exec_targets[2], &bytes, &size, NULL));
	g_autofree char *program = exec_write(f, "program", bytes, size);
	g_assert_cmpint(vm_process_setenv(f->process, "LD_LIBRARY_PATH", f->folder), ==, 0);
	g_assert_cmpint(chmod(x, 04755), ==, 0);
	g_assert_cmpuint(preloaded(f, program, x), ==, 1);
	g_assert_cmpuint(preloaded(f, program, "libx.so"), ==, 1);
	g_assert_cmpint(chown(program, 1234, 1234), ==, 0);
	g_assert_cmpint(chmod(program, 04755), ==, 0);
	g_assert_cmpuint(preloaded(f, program, x), ==, 0);
	g_assert_cmpuint(preloaded(f, program, "libx.so"), ==, 0);
	/* Set-group-id without the right to execute for the group is no set-group-id. */
	g_assert_cmpint(chmod(program, 02745), ==, 0);
	g_assert_cmpuint(preloaded(f, program, x), ==, 1);
}

/*
 * A library that needs as many names as possible, in folders that do not exist. The work is
 * bounded, and all names are left out.
 */
static void test_library_missing(struct exec_fixture *f, gconstpointer data)
{
	const char *needed[MAX_DYNAMIC - 4] = {NULL};
	g_autofree char *runpath = g_strnfill(600, ':');

	for (size_t i = 0; i < G_N_ELEMENTS(needed) - 1; i++)
		needed[i] = i % 2 ? "m" : "n";
	g_autofree char *top = exec_write_library(f, "libtop.so", needed, runpath);
	g_autofree char *text = exec_with_library(f, top);
	g_assert_cmpuint(count_lines_with(text, top), ==, 1);
}

/* A file with two names is mapped once. */
static void test_library_names(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *top = exec_write_library(
	    f, "libtop.so", (const char *[]){"libone.so", "libtwo.so", NULL}, "$ORIGIN");
	g_autofree char *one = exec_write_library(f, "libone.so", (const char *[]){NULL}, "");
	g_autofree char *two = exec_path_of(f, "libtwo.so");

	g_assert_cmpint(link(one, two), ==, 0);
	g_autofree char *text = exec_with_library(f, top);
	g_assert_cmpuint(count_lines_with(text, one) + count_lines_with(text, two), ==, 1);
}

/*
 * A library linked with -z nodefaultlib finds nothing in the default folders, and nothing through
 * the cache.
 */
static void test_library_no_default(struct exec_fixture *f, gconstpointer data)
{
	static const struct {
		uint64_t flags;
		bool found;
	} cases[] = {{0, true}, {DF_1_NODEFLIB, false}};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = exec_write_library(
		    f, "libtop.so", (const char *[]){"libm.so.6", NULL}, "$ORIGIN/${UNKNOWN}/$X");
		g_autofree char *bytes = NULL;
		size_t size;
		g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
		/* After the four entries that are there. */
		((Elf64_Dyn *)(void *)(bytes + DYNAMIC_AT))[4] =
		    (Elf64_Dyn){DT_FLAGS_1, {cases[i].flags}};
		g_free(exec_write(f, "libtop.so", bytes, size));
		g_autofree char *text = exec_with_library(f, path);
		g_assert_cmpuint(count_lines_with(text, path), ==, 1);
		g_assert_cmpint(count_lines_with(text, "/libm.so.6") > 0, ==, cases[i].found);
	}
}

struct first_area {
	const char *suffix; /* of the area's name */
	uint64_t start;
	char perm[5];
};

static bool find_first(void *ctx, const struct vm_area_info *area)
{
	struct first_area *first = ctx;

	if (first->start != 0 || area->name == NULL || !g_str_has_suffix(area->name, first->suffix))
		return true;
	first->start = area->start;
	memcpy(first->perm, area->perm, sizeof first->perm);
	return true;
}

static int peek(struct exec_fixture *f, uint64_t va)
{
	uint8_t byte;

	return vm_peek(f->process, va, &byte, 1) == 1 ? byte : -1;
}

/*
 * Zeros follow the part of a segment that is in the file, even in its last page, and even if the
 * segment is not writable.
 */
static void test_library_read_only_tail(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *path =
	    exec_write_library(f, "libtop.so", (const char *[]){NULL}, "$ORIGIN");
	struct first_area first = {.suffix = "libtop.so"};
	g_autofree char *bytes = NULL;
	size_t size;

	g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
	Elf64_Phdr *load = (Elf64_Phdr *)(void *)(bytes + sizeof(Elf64_Ehdr));
	load->p_flags = PF_R;
	load->p_filesz = 0xf00;
	load->p_memsz = 0x1800;
	bytes[0xeff] = bytes[0xf00] = 'x';
	g_free(exec_write(f, "libtop.so", bytes, size));
	g_autofree char *text = exec_with_library(f, path);
	g_assert_cmpint(vm_process_areas(f->process, 0, find_first, &first), ==, 0);
	g_assert_cmpstr(first.perm, ==, "r--p");
	g_assert_cmpint(peek(f, first.start + 0xeff), ==, 'x');
	g_assert_cmpint(peek(f, first.start + 0xf00), ==, 0);
	g_assert_cmpint(peek(f, first.start + 0x1000), ==, 0);
}

/* Damage to a library never makes exec fail, except with ENOMEM. */
static void test_library_damaged(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *path =
	    exec_write_library(f, "libx.so", (const char *[]){"libx.so", NULL}, "$ORIGIN");
	g_autofree char *bytes = NULL;
	size_t size;

	g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
	g_assert_cmpint(vm_process_setenv(f->process, "LD_PRELOAD", path), ==, 0);
	for (int i = 0; i < 400; i++) {
		g_autofree char *copy = g_memdup2(bytes, size);
		size_t at = (size_t)g_test_rand_int_range(0, DYNAMIC_AT + 64);
		uint64_t value = (uint64_t)g_test_rand_int() << g_test_rand_int_range(0, 33);
		memcpy(copy + at, &value, sizeof value);
		g_free(exec_write(f, "libx.so", copy, size));
		int error = exec_path(f, exec_targets[2]);
		g_assert_true(error == 0 || error == -ENOMEM);
	}
}

/* $PLATFORM is the processor's name, which can differ from the kernel's AT_PLATFORM. */
static void test_library_platform(struct exec_fixture *f, gconstpointer data)
{
	struct processor processor;

	processor_read(&processor);
	g_autofree char *name = g_strdup_printf("libx-%s.so", processor.platform);
	g_autofree char *x = exec_write_library(f, name, (const char *[]){NULL}, "");
	g_autofree char *top = exec_write_library(
	    f, "libtop.so", (const char *[]){"$ORIGIN/libx-${PLATFORM}.so", NULL}, "");
	g_autofree char *text = exec_with_library(f, top);
	g_assert_cmpuint(count_lines_with(text, x), ==, 1);
}

/* These numbers were traced in glibc 2.36 on processors of AMD and Intel. */
static void test_library_subfolders(void)
{
	static const struct {
		struct processor processor;
		unsigned count;
		uint64_t size;
	} known[] = {
	    {{.level = 4, .avx512 = false, .platform = "x86_64"}, 11, 274},
	    {{.level = 4, .avx512 = true, .platform = "haswell"}, 19, 451},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		g_assert_cmpuint(ld_heap_subfolders(&known[i].processor), ==, known[i].count);
		g_assert_cmpuint(ld_heap_subfolders_size(&known[i].processor), ==, known[i].size);
	}
}

/* The host's libc publishes the size for debuggers. */
static void test_library_tcb(void)
{
	const uint32_t *size = dlsym(RTLD_DEFAULT, "_thread_db_sizeof_pthread");

	if (size == NULL || strcmp(gnu_get_libc_version(), "2.36") != 0)
		g_test_skip("the allocations of this ld.so are not known");
	else
		g_assert_cmpuint(LD_HEAP_TCB, ==, *size);
}

int main(int argc, char **argv)
{
	static const struct exec_test tests[] = {
	    {"/exec/library/circle", test_library_circle},
	    {"/exec/library/path", test_library_path},
	    {"/exec/library/secure", test_library_secure},
	    {"/exec/library/missing", test_library_missing},
	    {"/exec/library/names", test_library_names},
	    {"/exec/library/no-default", test_library_no_default},
	    {"/exec/library/read-only-tail", test_library_read_only_tail},
	    {"/exec/library/damaged", test_library_damaged},
	    {"/exec/library/platform", test_library_platform},
	};

	exec_begin(argc, argv, tests, G_N_ELEMENTS(tests));
	g_test_add_func("/exec/library/subfolders", test_library_subfolders);
	g_test_add_func("/exec/library/tcb", test_library_tcb);
	return g_test_run();
}
