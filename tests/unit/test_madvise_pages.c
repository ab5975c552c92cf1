/*
 * test_madvise_pages.c - what each advice of madvise does to pages, frames, slots, entries and host
 * files.
 */
#include "tests/fixture/madvise_all.h"
#include "tests/fixture/pressure.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Pages and frames ------------------------------------------------------------------------- */

static int advise(struct pressure *p, unsigned page, unsigned pages, int advice)
{
	return vm_madvise(p->f.process, A(page), pages * PAGE, advice);
}

/* EXPECTED has one digit for each page, such as "01". */
static void assert_in_core(struct vm_process *process, uint64_t va, const char *expected)
{
	size_t pages = strlen(expected);
	g_autofree char *text = g_malloc0(pages + 1);

	g_assert_cmpint(vm_mincore(process, va, pages * PAGE, (uint8_t *)text), ==, 0);
	for (size_t i = 0; i < pages; i++)
		text[i] = (char)(text[i] + '0');
	g_assert_cmpstr(text, ==, expected);
}

/*
 * A process that neither owns a file nor may write it does not learn which of its pages are in
 * memory.
 */
static void test_mincore_rights(void)
{
	static const struct {
		bool owns;
		int mode;
		const char *expected;
	} cases[] = {{true, 0400, "10"}, {false, 0644, "11"}, {false, 0646, "10"}};
	uid_t uid = getuid() != 0 ? getuid() : 1000;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct pressure p;
		pressure_begin(
		    &p, &(struct pressure_size){.frames = 8, .uid = cases[i].owns ? uid : uid + 1});
		g_autofree char *path = make_file(&p.f, "file", 2 * PAGE, 'a');
		map_path(&p.f, p.f.process, path, O_RDONLY, ARENA, 2, PROT_READ, MAP_PRIVATE);
		g_assert_cmpint(chown(path, uid, (gid_t)-1) + chmod(path, (mode_t)cases[i].mode),
		                ==, 0);
		get(p.f.process, ARENA);
		assert_in_core(p.f.process, ARENA, cases[i].expected);
		pressure_end(&p);
	}
}

/*
 * A page given up with MADV_FREE is dropped without a write to swap, unless it was written again.
 */
static void test_free(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map_pattern(p.f.process, ARENA, 4, PRIVATE_ANON, 'a');
	g_assert_cmpint(advise(&p, 0, 3, MADV_FREE), ==, 0);
	assert_sound(p.f.machine);
	assert_in_core(p.f.process, ARENA, "1111");
	g_assert_cmpint(get(p.f.process, A(0)), ==, 'a');
	put(p.f.process, A(1), 'z');
	push_out(&p);
	g_assert_cmpuint(machine_info(&p).swap_outs, ==, 2);
	g_assert_cmpint(get(p.f.process, A(0)), ==, 0);
	g_assert_cmpint(get(p.f.process, A(1)), ==, 'z');
	g_assert_cmpint(get(p.f.process, A(1) + 1), ==, 'b');
	g_assert_cmpint(get(p.f.process, A(2)), ==, 0);
	g_assert_cmpint(get(p.f.process, A(3)), ==, 'd');
	pressure_end(&p);
}

/* Such a page can be dropped even without swap, and it is the first to go. */
static void test_free_without_swap(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){
	                       .frames = 4, .policy = "lru", .overcommit = VM_OVERCOMMIT_ALWAYS});
	map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	fill(p.f.process, ARENA, 4, 'a');
	g_assert_cmpint(advise(&p, 2, 1, MADV_FREE), ==, 0);
	put(p.f.process, A(4), 'b');
	assert_in_core(p.f.process, ARENA, "11011000");
	struct vm_fault fault;
	g_assert_cmpint(touch(p.f.process, A(5), VM_ACCESS_WRITE, &fault), ==, -ENOMEM);
	g_assert_cmpint(get(p.f.process, A(2)), ==, 0);
	pressure_end(&p);
}

/*
 * A page that another process still holds is kept. clear_refs clears dirty bits, but the engine
 * still knows that a page was written.
 */
static void test_free_and_others(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map_pattern(p.f.process, ARENA, 2, PRIVATE_ANON, 'a');
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpint(advise(&p, 0, 2, MADV_FREE), ==, 0);
	assert_sound(p.f.machine);
	push_out(&p);
	g_assert_cmpint(get(child, A(0)), ==, 'a');
	g_assert_cmpint(get(p.f.process, A(1)), ==, 'b');
	end(child);
	fill(p.f.process, ARENA, 2, 'b');
	g_assert_cmpint(advise(&p, 0, 2, MADV_FREE), ==, 0);
	put(p.f.process, A(0), 'c');
	g_assert_cmpint(vm_process_clear_refs(p.f.process, 4), ==, 0);
	push_out(&p);
	g_assert_cmpint(get(p.f.process, A(0)), ==, 'c');
	g_assert_cmpint(get(p.f.process, A(0) + 1), ==, 'b');
	g_assert_cmpint(get(p.f.process, A(1)), ==, 0);
	/* Pages that are in swap are dropped at once. */
	fill(p.f.process, ARENA, 2, 'd');
	push_out(&p);
	g_assert_cmpuint(machine_info(&p).swap_used, ==, 2);
	g_assert_cmpint(advise(&p, 0, 2, MADV_FREE), ==, 0);
	g_assert_cmpuint(machine_info(&p).swap_used, ==, 0);
	g_assert_cmpint(get(p.f.process, A(0)), ==, 0);
	pressure_end(&p);
}

static void test_dontneed_frames(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map_pattern(p.f.process, ARENA, 4, PRIVATE_ANON, 'a');
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpint(advise(&p, 1, 2, MADV_DONTNEED), ==, 0);
	assert_sound(p.f.machine);
	assert_pattern(child, ARENA, 4, 'a');
	assert_filled(p.f.process, A(1), 2, 0);
	assert_pattern(p.f.process, A(3), 1, 'd');
	end(child);
	push_out(&p);
	g_assert_cmpint(advise(&p, 0, 4, MADV_DONTNEED), ==, 0);
	g_assert_cmpuint(frames_used(&p), ==, 0);
	g_assert_cmpuint(machine_info(&p).swap_used, ==, 0);
	pressure_end(&p);
}

/*
 * Pages from swap come into the swap cache, and pages of a file into the page cache. Neither are
 * mapped.
 */
static void test_willneed(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	g_autofree char *path = make_file(&p.f, "ahead", 4 * PAGE, 'A');
	map_path(&p.f, p.f.process, path, O_RDONLY, A(8), 8, PROT_READ, MAP_PRIVATE);
	map_pattern(p.f.process, ARENA, 4, PRIVATE_ANON, 'a');
	map_pushed_out(&p, A(4), 4, SHARED_ANON, 'e');
	assert_in_core(p.f.process, ARENA, "0000000000000000");
	g_assert_cmpint(advise(&p, 1, 2, MADV_WILLNEED), ==, 0);
	g_assert_cmpint(advise(&p, 5, 2, MADV_WILLNEED), ==, 0);
	g_assert_cmpint(advise(&p, 9, 7, MADV_WILLNEED), ==, 0);
	assert_sound(p.f.machine);
	assert_in_core(p.f.process, ARENA, "0110011001110000");
	g_assert_cmpint(entry_kind(p.f.process, A(1)), ==, VM_ENTRY_SWAP);
	g_assert_cmpint(entry_kind(p.f.process, A(9)), ==, -1);
	g_assert_cmpuint(machine_info(&p).swap_cached, ==, 2);
	assert_touch(p.f.process, A(1), VM_ACCESS_READ, VM_MINOR, VM_FAULT_SWAP_CACHE);
	assert_touch(p.f.process, A(5), VM_ACCESS_READ, VM_MINOR, VM_FAULT_PAGE_CACHE);
	assert_touch(p.f.process, A(9), VM_ACCESS_READ, VM_MINOR, VM_FAULT_PAGE_CACHE);
	assert_touch(p.f.process, A(0), VM_ACCESS_READ, VM_MAJOR, VM_FAULT_SWAP_IN);
	assert_pattern(p.f.process, ARENA, 8, 'a');
	pressure_end(&p);
}

/*
 * Advice for more pages than there are frames comes to an end. So does advice when the storage
 * fails.
 */
static void test_willneed_limits(void)
{
	struct pressure p;

	pressure_begin_small(&p, 4, 64);
	g_autofree char *path = make_file(&p.f, "ahead", 16 * PAGE, 'A');
	map_path(&p.f, p.f.process, path, O_RDONLY, A(32), 16, PROT_READ, MAP_PRIVATE);
	map_pattern(p.f.process, ARENA, 16, PRIVATE_ANON, 'a');
	map_pattern(p.f.process, A(16), 16, SHARED_ANON, 'q');
	g_assert_cmpint(advise(&p, 0, 48, MADV_WILLNEED), ==, 0);
	assert_sound(p.f.machine);
	medium_fails(&p, ANY_TRANSFER, 1, 1000, -EIO);
	g_assert_cmpint(advise(&p, 0, 48, MADV_WILLNEED), ==, 0);
	medium_heals(&p);
	assert_sound(p.f.machine);
	assert_pattern(p.f.process, ARENA, 32, 'a');
	pressure_end(&p);
}

/* A cold page is the next one to be evicted. */
static void test_cold(void)
{
	static const char *const policies[] = {"lru", "clock", "fifo"};

	for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
		struct pressure p;
		pressure_begin(&p, &(struct pressure_size){.frames = 4,
		                                           .slots = 16,
		                                           .policy = policies[i],
		                                           .overcommit = VM_OVERCOMMIT_ALWAYS});
		map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
		fill(p.f.process, ARENA, 4, 'a');
		g_assert_cmpint(advise(&p, 2, 1, MADV_COLD), ==, 0);
		assert_sound(p.f.machine);
		put(p.f.process, A(4), 'b');
		assert_in_core(p.f.process, ARENA, "11011000");
		pressure_end(&p);
	}
}

/* Only pages that no other process maps are evicted. */
static void test_pageout(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	g_autofree char *path = make_file(&p.f, "out", 2 * PAGE, 'A');
	map_path(&p.f, p.f.process, path, O_RDWR, A(4), 2, RW, MAP_SHARED);
	map_pattern(p.f.process, ARENA, 2, PRIVATE_ANON, 'a');
	map_pattern(p.f.process, A(2), 2, SHARED_ANON, 'c');
	fill_pattern(p.f.process, A(4), 2, 'e');
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpint(advise(&p, 0, 6, MADV_PAGEOUT), ==, 0);
	assert_in_core(p.f.process, ARENA, "111111");
	put(p.f.process, A(1), 'z');
	g_assert_cmpint(advise(&p, 0, 6, MADV_PAGEOUT), ==, 0);
	assert_sound(p.f.machine);
	assert_in_core(p.f.process, ARENA, "101111");
	assert_in_core(child, ARENA, "111111");
	end(child);
	g_assert_cmpint(advise(&p, 0, 6, MADV_PAGEOUT), ==, 0);
	assert_sound(p.f.machine);
	assert_in_core(p.f.process, ARENA, "000000");
	g_assert_cmpuint(frames_used(&p), ==, 0);
	g_assert_cmpint(file_byte(path, PAGE), ==, 'f');
	g_assert_cmpint(get(p.f.process, A(1)), ==, 'z');
	assert_pattern(p.f.process, A(2), 4, 'c');
	pressure_end(&p);
}

/*
 * A process that may not write a file neither evicts its pages nor learns which of them are in
 * memory.
 */
static void test_others_file(void)
{
	struct pressure p;

	if (geteuid() != 0) {
		g_test_skip("it takes root to have files of two users");
		return;
	}
	pressure_begin(&p, &(struct pressure_size){.frames = 16, .slots = 16, .uid = 1234});
	g_autofree char *path = make_file(&p.f, "others", 2 * PAGE, 'A');
	map_path(&p.f, p.f.process, path, O_RDONLY, ARENA, 2, RW, MAP_PRIVATE);
	assert_in_core(p.f.process, ARENA, "11");
	g_assert_cmpint(get(p.f.process, A(0)), ==, 'A');
	put(p.f.process, A(1), 'x');
	g_assert_cmpint(advise(&p, 0, 2, MADV_PAGEOUT), ==, 0);
	g_assert_cmpint(entry_kind(p.f.process, A(0)), ==, VM_ENTRY_PAGE);
	g_assert_cmpint(entry_kind(p.f.process, A(1)), ==, VM_ENTRY_SWAP);
	pressure_end(&p);
}

/*
 * Pages and slots are dropped for every process that maps them. A host file gets a hole and keeps
 * its size.
 */
static void test_remove_stores(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	g_autofree char *path = make_file(&p.f, "hole", 4 * PAGE, 'A');
	map_pattern(p.f.process, ARENA, 4, SHARED_ANON, 'a');
	struct vm_process *child = fork_of(p.f.process);
	push_out(&p);
	g_assert_cmpint(get(child, A(1)), ==, 'b');
	g_assert_cmpint(advise(&p, 0, 3, MADV_REMOVE), ==, 0);
	assert_sound(p.f.machine);
	g_assert_cmpuint(machine_info(&p).swap_used, ==, 1);
	assert_filled(child, ARENA, 3, 0);
	assert_pattern(child, A(3), 1, 'd');
	end(child);
	map_path(&p.f, p.f.process, path, O_RDWR, A(8), 4, RW, MAP_SHARED);
	fill_pattern(p.f.process, A(8), 4, 'b');
	int error = vm_madvise(p.f.process, A(9), 2 * PAGE, MADV_REMOVE);
	if (error == -EOPNOTSUPP) {
		g_test_message("no holes in this file system");
		assert_pattern(p.f.process, A(8), 4, 'b');
	} else {
		g_assert_cmpint(error, ==, 0);
		assert_filled(p.f.process, A(9), 2, 0);
		g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
		g_assert_cmpint(file_byte(path, 0), ==, 'b');
		g_assert_cmpint(file_byte(path, PAGE), ==, 0);
		g_assert_cmpint(file_byte(path, 3 * PAGE), ==, 'e');
		g_assert_cmpuint(file_size(path), ==, 4 * PAGE);
	}
	assert_sound(p.f.machine);
	pressure_end(&p);
}

/* More pages than are dropped in one step. Half of them are in swap. */
static void test_remove_many(void)
{
	struct pressure p;

	pressure_begin_small(&p, 128, 128);
	map_pattern(p.f.process, ARENA, 200, SHARED_ANON, 1);
	g_assert_cmpint(vm_madvise(p.f.process, ARENA + PAGE, 198 * PAGE, MADV_REMOVE), ==, 0);
	g_assert_cmpuint(frames_used(&p) + machine_info(&p).swap_used, ==, 2);
	assert_pattern(p.f.process, ARENA, 1, 1);
	assert_filled(p.f.process, ARENA + PAGE, 198, 0);
	assert_pattern(p.f.process, ARENA + 199 * PAGE, 1, 200);
	pressure_end(&p);
}

/* If the host refuses the write, the file keeps its pages, in memory as well. */
static void test_remove_refused(void)
{
	struct pressure p;
	int error, fd = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	pressure_begin(&p, &(struct pressure_size){.frames = 8});
	g_assert_cmpint(ftruncate(fd, 2 * PAGE), ==, 0);
	struct vm_file *file = vm_file_new(p.f.machine, fd, O_RDWR, 0, &error);
	g_assert_nonnull(file);
	map_file(p.f.process, ARENA, 2, RW, MAP_SHARED, file, 0);
	put(p.f.process, ARENA, 's');
	g_assert_cmpint(vm_msync(p.f.process, ARENA, PAGE, MS_SYNC), ==, 0);
	g_assert_cmpint(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), ==, 0);
	g_assert_cmpint(vm_madvise(p.f.process, ARENA, 2 * PAGE, MADV_REMOVE), ==, -EPERM);
	assert_in_core(p.f.process, ARENA, "10");
	g_assert_cmpint(get(p.f.process, ARENA), ==, 's');
	vm_file_unref(file);
	pressure_end(&p);
}

/* --- Areas and flags -------------------------------------------------------------------------- */

/*
 * Past max_map_count the result is EAGAIN. The first of the two splits stays, as in Linux
 * (vma_modify).
 */
static void test_too_many_areas(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, ARENA, 3, RW, FIXED_ANON);
	g_assert_cmpint(vm_madvise(f->process, A(1), PAGE, MADV_DONTDUMP), ==, -EAGAIN);
	assert_areas(f->process, "20000000-20001000 rw-p 0\n20001000-20003000 rw-p 0\n");
	assert_sound(f->machine);
	g_assert_cmpint(vm_madvise(f->process, A(0), 3 * PAGE, MADV_DONTDUMP), ==, 0);
}

static void test_vm_flags(struct vm_fixture *f, gconstpointer data)
{
	static const struct {
		int advice;
		const char *flags;
	} rows[] = {{MADV_SEQUENTIAL, "rd wr mr mw me sr ac sd "},
	            {MADV_RANDOM, "rd wr mr mw me rr ac sd "},
	            {MADV_DONTFORK, "rd wr mr mw me rr dc ac sd "},
	            {MADV_WIPEONFORK, "rd wr mr mw me rr dc ac wf sd "},
	            {MADV_DONTDUMP, "rd wr mr mw me rr dc ac wf dd sd "},
	            {MADV_NORMAL, "rd wr mr mw me dc ac wf dd sd "},
	            {MADV_DODUMP, "rd wr mr mw me dc ac wf sd "},
	            {MADV_KEEPONFORK, "rd wr mr mw me dc ac sd "},
	            {MADV_DOFORK, "rd wr mr mw me ac sd "}};

	map(f->process, ARENA, 1, RW, FIXED_ANON);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_cmpint(vm_madvise(f->process, ARENA, PAGE, rows[i].advice), ==, 0);
		g_assert_cmpstr(usage_at(f->process, ARENA).vm_flags, ==, rows[i].flags);
	}
}

static void test_ended(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process *process = vm_process_ref(f->process);
	uint8_t vec[1];

	vm_process_exit(process, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(all_advice) - NO_ADVICE; i++)
		g_assert_cmpint(vm_madvise(process, ARENA, PAGE, all_advice[i]), ==, -ESRCH);
	g_assert_cmpint(vm_mincore(process, ARENA, PAGE, vec), ==, -ESRCH);
	vm_process_unref(process);
}

/* --- Many at once ----------------------------------------------------------------------------- */

enum { BUSY_PAGES = 32, BUSY_ROUNDS = 1500 };

struct busy {
	struct vm_process *process;
	unsigned seed;
};

/* Random advice and accesses. The test only checks that the machine stays sound. */
static void *be_busy(void *arg)
{
	struct busy *busy = arg;
	uint8_t vec[BUSY_PAGES];

	for (int i = 0; i < BUSY_ROUNDS; i++) {
		unsigned page = (unsigned)rand_r(&busy->seed) % BUSY_PAGES;
		uint64_t len = (1 + (unsigned)rand_r(&busy->seed) % (BUSY_PAGES - page)) * PAGE;
		int advice = all_advice[(unsigned)rand_r(&busy->seed) %
		                        (G_N_ELEMENTS(all_advice) - NO_ADVICE)];
		char byte = (char)i;
		vm_madvise(busy->process, A(page), len, advice);
		vm_write(busy->process, A(page), &byte, 1);
		vm_mincore(busy->process, ARENA, sizeof vec * PAGE, vec);
		if (i % 16 == 0)
			vm_madvise(busy->process, ARENA, BUSY_PAGES * PAGE, MADV_GUARD_REMOVE);
	}
	return NULL;
}

static void test_many(void)
{
	struct pressure p;
	struct busy busy[3];
	GThread *threads[G_N_ELEMENTS(busy)];

	pressure_begin_small(&p, 16, 256);
	g_autofree char *path = make_file(&p.f, "busy", 8 * PAGE, 'A');
	map(p.f.process, ARENA, 16, RW, PRIVATE_ANON);
	map(p.f.process, A(16), 8, RW, SHARED_ANON);
	map_path(&p.f, p.f.process, path, O_RDWR, A(24), 8, RW, MAP_SHARED);
	struct vm_process *child = fork_of(p.f.process);
	for (unsigned i = 0; i < G_N_ELEMENTS(busy); i++) {
		busy[i] = (struct busy){i == 2 ? child : p.f.process, i + 1};
		threads[i] = g_thread_new("busy", be_busy, &busy[i]);
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(busy); i++)
		g_thread_join(threads[i]);
	assert_sound(p.f.machine);
	end(child);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	static const struct vm_limits few_areas = {.max_map_count = 3};

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/madvise-pages/free", test_free);
	g_test_add_func("/madvise-pages/free-without-swap", test_free_without_swap);
	g_test_add_func("/madvise-pages/free-and-others", test_free_and_others);
	g_test_add_func("/madvise-pages/dontneed-frames", test_dontneed_frames);
	g_test_add_func("/madvise-pages/willneed", test_willneed);
	g_test_add_func("/madvise-pages/willneed-limits", test_willneed_limits);
	g_test_add_func("/madvise-pages/cold", test_cold);
	g_test_add_func("/madvise-pages/pageout", test_pageout);
	g_test_add_func("/madvise-pages/others-file", test_others_file);
	g_test_add_func("/madvise-pages/remove-stores", test_remove_stores);
	FIXTURE_TEST("/madvise-pages/too-many-areas", &few_areas, test_too_many_areas);
	FIXTURE_TEST("/madvise-pages/vm-flags", NULL, test_vm_flags);
	FIXTURE_TEST("/madvise-pages/ended", NULL, test_ended);
	g_test_add_func("/madvise-pages/many", test_many);
	g_test_add_func("/madvise-pages/mincore-rights", test_mincore_rights);
	g_test_add_func("/madvise-pages/remove-many", test_remove_many);
	g_test_add_func("/madvise-pages/remove-refused", test_remove_refused);
	return g_test_run();
}
