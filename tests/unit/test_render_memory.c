/*
 * test_render_memory.c - the files pagetable and faults of a process, and the files in the root, of
 * a real machine without a mount.
 */
#include "tests/fixture/render_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* --- pagetable -------------------------------------------------------------------------------- */

#define PAGETABLE_LINE \
	"^[0-9a-f]{16} (PGD|PUD|PMD|PTE) ([0-9]|[1-9][0-9]|[1-4][0-9][0-9]|50[0-9]|51[01]) " \
	"(table|page|huge|swap) " \
	"0x[0-9a-f]{16} (pfn=0x[0-9a-f]+ flags=[A-Z0-9|]+|slot=[0-9]+)( users=[0-9]+)?( zero)?( " \
	"cow)?( eff=[rwx-]{3})?$"

/* The line for the last-level entry of ADDR, or NULL. */
static char *pte_line(struct render_fixture *f, uint64_t addr)
{
	g_autofree char *text = lined_text(f, lines_pagetable);
	g_autofree char *prefix = g_strdup_printf("%016" PRIx64 " PTE", addr);

	assert_lines_match(text, PAGETABLE_LINE);
	return line_of(text, prefix);
}

static void test_pagetable(struct render_fixture *f, gconstpointer data)
{
	uint64_t addr = map_anon(f, RENDER_ANYWHERE, 2 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE);
	g_autofree char *absent = pte_line(f, addr);

	g_assert_null(absent);
	poke(f, addr);

	g_autofree char *line = pte_line(f, addr);

	g_assert_nonnull(line);
	g_assert_true(g_str_has_suffix(line, " flags=P|RW|US|A|D|SOFTDIRTY|NX"));
	g_assert_cmpint(vm_access(f->process, addr + VM_PAGE_SIZE, 1, VM_ACCESS_READ, NULL, NULL),
	                ==, 0);

	g_autofree char *zero = pte_line(f, addr + VM_PAGE_SIZE);

	g_assert_nonnull(zero);
	g_assert_true(g_str_has_suffix(zero, " zero"));
}

/* The flags must match the entry's bits, and the frame number its bits 12 to 51. */
static void test_pagetable_raw(struct render_fixture *f, gconstpointer data)
{
	uint64_t addr = map_anon(f, RENDER_ANYWHERE, VM_PAGE_SIZE, PROT_READ | PROT_WRITE);

	poke(f, addr);

	g_autofree char *line = pte_line(f, addr);
	uint64_t raw = g_ascii_strtoull(strstr(line, "0x"), NULL, 16);
	uint64_t pfn = g_ascii_strtoull(strstr(line, "pfn=") + 4, NULL, 16);

	g_assert_cmphex(raw & ~UINT64_C(0x000ffffffffff000), ==, UINT64_C(0x8000000000000067));
	g_assert_cmphex((raw & UINT64_C(0x000ffffffffff000)) >> 12, ==, pfn);
}

static void test_pagetable_fork(struct render_fixture *f, gconstpointer data)
{
	uint64_t addr = map_anon(f, RENDER_ANYWHERE, VM_PAGE_SIZE, PROT_READ | PROT_WRITE);
	struct vm_cred cred = vm_process_cred(f->process);
	int error;

	poke(f, addr);

	struct vm_process *child = vm_fork(f->process, &cred, &error);
	g_autofree char *text = lined_text(f, lines_pagetable);
	g_autofree char *shared = pte_line(f, addr);

	g_assert_nonnull(child);
	vm_process_unref(child);
	g_assert_true(g_regex_match_simple("^[0-9a-f]{16} [A-Z]+ [0-9]+ table .* users=2$", text,
	                                   G_REGEX_MULTILINE, 0));
	g_assert_nonnull(strstr(shared, " cow"));
	poke(f, addr);

	g_autofree char *copied = pte_line(f, addr);

	g_assert_null(strstr(copied, " cow"));
	g_assert_nonnull(strstr(copied, "|RW|"));
}

/* --- faults ----------------------------------------------------------------------------------- */

static char *line_of_fault(const struct vm_fault *fault, bool with_head)
{
	GString *out = g_string_new(NULL);

	fault_line(out, fault, with_head);
	return g_string_free(out, FALSE);
}

static void test_fault_line(void)
{
	const struct vm_fault grow = {.seq = 7,
	                              .time = UINT64_C(12003004999),
	                              .pid = 3,
	                              .access = VM_ACCESS_WRITE,
	                              .outcome = VM_MINOR,
	                              .kind = VM_FAULT_STACK_GROW,
	                              .then = VM_FAULT_DEMAND_ZERO,
	                              .tables_copied = 1,
	                              .va = 0x7ffffffdd123,
	                              .area_start = 0x7ffffffdd000,
	                              .area_end = 0x7ffffffff000,
	                              .area_perm = "rw-p",
	                              .frame = 0x1f,
	                              .from = VM_NO_FRAME,
	                              .slot = VM_NO_FRAME};
	const struct vm_fault copy = {.access = VM_ACCESS_READ,
	                              .outcome = VM_MAJOR,
	                              .kind = VM_FAULT_COW_COPY,
	                              .va = 0x1000,
	                              .area_start = 0x1000,
	                              .area_end = 0x2000,
	                              .area_perm = "rw-p",
	                              .frame = 2,
	                              .from = 1,
	                              .slot = 12,
	                              .other = {.there = true, .pid = 9, .va = 0x5000},
	                              .file = "/a b\\\nc (deleted)",
	                              .offset = 0x3000};
	const struct vm_fault hit = {
	    .outcome = VM_HIT, .va = 0x1000, .frame = 2, .from = VM_NO_FRAME};
	const struct vm_fault lost = {.seq = 8,
	                              .access = VM_ACCESS_NONE,
	                              .outcome = VM_EVICT,
	                              .kind = VM_FAULT_LOST,
	                              .frame = VM_NO_FRAME,
	                              .from = VM_NO_FRAME,
	                              .slot = VM_NO_FRAME,
	                              .file = "/a b",
	                              .offset = 0x3000,
	                              .pages = 12};
	g_autofree char *grow_line = line_of_fault(&grow, true);
	g_autofree char *copy_line = line_of_fault(&copy, false);
	g_autofree char *hit_line = line_of_fault(&hit, false);
	g_autofree char *lost_line = line_of_fault(&lost, true);
	const struct vm_fault went = {.seq = 9,
	                              .pid = 4,
	                              .access = VM_ACCESS_NONE,
	                              .outcome = VM_EVICT,
	                              .kind = VM_FAULT_SWAP_OUT,
	                              .va = 0x6000,
	                              .frame = 3,
	                              .from = VM_NO_FRAME,
	                              .slot = 5,
	                              .users = 2,
	                              .other = {.there = true, .pid = 8, .va = 0x7123}};
	const struct vm_fault drop = {.seq = 10,
	                              .access = VM_ACCESS_WRITE,
	                              .outcome = VM_MINOR,
	                              .kind = VM_FAULT_DEMAND_ZERO,
	                              .pid = 8,
	                              .va = 0x7123,
	                              .frame = 3,
	                              .from = VM_NO_FRAME,
	                              .slot = VM_NO_FRAME,
	                              .other = {.there = true, .file = "/a:b c", .offset = 0x1000}};
	g_autofree char *went_line = line_of_fault(&went, true);
	g_autofree char *drop_line = line_of_fault(&drop, true);
	g_autoptr(GString) masked = g_string_new(NULL);

	g_assert_cmpstr(grow_line, ==,
	                "7 12.003004 3 w 00007ffffffdd123 minor stack-grow then=demand-zero "
	                "area=7ffffffdd000-7ffffffff000:rw-p frame=0x1f tables=1");
	g_assert_cmpstr(
	    copy_line, ==,
	    "0000000000001000 major cow-copy area=00001000-00002000:rw-p frame=0x2 from=0x1 "
	    "slot=12 file=/a\\040b\\134\\012c\\040(deleted) offset=0x3000 "
	    "evicted=9:0000000000005000");
	g_assert_cmpstr(hit_line, ==, "0000000000001000 hit");
	g_assert_cmpstr(lost_line, ==,
	                "8 0.000000 0 - 0000000000000000 evict lost file=/a\\040b offset=0x3000 "
	                "pages=12");
	g_assert_cmpstr(went_line, ==,
	                "9 0.000000 4 - 0000000000006000 evict swap-out frame=0x3 slot=5 users=2 "
	                "for=8:0000000000007123");
	g_assert_cmpstr(drop_line, ==,
	                "10 0.000000 8 w 0000000000007123 minor demand-zero frame=0x3 "
	                "evicted=/a:b\\040c+0x1000");
	/* Who may see the process of the line, but not the other one; and who may see neither. */
	fault_line_masked(masked, went_line, true);
	g_string_append_c(masked, '\n');
	fault_line_masked(masked, drop_line, true);
	g_string_append_c(masked, '\n');
	fault_line_masked(masked, went_line, false);
	g_assert_cmpstr(masked->str, ==,
	                "9 0.000000 4 - 0000000000006000 evict swap-out frame=0x3 slot=5 users=2 "
	                "for=8:-\n"
	                "10 0.000000 8 w 0000000000007123 minor demand-zero frame=0x3 evicted=-\n"
	                "9 0.000000 4 - - evict swap-out frame=0x3 slot=5 users=2 for=8:-");
}

static void test_faults(struct render_fixture *f, gconstpointer data)
{
	uint64_t addr = map_anon(f, RENDER_ANYWHERE, VM_PAGE_SIZE, PROT_READ | PROT_WRITE);

	g_assert_cmpint(vm_access(f->process, addr, 1, VM_ACCESS_READ, NULL, NULL), ==, 0);
	poke(f, addr);
	g_assert_cmpint(vm_write(f->process, 0x10, "x", 1), ==, -EFAULT);

	g_autofree char *text = lined_text(f, lines_faults);

	assert_lines_match(text, "^[0-9]+ [0-9]+\\.[0-9]{6} [0-9]+ [rwx] [0-9a-f]{16} "
	                         "(minor|major|fatal) [a-z-]+( [a-z]+=[^ ]+)*$");
	g_assert_nonnull(strstr(text, " minor zero-page "));
	g_assert_nonnull(strstr(text, " w 0000000000000010 fatal segv-maperr\n"));
}

/* --- The machine's ---------------------------------------------------------------------------- */

static void test_frames_and_objects(struct render_fixture *f, gconstpointer data)
{
	uint64_t anon = map_anon(f, RENDER_ANYWHERE, VM_PAGE_SIZE, PROT_READ | PROT_WRITE);
	uint64_t addr =
	    map_file(f, RENDER_ANYWHERE, 2 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);

	poke(f, anon);
	poke(f, addr + VM_PAGE_SIZE);

	g_autofree char *frames = lined_text(f, lines_frames);
	g_autofree char *queue = lined_text(f, lines_queue);
	g_autofree char *objects = lined_text(f, lines_objects);
	g_autofree char *anon_end = g_strdup_printf(" anon 1 - pid=%d va=%016" PRIx64 "\n",
	                                            vm_process_pid(f->process), anon);
	g_autofree char *file_end = g_strdup_printf(
	    " index=1 pid=%d va=%016" PRIx64 "\n", vm_process_pid(f->process), addr + VM_PAGE_SIZE);

	assert_lines_match(
	    frames,
	    "^PFN KIND USERS STATE NOTES$|^0x[0-9a-f]+-0x[0-9a-f]+ free$|"
	    "^0x[0-9a-f]+ (anon|file|shmem) [0-9]+ (-|[a-z|]+)( object=[0-9]+ index=[0-9]+)?"
	    "( pid=[0-9]+ va=[0-9a-f]{16})?$");
	assert_lines_match(queue,
	                   "^POS FRAME PID VA BITS LIST$|^hand$|"
	                   "^[0-9]+ 0x[0-9a-f]+ ([0-9]+ [0-9a-f]{16}|- -) (-|[RDLP]+) [a-z]+$");
	g_assert_nonnull(strstr(frames, anon_end));
	g_assert_nonnull(strstr(frames, file_end));
	g_assert_nonnull(strstr(frames, " file 1 dirty object="));
	assert_lines_match(objects, "^NUMBER KIND DEV INODE SIZE AREAS PAGES DIRTY PATH$|"
	                            "^[0-9]+ (file|shmem) [0-9a-f]{2,}:[0-9a-f]{2,} [0-9]+ [0-9]+ "
	                            "[0-9]+ [0-9]+ [0-9]+ .*$");
	g_assert_nonnull(strstr(objects, " 8192 1 1 1 "));
	g_assert_nonnull(strstr(objects, "/a file\\012of two lines\n"));
}

static void test_meminfo(struct render_fixture *f, gconstpointer data)
{
	g_autofree char *ours = rendered_text(f, render_meminfo);
	g_autofree char *host = host_file("/proc/meminfo");
	g_autofree char *our_order = shared_keys(ours, host);
	g_autofree char *host_order = shared_keys(host, ours);

	assert_lines_match(ours, "^([A-Za-z_()0-9]+: +[0-9]+ kB|HugePages_[A-Z][a-z]+: +[0-9]+)$");
	assert_lines_match(ours, "^.{24}( kB)?$|^VmallocTotal: ");
	g_assert_cmpstr(our_order, ==, host_order);
	g_assert_cmpuint(g_ascii_strtoull(strchr(ours, ':') + 1, NULL, 10), ==, RENDER_RAM_KIB);
}

static void test_vmstat(struct render_fixture *f, gconstpointer data)
{
	uint64_t addr = map_file(f, RENDER_ANYWHERE, VM_PAGE_SIZE, PROT_READ, MAP_PRIVATE, 0);
	g_autofree char *before = rendered_text(f, render_vmstat);
	g_autofree char *host = host_file("/proc/vmstat");
	g_autofree char *our_order = shared_keys(before, host);
	g_autofree char *host_order = shared_keys(host, before);

	g_assert_cmpstr(our_order, ==, host_order);
	assert_lines_match(before, "^[a-z_]+ [0-9]+$");
	g_assert_cmpint(vm_access(f->process, addr, 1, VM_ACCESS_READ, NULL, NULL), ==, 0);

	g_autofree char *after = rendered_text(f, render_vmstat);

	g_assert_cmpuint(number_of(after, "pgfault"), ==, number_of(before, "pgfault") + 1);
	g_assert_cmpuint(number_of(after, "pgmajfault"), ==, number_of(before, "pgmajfault") + 1);
	g_assert_cmpuint(number_of(after, "nr_file_pages"), ==,
	                 number_of(before, "nr_file_pages") + 1);
	g_assert_cmpuint(number_of(after, "pgpgin"), ==, number_of(before, "pgpgin") + 4);
}

static void test_guides(struct render_fixture *f, gconstpointer data)
{
	g_autofree char *version = rendered_text(f, render_version);
	g_autofree char *readme = rendered_text(f, render_readme);

	g_assert_true(g_regex_match_simple("^vasfs version [0-9.]+ [^\n]*\n$", version,
	                                   G_REGEX_DOLLAR_ENDONLY, 0));
	assert_lines_match(readme, "^.{0,80}$");
	g_assert_null(strstr(readme, "@VERSION@"));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct render_fixture *f, gconstpointer data);
	} tests[] = {
	    {"/render/pagetable/kinds", test_pagetable},
	    {"/render/pagetable/raw", test_pagetable_raw},
	    {"/render/pagetable/fork", test_pagetable_fork},
	    {"/render/faults", test_faults},
	    {"/render/frames-and-objects", test_frames_and_objects},
	    {"/render/meminfo", test_meminfo},
	    {"/render/vmstat", test_vmstat},
	    {"/render/guides", test_guides},
	};

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/render/fault-line", test_fault_line);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].name, struct render_fixture, NULL, render_setup, tests[i].run,
		           render_teardown);
	return g_test_run();
}
