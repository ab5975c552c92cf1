/*
 * test_mremap.c - mremap: errno and areas compared with the host's kernel. Contents, page tables
 * and counters follow a move.
 */
#include "tests/fixture/vm_host.h"

#define A(page) (ARENA + (page)*PAGE)
#define FIXED_ANON (PRIVATE_ANON | MAP_FIXED)

enum {
	MAY = MREMAP_MAYMOVE,
	TO = MREMAP_MAYMOVE | MREMAP_FIXED,
	KEEP = MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
};

/* --- Against the host ------------------------------------------------------------------------- */

static const struct host_step furniture[] = {
    {MMAP, A(0), 4 * PAGE, RW, FIXED_ANON},
    {MMAP, A(6), 2 * PAGE, RW, FIXED_ANON},
    {MMAP, A(8), 2 * PAGE, PROT_READ, FIXED_ANON},
    {MMAP, A(12), 2 * PAGE, RW, SHARED_ANON | MAP_FIXED},
    {MMAP, A(16), 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, RDWR, PAGE},
    {MMAP, A(20), 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDONLY, PAGE},
    {STORE, A(1)},
    {STORE, A(6)},
};

static void test_argument_errno(struct vm_fixture *f, gconstpointer data)
{
	static const struct host_step steps[] = {
	    {MREMAP, A(0), PAGE, PAGE, 8},
	    {MREMAP, A(0), PAGE, PAGE, MREMAP_FIXED, A(100)},
	    {MREMAP, A(0), PAGE, PAGE, MREMAP_DONTUNMAP, A(100)},
	    {MREMAP, A(0), PAGE, 2 * PAGE, KEEP, 0},
	    {MREMAP, A(0) + 1, PAGE, PAGE, MAY},
	    {MREMAP, A(0), PAGE, 0, MAY},
	    {MREMAP, A(50), PAGE, 0, MAY},
	    {MREMAP, A(0), PAGE, PAGE, TO, A(100) + 1},
	    {MREMAP, A(0), PAGE, PAGE, TO, VM_USER_END},
	    {MREMAP, A(0), PAGE, VM_USER_END + PAGE, TO, A(100)},
	    {MREMAP, A(0), 2 * PAGE, 2 * PAGE, TO, A(1)},
	    {MREMAP, A(0), 2 * PAGE, 2 * PAGE, TO, A(0)},
	    {MREMAP, A(1), PAGE, 2 * PAGE, TO, A(0)},
	    {MREMAP, A(50), PAGE, PAGE, MAY},
	    {MREMAP, A(50), PAGE, 2 * PAGE, 0},
	    {MREMAP, A(50), PAGE, PAGE, TO, A(100)},
	    {MREMAP, A(50), PAGE, PAGE, TO, A(0)},
	    {MREMAP, A(5), PAGE, PAGE, TO, A(100)},
	    {MREMAP, A(0), 0, PAGE, MAY},
	    {MREMAP, A(0), 0, PAGE, 0},
	    {MREMAP, A(0), 0, PAGE, TO, A(100)},
	    {MREMAP, VM_USER_END, PAGE, PAGE, MAY},
	    {MREMAP, UINT64_MAX - PAGE + 1, PAGE, PAGE, MAY},
	    {MREMAP, A(0), UINT64_MAX, PAGE, MAY},
	    {MREMAP, A(0), PAGE, UINT64_MAX, MAY},
	    {MREMAP, A(0), 4 * PAGE, VM_USER_END, MAY},
	    {MREMAP, A(0), 4 * PAGE, VM_USER_END + PAGE, MAY},
	};

	assert_each_same(f, furniture, G_N_ELEMENTS(furniture), steps, G_N_ELEMENTS(steps));
}

static void test_resize(struct vm_fixture *f, gconstpointer data)
{
	static const struct host_step steps[] = {
	    {MREMAP, A(0), 4 * PAGE, 4 * PAGE, 0},   {MREMAP, A(0), 4 * PAGE, 2 * PAGE, 0},
	    {MREMAP, A(0), 4 * PAGE, 1, 0},          {MREMAP, A(1), 2 * PAGE, PAGE, 0},
	    {MREMAP, A(0), 10 * PAGE, PAGE, 0},      {MREMAP, A(0), 10 * PAGE, 10 * PAGE, 0},
	    {MREMAP, A(0), 4 * PAGE, 6 * PAGE, 0},   {MREMAP, A(1), 3 * PAGE, 5 * PAGE, 0},
	    {MREMAP, A(1), 2 * PAGE, 3 * PAGE, 0},   {MREMAP, A(0), 4 * PAGE, 7 * PAGE, 0},
	    {MREMAP, A(0), 6 * PAGE, 7 * PAGE, 0},   {MREMAP, A(0), 6 * PAGE, 7 * PAGE, MAY},
	    {MREMAP, A(0), 3 * PAGE, 7 * PAGE, 0},   {MREMAP, A(0), 4 * PAGE, 7 * PAGE, MAY},
	    {MREMAP, A(0), 2 * PAGE, 3 * PAGE, MAY}, {MREMAP, A(1), 2 * PAGE, 3 * PAGE, MAY},
	    {MREMAP, A(8), 2 * PAGE, 3 * PAGE, 0},   {MREMAP, A(6), 2 * PAGE, 3 * PAGE, 0},
	    {MREMAP, A(6), 4 * PAGE, 5 * PAGE, MAY}, {MREMAP, A(12), 2 * PAGE, 4 * PAGE, 0},
	    {MREMAP, A(12), 0, 2 * PAGE, 0},         {MREMAP, A(12), 0, 2 * PAGE, MAY},
	    {MREMAP, A(16), 2 * PAGE, 3 * PAGE, 0},  {MREMAP, A(16), 0, 2 * PAGE, MAY},
	    {MREMAP, A(20), 2 * PAGE, 10 * PAGE, 0}, {MREMAP, A(20), 0, 2 * PAGE, MAY},
	};

	assert_each_same(f, furniture, G_N_ELEMENTS(furniture), steps, G_N_ELEMENTS(steps));
}

static void test_move(struct vm_fixture *f, gconstpointer data)
{
	static const struct host_step steps[] = {
	    {MREMAP, A(0), 4 * PAGE, 4 * PAGE, TO, A(100)},
	    {MREMAP, A(1), 2 * PAGE, 2 * PAGE, TO, A(100)},
	    {MREMAP, A(0), 4 * PAGE, 2 * PAGE, TO, A(100)},
	    {MREMAP, A(0), 4 * PAGE, 6 * PAGE, TO, A(100)},
	    {MREMAP, A(1), 2 * PAGE, 6 * PAGE, TO, A(100)},
	    {MREMAP, A(0), 4 * PAGE, 4 * PAGE, TO, A(8)},
	    {MREMAP, A(0), PAGE, PAGE, TO, A(7)},
	    {MREMAP, A(0), 4 * PAGE, 4 * PAGE, TO, A(4)},
	    {MREMAP, A(2), 2 * PAGE, 2 * PAGE, TO, A(0)},
	    {MREMAP, A(0), 10 * PAGE, PAGE, TO, A(100)},
	    {MREMAP, A(0), 5 * PAGE, 6 * PAGE, TO, A(100)},
	    {MREMAP, A(6), 4 * PAGE, 5 * PAGE, TO, A(100)},
	    {MREMAP, A(0), 4 * PAGE, 4 * PAGE, KEEP | MREMAP_FIXED, A(100)},
	    {MREMAP, A(1), 2 * PAGE, 2 * PAGE, KEEP | MREMAP_FIXED, A(100)},
	    {MREMAP, A(0), 4 * PAGE, 4 * PAGE, KEEP, A(100)},
	    {MREMAP, A(0), 4 * PAGE, 4 * PAGE, KEEP, A(8)},
	    {MREMAP, A(12), 2 * PAGE, 2 * PAGE, TO, A(100)},
	    {MREMAP, A(12), 0, 2 * PAGE, TO, A(100)},
	    {MREMAP, A(12), 2 * PAGE, 2 * PAGE, KEEP, A(100)},
	    {MREMAP, A(16), 2 * PAGE, 2 * PAGE, TO, A(100)},
	    {MREMAP, A(17), PAGE, 3 * PAGE, TO, A(100)},
	    {MREMAP, A(16), 0, PAGE, TO, A(17)},
	    {MREMAP, A(16), 0, PAGE, TO, A(18)},
	    {MREMAP, A(20), 2 * PAGE, 2 * PAGE, TO, A(14)},
	};

	assert_each_same(f, furniture, G_N_ELEMENTS(furniture), steps, G_N_ELEMENTS(steps));
}

/* One call that moves several areas at once (Linux 6.17). */
static void test_move_several(struct vm_fixture *f, gconstpointer data)
{
	static const struct host_step steps[] = {
	    {MREMAP, A(6), 4 * PAGE, 4 * PAGE, TO, A(100)},
	    {MREMAP, A(0), 10 * PAGE, 10 * PAGE, TO, A(100)},
	    {MREMAP, A(4), 4 * PAGE, 4 * PAGE, TO, A(100)},
	    {MREMAP, A(6), 8 * PAGE, 8 * PAGE, TO, A(100)},
	    {MREMAP, A(6), 3 * PAGE, 3 * PAGE, TO, A(100)},
	    {MREMAP, A(6), 4 * PAGE, 4 * PAGE, KEEP | MREMAP_FIXED, A(100)},
	};

	assert_each_same(f, furniture, G_N_ELEMENTS(furniture), steps, G_N_ELEMENTS(steps));
}

/* A moved area merges with a neighbour of the same kind. */
static void test_merging(struct vm_fixture *f, gconstpointer data)
{
	ASSERT_SAME(f, {MMAP, A(0), PAGE, RW, FIXED_ANON}, {MMAP, A(9), PAGE, RW, FIXED_ANON},
	            {MREMAP, A(0), PAGE, PAGE, TO, A(10)});
	ASSERT_SAME(f, {MMAP, A(0), PAGE, RW, FIXED_ANON}, {STORE, A(0)},
	            {MMAP, A(9), PAGE, RW, FIXED_ANON}, {MREMAP, A(0), PAGE, PAGE, TO, A(10)},
	            {STORE, A(9)}, {STORE, A(10)});
	ASSERT_SAME(f, {MMAP, A(0), 4 * PAGE, RW, FIXED_ANON}, {STORE, A(0)},
	            {MREMAP, A(2), PAGE, PAGE, TO, A(10)}, {MREMAP, A(10), PAGE, PAGE, TO, A(2)});
	ASSERT_SAME(f, {MMAP, A(0), 4 * PAGE, RW, FIXED_ANON},
	            {MREMAP, A(2), PAGE, PAGE, TO, A(10)}, {STORE, A(10)},
	            {MREMAP, A(10), PAGE, PAGE, TO, A(2)}, {STORE, A(3)}, {STORE, A(1)});
	ASSERT_SAME(f, {MMAP, A(0), 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, RDWR, 0},
	            {MMAP, A(10), 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, RDWR, 2 * PAGE},
	            {MREMAP, A(10), 2 * PAGE, 2 * PAGE, TO, A(2)}, {STORE, A(3)});
	ASSERT_SAME(f, {MMAP, A(0), 2 * PAGE, RW, FIXED_ANON}, {STORE, A(0)},
	            {MREMAP, A(0), 2 * PAGE, 2 * PAGE, KEEP | TO, A(10)}, {STORE, A(0)},
	            {MMAP, A(2), PAGE, RW, FIXED_ANON});
}

/* --- Contents --------------------------------------------------------------------------------- */

static void test_contents(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process_info before, after;

	/* Across the ends of several page tables, to different offsets in them. */
	map(f->process, A(300), 1000, RW, PRIVATE_ANON);
	for (int i = 0; i < 1000; i += 7)
		put(f->process, A(300 + i) + (uint64_t)i, (uint8_t)i);
	vm_process_info(f->process, &before);
	g_assert_cmpint(vm_mremap(f->process, A(300), 1000 * PAGE, 2000 * PAGE, TO, A(4001)), ==,
	                A(4001));
	vm_process_info(f->process, &after);
	g_assert_cmpuint(after.rss_anon, ==, before.rss_anon);
	assert_sound(f->machine);
	for (int i = 0; i < 1000; i++)
		g_assert_cmpint(get(f->process, A(4001 + i) + (uint64_t)i), ==,
		                i % 7 == 0 ? (uint8_t)i : 0);
	g_assert_cmpint(get(f->process, A(300)), ==, -EFAULT);
	g_assert_cmpint(vm_mremap(f->process, A(4001), 2000 * PAGE, 10 * PAGE, 0, 0), ==, A(4001));
	vm_process_info(f->process, &after);
	g_assert_cmpuint(after.rss_anon, ==, 2);
	g_assert_cmpint(vm_munmap(f->process, A(4001), 10 * PAGE), ==, 0);
	vm_process_info(f->process, &after);
	g_assert_cmpuint(after.tables, ==, 0);
}

static void test_dontunmap(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 2, RW, PRIVATE_ANON);
	fill(f->process, A(0), 2, 'd');
	g_assert_cmpint(vm_mremap(f->process, A(0), 2 * PAGE, 2 * PAGE, KEEP | MREMAP_FIXED, A(10)),
	                ==, A(10));
	assert_filled(f->process, A(10), 2, 'd');
	assert_filled(f->process, A(0), 2, 0);
	put(f->process, A(0), 'e');
	assert_filled(f->process, A(10), 2, 'd');
}

/* Length 0 maps the pages of a shared mapping a second time. */
static void test_duplicate(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 2, RW, SHARED_ANON);
	put(f->process, A(1), '1');
	g_assert_cmpint(vm_mremap(f->process, A(0), 0, 2 * PAGE, TO, A(10)), ==, A(10));
	put(f->process, A(10), '2');
	g_assert_cmpint(get(f->process, A(0)), ==, '2');
	g_assert_cmpint(get(f->process, A(11)), ==, '1');
	/* Shared anonymous memory that grows past its end has nothing to show there. */
	g_assert_cmpint(vm_mremap(f->process, A(10), 2 * PAGE, 3 * PAGE, 0, 0), ==, A(10));
	assert_touch(f->process, A(12), VM_ACCESS_READ, VM_FATAL, VM_FAULT_SIGBUS);
}

/* Moving the child's memory does not move the parent's, although they share page tables. */
static void test_after_fork(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 600, RW, PRIVATE_ANON);
	fill(f->process, A(0), 600, 'p');
	struct vm_process *child = fork_of(f->process);
	g_assert_cmpint(vm_mremap(child, A(0), 600 * PAGE, 700 * PAGE, TO, A(1001)), ==, A(1001));
	assert_sound(f->machine);
	assert_filled(child, A(1001), 600, 'p');
	fill(child, A(1001), 10, 'c');
	assert_filled(f->process, A(0), 600, 'p');
	g_assert_cmpint(get(f->process, A(1001)), ==, -EFAULT);
	end(child);
}

static void test_counters(struct vm_fixture *f, gconstpointer data)
{
	struct vm_machine_info before, after;
	struct vm_process_info info;

	vm_machine_info(f->machine, &before);
	map(f->process, A(0), 4, RW, PRIVATE_ANON | MAP_LOCKED);
	g_assert_cmpint(vm_mremap(f->process, A(0), 4 * PAGE, 8 * PAGE, 0, 0), ==, A(0));
	g_assert_cmpint(vm_mremap(f->process, A(0), 8 * PAGE, 6 * PAGE, TO, A(20)), ==, A(20));
	vm_process_info(f->process, &info);
	vm_machine_info(f->machine, &after);
	g_assert_cmpuint(info.vm_locked, ==, 6);
	/* The new part of a locked area is brought in. */
	g_assert_cmpuint(info.rss_anon, ==, 6);
	g_assert_cmpuint(after.committed - before.committed, ==, 6);
	g_assert_cmpint(
	    vm_mremap(f->process, A(20), 6 * PAGE, 6 * PAGE, KEEP | MREMAP_FIXED, A(40)), ==,
	    A(40));
	vm_process_info(f->process, &info);
	g_assert_cmpuint(info.vm_locked, ==, 6);
}

static void test_memlock(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 8 * MIB / PAGE, PROT_NONE, PRIVATE_ANON | MAP_LOCKED);
	g_assert_cmpint(vm_mremap(f->process, A(0), 8 * MIB, 8 * MIB + PAGE, 0, 0), ==, -EAGAIN);
}

static void test_dead_process(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process *process = spawn(f);

	g_assert_cmpint(vm_process_exit(process, 0), ==, 0);
	g_assert_cmpint(vm_mremap(process, A(0), PAGE, PAGE, 0, 0), ==, -ESRCH);
	vm_process_unref(process);
}

/* Lengths that do not fit into any address space. */
static void test_too_large(struct vm_fixture *f, gconstpointer data)
{
	ASSERT_SAME(f, {MMAP, A(0), PAGE, PROT_NONE, PRIVATE_ANON | MAP_FIXED, NO_FILE},
	            {MREMAP, A(0), PAGE, UINT64_C(0x7fffffff0000), MREMAP_MAYMOVE},
	            {MREMAP, A(0), PAGE, UINT64_C(0x7fffffff0000), 0},
	            {MREMAP, A(0), UINT64_C(1) << 47, PAGE, 0},
	            {MREMAP, A(0), UINT64_C(1) << 63, PAGE, MREMAP_MAYMOVE});
}

int main(int argc, char **argv)
{
	static const struct vm_limits user = {.uid = 1000};

	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/mremap/argument-errno", NULL, test_argument_errno);
	FIXTURE_TEST("/mremap/resize", NULL, test_resize);
	FIXTURE_TEST("/mremap/move", NULL, test_move);
	FIXTURE_TEST("/mremap/move-several", NULL, test_move_several);
	FIXTURE_TEST("/mremap/merging", NULL, test_merging);
	FIXTURE_TEST("/mremap/contents", NULL, test_contents);
	FIXTURE_TEST("/mremap/dontunmap", NULL, test_dontunmap);
	FIXTURE_TEST("/mremap/duplicate", NULL, test_duplicate);
	FIXTURE_TEST("/mremap/after-fork", NULL, test_after_fork);
	FIXTURE_TEST("/mremap/counters", NULL, test_counters);
	FIXTURE_TEST("/mremap/memlock", &user, test_memlock);
	FIXTURE_TEST("/mremap/dead-process", NULL, test_dead_process);
	FIXTURE_TEST("/mremap/too-large", NULL, test_too_large);
	return g_test_run();
}
