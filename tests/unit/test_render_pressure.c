/*
 * test_render_pressure.c - smaps, smaps_rollup, tlb, limits, swaps, and files that tools read, of a
 * machine without a mount.
 *
 * Where the host's kernel has the same file, the text is compared with the kernel's.
 */
#include "tests/fixture/render_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* --- smaps ------------------------------------------------------------------------------------ */

/* The entry for the area at ADDR, up to the line that starts with END. */
static char *smaps_entry(const char *text, uint64_t addr, const char *end)
{
	g_autofree char *start = g_strdup_printf("%08" PRIx64 "-", addr);
	const char *entry = strstr(text, start);

	g_assert_nonnull(entry);
	return g_strndup(entry, (size_t)(strstr(entry, end) - entry));
}

/* The host and the machine map the same pages at the same place and write to the first two. */
static void test_smaps_anon(struct render_fixture *f, gconstpointer data)
{
	/*
	 * The area lies between pages without rights, so that the host cannot merge it with a
	 * neighbour.
	 */
	char *addr = mmap(NULL, 6 * VM_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *area = addr + VM_PAGE_SIZE;

	g_assert_true(addr != MAP_FAILED);
	g_assert_cmpint(mprotect(area, 4 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE), ==, 0);
	map_anon(f, (uintptr_t)area, 4 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE);
	for (int i = 0; i < 2; i++) {
		area[i * VM_PAGE_SIZE] = 'x';
		poke(f, (uintptr_t)area + (uint64_t)i * VM_PAGE_SIZE);
	}

	g_autofree char *host = host_file("/proc/self/smaps");
	g_autofree char *ours = lined_text(f, lines_smaps);
	g_autofree char *expected = smaps_entry(host, (uintptr_t)area, "THPeligible");
	g_autofree char *entry = smaps_entry(ours, (uintptr_t)area, "THPeligible");

	g_assert_cmpstr(entry, ==, expected);
	munmap(addr, 6 * VM_PAGE_SIZE);
}

static void test_smaps_rollup(struct render_fixture *f, gconstpointer data)
{
	static const char *const keys[] = {"Rss",       "Private_Clean", "Private_Dirty",
	                                   "Anonymous", "Swap",          "Referenced"};
	uint64_t addr = map_anon(f, RENDER_ANYWHERE, 4 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE);
	uint64_t file =
	    map_file(f, RENDER_ANYWHERE, 2 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);

	poke(f, addr);
	poke(f, addr + VM_PAGE_SIZE);
	g_assert_cmpint(vm_access(f->process, file, 2 * VM_PAGE_SIZE, VM_ACCESS_READ, NULL, NULL),
	                ==, 0);

	g_autofree char *rollup = rendered_text(f, render_smaps_rollup);
	g_autofree char *anon_text = lined_text(f, lines_smaps);
	g_autofree char *anon_entry = smaps_entry(anon_text, addr, "THPeligible");
	g_autofree char *file_entry = smaps_entry(anon_text, file, "THPeligible");

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		g_assert_cmpuint(number_of(rollup, keys[i]), ==,
		                 number_of(anon_entry, keys[i]) + number_of(file_entry, keys[i]));
	g_assert_cmpuint(number_of(rollup, "Pss_Anon"), ==, 8);
	g_assert_cmpuint(number_of(rollup, "Pss_File"), ==, 8);
	g_assert_cmpuint(number_of(rollup, "Pss"), ==, 16);
}

/* --- swap ------------------------------------------------------------------------------------- */

static void test_swap(struct render_fixture *f, gconstpointer data)
{
	uint64_t addr = map_anon(f, RENDER_ANYWHERE, 4 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE);

	for (uint64_t i = 0; i < 4; i++)
		poke(f, addr + i * VM_PAGE_SIZE);
	g_assert_cmpuint(vm_machine_reclaim(f->mount.machine, 3), ==, 3);
	f->mount.swap_name = "/a file";

	g_autofree char *swaps = rendered_text(f, render_swaps);
	g_autofree char *smaps = lined_text(f, lines_smaps);
	g_autofree char *status = viewed_text(f, view_status);
	g_autofree char *meminfo = rendered_text(f, render_meminfo);
	g_autofree char *vmstat = rendered_text(f, render_vmstat);
	g_autofree char *pagetable = lined_text(f, lines_pagetable);
	g_autofree char *entry = smaps_entry(smaps, addr, "THPeligible");
	g_autofree char *host = host_file("/proc/swaps");

	g_assert_cmpmem(swaps, strcspn(swaps, "\n"), host, strcspn(host, "\n"));
	g_assert_nonnull(
	    strstr(swaps, "\n/a\\040file                              file\t\t1024\t\t12\t\t-2\n"));
	g_assert_cmpuint(number_of(entry, "Swap"), ==, 12);
	g_assert_cmpuint(number_of(entry, "SwapPss"), ==, 12);
	g_assert_cmpuint(number_of(entry, "Rss"), ==, 4);
	g_assert_cmpuint(number_of(status, "VmSwap"), ==, 12);
	g_assert_cmpuint(number_of(meminfo, "SwapTotal"), ==, RENDER_SWAP_KIB);
	g_assert_cmpuint(number_of(meminfo, "SwapFree"), ==, RENDER_SWAP_KIB - 12);
	g_assert_cmpuint(number_of(vmstat, "pswpout"), ==, 3);
	g_assert_true(g_regex_match_simple(" swap 0x[0-9a-f]{16} slot=[0-9]+$", pagetable,
	                                   G_REGEX_MULTILINE, 0));
}

static void test_swap_off(struct render_fixture *f, gconstpointer data)
{
	g_autofree char *swaps = NULL;

	g_assert_cmpint(vm_machine_swapoff(f->mount.machine), ==, 0);
	swaps = rendered_text(f, render_swaps);
	g_assert_cmpstr(strchr(swaps, '\n'), ==, "\n");
}

/* --- tlb, limits ------------------------------------------------------------------------------ */

static void test_tlb(struct render_fixture *f, gconstpointer data)
{
	uint64_t addr = map_anon(f, RENDER_ANYWHERE, VM_PAGE_SIZE, PROT_READ | PROT_WRITE);
	g_autofree char *line = NULL;
	g_autofree char *text = NULL;

	poke(f, addr);
	poke(f, addr);
	text = lined_text(f, lines_tlb);
	line = g_strdup_printf("\n%u 0 %016" PRIx64 " pfn=0x", (unsigned)(addr / VM_PAGE_SIZE % 16),
	                       addr);
	g_assert_true(
	    g_str_has_prefix(text, "SET WAY VA PFN FLAGS\ngeometry 16x4\nhits 1\nmisses "));
	g_assert_nonnull(strstr(text, line));
	g_assert_true(g_str_has_suffix(text, " w-d\n"));
}

static void test_limits(struct render_fixture *f, gconstpointer data)
{
	g_autofree char *ours = rendered_text(f, render_limits);
	g_autofree char *host = host_file("/proc/self/limits");
	g_auto(GStrv) our_lines = g_strsplit(ours, "\n", -1);
	g_auto(GStrv) host_lines = g_strsplit(host, "\n", -1);

	g_assert_cmpuint(g_strv_length(our_lines), ==, g_strv_length(host_lines));
	g_assert_cmpstr(our_lines[0], ==, host_lines[0]);
	for (guint i = 1; our_lines[i + 1] != NULL; i++) {
		/* Compare the name, and the unit after the two columns of values. */
		g_assert_cmpmem(our_lines[i], 26, host_lines[i], 26);
		g_assert_cmpstr(our_lines[i] + 68, ==, host_lines[i] + 68);
	}
	g_assert_nonnull(strstr(
	    ours,
	    "Max stack size            8388608              unlimited            bytes     \n"));
}

/* --- The machine's ---------------------------------------------------------------------------- */

static void test_machine(struct render_fixture *f, gconstpointer data)
{
	static const struct {
		fs_render_fn render;
		const char *pattern;
	} files[] = {
	    {render_uptime, "^[0-9]+\\.[0-9]{2} [0-9]+\\.[0-9]{2}\n$"},
	    {render_loadavg, "^0\\.00 0\\.00 0\\.00 0/1 1\n$"},
	    {render_machine_stat,
	     "^cpu  0 0 0 [0-9]+ 0 0 0 0 0 0\ncpu0 0 0 0 [0-9]+ 0 0 0 0 0 0\nintr 0\nctxt 0\n"
	     "btime [0-9]+\nprocesses 1\nprocs_running 1\nprocs_blocked 0\nsoftirq( 0)+\n$"},
	    {render_cpuinfo, "^processor\t: 0\n([a-z_ ]+\t+: [^\n]+\n)+\n$"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *text = rendered_text(f, files[i].render);

		if (!g_regex_match_simple(files[i].pattern, text, G_REGEX_DOLLAR_ENDONLY, 0))
			g_error("\"%s\" does not match %s", text, files[i].pattern);
	}
}

static void test_ended(struct render_fixture *f, gconstpointer data)
{
	g_assert_cmpint(vm_process_exit(f->process, 0), ==, 0);
	g_assert_cmpint(store_comm(&f->mount, f->process, "name"), ==, -ESRCH);
	g_assert_cmpint(store_clear_refs(&f->mount, f->process, "1"), ==, -ESRCH);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct render_fixture *f, gconstpointer data);
	} tests[] = {
	    {"/render/smaps/anon", test_smaps_anon},
	    {"/render/smaps/rollup", test_smaps_rollup},
	    {"/render/swap/in-use", test_swap},
	    {"/render/swap/off", test_swap_off},
	    {"/render/tlb", test_tlb},
	    {"/render/limits", test_limits},
	    {"/render/machine", test_machine},
	    {"/render/pressure/ended", test_ended},
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].name, struct render_fixture, NULL, render_setup, tests[i].run,
		           render_teardown);
	return g_test_run();
}
