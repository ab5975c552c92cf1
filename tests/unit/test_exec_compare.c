/*
 * test_exec_compare.c - exec against the kernel and ld.so, on real programs (fixture/exec_host.h).
 *
 *     test_exec_compare STATIC STATIC_PIE FIXED STATIC_PIE_ALIGNED LIBRARIES [PROGRAM...]
 *
 * The arguments are builds of exec_target.c, then other programs to compare.
 */
#include "tests/fixture/exec_host.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Cases ------------------------------------------------------------------------------------ */

static void check(enum exec_verdict verdict, GString *text)
{
	if (verdict == EXEC_NOT_COMPARABLE)
		g_test_skip(text->str);
	else
		g_assert_cmpstr(text->str, ==, "");
	g_string_free(text, TRUE);
}

static void compare_kernel(const char *path, char *const *argv)
{
	GString *text = g_string_new(NULL);

	check(exec_compare_kernel(&(struct exec_case){.path = path, .argv = argv}, text), text);
}

static void compare_libraries(const char *path, const char *const *envp)
{
	GString *text = g_string_new(NULL);

	check(exec_compare_libraries(&(struct exec_case){.path = path, .envp = envp}, text), text);
}

static void test_kernel(gconstpointer path)
{
	char empty[] = "", one[] = "one", words[] = "three words here";
	char *argv[] = {(char *)path, one, empty, words, NULL};

	compare_kernel(path, argv);
}

static void test_libraries(gconstpointer path)
{
	compare_libraries(path, NULL);
}

/* Many and long strings, so that the stack starts lower. */
static void test_long_arguments(void)
{
	enum { COUNT = 5000 };
	g_auto(GStrv) argv = g_new0(char *, COUNT + 1);

	for (int i = 0; i < COUNT; i++)
		argv[i] = g_strdup_printf("%*d", i % 300, i);
	compare_kernel("/bin/true", argv);
}

static void test_stack_limit(void)
{
	static const rlim_t limits[] = {64 << 10,  100000,          256 << 10,    127 << 20,
	                                200 << 20, (rlim_t)3 << 30, RLIM_INFINITY};
	char name[] = "true";
	char *argv[] = {name, NULL};
	struct rlimit own, tried;

	g_assert_cmpint(getrlimit(RLIMIT_STACK, &own), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
		tried = (struct rlimit){MIN(limits[i], own.rlim_max), own.rlim_max};
		g_assert_cmpint(setrlimit(RLIMIT_STACK, &tried), ==, 0);
		compare_kernel("/bin/true", argv);
	}
	g_assert_cmpint(setrlimit(RLIMIT_STACK, &own), ==, 0);
}

static char *write_script(const char *folder, const char *name, const char *text)
{
	char *path = g_build_filename(folder, name, NULL);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	g_assert_cmpint(chmod(path, 0755), ==, 0);
	return path;
}

static void test_script(void)
{
	g_autofree char *folder = g_dir_make_tmp("exec_compare_XXXXXX", NULL);
	g_autofree char *inner =
	    write_script(folder, "a-name-longer-than-comm", "#! /bin/bash  -e -u \necho\n");
	g_autofree char *line = g_strdup_printf("#!%s\n", inner);
	g_autofree char *outer = write_script(folder, "outer", line);
	char zero[] = "zero", one[] = "one";
	char *argv[] = {zero, one, NULL};

	compare_kernel(inner, argv);
	compare_kernel(outer, argv);
	unlink(inner);
	unlink(outer);
	rmdir(folder);
}

/* --- Files by hand ---------------------------------------------------------------------------- */

enum { MOST_SEGMENTS = 3 };

struct odd {
	const char *name;
	uint16_t type;
	uint64_t entry, size; /* size: bytes of the file */
	Elf64_Phdr segments[MOST_SEGMENTS];
};

/* Corners of load_elf_binary. */
static const struct odd odds[] = {
    /* .bss just below other anonymous memory, with which it could merge */
    {"bss-below",
     ET_EXEC,
     0x400200,
     0x1000,
     {{PT_LOAD, PF_R | PF_W, 0, 0x402000, 0, 0, 0x1000, 0x1000},
      {PT_LOAD, PF_R | PF_W, 0, 0x400000, 0, 0x1000, 0x2000, 0x1000}}},
    /* and just above */
    {"bss-above",
     ET_EXEC,
     0x400200,
     0x1000,
     {{PT_LOAD, PF_R | PF_W, 0, 0x400000, 0, 0x1000, 0x2000, 0x1000},
      {PT_LOAD, PF_R | PF_W, 0, 0x402000, 0, 0, 0x1000, 0x1000}}},
    /* a large static PIE: the offset of its first segment decides where it lies */
    {"offset",
     ET_DYN,
     0x1200,
     0x602000,
     {{PT_LOAD, PF_R | PF_X, 0x1000, 0x1000, 0, 0x600000, 0x600000, 0x2000}}},
    {"offset-aligned-as-pages",
     ET_DYN,
     0x1200,
     0x602000,
     {{PT_LOAD, PF_R | PF_X, 0x1000, 0x1000, 0, 0x600000, 0x600000, 0x1000}}},
    {"offset-and-address",
     ET_DYN,
     0x205200,
     0x602000,
     {{PT_LOAD, PF_R | PF_X, 0x5000, 0x205000, 0, 0x500000, 0x500000, 0x4000}}},
    /* a static PIE whose first segment has no bytes in the file */
    {"nothing-first",
     ET_DYN,
     0x20200,
     0x1000,
     {{PT_LOAD, PF_R | PF_W, 0, 0x10000, 0, 0, 0x1000, 0x1000},
      {PT_LOAD, PF_R | PF_X, 0, 0x20000, 0, 0x1000, 0x1000, 0x1000}}},
    {"nothing-first-aligned",
     ET_DYN,
     0x40200,
     0x1000,
     {{PT_LOAD, PF_R | PF_W, 0, 0x20000, 0, 0, 0x1000, 0x10000},
      {PT_LOAD, PF_R | PF_X, 0, 0x40000, 0, 0x1000, 0x1000, 0x10000}}},
};

/* Write ODD to PATH. Its code is never reached. */
static void write_odd(const struct odd *odd, const char *path)
{
	int count = 0, fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);

	while (count < MOST_SEGMENTS && odd->segments[count].p_type != PT_NULL)
		count++;
	const Elf64_Ehdr header = {
	    .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
	    .e_type = odd->type,
	    .e_machine = EM_X86_64,
	    .e_version = EV_CURRENT,
	    .e_entry = odd->entry,
	    .e_phoff = sizeof header,
	    .e_ehsize = sizeof header,
	    .e_phentsize = sizeof(Elf64_Phdr),
	    .e_phnum = (uint16_t)count};
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(pwrite(fd, &header, sizeof header, 0), ==, sizeof header);
	g_assert_cmpint(pwrite(fd, odd->segments, sizeof odd->segments, sizeof header), ==,
	                sizeof odd->segments);
	g_assert_cmpint(ftruncate(fd, (off_t)odd->size), ==, 0);
	close(fd);
}

static void test_odd(gconstpointer data)
{
	const struct odd *odd = data;
	g_autofree char *folder = g_dir_make_tmp("exec_compare_XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, odd->name, NULL);

	write_odd(odd, path);
	compare_kernel(path, NULL);
	unlink(path);
	rmdir(folder);
}

int main(int argc, char **argv)
{
	static const char *const system_programs[] = {"/bin/true", "/bin/ls", "/bin/bash"};
	static const char *const names[] = {"static", "static-pie", "fixed", "static-pie-aligned",
	                                    "libraries"};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(system_programs); i++) {
		g_autofree char *kernel = g_strconcat("/exec/kernel", system_programs[i], NULL);
		g_autofree char *libraries =
		    g_strconcat("/exec/libraries", system_programs[i], NULL);
		g_test_add_data_func(kernel, system_programs[i], test_kernel);
		g_test_add_data_func(libraries, system_programs[i], test_libraries);
	}
	for (int i = 0; i < (int)G_N_ELEMENTS(names) && i + 1 < argc; i++) {
		g_autofree char *kernel = g_strconcat("/exec/kernel/", names[i], NULL);
		g_test_add_data_func(kernel, argv[i + 1], test_kernel);
	}
	if (argc > 3)
		g_test_add_data_func("/exec/libraries/fixed", argv[3], test_libraries);
	for (int i = 5; i < argc; i++) {
		g_autofree char *name = g_strconcat("/exec/libraries/given", argv[i], NULL);
		g_test_add_data_func(name, argv[i], test_libraries);
	}
	g_test_add_func("/exec/kernel/long-arguments", test_long_arguments);
	g_test_add_func("/exec/kernel/stack-limit", test_stack_limit);
	g_test_add_func("/exec/kernel/script", test_script);
	for (size_t i = 0; i < G_N_ELEMENTS(odds); i++) {
		g_autofree char *name = g_strconcat("/exec/odd/", odds[i].name, NULL);
		g_test_add_data_func(name, &odds[i], test_odd);
	}
	return g_test_run();
}
