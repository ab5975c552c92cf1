/*
 * test_swap_full.c - swap that is full or is turned off, and large transfers on the smallest
 * machines.
 */
#include "tests/fixture/pressure.h"

/* --- Full ------------------------------------------------------------------------------------- */

static void test_full(void)
{
	struct pressure p;

	pressure_begin_small(&p, 2, 3);
	map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	for (unsigned page = 0; page < 5; page++)
		put(p.f.process, ARENA + page * PAGE, (uint8_t)('a' + page));
	for (int round = 0; round < 2; round++) {
		assert_touch(p.f.process, ARENA + 5 * PAGE, VM_ACCESS_WRITE, VM_FATAL,
		             VM_FAULT_OOM);
		uint8_t byte = 1;
		g_assert_cmpint(vm_write(p.f.process, ARENA + 6 * PAGE, &byte, 1), ==, -ENOMEM);
		assert_sound(p.f.machine);
	}
	/* A read of untouched memory costs nothing. */
	g_assert_cmpint(get(p.f.process, ARENA + 7 * PAGE), ==, 0);
	/*
	 * What is in a frame can be used. What is in swap can come back as soon as one page is
	 * free.
	 */
	for (unsigned page = 3; page < 5; page++)
		g_assert_cmpint(get(p.f.process, ARENA + page * PAGE), ==, 'a' + (int)page);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA, PAGE), ==, 0);
	for (unsigned page = 1; page < 5; page++)
		g_assert_cmpint(get(p.f.process, ARENA + page * PAGE), ==, 'a' + (int)page);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA + PAGE, PAGE), ==, 0);
	put(p.f.process, ARENA + 5 * PAGE, 'z');
	for (unsigned page = 2; page < 5; page++)
		g_assert_cmpint(get(p.f.process, ARENA + page * PAGE), ==, 'a' + (int)page);
	g_assert_cmpint(get(p.f.process, ARENA + 5 * PAGE), ==, 'z');
	pressure_end(&p);
}

/* A long write ends at the page for which there is no memory. */
static void test_full_long_write(void)
{
	struct pressure p;
	g_autofree uint8_t *bytes = g_malloc(8 * PAGE);

	memset(bytes, 'w', 8 * PAGE);
	pressure_begin_small(&p, 2, 3);
	map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_write(p.f.process, ARENA, bytes, 8 * PAGE), ==, 5 * PAGE);
	g_assert_cmpint(vm_write(p.f.process, ARENA + 5 * PAGE, bytes, 3 * PAGE), ==, -ENOMEM);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA, PAGE), ==, 0);
	assert_filled(p.f.process, ARENA + PAGE, 4, 'w');
	pressure_end(&p);
}

static void test_none(void)
{
	struct pressure p;

	pressure_begin_small(&p, 3, 0);
	map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	fill_pattern(p.f.process, ARENA, 2, 'n');
	map_pattern(p.f.process, FAR, 1, SHARED_ANON, 's');
	assert_touch(p.f.process, ARENA + 2 * PAGE, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_OOM);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 3), ==, 0);
	assert_pattern(p.f.process, ARENA, 2, 'n');
	assert_pattern(p.f.process, FAR, 1, 's');
	g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, -EINVAL);
	pressure_end(&p);
}

/* --- Large transfers on few frames ------------------------------------------------------------ */

static void test_large(gconstpointer data)
{
	unsigned frames = GPOINTER_TO_UINT(data);
	g_autofree uint8_t *bytes = g_malloc(MIB), *back = g_malloc(MIB);
	struct pressure p;

	for (size_t i = 0; i < MIB; i++)
		bytes[i] = (uint8_t)(i * 31 + (i >> 12) * 7 + (i >> 8));
	pressure_begin_small(&p, frames, 600);
	map(p.f.process, ARENA, 257, RW, PRIVATE_ANON);
	map(p.f.process, FAR, 257, RW, SHARED_ANON);
	static const uint64_t at[] = {ARENA, ARENA + 1, ARENA + PAGE - 1, FAR, FAR + 2049};
	for (size_t i = 0; i < G_N_ELEMENTS(at); i++) {
		g_assert_cmpint(vm_write(p.f.process, at[i], bytes, MIB), ==, MIB);
		g_assert_cmpint(load(p.f.process, at[i], back, MIB), ==, MIB);
		g_assert_true(memcmp(bytes, back, MIB) == 0);
		assert_sound(p.f.machine);
	}
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpint(load(child, ARENA + PAGE - 1, back, MIB), ==, MIB);
	g_assert_true(memcmp(bytes, back, MIB) == 0);
	end(child);
	pressure_end(&p);
}

/* Read from a shared mapping of a file to the end of a private one, which is followed by a hole. */
static void test_large_file(gconstpointer data)
{
	unsigned frames = GPOINTER_TO_UINT(data);
	g_autofree uint8_t *back = g_malloc(MIB);
	struct pressure p;

	pressure_begin_small(&p, frames, 600);
	g_autofree char *path = make_file(&p.f, "large", 40 * PAGE, 'A');
	map_path(&p.f, p.f.process, path, O_RDWR, ARENA, 40, RW, MAP_SHARED);
	map_path(&p.f, p.f.process, path, O_RDWR, ARENA + 40 * PAGE, 40, RW, MAP_PRIVATE);
	g_assert_cmpint(load(p.f.process, ARENA, back, MIB), ==, 80 * PAGE);
	for (unsigned page = 0; page < 80; page++)
		g_assert_cmpint(back[page * PAGE + 7], ==, 'A' + (int)(page % 40));
	memset(back, 'w', 60 * PAGE);
	g_assert_cmpint(vm_write(p.f.process, ARENA + 10 * PAGE, back, 60 * PAGE), ==, 60 * PAGE);
	assert_filled(p.f.process, ARENA + 10 * PAGE, 60, 'w');
	assert_filled(p.f.process, ARENA, 1, 'A');
	g_assert_cmpint(vm_msync(p.f.process, ARENA, 40 * PAGE, MS_SYNC), ==, 0);
	g_assert_cmpint(file_byte(path, 9 * PAGE), ==, 'A' + 9);
	g_assert_cmpint(file_byte(path, 39 * PAGE), ==, 'w');
	g_assert_cmpint(file_byte(path, 10 * PAGE), ==, 'w');
	pressure_end(&p);
}

/* --- swapoff ---------------------------------------------------------------------------------- */

static void test_swapoff(void)
{
	struct pressure p;
	struct vm_entry_info mine, other;

	pressure_begin(&p, &roomy);
	swap_out_eight(&p);
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpint(vm_mprotect(p.f.process, ARENA + 7 * PAGE, PAGE, PROT_NONE), ==, 0);
	put(child, ARENA, 'c');
	push_out(&p);
	g_assert_cmpuint(slots_used(&p), ==, 17);
	g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, 0);
	assert_sound(p.f.machine);
	g_assert_cmpuint(slots_used(&p), ==, 0);
	g_assert_cmpuint(machine_info(&p).swap_total, ==, 0);
	g_assert_cmpuint(machine_info(&p).swap_cached, ==, 0);
	g_assert_cmpuint(frames_used(&p), ==, 17);
	g_assert_cmpuint(process_info(p.f.process).swap, ==, 0);
	g_assert_cmpuint(process_info(p.f.process).rss_anon, ==, 8);
	g_assert_true(entry_of(p.f.process, ARENA + PAGE, &mine) &&
	              entry_of(child, ARENA + PAGE, &other));
	g_assert_cmpuint(mine.pfn, ==, other.pfn);
	assert_pattern(p.f.process, ARENA, 7, 'x');
	assert_pattern(child, ARENA + PAGE, 7, 'y');
	assert_pattern(child, FAR, 8, 'A');
	g_assert_cmpint(get(child, ARENA), ==, 'c');
	put(child, ARENA + PAGE, 'd');
	g_assert_cmpint(get(p.f.process, ARENA + PAGE), ==, 'y');
	g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, -EINVAL);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 4), ==, 0);
	end(child);
	pressure_end(&p);
}

static void test_swapoff_no_room(void)
{
	struct pressure p;

	pressure_begin_small(&p, 4, 8);
	map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	for (unsigned page = 0; page < 6; page++)
		put(p.f.process, ARENA + page * PAGE, (uint8_t)('a' + page));
	struct vm_machine_info before = machine_info(&p);
	for (int round = 0; round < 2; round++)
		g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, -ENOMEM);
	struct vm_machine_info after = machine_info(&p);
	g_assert_cmpuint(after.swap_used, ==, before.swap_used);
	g_assert_cmpuint(after.swap_total, ==, 8);
	g_assert_cmpuint(after.frames_free, ==, before.frames_free);
	for (unsigned page = 0; page < 6; page++)
		g_assert_cmpint(get(p.f.process, ARENA + page * PAGE), ==, 'a' + (int)page);
	/* Now there is just enough room. */
	g_assert_cmpint(vm_munmap(p.f.process, ARENA, 2 * PAGE), ==, 0);
	g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, 0);
	for (unsigned page = 2; page < 6; page++)
		g_assert_cmpint(get(p.f.process, ARENA + page * PAGE), ==, 'a' + (int)page);
	assert_touch(p.f.process, ARENA + 6 * PAGE, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_OOM);
	pressure_end(&p);
}

/* Clean file pages are dropped to make room for pages from swap, whatever the policy prefers. */
static void test_swapoff_drops_files(void)
{
	static const char *const policies[] = {"clock", "lru", "fifo", "random", "mru",
	                                       "arc",   "2q",  "lirs", "linux",  "s3fifo"};

	for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
		struct pressure p;
		pressure_begin(&p, &(struct pressure_size){.frames = 8,
		                                           .slots = 8,
		                                           .policy = policies[i],
		                                           .overcommit = VM_OVERCOMMIT_ALWAYS});
		g_autofree char *path = make_file(&p.f, "clean", 4 * PAGE, 'a');
		map_path(&p.f, p.f.process, path, O_RDONLY, FAR, 4, PROT_READ, MAP_SHARED);
		map_pattern(p.f.process, ARENA, 8, PRIVATE_ANON, 'k');
		struct vm_process *child = fork_of(p.f.process);
		push_out(&p);
		/*
		 * Bring two of them into the swap cache, from where they could be dropped without
		 * being written.
		 */
		get(child, ARENA + 6 * PAGE);
		get(child, ARENA + 7 * PAGE);
		for (unsigned page = 0; page < 4; page++)
			get(p.f.process, FAR + page * PAGE);
		g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, 0);
		assert_sound(p.f.machine);
		assert_pattern(p.f.process, ARENA, 8, 'k');
		assert_pattern(child, ARENA, 8, 'k');
		g_assert_cmpuint(frames_used(&p), ==, 8);
		g_assert_cmpuint(machine_info(&p).frames_file, ==, 0);
		end(child);
		pressure_end(&p);
	}
}

/* Locking brings pages in from swap, and they stay. */
static void test_lock_brings_in(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	swap_out_eight(&p);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA, 4 * PAGE, 0), ==, 0);
	g_assert_cmpuint(slots_used(&p), ==, 12);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA + 4 * PAGE, 4 * PAGE, MLOCK_ONFAULT), ==, 0);
	g_assert_cmpuint(slots_used(&p), ==, 12);
	get(p.f.process, ARENA + 4 * PAGE);
	push_out(&p);
	g_assert_cmpuint(process_info(p.f.process).rss_anon, ==, 5);
	assert_pattern(p.f.process, ARENA, 8, 'x');
	pressure_end(&p);
}

/* --- Random programs on the smallest machines ------------------------------------------------- */

/* Parent, child and grandchild write the same pages. None of them sees another's bytes. */
static void test_generations(gconstpointer data)
{
	unsigned frames = GPOINTER_TO_UINT(data);
	struct vm_process *process[3];
	uint8_t bytes[3][6];
	GRand *rand = g_rand_new_with_seed(frames);
	struct pressure p;

	pressure_begin_small(&p, frames, 32);
	map(p.f.process, ARENA, 6, RW, PRIVATE_ANON);
	for (unsigned page = 0; page < 6; page++)
		put(p.f.process, ARENA + page * PAGE, bytes[0][page] = (uint8_t)(page + 1));
	process[0] = p.f.process;
	for (int i = 1; i < 3; i++) {
		process[i] = fork_of(process[i - 1]);
		memcpy(bytes[i], bytes[i - 1], sizeof bytes[i]);
	}
	for (int step = 0; step < 600; step++) {
		int who = g_rand_int_range(rand, 0, 3);
		unsigned page = (unsigned)g_rand_int_range(rand, 0, 6);
		if (g_rand_boolean(rand))
			put(process[who], ARENA + page * PAGE,
			    bytes[who][page] = (uint8_t)g_rand_int_range(rand, 0, 256));
		g_assert_cmpint(get(process[who], ARENA + page * PAGE), ==, bytes[who][page]);
		if (step % 50 == 0)
			assert_sound(p.f.machine);
	}
	end(process[2]);
	end(process[1]);
	g_rand_free(rand);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	static const unsigned few[] = {1, 2, 3, 16};

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/swap/full", test_full);
	g_test_add_func("/swap/full-long-write", test_full_long_write);
	g_test_add_func("/swap/none", test_none);
	g_test_add_func("/swap/swapoff", test_swapoff);
	g_test_add_func("/swap/swapoff-no-room", test_swapoff_no_room);
	g_test_add_func("/swap/swapoff-drops-files", test_swapoff_drops_files);
	g_test_add_func("/swap/lock-brings-in", test_lock_brings_in);
	for (size_t i = 0; i < G_N_ELEMENTS(few); i++) {
		g_autofree char *large = g_strdup_printf("/swap/large/%u", few[i]);
		g_autofree char *file = g_strdup_printf("/swap/large-file/%u", few[i]);
		g_autofree char *generations = g_strdup_printf("/swap/generations/%u", few[i]);
		g_test_add_data_func(large, GUINT_TO_POINTER(few[i]), test_large);
		g_test_add_data_func(file, GUINT_TO_POINTER(few[i]), test_large_file);
		g_test_add_data_func(generations, GUINT_TO_POINTER(few[i]), test_generations);
	}
	return g_test_run();
}
