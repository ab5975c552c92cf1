/*
 * test_exec_compare.c - exec against the kernel. A program is started on the host without address
 * randomisation and stopped at its first instruction. The engine executes the same program. Areas,
 * contents, stack, auxiliary vector and registers must agree. Then the host's process runs on to
 * its entry point, and its areas are compared with those that the engine maps for the libraries.
 *
 *     test_exec_compare STATIC STATIC_PIE FIXED STATIC_PIE_ALIGNED LIBRARIES [PROGRAM...]
 *
 * The arguments are builds of exec_target.c, then other programs to compare.
 */
#include "tests/fixture/exec_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/user.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOST_TIMEOUT = 30, RANDOM_BYTES = 16 };

static const char *const environment[] = {"PATH=/usr/bin:/bin", "LANG=C", "EMPTY=", "exec_compare",
                                          NULL};

/* --- One area, from either side --------------------------------------------------------------- */

struct area {
	uint64_t start, end, offset;
	char perm[5];
	dev_t dev;
	ino_t ino;
	char *name;
};

static void area_free(struct area *area)
{
	g_free(area->name);
	g_free(area);
}

static char *area_text(const struct area *area)
{
	return g_strdup_printf("%lx-%lx %s %08lx %x:%x %lu %s", area->start, area->end, area->perm,
	                       area->offset, major(area->dev), minor(area->dev), area->ino,
	                       area->name);
}

/* --- The host's process ----------------------------------------------------------------------- */

struct host {
	pid_t pid;
	int mem;
};

static void host_child(const char *path, char *const *argv)
{
	alarm(HOST_TIMEOUT);
	personality(ADDR_NO_RANDOMIZE);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(126);
	execve(path, argv, (char *const *)environment);
	_exit(127);
}

/* Start PATH and stop it at its first instruction. False where ptrace is not allowed. */
static bool host_start(struct host *host, const char *path, char *const *argv)
{
	int status;

	host->pid = fork();
	g_assert_cmpint(host->pid, >=, 0);
	if (host->pid == 0)
		host_child(path, argv);
	g_assert_cmpint(waitpid(host->pid, &status, 0), ==, host->pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 126)
		return false;
	g_assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	g_assert_cmpint(ptrace(PTRACE_SETOPTIONS, host->pid, NULL, PTRACE_O_EXITKILL), ==, 0);
	g_autofree char *name = g_strdup_printf("/proc/%d/mem", host->pid);
	host->mem = open(name, O_RDWR | O_CLOEXEC);
	g_assert_cmpint(host->mem, >=, 0);
	return true;
}

static void host_stop(struct host *host)
{
	kill(host->pid, SIGKILL);
	waitpid(host->pid, NULL, 0);
	close(host->mem);
}

/* Let it run until it is about to execute the instruction at ADDRESS. */
static void host_run_to(struct host *host, uint64_t address)
{
	static const uint8_t breakpoint = 0xcc;
	int status;

	g_assert_cmpint(pwrite(host->mem, &breakpoint, 1, (off_t)address), ==, 1);
	g_assert_cmpint(ptrace(PTRACE_CONT, host->pid, NULL, NULL), ==, 0);
	g_assert_cmpint(waitpid(host->pid, &status, 0), ==, host->pid);
	g_assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
}

static char *host_file(const struct host *host, const char *name, size_t *len)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/%s", host->pid, name);
	char *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, len, NULL));
	return text;
}

static struct area *parse_area(const char *line)
{
	struct area *area = g_new0(struct area, 1);
	unsigned major_number, minor_number;
	int name_at = 0;

	g_assert_cmpint(sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %n", &area->start, &area->end,
	                       area->perm, &area->offset, &major_number, &minor_number, &area->ino,
	                       &name_at),
	                ==, 7);
	area->dev = makedev(major_number, minor_number);
	area->name = g_strdup(line + name_at);
	return area;
}

static GPtrArray *host_areas(const struct host *host)
{
	GPtrArray *areas = g_ptr_array_new_with_free_func((GDestroyNotify)area_free);
	g_autofree char *text = host_file(host, "maps", NULL);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (size_t i = 0; lines[i] != NULL; i++)
		if (lines[i][0] != '\0' && strstr(lines[i], "[vsyscall]") == NULL)
			g_ptr_array_add(areas, parse_area(lines[i]));
	return areas;
}

/* Field NUMBER of /proc/PID/stat, counted from 1. */
static uint64_t host_stat(const struct host *host, int number)
{
	g_autofree char *text = host_file(host, "stat", NULL);
	g_auto(GStrv) fields = g_strsplit(strrchr(text, ')') + 2, " ", -1);

	return strtoull(fields[number - 3], NULL, 10);
}

/* --- The engine's process --------------------------------------------------------------------- */

struct engine {
	struct vm_machine *machine;
	struct vm_process *process;
};

/* The limit that the host's process has from us: the place for mappings depends on it. */
static void take_stack_limit(struct vm_process *process)
{
	struct rlimit own;

	G_STATIC_ASSERT(RLIM_INFINITY == VM_UNLIMITED);
	g_assert_cmpint(getrlimit(RLIMIT_STACK, &own), ==, 0);
	g_assert_cmpint(vm_process_set_limit(process, VM_LIMIT_STACK, own.rlim_cur, own.rlim_max),
	                ==, 0);
}

static void engine_start(struct engine *engine, const char *path, char *const *argv,
                         bool kernel_only)
{
	struct vm_cred cred = {.uid = getuid(), .gid = getgid()};
	struct vm_config config;
	uint64_t entry;
	int error = 0;

	vm_config_init(&config);
	engine->machine = vm_machine_new(&config, NULL);
	g_assert_nonnull(engine->machine);
	engine->process = vm_process_spawn(engine->machine, &cred, "compare", &error);
	g_assert_nonnull(engine->process);
	take_stack_limit(engine->process);
	struct vm_exec_args args = {.path = path,
	                            .argv = (const char *const *)argv,
	                            .envp = environment,
	                            .opener = {.open = exec_open, .ctx = engine->machine},
	                            .kernel_only = kernel_only};
	g_assert_cmpint(vm_exec(engine->process, &args, &entry), ==, 0);
}

static void engine_stop(struct engine *engine)
{
	g_autofree char *wrong = vm_machine_check(engine->machine);

	g_assert_null(wrong);
	vm_process_exit(engine->process, 0);
	vm_process_unref(engine->process);
	vm_machine_free(engine->machine);
}

static bool take_area(void *ctx, const struct vm_area_info *info)
{
	struct area *area = g_new0(struct area, 1);

	*area = (struct area){info->start, info->end, info->offset,        "",
	                      info->dev,   info->ino, g_strdup(info->name)};
	g_strlcpy(area->perm, info->perm, sizeof area->perm);
	if (area->name == NULL)
		area->name = g_strdup("");
	g_ptr_array_add(ctx, area);
	return true;
}

static GPtrArray *engine_areas(const struct engine *engine)
{
	GPtrArray *areas = g_ptr_array_new_with_free_func((GDestroyNotify)area_free);

	g_assert_cmpint(vm_process_areas(engine->process, 0, take_area, areas), ==, 0);
	return areas;
}

static void take_bytes(void *ctx, const struct iovec *iov, int count)
{
	char *at = ctx;

	for (int i = 0; i < count; i++)
		at = (char *)memcpy(at, iov[i].iov_base, iov[i].iov_len) + iov[i].iov_len;
}

static void engine_read(const struct engine *engine, uint64_t va, char *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t got = vm_read(engine->process, va + done, MIN(len - done, 65536),
		                      take_bytes, bytes + done);
		g_assert_cmpint(got, >, 0);
		done += (size_t)got;
	}
}

/* --- Comparing -------------------------------------------------------------------------------- */

static GString *areas_text(const GPtrArray *areas, const char *without)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < areas->len; i++) {
		const struct area *area = g_ptr_array_index(areas, i);
		g_autofree char *line = area_text(area);
		if (without == NULL || strcmp(area->name, without) != 0)
			g_string_append_printf(text, "%s\n", line);
	}
	return text;
}

static void compare_areas(const struct host *host, const struct engine *engine, const char *without)
{
	g_autoptr(GPtrArray) expected = host_areas(host);
	g_autoptr(GPtrArray) found = engine_areas(engine);
	GString *expected_text = areas_text(expected, without),
	        *found_text = areas_text(found, without);

	g_assert_cmpstr(found_text->str, ==, expected_text->str);
	g_string_free(expected_text, TRUE);
	g_string_free(found_text, TRUE);
}

static void compare_bytes(const struct host *host, const struct engine *engine, uint64_t start,
                          uint64_t end, uint64_t random)
{
	size_t len = end - start;
	g_autofree char *expected = g_malloc(len), *found = g_malloc(len);

	g_assert_cmpint(pread(host->mem, expected, len, (off_t)start), ==, (ssize_t)len);
	engine_read(engine, start, found, len);
	if (random >= start && random < end) {
		memset(expected + (random - start), 0, RANDOM_BYTES);
		memset(found + (random - start), 0, RANDOM_BYTES);
	}
	for (size_t i = 0; i < len; i += VM_PAGE_SIZE)
		if (memcmp(expected + i, found + i, MIN(len - i, VM_PAGE_SIZE)) != 0)
			g_error("page %lx differs", start + i);
}

/* The bytes of all areas that can be read; the host's own variables can't. */
static void compare_contents(const struct host *host, const struct engine *engine, uint64_t random)
{
	g_autoptr(GPtrArray) areas = host_areas(host);

	for (guint i = 0; i < areas->len; i++) {
		const struct area *area = g_ptr_array_index(areas, i);
		if (area->perm[0] == 'r' && !g_str_has_prefix(area->name, "[vvar"))
			compare_bytes(host, engine, area->start, area->end, random);
	}
}

static uint64_t auxv_value(const uint64_t *auxv, size_t len, uint64_t key)
{
	for (size_t i = 0; i + 1 < len / sizeof *auxv; i += 2)
		if (auxv[i] == key)
			return auxv[i + 1];
	return 0;
}

static char *auxv_text(const uint64_t *auxv, size_t len)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i + 1 < len / sizeof *auxv; i += 2)
		g_string_append_printf(text, "%lu=%lx ", auxv[i], auxv[i + 1]);
	return g_string_free(text, FALSE);
}

/* All of it, order included. Returns where the random bytes are. */
static uint64_t compare_auxv(const struct host *host, const struct engine *engine)
{
	size_t expected_len, found_len;
	g_autofree char *expected = host_file(host, "auxv", &expected_len);
	g_autofree uint64_t *found = vm_process_auxv(engine->process, &found_len);

	g_autofree char *expected_text = auxv_text((const uint64_t *)expected, expected_len);
	g_autofree char *found_text = auxv_text(found, found_len);
	g_assert_cmpstr(found_text, ==, expected_text);
	return auxv_value(found, found_len, AT_RANDOM);
}

static bool host_moves_static_pie_brk(void)
{
	struct utsname name;
	int major_number = 0, minor_number = 0;

	uname(&name);
	sscanf(name.release, "%d.%d", &major_number, &minor_number);
	return major_number > 6 || (major_number == 6 && minor_number >= 16);
}

static void compare_stat(const struct host *host, const struct engine *engine)
{
	struct vm_process_info info;
	struct user_regs_struct registers;

	vm_process_info(engine->process, &info);
	const struct {
		int field;
		uint64_t found;
	} fields[] = {{26, info.layout.start_code},  {27, info.layout.end_code},
	              {28, info.layout.start_stack}, {45, info.layout.start_data},
	              {46, info.layout.end_data},    {48, info.layout.arg_start},
	              {49, info.layout.arg_end},     {50, info.layout.env_start},
	              {51, info.layout.env_end}};
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		g_assert_cmphex(fields[i].found, ==, host_stat(host, fields[i].field));
	if (host_moves_static_pie_brk() || info.layout.start_code < UINT64_C(0x700000000000))
		g_assert_cmphex(info.layout.start_brk, ==, host_stat(host, 47));
	g_assert_cmphex(info.layout.brk, ==, info.layout.start_brk);
	g_assert_cmpint(ptrace(PTRACE_GETREGS, host->pid, NULL, &registers), ==, 0);
	g_assert_cmphex(info.layout.sp, ==, registers.rsp);
	g_assert_cmphex(info.layout.pc, ==, registers.rip);
}

static void compare_comm(const struct host *host, const struct engine *engine)
{
	g_autofree char *expected = host_file(host, "comm", NULL);
	struct vm_process_info info;

	vm_process_info(engine->process, &info);
	g_assert_cmpstr(info.comm, ==, g_strchomp(expected));
}

/* --- Cases ------------------------------------------------------------------------------------ */

static void compare_kernel(const char *path, char *const *argv)
{
	struct host host;
	struct engine engine;

	if (!host_start(&host, path, argv)) {
		g_test_skip("ptrace is not allowed");
		return;
	}
	engine_start(&engine, path, argv, true);
	compare_areas(&host, &engine, NULL);
	uint64_t random = compare_auxv(&host, &engine);
	compare_contents(&host, &engine, random);
	compare_stat(&host, &engine);
	compare_comm(&host, &engine);
	engine_stop(&engine);
	host_stop(&host);
}

/*
 * What ld.so has mapped when it jumps to the program. malloc's heap is there only if a constructor
 * wanted it.
 */
static void compare_libraries(const char *path, char *const *argv)
{
	struct host host;
	struct engine engine;
	size_t len;

	if (!host_start(&host, path, argv)) {
		g_test_skip("ptrace is not allowed");
		return;
	}
	g_autofree char *auxv = host_file(&host, "auxv", &len);
	host_run_to(&host, auxv_value((const uint64_t *)auxv, len, AT_ENTRY));
	engine_start(&engine, path, argv, false);
	compare_areas(&host, &engine, "[heap]");
	engine_stop(&engine);
	host_stop(&host);
}

static void test_kernel(gconstpointer path)
{
	char empty[] = "", one[] = "one", words[] = "three words here";
	char *argv[] = {(char *)path, one, empty, words, NULL};

	compare_kernel(path, argv);
}

static void test_libraries(gconstpointer path)
{
	char *argv[] = {(char *)path, NULL};

	if (strcmp(gnu_get_libc_version(), "2.36") != 0)
		g_test_skip("the allocations of this ld.so are not known");
	else
		compare_libraries(path, argv);
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
	static const rlim_t limits[] = {256 << 10, 127 << 20, 200 << 20, (rlim_t)3 << 30,
	                                RLIM_INFINITY};
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
	return g_test_run();
}
