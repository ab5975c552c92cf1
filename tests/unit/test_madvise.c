/*
 * test_madvise.c - madvise and mincore against the host's kernel: errno, areas, contents, signals.
 */
#include "tests/fixture/madvise_all.h"
#include "tests/fixture/vm_host.h"

/* --- Against the host: errno and areas -------------------------------------------------------- */

/* Each advice for each kind of area, for memory that is not mapped, and for invalid ranges. */
static void test_errno(struct vm_fixture *f, gconstpointer data)
{
	static const struct host_step before[] = {
	    {MMAP, A(0), 4 * PAGE, RW, FIXED_ANON},
	    {MMAP, A(4), 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, RDONLY},
	    {MMAP, A(6), 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDONLY},
	    {MMAP, A(8), 2 * PAGE, RW, FIXED_SHARED},
	    {MMAP, A(10), 2 * PAGE, PROT_NONE, FIXED_ANON},
	    {MMAP, A(12), 2 * PAGE, PROT_WRITE, FIXED_ANON},
	    {MMAP, A(14), 2 * PAGE, RW, FIXED_ANON | MAP_LOCKED},
	    {MMAP, A(16), 2 * PAGE, PROT_READ, FIXED_SHARED | MAP_LOCKED},
	    {MMAP, A(20), 2 * PAGE, RW, FIXED_ANON},
	    {MMAP, A(24), 6 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, RDONLY},
	};
	static const struct host_step ranges[] = {
	    {MADVISE, A(0), PAGE},        {MADVISE, A(1), 1},
	    {MADVISE, A(0), 0},           {MADVISE, A(0) + 1, 0},
	    {MADVISE, A(0) + 1, PAGE},    {MADVISE, A(0), UINT64_MAX},
	    {MADVISE, A(0), -2 * PAGE},   {MADVISE, UINT64_MAX - PAGE + 1, PAGE},
	    {MADVISE, A(4), 2 * PAGE},    {MADVISE, A(6), 2 * PAGE},
	    {MADVISE, A(8), 2 * PAGE},    {MADVISE, A(10), PAGE},
	    {MADVISE, A(12), PAGE},       {MADVISE, A(14), PAGE},
	    {MADVISE, A(16), PAGE},       {MADVISE, A(18), 2 * PAGE},
	    {MADVISE, A(18), 3 * PAGE},   {MADVISE, A(21), 2 * PAGE},
	    {MADVISE, A(0), 9 * PAGE},    {MADVISE, A(20), 8 * PAGE},
	    {MADVISE, A(24), 6 * PAGE},   {MADVISE, A(1000), PAGE},
	    {MADVISE, VM_USER_END, PAGE}, {MADVISE, A(1000), 64 * MIB},
	    {MADVISE, A(1000), 0},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(all_advice); i++) {
		struct host_step steps[G_N_ELEMENTS(ranges)];
		memcpy(steps, ranges, sizeof steps);
		for (size_t j = 0; j < G_N_ELEMENTS(steps); j++)
			steps[j].a = (uint64_t)(int64_t)all_advice[i];
		assert_each_same(f, before, G_N_ELEMENTS(before), steps, G_N_ELEMENTS(steps));
	}
}

/* Advice that sets flags splits areas, and merges them again. */
static void test_flags(struct vm_fixture *f, gconstpointer data)
{
	static const struct {
		int set, clear;
	} pairs[] = {{MADV_RANDOM, MADV_NORMAL},
	             {MADV_SEQUENTIAL, MADV_NORMAL},
	             {MADV_DONTFORK, MADV_DOFORK},
	             {MADV_WIPEONFORK, MADV_KEEPONFORK},
	             {MADV_DONTDUMP, MADV_DODUMP}};

	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		const struct host_step steps[] = {
		    {MMAP, A(0), 5 * PAGE, RW, FIXED_ANON},
		    {STORE, A(2)},
		    {MADVISE, A(1), PAGE, (uint64_t)pairs[i].set},
		    {MADVISE, A(3), PAGE, (uint64_t)pairs[i].set},
		    {MADVISE, A(1), PAGE, (uint64_t)pairs[i].set},
		    {CHILD_BYTE, A(2)},
		    {MADVISE, A(2), PAGE, (uint64_t)pairs[i].set},
		    {CHILD_BYTE, A(2)},
		    {MADVISE, A(2), 2 * PAGE, (uint64_t)pairs[i].clear},
		    {CHILD_BYTE, A(2)},
		    {MADVISE, A(0), 5 * PAGE, (uint64_t)pairs[i].clear}};
		for (size_t count = 3; count <= G_N_ELEMENTS(steps); count++)
			assert_same(f, steps, count);
	}
	ASSERT_SAME(f, {MMAP, A(0), 3 * PAGE, RW, FIXED_ANON}, {MADVISE, A(0), PAGE, MADV_RANDOM},
	            {MADVISE, A(1), PAGE, MADV_SEQUENTIAL}, {MADVISE, A(0), PAGE, MADV_SEQUENTIAL});
	/* A new area merges only with an area that has the same advice. */
	ASSERT_SAME(f, {MMAP, A(0), 3 * PAGE, RW, FIXED_ANON},
	            {MADVISE, A(0), 3 * PAGE, MADV_DONTDUMP}, {MMAP, A(3), PAGE, RW, FIXED_ANON},
	            {MADVISE, A(3), PAGE, MADV_DONTDUMP});
}

/* --- Against the host: contents --------------------------------------------------------------- */

static void test_dontneed(struct vm_fixture *f, gconstpointer data)
{
	ASSERT_SAME(f, {MMAP, A(0), 4 * PAGE, RW, FIXED_ANON}, {STORE, A(0)}, {STORE, A(1)},
	            {STORE, A(3)}, {MINCORE, A(0), 4 * PAGE},
	            {MADVISE, A(1), 2 * PAGE, MADV_DONTNEED}, {MINCORE, A(0), 4 * PAGE},
	            {BYTE, A(0)}, {BYTE, A(1)}, {BYTE, A(3)}, {MINCORE, A(0), 4 * PAGE},
	            {CHILD_BYTE, A(1)});
	/*
	 * A private copy is dropped, and the file's byte shows again. Shared memory keeps its
	 * contents.
	 */
	ASSERT_SAME(f, {MMAP, A(0), 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDONLY}, {STORE, A(0)},
	            {BYTE, A(0)}, {MADVISE, A(0), PAGE, MADV_DONTNEED}, {BYTE, A(0)});
	ASSERT_SAME(f, {MMAP, A(0), 2 * PAGE, RW, FIXED_SHARED}, {STORE, A(0)},
	            {MADVISE, A(0), PAGE, MADV_DONTNEED}, {MINCORE, A(0), 2 * PAGE}, {BYTE, A(0)},
	            {CHILD_BYTE, A(0)});
	ASSERT_SAME(f, {MMAP, A(0), PAGE, PROT_READ, FIXED_ANON | MAP_LOCKED},
	            {MADVISE, A(0), PAGE, MADV_DONTNEED_LOCKED}, {MINCORE, A(0), PAGE});
}

static void test_remove(struct vm_fixture *f, gconstpointer data)
{
	ASSERT_SAME(f, {MMAP, A(0), 3 * PAGE, RW, FIXED_SHARED}, {STORE, A(0)}, {STORE, A(1)},
	            {MADVISE, A(1), PAGE, MADV_REMOVE}, {MINCORE, A(0), 3 * PAGE}, {BYTE, A(0)},
	            {BYTE, A(1)}, {CHILD_BYTE, A(1)}, {STORE, A(1)}, {CHILD_BYTE, A(1)});
	ASSERT_SAME(f, {MMAP, A(0), 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, RDWR},
	            {MMAP, A(8), 4 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDWR}, {STORE, A(1)},
	            {STORE, A(2)}, {STORE, A(9)}, {BYTE, A(10)},
	            {MADVISE, A(1), 2 * PAGE, MADV_REMOVE}, {BYTE, A(0)}, {BYTE, A(1)},
	            {BYTE, A(2)}, {BYTE, A(3)}, {BYTE, A(9)}, {BYTE, A(10)});
}

static void test_fork_advice(struct vm_fixture *f, gconstpointer data)
{
	ASSERT_SAME(f, {MMAP, A(0), 3 * PAGE, RW, FIXED_ANON}, {STORE, A(0)}, {STORE, A(1)},
	            {STORE, A(2)}, {MADVISE, A(1), PAGE, MADV_WIPEONFORK}, {CHILD_BYTE, A(0)},
	            {CHILD_BYTE, A(1)}, {CHILD_BYTE, A(2)}, {BYTE, A(1)},
	            {MADVISE, A(1), PAGE, MADV_KEEPONFORK}, {CHILD_BYTE, A(1)});
	ASSERT_SAME(f, {MMAP, A(0), 3 * PAGE, RW, FIXED_SHARED}, {STORE, A(1)},
	            {MADVISE, A(1), PAGE, MADV_DONTFORK}, {CHILD_BYTE, A(0)}, {CHILD_BYTE, A(1)},
	            {BYTE, A(1)}, {MADVISE, A(1), PAGE, MADV_DOFORK}, {CHILD_BYTE, A(1)});
}

static void test_populate(struct vm_fixture *f, gconstpointer data)
{
	ASSERT_SAME(
	    f, {MMAP, A(0), 4 * PAGE, RW, FIXED_ANON}, {MADVISE, A(1), PAGE, MADV_POPULATE_READ},
	    {MADVISE, A(2), PAGE, MADV_POPULATE_WRITE}, {MINCORE, A(0), 4 * PAGE}, {BYTE, A(2)});
	/*
	 * What was populated before the first failure stays. The failures: a hole, missing rights,
	 * the end of the file, a guard page.
	 */
	ASSERT_SAME(f, {MMAP, A(0), 2 * PAGE, RW, FIXED_ANON}, {MMAP, A(3), PAGE, RW, FIXED_ANON},
	            {MADVISE, A(0), 4 * PAGE, MADV_POPULATE_WRITE}, {MINCORE, A(0), 2 * PAGE},
	            {MINCORE, A(3), PAGE});
	ASSERT_SAME(f, {MMAP, A(0), 2 * PAGE, RW, FIXED_ANON},
	            {MMAP, A(2), PAGE, PROT_READ, FIXED_ANON},
	            {MADVISE, A(0), 3 * PAGE, MADV_POPULATE_WRITE}, {MINCORE, A(0), 3 * PAGE});
	ASSERT_SAME(f, {MMAP, A(0), 6 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDONLY},
	            {MADVISE, A(3), 2 * PAGE, MADV_POPULATE_WRITE},
	            {MADVISE, A(4), PAGE, MADV_POPULATE_READ});
	ASSERT_SAME(f, {MMAP, A(0), 3 * PAGE, RW, FIXED_ANON},
	            {MADVISE, A(1), PAGE, MADV_GUARD_INSTALL},
	            {MADVISE, A(0), 3 * PAGE, MADV_POPULATE_READ}, {MINCORE, A(0), 3 * PAGE});
	/* Populating does not make a stack grow. */
	ASSERT_SAME(f, {MMAP, A(8), 2 * PAGE, RW, FIXED_ANON | MAP_GROWSDOWN},
	            {MADVISE, A(7), 2 * PAGE, MADV_POPULATE_READ});
}

static void test_guard(struct vm_fixture *f, gconstpointer data)
{
	ASSERT_SAME(f, {MMAP, A(0), 4 * PAGE, RW, FIXED_ANON}, {STORE, A(0)}, {STORE, A(1)},
	            {MADVISE, A(1), 2 * PAGE, MADV_GUARD_INSTALL}, {LOAD, A(1)}, {STORE, A(2)},
	            {CODE, A(1)}, {BYTE, A(0)}, {STORE, A(3)}, {MINCORE, A(0), 4 * PAGE},
	            {CHILD_BYTE, A(1)}, {MADVISE, A(0), 4 * PAGE, MADV_DONTNEED}, {CODE, A(1)},
	            {MADVISE, A(0), 4 * PAGE, MADV_FREE}, {CODE, A(2)},
	            {MADVISE, A(0), 2 * PAGE, MADV_GUARD_REMOVE}, {BYTE, A(1)}, {CODE, A(2)},
	            {MADVISE, A(1), 2 * PAGE, MADV_GUARD_REMOVE}, {BYTE, A(2)});
	/*
	 * mprotect keeps guard pages. Missing rights are reported first. munmap and a new mapping
	 * remove guard pages.
	 */
	ASSERT_SAME(f, {MMAP, A(0), 3 * PAGE, RW, FIXED_ANON},
	            {MADVISE, A(1), PAGE, MADV_GUARD_INSTALL}, {MPROTECT, A(1), PAGE, PROT_NONE},
	            {CODE, A(1)}, {MPROTECT, A(1), PAGE, RW}, {CODE, A(1)}, {MUNMAP, A(1), PAGE},
	            {CODE, A(1)}, {MMAP, A(1), PAGE, RW, FIXED_ANON}, {BYTE, A(1)});
	/* Guard pages move with their area. */
	ASSERT_SAME(f, {MMAP, A(0), 3 * PAGE, RW, FIXED_ANON},
	            {MADVISE, A(1), PAGE, MADV_GUARD_INSTALL},
	            {MREMAP, A(0), 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, A(16)},
	            {CODE, A(16)}, {CODE, A(17)}, {CODE, A(0)},
	            {MREMAP, A(16), 3 * PAGE, 3 * PAGE,
	             MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, A(32)},
	            {CODE, A(33)}, {CODE, A(17)});
	/*
	 * Shared memory and files can have guard pages too. Each process has its own, and the
	 * contents behind them stay.
	 */
	ASSERT_SAME(f, {MMAP, A(0), 2 * PAGE, RW, FIXED_SHARED}, {STORE, A(0)},
	            {MADVISE, A(0), PAGE, MADV_GUARD_INSTALL}, {CODE, A(0)},
	            {MINCORE, A(0), 2 * PAGE}, {CHILD_BYTE, A(0)},
	            {MADVISE, A(0), PAGE, MADV_GUARD_REMOVE}, {BYTE, A(0)});
	ASSERT_SAME(f, {MMAP, A(0), 6 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, RDONLY},
	            {MADVISE, A(3), 2 * PAGE, MADV_GUARD_INSTALL}, {CODE, A(3)}, {CODE, A(4)},
	            {CODE, A(5)}, {MADVISE, A(3), 2 * PAGE, MADV_GUARD_REMOVE}, {CODE, A(3)},
	            {CODE, A(4)});
	/*
	 * A child that starts with an empty area inherits no guard pages. Locked memory gets no new
	 * guard pages, but keeps the ones it has.
	 */
	ASSERT_SAME(f, {MMAP, A(0), 2 * PAGE, RW, FIXED_ANON},
	            {MADVISE, A(0), PAGE, MADV_GUARD_INSTALL}, {CHILD_BYTE, A(0)},
	            {MADVISE, A(0), PAGE, MADV_WIPEONFORK}, {CHILD_BYTE, A(0)});
	/* The pages on both sides of a guard page are one family, so the areas merge again. */
	ASSERT_SAME(f, {MMAP, A(0), 3 * PAGE, RW, FIXED_ANON},
	            {MADVISE, A(1), PAGE, MADV_GUARD_INSTALL}, {MPROTECT, A(1), PAGE, PROT_READ},
	            {STORE, A(0)}, {STORE, A(2)}, {MPROTECT, A(1), PAGE, RW});
}

static void test_mincore(struct vm_fixture *f, gconstpointer data)
{
	static const struct host_step before[] = {
	    {MMAP, A(0), 4 * PAGE, RW, FIXED_ANON},
	    {STORE, A(0)},
	    {LOAD, A(2)},
	    {MMAP, A(8), 4 * PAGE, RW, FIXED_SHARED},
	    {STORE, A(9)},
	    {MMAP, A(16), PAGE, PROT_NONE, FIXED_ANON},
	};
	static const struct host_step steps[] = {
	    {MINCORE, A(0), 4 * PAGE},
	    {MINCORE, A(0), 1},
	    {MINCORE, A(0), PAGE + 1},
	    {MINCORE, A(0), 0},
	    {MINCORE, A(0) + 1, PAGE},
	    {MINCORE, A(0) + 1, 0},
	    {MINCORE, A(3), 2 * PAGE},
	    {MINCORE, A(6), PAGE},
	    {MINCORE, A(6), 0},
	    {MINCORE, A(8), 4 * PAGE},
	    {MINCORE, A(16), PAGE},
	    {MINCORE, A(0), UINT64_MAX},
	    {MINCORE, A(0), VM_USER_END},
	    {MINCORE, VM_USER_END, PAGE},
	    {MINCORE, VM_USER_END, 0},
	    {MINCORE, UINT64_MAX - PAGE + 1, 0},
	    {MINCORE, UINT64_MAX - PAGE + 1, PAGE},
	};

	assert_each_same(f, before, G_N_ELEMENTS(before), steps, G_N_ELEMENTS(steps));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/madvise/errno", NULL, test_errno);
	FIXTURE_TEST("/madvise/flags", NULL, test_flags);
	FIXTURE_TEST("/madvise/dontneed", NULL, test_dontneed);
	FIXTURE_TEST("/madvise/remove", NULL, test_remove);
	FIXTURE_TEST("/madvise/fork", NULL, test_fork_advice);
	FIXTURE_TEST("/madvise/populate", NULL, test_populate);
	FIXTURE_TEST("/madvise/guard", NULL, test_guard);
	FIXTURE_TEST("/madvise/mincore", NULL, test_mincore);
	return g_test_run();
}
