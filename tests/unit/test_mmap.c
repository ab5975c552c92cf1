/*
 * test_mmap.c - mmap, munmap, brk, sbrk and msync: results, errno in Linux's order, and the areas
 * afterwards. They are compared with the host's kernel if a host process can make the same calls.
 */
#include "tests/fixture/vm_host.h"

#include <unistd.h>

#define A(page) (ARENA + (page)*PAGE)
#define FIXED_ANON (PRIVATE_ANON | MAP_FIXED)

/* --- Against the host ------------------------------------------------------------------------- */

static void test_mmap_errno(struct vm_fixture *f, gconstpointer data)
{
	static const struct host_step before[] = {
	    {MMAP, A(4), PAGE, RW, FIXED_ANON},
	};
	static const struct host_step steps[] = {
	    {MMAP, 0, 0, RW, PRIVATE_ANON},
	    {MMAP, 0, 0, RW, MAP_PRIVATE, BAD_FD},
	    {MMAP, 0, 0, RW, PRIVATE_ANON, NO_FILE, 1},
	    {MMAP, 0, PAGE, RW, PRIVATE_ANON, NO_FILE, 1},
	    {MMAP, 0, PAGE, RW, MAP_PRIVATE, BAD_FD, 1},
	    {MMAP, 0, PAGE, RW, MAP_PRIVATE, BAD_FD},
	    {MMAP, 0, PAGE, RW, MAP_SHARED, BAD_FD},
	    {MMAP, A(0), PAGE, RW, MAP_ANONYMOUS | MAP_FIXED},
	    {MMAP, A(0), PAGE, RW, SHARED_ANON | MAP_PRIVATE | MAP_FIXED},
	    {MMAP, A(0), PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS | MAP_FIXED},
	    {MMAP, A(0), PAGE, RW, MAP_FIXED, RDWR},
	    {MMAP, 0, UINT64_MAX, RW, PRIVATE_ANON},
	    {MMAP, 0, UINT64_MAX - PAGE + 1, RW, PRIVATE_ANON},
	    {MMAP, 0, VM_USER_END, RW, PRIVATE_ANON | MAP_NORESERVE},
	    {MMAP, 0, VM_USER_END + PAGE, RW, PRIVATE_ANON | MAP_NORESERVE},
	    {MMAP, A(0) + 1, PAGE, RW, FIXED_ANON},
	    {MMAP, A(0) + 1, PAGE, RW, PRIVATE_ANON},
	    {MMAP, A(0), 1, RW, FIXED_ANON},
	    {MMAP, VM_USER_END, PAGE, RW, FIXED_ANON},
	    {MMAP, VM_USER_END + 1, PAGE, RW, FIXED_ANON},
	    {MMAP, VM_USER_END - PAGE, 2 * PAGE, RW, FIXED_ANON},
	    {MMAP, UINT64_MAX - PAGE + 1, PAGE, RW, FIXED_ANON},
	    {MMAP, A(3), 2 * PAGE, RW, PRIVATE_ANON | MAP_FIXED_NOREPLACE},
	    {MMAP, A(4), PAGE, RW, PRIVATE_ANON | MAP_FIXED_NOREPLACE},
	    {MMAP, A(3), PAGE, RW, PRIVATE_ANON | MAP_FIXED_NOREPLACE},
	    {MMAP, A(5), PAGE, RW, PRIVATE_ANON | MAP_FIXED_NOREPLACE},
	    {MMAP, A(5) + 1, PAGE, RW, PRIVATE_ANON | MAP_FIXED_NOREPLACE},
	    {MMAP, A(4), PAGE, RW, MAP_FIXED_NOREPLACE | MAP_ANONYMOUS},
	    {MMAP, A(4), PAGE, RW, MAP_FIXED | MAP_ANONYMOUS},
	    {MMAP, A(3), 2 * PAGE, RW, SHARED_ANON | MAP_FIXED | MAP_GROWSDOWN},
	    {MMAP, A(3), 2 * PAGE, RW, FIXED_ANON | MAP_GROWSDOWN},
	    {MMAP, A(0), PAGE, 0x40, FIXED_ANON},
	    {MMAP, A(0), PAGE, 0xff0, FIXED_ANON},
	    {MMAP, A(0), PAGE, PROT_GROWSDOWN | RW, FIXED_ANON},
	    {MMAP, A(0), PAGE, RW,
	     FIXED_ANON | MAP_NORESERVE | MAP_STACK | MAP_POPULATE | MAP_LOCKED},
	    {MMAP, A(0), PAGE, RW, FIXED_ANON, NO_FILE, UINT64_MAX - PAGE + 1},
	    {MMAP, A(0), 2 * PAGE, RW, FIXED_ANON, NO_FILE, UINT64_MAX - PAGE + 1},
	};

	assert_each_same(f, before, G_N_ELEMENTS(before), steps, G_N_ELEMENTS(steps));
}

static void test_mmap_file_errno(struct vm_fixture *f, gconstpointer data)
{
	static const struct host_step steps[] = {
	    {MMAP, A(0), PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, RDONLY},
	    {MMAP, A(0), PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDONLY},
	    {MMAP, A(0), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, RDONLY},
	    {MMAP, A(0), PAGE, RW, MAP_SHARED | MAP_FIXED, RDONLY},
	    {MMAP, A(0), PAGE, RW, MAP_SHARED | MAP_FIXED, RDWR},
	    {MMAP, A(0), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, WRONLY},
	    {MMAP, A(0), PAGE, PROT_WRITE, MAP_SHARED | MAP_FIXED, WRONLY},
	    {MMAP, A(0), PAGE, PROT_NONE, MAP_PRIVATE | MAP_FIXED, WRONLY},
	    {MMAP, A(0), PAGE, RW, MAP_PRIVATE | MAP_FIXED | MAP_GROWSDOWN, RDWR},
	    {MMAP, A(0), PAGE, RW, MAP_SHARED | MAP_FIXED | MAP_GROWSDOWN, RDWR},
	    {MMAP, A(0), PAGE, RW, MAP_SHARED | MAP_FIXED | MAP_GROWSDOWN, RDONLY},
	    {MMAP, A(0), PAGE, RW, MAP_SHARED_VALIDATE | MAP_FIXED, RDWR},
	    {MMAP, A(0), PAGE, RW, MAP_SHARED_VALIDATE | MAP_FIXED, RDONLY},
	    {MMAP, A(0), PAGE, RW, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, RDWR},
	    {MMAP, A(0), PAGE, RW, MAP_SHARED_VALIDATE | MAP_FIXED | 0x800000, RDWR},
	    {MMAP, A(0), PAGE, RW, MAP_SHARED | MAP_FIXED | 0x800000, RDWR},
	    {MMAP, A(0), PAGE, RW, MAP_PRIVATE | MAP_FIXED | 0x800000, RDWR},
	    {MMAP, A(0), PAGE, RW, MAP_SHARED_VALIDATE | MAP_FIXED | MAP_SYNC, RDWR},
	    {MMAP, A(0), PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDWR, PAGE},
	    {MMAP, A(0), PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDWR, 100 * PAGE},
	    {MMAP, A(0), PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDWR, 100},
	    {MMAP, A(0), PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDWR, UINT64_C(1) << 63},
	    {MMAP, A(0), 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDWR, UINT64_MAX - PAGE + 1},
	    {MMAP, A(0), PAGE, RW, MAP_FIXED, RDWR, UINT64_C(1) << 63},
	    {MMAP, A(0), PAGE, RW, PRIVATE_ANON | MAP_FIXED, WRONLY},
	};

	assert_each_same(f, NULL, 0, steps, G_N_ELEMENTS(steps));
}

static void test_munmap_errno(struct vm_fixture *f, gconstpointer data)
{
	static const struct host_step before[] = {
	    {MMAP, A(0), 8 * PAGE, RW, FIXED_ANON},
	    {STORE, A(3)},
	};
	static const struct host_step steps[] = {
	    {MUNMAP, A(0), 0},
	    {MUNMAP, A(0) + 1, PAGE},
	    {MUNMAP, A(0), 1},
	    {MUNMAP, A(2), PAGE + 1},
	    {MUNMAP, A(7), 3 * PAGE},
	    {MUNMAP, A(20), PAGE},
	    {MUNMAP, A(0), UINT64_MAX},
	    {MUNMAP, A(0), UINT64_MAX - PAGE + 1},
	    {MUNMAP, VM_USER_END, 0},
	    {MUNMAP, VM_USER_END, PAGE},
	    {MUNMAP, VM_USER_END + PAGE, PAGE},
	    {MUNMAP, UINT64_MAX - PAGE + 1, PAGE},
	};

	assert_each_same(f, before, G_N_ELEMENTS(before), steps, G_N_ELEMENTS(steps));
}

static void test_msync_errno(struct vm_fixture *f, gconstpointer data)
{
	static const struct host_step before[] = {
	    {MMAP, A(0), 2 * PAGE, RW, FIXED_ANON},
	    {MMAP, A(3), 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, RDWR},
	    {MMAP, A(6), PAGE, RW, MAP_SHARED | MAP_FIXED | MAP_LOCKED, RDWR},
	};
	static const struct host_step steps[] = {
	    {MSYNC, A(0), 2 * PAGE, MS_SYNC},
	    {MSYNC, A(0), 2 * PAGE, 0},
	    {MSYNC, A(0), 3 * PAGE, MS_SYNC},
	    {MSYNC, A(0), 3 * PAGE, MS_ASYNC},
	    {MSYNC, A(3), 2 * PAGE, MS_SYNC | MS_INVALIDATE},
	    {MSYNC, A(3), 2 * PAGE, MS_SYNC | MS_ASYNC},
	    {MSYNC, A(3), 2 * PAGE, 8},
	    {MSYNC, A(3) + 1, 2 * PAGE, MS_SYNC},
	    {MSYNC, A(3) + 1, 2 * PAGE, 8},
	    {MSYNC, A(3), 0, MS_SYNC},
	    {MSYNC, A(20), 0, MS_SYNC},
	    {MSYNC, A(20), PAGE, MS_SYNC},
	    {MSYNC, A(3), UINT64_MAX, MS_SYNC},
	    {MSYNC, A(3), UINT64_MAX - A(3), MS_SYNC},
	    {MSYNC, UINT64_MAX - PAGE + 1, PAGE, MS_SYNC},
	    {MSYNC, A(6), PAGE, MS_INVALIDATE},
	    {MSYNC, A(6), PAGE, MS_SYNC},
	    {MSYNC, A(5), 2 * PAGE, MS_INVALIDATE},
	};

	assert_each_same(f, before, G_N_ELEMENTS(before), steps, G_N_ELEMENTS(steps));
}

static void test_hints(struct vm_fixture *f, gconstpointer data)
{
	static const struct host_step before[] = {
	    {MMAP, A(0x1000), 4 * PAGE, RW, FIXED_ANON},
	    {MMAP, A(0x2000), PAGE, RW, FIXED_ANON | MAP_GROWSDOWN},
	};
	static const struct host_step steps[] = {
	    {MMAP, A(0), PAGE, RW, PRIVATE_ANON},
	    {MMAP, A(0) + 0xfff, PAGE, RW, PRIVATE_ANON},
	    {MMAP, A(0x0fff), PAGE, RW, PRIVATE_ANON},
	    {MMAP, A(0x0fff), 2 * PAGE, RW, PRIVATE_ANON},
	    {MMAP, A(0x1003), PAGE, RW, PRIVATE_ANON},
	    {MMAP, A(0x1004), PAGE, RW, PRIVATE_ANON},
	    {MMAP, A(0x1fff), PAGE, RW, PRIVATE_ANON},
	    {MMAP, A(0x1f00), PAGE, RW, PRIVATE_ANON},
	    {MMAP, A(0x1eff), PAGE, RW, PRIVATE_ANON},
	    {MMAP, A(0x1eff), 2 * PAGE, RW, PRIVATE_ANON},
	    {MMAP, A(0x1fff), PAGE, RW, FIXED_ANON},
	    {MMAP, A(0x2001), PAGE, RW, PRIVATE_ANON},
	    {MMAP, VM_USER_END, PAGE, RW, PRIVATE_ANON},
	    {MMAP, VM_USER_END + PAGE, PAGE, RW, PRIVATE_ANON},
	    {MMAP, UINT64_MAX, PAGE, RW, PRIVATE_ANON},
	    {MMAP, A(0), 3 * PAGE, PROT_READ, MAP_PRIVATE, RDONLY},
	    {MMAP, A(0), 3 * PAGE, PROT_READ, MAP_SHARED, RDONLY, PAGE},
	    {MMAP, A(0), 4 * MIB, RW, PRIVATE_ANON},
	    {MMAP, A(0), PAGE, RW, PRIVATE_ANON | MAP_32BIT},
	    {MMAP, A(0x0fff), 2 * PAGE, RW, PRIVATE_ANON | MAP_32BIT},
	};

	assert_each_same(f, before, G_N_ELEMENTS(before), steps, G_N_ELEMENTS(steps));
}

/* Which areas merge, and which do not. */
static void test_merging(struct vm_fixture *f, gconstpointer data)
{
	ASSERT_SAME(f, {MMAP, A(0), PAGE, RW, FIXED_ANON}, {MMAP, A(1), PAGE, RW, FIXED_ANON},
	            {MMAP, A(3), PAGE, RW, FIXED_ANON}, {MMAP, A(2), PAGE, RW, FIXED_ANON});
	ASSERT_SAME(f, {MMAP, A(0), PAGE, RW, FIXED_ANON}, {STORE, A(0)},
	            {MMAP, A(2), PAGE, RW, FIXED_ANON}, {STORE, A(2)},
	            {MMAP, A(1), PAGE, RW, FIXED_ANON});
	ASSERT_SAME(f, {MMAP, A(0), PAGE, RW, FIXED_ANON},
	            {MMAP, A(1), PAGE, PROT_READ, FIXED_ANON},
	            {MMAP, A(2), PAGE, RW, FIXED_ANON | MAP_NORESERVE},
	            {MMAP, A(3), PAGE, RW, FIXED_ANON | MAP_LOCKED},
	            {MMAP, A(4), PAGE, RW, FIXED_ANON | MAP_STACK},
	            {MMAP, A(5), PAGE, RW, FIXED_ANON | MAP_POPULATE});
	ASSERT_SAME(f, {MMAP, A(0), PAGE, RW, SHARED_ANON | MAP_FIXED},
	            {MMAP, A(1), PAGE, RW, SHARED_ANON | MAP_FIXED});
	ASSERT_SAME(f, {MMAP, A(0), PAGE, RW, MAP_SHARED | MAP_FIXED, RDWR, 0},
	            {MMAP, A(1), PAGE, RW, MAP_SHARED | MAP_FIXED, RDWR, PAGE},
	            {MMAP, A(2), PAGE, RW, MAP_SHARED | MAP_FIXED, RDWR, PAGE},
	            {MMAP, A(3), PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDWR, 2 * PAGE},
	            {MMAP, A(4), PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, RDWR, 3 * PAGE},
	            {MMAP, A(5), PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, RDONLY, 4 * PAGE});
	ASSERT_SAME(f, {MMAP, A(0), 4 * PAGE, RW, FIXED_ANON}, {MUNMAP, A(1), PAGE},
	            {MMAP, A(1), PAGE, RW, FIXED_ANON});
	ASSERT_SAME(f, {MMAP, A(0), 4 * PAGE, RW, FIXED_ANON},
	            {MMAP, A(1), 2 * PAGE, PROT_NONE, FIXED_ANON},
	            {MMAP, A(2), PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDONLY}, {MUNMAP, A(1), PAGE},
	            {LOAD, A(2)}, {LOAD, A(1)}, {STORE, A(3)});
}

/*
 * A stack grows, keeps its distance from other areas, and does not merge with an area it reaches.
 */
static void test_growth(struct vm_fixture *f, gconstpointer data)
{
	ASSERT_SAME(f, {MMAP, A(0x1000), PAGE, RW, FIXED_ANON | MAP_GROWSDOWN}, {STORE, A(0xfff)},
	            {STORE, A(0xf00)}, {LOAD, A(0xe00)}, {STORE, A(0x1001)});
	ASSERT_SAME(f, {MMAP, A(0x1000), PAGE, RW, FIXED_ANON | MAP_GROWSDOWN},
	            {MMAP, A(0xef0), PAGE, RW, FIXED_ANON}, {STORE, A(0xfff)}, {STORE, A(0xff1)},
	            {STORE, A(0xff0)});
	ASSERT_SAME(f, {MMAP, A(0x1000), PAGE, RW, FIXED_ANON | MAP_GROWSDOWN},
	            {MMAP, A(0xff0), PAGE, PROT_NONE, FIXED_ANON}, {STORE, A(0xff1)},
	            {STORE, A(0xff0)});
	ASSERT_SAME(f, {MMAP, A(0x1000), PAGE, RW, FIXED_ANON | MAP_GROWSDOWN},
	            {MMAP, A(0xff0), PAGE, RW, FIXED_ANON | MAP_GROWSDOWN}, {STORE, A(0xff1)});
	ASSERT_SAME(f, {MMAP, A(0x1000), PAGE, PROT_READ, FIXED_ANON | MAP_GROWSDOWN},
	            {STORE, A(0xfff)}, {LOAD, A(0xffe)});
	ASSERT_SAME(f, {MMAP, A(0x1000), PAGE, RW, FIXED_ANON | MAP_GROWSDOWN},
	            {STORE, A(0x1001) - 8 * MIB - PAGE}, {STORE, A(0x1001) - 8 * MIB});
}

/* --- Placement in a process whose layout is known --------------------------------------------- */

#define TOP (VM_USER_END - 128 * MIB)

static void test_placement(struct vm_fixture *f, gconstpointer data)
{
	g_assert_cmphex(map(f->process, 0, 1, RW, PRIVATE_ANON), ==, TOP - PAGE);
	g_assert_cmphex(map(f->process, 0, 2, PROT_READ, PRIVATE_ANON), ==, TOP - 3 * PAGE);
	g_assert_cmphex(map(f->process, 0, 1, RW, SHARED_ANON), ==, TOP - 4 * PAGE);
	g_assert_cmpint(vm_munmap(f->process, TOP - 3 * PAGE, 2 * PAGE), ==, 0);
	g_assert_cmphex(map(f->process, 0, 3, RW, PRIVATE_ANON), ==, TOP - 7 * PAGE);
	g_assert_cmphex(map(f->process, 0, 1, RW, PRIVATE_ANON), ==, TOP - 2 * PAGE);
	/* A mapping of whole huge pages is aligned to huge pages. */
	g_assert_cmphex(map(f->process, 0, 512, RW, PRIVATE_ANON), ==,
	                (TOP - 7 * PAGE - 2 * MIB) & -(2 * MIB));
	/* MAP_32BIT searches upwards in the second GiB. */
	g_assert_cmphex(map(f->process, 0, 1, RW, PRIVATE_ANON | MAP_32BIT), ==, 0x40000000);
	g_assert_cmphex(map(f->process, 0, 1, RW, PRIVATE_ANON | MAP_32BIT), ==, 0x40001000);
	/* When nothing is free below the top, the search goes upwards. */
	g_assert_cmpint(vm_mmap(f->process, 65536, TOP - 65536, PROT_NONE, FIXED_ANON, NULL, 0), ==,
	                65536);
	g_assert_cmphex(map(f->process, 0, 1, RW, PRIVATE_ANON), ==, TOP);
}

static void test_file_placement(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "big", 0, 'a');
	struct vm_file *file = NULL;

	resize_file(path, 4 * MIB);
	file = open_file(f, path, O_RDONLY);
	g_assert_cmphex(map_file(f->process, 0, 1, PROT_READ, MAP_PRIVATE, file, 0), ==,
	                TOP - PAGE);
	g_assert_cmphex(map_file(f->process, 0, 1024, PROT_READ, MAP_PRIVATE, file, 0) % (2 * MIB),
	                ==, 0);
	g_assert_cmphex(map_file(f->process, 0, 1023, PROT_READ, MAP_PRIVATE, file, 1) % (2 * MIB),
	                ==, PAGE);
	vm_file_unref(file);
}

static void test_min_addr(struct vm_fixture *f, gconstpointer data)
{
	const struct vm_limits *limits = data;
	int64_t low = vm_mmap(f->process, PAGE, PAGE, RW, FIXED_ANON, NULL, 0);

	g_assert_cmpint(low, ==, limits != NULL && limits->uid != 0 ? -EPERM : (int64_t)PAGE);
	/* A hint below the lowest allowed address is raised to it. */
	g_assert_cmpint(vm_mmap(f->process, 2 * PAGE, PAGE, RW, PRIVATE_ANON, NULL, 0), ==, 65536);
	if (low > 0)
		g_assert_cmpint(vm_munmap(f->process, PAGE, PAGE), ==, 0);
}

static void test_memlock(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 8 * MIB / PAGE, PROT_NONE, FIXED_ANON | MAP_LOCKED);
	g_assert_cmpint(vm_mmap(f->process, A(0x4000), PAGE, RW, FIXED_ANON | MAP_LOCKED, NULL, 0),
	                ==, -EAGAIN);
	/* The limit is checked before the type. */
	g_assert_cmpint(vm_mmap(f->process, A(0x4000), PAGE, RW,
	                        MAP_ANONYMOUS | MAP_FIXED | MAP_LOCKED, NULL, 0),
	                ==, -EAGAIN);
	g_assert_cmpint(vm_munmap(f->process, A(0), PAGE), ==, 0);
	map(f->process, A(0x4000), 1, RW, FIXED_ANON | MAP_LOCKED);
}

/* --- The number of areas ---------------------------------------------------------------------- */

/*
 * As on Linux, mmap may make one area more than max_map_count. Cutting off the end of an area needs
 * no additional area.
 */
static void test_map_count(struct vm_fixture *f, gconstpointer data)
{
	const struct vm_limits *limits = data;
	struct vm_process_info info;
	uint64_t i;

	for (i = 0; vm_mmap(f->process, A(4 * i), 3 * PAGE, RW, FIXED_ANON, NULL, 0) >= 0; i++)
		;
	g_assert_cmpint(vm_mmap(f->process, A(4 * i), 3 * PAGE, RW, FIXED_ANON, NULL, 0), ==,
	                -ENOMEM);
	vm_process_info(f->process, &info);
	g_assert_cmpuint(info.areas, ==, limits->max_map_count + 1);
	g_assert_cmpint(vm_mprotect(f->process, A(0), PAGE, PROT_READ), ==, -ENOMEM);
	g_assert_cmpint(vm_munmap(f->process, A(1), PAGE), ==, -ENOMEM);
	assert_sound(f->machine);
	g_assert_cmpint(vm_munmap(f->process, A(2), PAGE), ==, 0);
	g_assert_cmpint(vm_munmap(f->process, A(0), PAGE), ==, 0);
	g_assert_cmpint(vm_munmap(f->process, A(6), 3 * PAGE), ==, 0);
	g_assert_cmpint(vm_munmap(f->process, A(8), 3 * PAGE), ==, 0);
}

/* --- The heap --------------------------------------------------------------------------------- */

#define HEAP UINT64_C(0x555555556000)

static void test_brk(struct vm_fixture *f, gconstpointer data)
{
	static const struct {
		uint64_t ask, expect;
	} steps[] = {
	    {0, HEAP},
	    {HEAP - 1, HEAP},
	    {HEAP + 1, HEAP + 1},
	    {HEAP + PAGE, HEAP + PAGE},
	    {HEAP + 3 * PAGE + 5, HEAP + 3 * PAGE + 5},
	    {HEAP - PAGE, HEAP + 3 * PAGE + 5},
	    {UINT64_MAX, HEAP + 3 * PAGE + 5},
	    {VM_USER_END, HEAP + 3 * PAGE + 5},
	    {HEAP + PAGE - 1, HEAP + PAGE - 1},
	    {HEAP, HEAP},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		g_assert_cmphex((uint64_t)vm_brk(f->process, steps[i].ask), ==, steps[i].expect);
		assert_sound(f->machine);
	}
	g_assert_cmpint(get(f->process, HEAP), ==, -EFAULT);
	vm_brk(f->process, HEAP + 2 * PAGE);
	fill(f->process, HEAP, 2, 'h');
	vm_brk(f->process, HEAP + 1);
	g_assert_cmpint(get(f->process, HEAP + PAGE - 1), ==, 'h');
	g_assert_cmpint(get(f->process, HEAP + PAGE), ==, -EFAULT);
	/* Pages that the heap gets again are zeroed. */
	vm_brk(f->process, HEAP + 2 * PAGE);
	g_assert_cmpint(get(f->process, HEAP + PAGE), ==, 0);
}

static void test_brk_obstacle(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, HEAP + 4 * PAGE, 1, RW, PRIVATE_ANON);
	/* At least one page stays free between the heap and the area above it. */
	g_assert_cmphex((uint64_t)vm_brk(f->process, HEAP + 4 * PAGE), ==, HEAP);
	g_assert_cmphex((uint64_t)vm_brk(f->process, HEAP + 3 * PAGE), ==, HEAP + 3 * PAGE);
	g_assert_cmpint(vm_sbrk(f->process, 1), ==, -ENOMEM);
	g_assert_cmphex((uint64_t)vm_sbrk(f->process, 0), ==, HEAP + 3 * PAGE);
	/* Part of the heap was unmapped. It can still shrink. */
	g_assert_cmpint(vm_munmap(f->process, HEAP + PAGE, PAGE), ==, 0);
	g_assert_cmphex((uint64_t)vm_brk(f->process, HEAP), ==, HEAP);
}

/*
 * brk refuses to go past user space, to exceed the number of areas, and to give back memory that is
 * no longer mapped.
 */
static void test_brk_refused(struct vm_fixture *f, gconstpointer data)
{
	int64_t heap = vm_brk(f->process, 0), end = heap + 4 * (int64_t)PAGE;
	struct vm_process_info info;

	g_assert_cmpint(vm_brk(f->process, VM_USER_END), ==, heap);
	g_assert_cmpint(vm_brk(f->process, UINT64_MAX), ==, heap);
	vm_process_info(f->process, &info);
	g_assert_cmpint(vm_machine_set_knob(f->machine, VM_KNOB_MAX_MAP_COUNT, info.areas - 1), ==,
	                0);
	g_assert_cmpint(vm_brk(f->process, (uint64_t)end), ==, heap);
	g_assert_cmpint(vm_machine_set_knob(f->machine, VM_KNOB_MAX_MAP_COUNT, 65530), ==, 0);
	g_assert_cmpint(vm_brk(f->process, (uint64_t)end), ==, end);
	g_assert_cmpint(vm_munmap(f->process, (uint64_t)heap, 4 * PAGE), ==, 0);
	g_assert_cmpint(vm_brk(f->process, (uint64_t)heap), ==, end);
}

static void test_sbrk(struct vm_fixture *f, gconstpointer data)
{
	g_assert_cmphex((uint64_t)vm_sbrk(f->process, 100), ==, HEAP);
	g_assert_cmphex((uint64_t)vm_sbrk(f->process, 5000), ==, HEAP + 100);
	put(f->process, HEAP + 5099, 'x');
	g_assert_cmphex((uint64_t)vm_sbrk(f->process, -5000), ==, HEAP + 5100);
	g_assert_cmphex((uint64_t)vm_sbrk(f->process, 0), ==, HEAP + 100);
	g_assert_cmpint(vm_sbrk(f->process, -101), ==, -ENOMEM);
	g_assert_cmpint(vm_sbrk(f->process, INT64_MIN), ==, -ENOMEM);
	g_assert_cmpint(vm_sbrk(f->process, INT64_MAX), ==, -ENOMEM);
	g_assert_cmphex((uint64_t)vm_sbrk(f->process, -100), ==, HEAP + 100);
	g_assert_cmphex((uint64_t)vm_brk(f->process, 0), ==, HEAP);
}

/* --- Populating ------------------------------------------------------------------------------- */

static void test_populate(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process_info info;

	map(f->process, A(0), 16, RW, PRIVATE_ANON | MAP_POPULATE);
	map(f->process, A(32), 4, RW, SHARED_ANON | MAP_POPULATE);
	map(f->process, A(64), 4, PROT_NONE, PRIVATE_ANON | MAP_POPULATE);
	map(f->process, A(96), 4, RW, PRIVATE_ANON | MAP_LOCKED);
	vm_process_info(f->process, &info);
	g_assert_cmpuint(info.rss_anon, ==, 20);
	g_assert_cmpuint(info.rss_shmem, ==, 4);
	g_assert_cmpuint(info.vm_locked, ==, 4);
}

static void test_dead_process(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process *process = spawn(f);

	g_assert_cmpint(vm_process_exit(process, 0), ==, 0);
	g_assert_cmpint(vm_mmap(process, 0, PAGE, RW, PRIVATE_ANON, NULL, 0), ==, -ESRCH);
	g_assert_cmpint(vm_munmap(process, A(0), PAGE), ==, -ESRCH);
	g_assert_cmpint(vm_brk(process, 0), ==, -ESRCH);
	g_assert_cmpint(vm_sbrk(process, 0), ==, -ESRCH);
	g_assert_cmpint(vm_msync(process, A(0), PAGE, MS_SYNC), ==, -ESRCH);
	vm_process_unref(process);
}

/* Nearly as large as the address space, and a multiple of the huge page size. */
static void test_too_large(struct vm_fixture *f, gconstpointer data)
{
	ASSERT_SAME(
	    f, {MMAP, 0, UINT64_C(0x7fffffe00000), PROT_NONE, PRIVATE_ANON, NO_FILE},
	    {MMAP, 0, UINT64_C(0x7fffffc00000), PROT_NONE, PRIVATE_ANON | MAP_NORESERVE, NO_FILE},
	    {MMAP, 0, UINT64_C(0x7fffffc00000), PROT_READ, MAP_PRIVATE, RDONLY});
}

int main(int argc, char **argv)
{
	static const struct vm_limits user = {.uid = 1000}, few_areas = {.max_map_count = 20};

	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/mmap/errno", NULL, test_mmap_errno);
	FIXTURE_TEST("/mmap/file-errno", NULL, test_mmap_file_errno);
	FIXTURE_TEST("/mmap/munmap-errno", NULL, test_munmap_errno);
	FIXTURE_TEST("/mmap/msync-errno", NULL, test_msync_errno);
	FIXTURE_TEST("/mmap/hints", NULL, test_hints);
	FIXTURE_TEST("/mmap/merging", NULL, test_merging);
	FIXTURE_TEST("/mmap/growth", NULL, test_growth);
	FIXTURE_TEST("/mmap/placement", NULL, test_placement);
	FIXTURE_TEST("/mmap/file-placement", NULL, test_file_placement);
	FIXTURE_TEST("/mmap/min-addr/root", NULL, test_min_addr);
	FIXTURE_TEST("/mmap/min-addr/user", &user, test_min_addr);
	FIXTURE_TEST("/mmap/memlock", &user, test_memlock);
	FIXTURE_TEST("/mmap/map-count", &few_areas, test_map_count);
	FIXTURE_TEST("/mmap/brk", NULL, test_brk);
	FIXTURE_TEST("/mmap/brk-obstacle", NULL, test_brk_obstacle);
	FIXTURE_TEST("/mmap/sbrk", NULL, test_sbrk);
	FIXTURE_TEST("/mmap/populate", NULL, test_populate);
	FIXTURE_TEST("/mmap/dead-process", NULL, test_dead_process);
	FIXTURE_TEST("/mmap/too-large", NULL, test_too_large);
	FIXTURE_TEST("/mmap/brk-refused", NULL, test_brk_refused);
	return g_test_run();
}
