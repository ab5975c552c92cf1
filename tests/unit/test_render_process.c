/*
 * test_render_process.c - maps, status, stat, statm, comm, cmdline, environ and auxv of a real
 * machine without a mount.
 *
 * Where the host's kernel has the same file, the text is compared with the kernel's. A line of maps
 * must equal the host's line for the same mapping. Keys must come in the host's order.
 */
#include "tests/fixture/render_fixture.h"
#include "util/text.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- maps ------------------------------------------------------------------------------------- */

/* The simulated process's line for the area at ADDR must equal the host's line for its own area. */
static void assert_same_maps_line(struct render_fixture *f, const void *addr)
{
	g_autofree char *start = g_strdup_printf("%08lx-", (unsigned long)addr);
	g_autofree char *host = host_file("/proc/self/maps");
	g_autofree char *ours = lined_text(f, lines_maps);
	const char *host_line = strstr(host, start);
	const char *our_line = strstr(ours, start);

	g_assert_nonnull(host_line);
	g_assert_nonnull(our_line);

	g_autofree char *expected = g_strndup(host_line, strcspn(host_line, "\n"));
	g_autofree char *line = g_strndup(our_line, strcspn(our_line, "\n"));

	g_assert_cmpstr(line, ==, expected);
}

static void test_maps_file(struct render_fixture *f, gconstpointer data)
{
	int fd = open(f->path, O_RDWR | O_CLOEXEC);
	void *addr = mmap(NULL, VM_PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd, VM_PAGE_SIZE);
	void *shared = mmap(NULL, 2 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	g_assert_true(addr != MAP_FAILED && shared != MAP_FAILED);
	map_file(f, (uintptr_t)addr, VM_PAGE_SIZE, PROT_READ, MAP_PRIVATE, VM_PAGE_SIZE);
	map_file(f, (uintptr_t)shared, 2 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	assert_same_maps_line(f, addr);
	assert_same_maps_line(f, shared);
	g_unlink(f->path);
	assert_same_maps_line(f, shared);
	munmap(addr, VM_PAGE_SIZE);
	munmap(shared, 2 * VM_PAGE_SIZE);
	close(fd);
}

/* The area lies between pages without rights, so that the host cannot merge it with a neighbour. */
static void test_maps_anon(struct render_fixture *f, gconstpointer data)
{
	char *addr = mmap(NULL, 3 * VM_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	g_assert_true(addr != MAP_FAILED);
	g_assert_cmpint(mprotect(addr + VM_PAGE_SIZE, VM_PAGE_SIZE, PROT_READ | PROT_EXEC), ==, 0);
	map_anon(f, (uintptr_t)addr + VM_PAGE_SIZE, VM_PAGE_SIZE, PROT_READ | PROT_EXEC);
	assert_same_maps_line(f, addr + VM_PAGE_SIZE);
	munmap(addr, 3 * VM_PAGE_SIZE);
}

/* The host pads the name [stack] as it pads a path. */
static void test_maps_stack(struct render_fixture *f, gconstpointer data)
{
	g_autofree char *ours = lined_text(f, lines_maps);

	g_assert_true(
	    g_regex_match_simple("^[0-9a-f]+-7ffffffff000 rw-p 00000000 00:00 0 {26}\\[stack\\]$",
	                         ours, G_REGEX_MULTILINE, 0));
}

/* --- status, stat, statm ---------------------------------------------------------------------- */

static void test_status_keys(struct render_fixture *f, gconstpointer data)
{
	g_autofree char *ours = viewed_text(f, view_status);
	g_autofree char *host = host_file("/proc/self/status");
	g_autofree char *our_order = shared_keys(ours, host);
	g_autofree char *host_order = shared_keys(host, ours);

	g_assert_cmpstr(our_order, ==, host_order);
	assert_lines_match(ours, "^[A-Za-z_0-9]+:\t");
	g_assert_true(
	    g_regex_match_simple("^VmSize:\t {4,7}[0-9]+ kB$", ours, G_REGEX_MULTILINE, 0));
	g_assert_nonnull(
	    strstr(ours, "\nUid:\t1000\t1000\t1000\t1000\nGid:\t1001\t1001\t1001\t1001\n"));
	g_assert_nonnull(strstr(ours, "Name:\tdemo\n"));
	g_assert_true(g_str_has_suffix(ours, "\nSimSignal:\t0\n"));
}

static void test_status_memory(struct render_fixture *f, gconstpointer data)
{
	uint64_t addr = map_anon(f, RENDER_ANYWHERE, 16 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE);
	g_autofree char *before = viewed_text(f, view_status);

	poke(f, addr);
	poke(f, addr + VM_PAGE_SIZE);

	g_autofree char *after = viewed_text(f, view_status);
	g_autofree char *statm = rendered_text(f, render_statm);
	uint64_t rss = number_of(after, "VmRSS");
	g_autofree char *start =
	    g_strdup_printf("%" PRIu64 " %" PRIu64 " ", number_of(after, "VmSize") / 4, rss / 4);

	g_assert_cmpuint(number_of(after, "RssAnon"), ==, number_of(before, "RssAnon") + 8);
	g_assert_cmpuint(number_of(after, "VmHWM"), >=, rss);
	g_assert_cmpuint(number_of(after, "VmData"), >=, 64);
	g_assert_cmpuint(number_of(after, "VmPTE"), >, 0);
	g_assert_cmpuint(number_of(after, "SimFaultsMinor"), ==,
	                 number_of(before, "SimFaultsMinor") + 2);
	g_assert_true(g_str_has_prefix(statm, start));
	assert_lines_match(statm, "^[0-9]+( [0-9]+){6}$");
}

static void test_status_signal(struct render_fixture *f, gconstpointer data)
{
	uint64_t addr = map_anon(f, RENDER_ANYWHERE, VM_PAGE_SIZE, PROT_READ);
	g_autofree char *expected =
	    g_strdup_printf("\nSimSignal:\t11 SEGV_ACCERR 0x%" PRIx64 "\n", addr + 5);
	g_autofree char *text = NULL;

	g_assert_cmpint(vm_write(f->process, 0x10, "x", 1), ==, -EFAULT);
	text = viewed_text(f, view_status);
	g_assert_true(g_str_has_suffix(text, "\nSimSignal:\t11 SEGV_MAPERR 0x10\n"));
	g_free(text);
	g_assert_cmpint(vm_write(f->process, addr + 5, "x", 1), ==, -EACCES);
	text = viewed_text(f, view_status);
	g_assert_true(g_str_has_suffix(text, expected));
}

static void test_stat(struct render_fixture *f, gconstpointer data)
{
	struct vm_process_info info;

	exec_program(f);
	vm_process_info(f->process, &info);

	g_autofree char *text = viewed_text(f, view_stat);
	g_auto(GStrv) fields = g_strsplit(g_strchomp(text), " ", -1);
	const struct {
		unsigned number; /* as counted in proc(5) */
		uint64_t value;
	} expected[] = {
	    {1, (uint64_t)info.pid},
	    {20, 1},
	    {23, info.vm_total * VM_PAGE_SIZE},
	    {25, UINT64_MAX},
	    {26, info.layout.start_code},
	    {28, info.layout.start_stack},
	    {29, info.layout.sp},
	    {30, info.layout.pc},
	    {38, SIGCHLD},
	    {47, info.layout.start_brk},
	    {49, info.layout.arg_end},
	    {51, info.layout.env_end},
	    {52, 0},
	};

	g_assert_cmpuint(g_strv_length(fields), ==, 52);
	g_assert_cmpstr(fields[1], ==, "(true)");
	g_assert_cmpstr(fields[2], ==, "S");
	for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
		g_assert_cmpuint(g_ascii_strtoull(fields[expected[i].number - 1], NULL, 10), ==,
		                 expected[i].value);
}

/* --- comm, cmdline, environ, auxv ------------------------------------------------------------- */

static void assert_bytes(struct render_fixture *f, fs_render_fn render, const char *bytes,
                         size_t len)
{
	g_autoptr(GString) out = rendered(f, render);

	g_assert_cmpmem(out->str, out->len, bytes, len);
}

static void assert_lined_bytes(struct render_fixture *f, fs_lines_fn lines, const char *bytes,
                               size_t len)
{
	g_autoptr(GString) out = lined_by(f, lines, 0, 0);

	g_assert_cmpmem(out->str, out->len, bytes, len);
}

static void test_strings_before_exec(struct render_fixture *f, gconstpointer data)
{
	static const char nulls[16];

	assert_bytes(f, render_comm, "demo\n", 5);
	assert_lined_bytes(f, lines_cmdline, "demo", 5);
	g_assert_cmpint(length_cmdline(f->process), ==, 5);
	g_assert_cmpint(length_environ(f->process), ==, 0);
	assert_lined_bytes(f, lines_environ, "", 0);
	assert_bytes(f, render_auxv, nulls, sizeof(nulls));
}

static void test_strings_after_exec(struct render_fixture *f, gconstpointer data)
{
	static const char cmdline[] = "true\0--version\0a b";
	static const char environment[] = "HOME=/\0LANG=C";
	struct vm_process_info info;

	exec_program(f);
	vm_process_info(f->process, &info);
	assert_bytes(f, render_comm, "true\n", 5);
	assert_lined_bytes(f, lines_cmdline, cmdline, sizeof(cmdline));
	assert_lined_bytes(f, lines_environ, environment, sizeof(environment));
	g_assert_cmpint(length_cmdline(f->process), ==, sizeof(cmdline));
	g_assert_cmpint(length_environ(f->process), ==, sizeof(environment));

	/* A title that is longer than the arguments, as setproctitle(3) writes it. */
	g_assert_cmpint(vm_write(f->process, info.layout.arg_start, "a title over HOME", 18), ==,
	                18);
	g_assert_cmpint(vm_write(f->process, info.layout.arg_start + 18, "!", 1), ==, 1);
	assert_lined_bytes(f, lines_cmdline, "a title over HOME\0", 18);
}

static void test_auxv(struct render_fixture *f, gconstpointer data)
{
	exec_program(f);

	g_autoptr(GString) out = rendered(f, render_auxv);
	const Elf64_auxv_t *pairs = (const Elf64_auxv_t *)(void *)out->str;
	size_t count = out->len / sizeof(*pairs);
	bool page_size = false;

	g_assert_cmpuint(out->len % sizeof(*pairs), ==, 0);
	g_assert_cmpuint(count, >, 10);
	g_assert_cmpuint(pairs[count - 1].a_type, ==, AT_NULL);
	for (size_t i = 0; i < count; i++)
		page_size |= pairs[i].a_type == AT_PAGESZ && pairs[i].a_un.a_val == VM_PAGE_SIZE;
	g_assert_true(page_size);
}

/* --- Who looks -------------------------------------------------------------------------------- */

/* As in Linux without ptrace's permission: 1 for startcode and endcode, 0 for other addresses. */
static void test_stat_of_others(struct render_fixture *f, gconstpointer data)
{
	static const unsigned addresses[] = {28, 29, 30, 45, 46, 47, 48, 49, 50, 51};

	exec_program(f);

	g_autofree char *root = viewed_text(f, view_stat);
	g_autofree char *owner = viewed_by(f, view_stat, 1000, 1001);
	g_autofree char *other = viewed_by(f, view_stat, 1001, 1001);
	g_autofree char *other_group = viewed_by(f, view_stat, 1000, 1000);
	g_auto(GStrv) full = g_strsplit(root, " ", -1);
	g_auto(GStrv) fields = g_strsplit(other, " ", -1);

	g_assert_cmpstr(owner, ==, root);
	g_assert_cmpstr(other, ==, other_group);
	g_assert_cmpstr(fields[25], ==, "1");
	g_assert_cmpstr(fields[26], ==, "1");
	for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++) {
		g_assert_cmpstr(full[addresses[i] - 1], !=, "0");
		g_assert_cmpstr(fields[addresses[i] - 1], ==, "0");
		strcpy(full[addresses[i] - 1], "0");
	}
	strcpy(full[25], "1");
	strcpy(full[26], "1");
	g_autofree char *rest = g_strjoinv(" ", full);
	g_assert_cmpstr(rest, ==, other);
}

static void test_status_of_others(struct render_fixture *f, gconstpointer data)
{
	g_assert_cmpint(vm_write(f->process, 0x10, "x", 1), ==, -EFAULT);

	g_autofree char *root = viewed_text(f, view_status);
	g_autofree char *owner = viewed_by(f, view_status, 1000, 1001);
	g_autofree char *other = viewed_by(f, view_status, 1001, 1001);

	g_assert_cmpstr(owner, ==, root);
	g_assert_nonnull(
	    strstr(other, "\nSimPc:\t-\nSimSp:\t-\nSimBrk:\t-\nSimCr3:\t-\nSimAreas:\t"));
	g_assert_true(g_str_has_suffix(other, "\nSimSignal:\t11 SEGV_MAPERR -\n"));
}

/* --- After the end ---------------------------------------------------------------------------- */

static void test_ended(struct render_fixture *f, gconstpointer data)
{
	static const fs_render_fn files[] = {render_statm, render_comm, render_auxv,
	                                     render_smaps_rollup};
	static const fs_lines_fn longs[] = {lines_maps,   lines_smaps,   lines_pagetable,
	                                    lines_faults, lines_cmdline, lines_environ};
	static const fs_view_fn views[] = {view_status, view_stat};
	static const struct fs_caller root;

	g_assert_cmpint(vm_process_exit(f->process, 0), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autoptr(GString) out = g_string_new(NULL);

		g_assert_cmpint(files[i](out, &f->mount, f->process), ==, -ESRCH);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(longs); i++) {
		g_autoptr(GString) out = g_string_new(NULL);
		struct text_lines lines = {.out = out, .enough = G_MAXSIZE};

		g_assert_cmpint(longs[i](&lines, &f->mount, f->process, &root), ==, -ESRCH);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(views); i++) {
		g_autoptr(GString) out = g_string_new(NULL);

		g_assert_cmpint(views[i](out, &f->mount, f->process, &root), ==, -ESRCH);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct render_fixture *f, gconstpointer data);
	} tests[] = {
	    {"/render/maps/file", test_maps_file},
	    {"/render/maps/anon", test_maps_anon},
	    {"/render/maps/stack", test_maps_stack},
	    {"/render/status/keys", test_status_keys},
	    {"/render/status/memory", test_status_memory},
	    {"/render/status/signal", test_status_signal},
	    {"/render/stat", test_stat},
	    {"/render/stat/others", test_stat_of_others},
	    {"/render/status/others", test_status_of_others},
	    {"/render/strings/before-exec", test_strings_before_exec},
	    {"/render/strings/after-exec", test_strings_after_exec},
	    {"/render/auxv", test_auxv},
	    {"/render/ended", test_ended},
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].name, struct render_fixture, NULL, render_setup, tests[i].run,
		           render_teardown);
	return g_test_run();
}
