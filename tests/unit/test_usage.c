/*
 * test_usage.c - what areas have in memory and in swap, as smaps shows it, against sums done by
 * hand.
 */
#include "tests/fixture/pressure.h"

/* One page in the unit of shares: bytes x 4096. */
#define SHARE (UINT64_C(1) << 24)

/* What an area must have, in pages. The shares (pss) are in their own unit. */
struct wanted {
	uint64_t shared_clean, shared_dirty, private_clean, private_dirty, anonymous, swap;
	uint64_t pss, pss_dirty, swap_pss;
};

static void assert_usage(struct vm_process *process, uint64_t va, const struct wanted *wanted)
{
	struct vm_area_usage usage = usage_at(process, va);

	g_assert_cmpuint(usage.shared_clean / PAGE, ==, wanted->shared_clean);
	g_assert_cmpuint(usage.shared_dirty / PAGE, ==, wanted->shared_dirty);
	g_assert_cmpuint(usage.private_clean / PAGE, ==, wanted->private_clean);
	g_assert_cmpuint(usage.private_dirty / PAGE, ==, wanted->private_dirty);
	g_assert_cmpuint(usage.rss, ==,
	                 usage.shared_clean + usage.shared_dirty + usage.private_clean +
	                     usage.private_dirty);
	g_assert_cmpuint(usage.anonymous / PAGE, ==, wanted->anonymous);
	g_assert_cmpuint(usage.swap / PAGE, ==, wanted->swap);
	g_assert_cmpuint(usage.pss, ==, wanted->pss);
	g_assert_cmpuint(usage.pss, ==, usage.pss_anon + usage.pss_file + usage.pss_shmem);
	g_assert_cmpuint(usage.pss_dirty, ==, wanted->pss_dirty);
	g_assert_cmpuint(usage.swap_pss, ==, wanted->swap_pss);
}

/* --- Areas ------------------------------------------------------------------------------------ */

static void test_private(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	uint64_t a = map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	assert_usage(p.f.process, a, &(struct wanted){.pss = 0});
	fill(p.f.process, a, 3, 1);
	/* The zero page does not count. */
	g_assert_cmpint(get(p.f.process, a + 5 * PAGE), ==, 0);
	assert_usage(
	    p.f.process, a,
	    &(struct wanted){
	        .private_dirty = 3, .anonymous = 3, .pss = 3 * SHARE, .pss_dirty = 3 * SHARE});
	g_assert_cmpuint(usage_at(p.f.process, a).pss_anon, ==, 3 * SHARE);
	g_assert_cmpuint(usage_at(p.f.process, a).referenced, ==, 3 * PAGE);
	g_assert_cmpuint(usage_at(p.f.process, a).locked, ==, 0);
	pressure_end(&p);
}

static void assert_sharers(struct vm_process *process, uint64_t va, uint64_t private,
                           uint64_t shared, uint64_t pss)
{
	assert_usage(process, va,
	             &(struct wanted){.shared_dirty = shared,
	                              .private_dirty = private,
	                              .anonymous = shared + private,
	                              .pss = pss,
	                              .pss_dirty = pss});
}

/* Until somebody stores, parent and children also share the last-level table. */
static void test_fork(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	uint64_t a = map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	fill(p.f.process, a, 4, 1);
	struct vm_process *child = fork_of(p.f.process);
	assert_sharers(p.f.process, a, 0, 4, 4 * (SHARE / 2));
	assert_sharers(child, a, 0, 4, 4 * (SHARE / 2));
	struct vm_process *second = fork_of(child);
	assert_sharers(p.f.process, a, 0, 4, 4 * (SHARE / 3));
	assert_sharers(child, a, 0, 4, 4 * (SHARE / 3));
	assert_sharers(second, a, 0, 4, 4 * (SHARE / 3));
	/* SECOND gets a page and a table of its own. */
	put(second, a, 2);
	assert_sharers(second, a, 1, 3, SHARE + 3 * (SHARE / 3));
	assert_sharers(child, a, 0, 4, SHARE / 2 + 3 * (SHARE / 3));
	assert_sharers(p.f.process, a, 0, 4, SHARE / 2 + 3 * (SHARE / 3));
	end(child);
	assert_sharers(second, a, 1, 3, SHARE + 3 * (SHARE / 2));
	assert_sharers(p.f.process, a, 1, 3, SHARE + 3 * (SHARE / 2));
	end(second);
	assert_sharers(p.f.process, a, 4, 0, 4 * SHARE);
	pressure_end(&p);
}

static void test_file(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	g_autofree char *path = make_file(&p.f, "file", 4 * PAGE, 'a');
	uint64_t a = map_path(&p.f, p.f.process, path, O_RDWR, 0, 4, RW, MAP_SHARED);
	get(p.f.process, a);
	get(p.f.process, a + PAGE);
	put(p.f.process, a + 2 * PAGE, 'x');
	assert_usage(
	    p.f.process, a,
	    &(struct wanted){
	        .private_clean = 2, .private_dirty = 1, .pss = 3 * SHARE, .pss_dirty = SHARE});
	g_assert_cmpuint(usage_at(p.f.process, a).pss_file, ==, 3 * SHARE);

	struct vm_process *other = spawn(&p.f);
	uint64_t b = map_path(&p.f, other, path, O_RDWR, 0, 4, RW, MAP_PRIVATE);
	get(other, b);
	get(other, b + 2 * PAGE);
	/* This makes a copy, which is anonymous. */
	put(other, b + PAGE, 'y');
	assert_usage(p.f.process, a,
	             &(struct wanted){.private_clean = 1,
	                              .shared_clean = 1,
	                              .shared_dirty = 1,
	                              .pss = 2 * SHARE,
	                              .pss_dirty = SHARE / 2});
	assert_usage(other, b,
	             &(struct wanted){.private_dirty = 1,
	                              .shared_clean = 1,
	                              .shared_dirty = 1,
	                              .anonymous = 1,
	                              .pss = 2 * SHARE,
	                              .pss_dirty = SHARE + SHARE / 2});
	g_assert_cmpuint(usage_at(other, b).pss_anon, ==, SHARE);

	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	assert_usage(p.f.process, a,
	             &(struct wanted){.private_clean = 1, .shared_clean = 2, .pss = 2 * SHARE});
	end(other);
	assert_usage(p.f.process, a, &(struct wanted){.private_clean = 3, .pss = 3 * SHARE});
	pressure_end(&p);
}

/* A page that is mapped twice in one process counts twice. */
static void test_twice(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	g_autofree char *path = make_file(&p.f, "file", PAGE, 'a');
	uint64_t a = map_path(&p.f, p.f.process, path, O_RDWR, 0, 1, RW, MAP_SHARED),
	         b = map_path(&p.f, p.f.process, path, O_RDWR, 0, 1, RW, MAP_PRIVATE);
	get(p.f.process, a);
	get(p.f.process, b);
	assert_usage(p.f.process, a, &(struct wanted){.shared_clean = 1, .pss = SHARE / 2});
	assert_usage(p.f.process, b, &(struct wanted){.shared_clean = 1, .pss = SHARE / 2});
	pressure_end(&p);
}

/* Shared memory in swap has no page-table entry, so it counts as Swap but not as SwapPss. */
static void test_shmem(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	uint64_t a = map(p.f.process, ARENA, 4, RW, SHARED_ANON);
	fill(p.f.process, a, 2, 1);
	assert_usage(
	    p.f.process, a,
	    &(struct wanted){.private_dirty = 2, .pss = 2 * SHARE, .pss_dirty = 2 * SHARE});
	struct vm_process *child = fork_of(p.f.process);
	get(child, a);
	get(child, a + PAGE);
	assert_usage(child, a,
	             &(struct wanted){.shared_dirty = 2, .pss = SHARE, .pss_dirty = SHARE});
	g_assert_cmpuint(usage_at(p.f.process, a).pss_shmem, ==, SHARE);
	push_out(&p);
	assert_usage(p.f.process, a, &(struct wanted){.swap = 2});
	assert_usage(child, a, &(struct wanted){.swap = 2});
	end(child);
	pressure_end(&p);
}

static void test_swap(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	uint64_t a = map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	fill_pattern(p.f.process, a, 4, 1);
	push_out(&p);
	assert_usage(p.f.process, a, &(struct wanted){.swap = 4, .swap_pss = 4 * SHARE});
	struct vm_process *child = fork_of(p.f.process);
	assert_usage(p.f.process, a, &(struct wanted){.swap = 4, .swap_pss = 4 * (SHARE / 2)});
	assert_usage(child, a, &(struct wanted){.swap = 4, .swap_pss = 4 * (SHARE / 2)});
	struct vm_process *second = fork_of(child);
	assert_usage(second, a, &(struct wanted){.swap = 4, .swap_pss = 4 * (SHARE / 3)});
	end(child);
	/* A store brings the page back for one process, and leaves the slot to the other. */
	put(second, a, 2);
	assert_usage(second, a,
	             &(struct wanted){.private_dirty = 1,
	                              .anonymous = 1,
	                              .swap = 3,
	                              .pss = SHARE,
	                              .pss_dirty = SHARE,
	                              .swap_pss = 3 * (SHARE / 2)});
	assert_usage(p.f.process, a,
	             &(struct wanted){.swap = 4, .swap_pss = SHARE + 3 * (SHARE / 2)});
	end(second);
	assert_usage(p.f.process, a, &(struct wanted){.swap = 4, .swap_pss = 4 * SHARE});
	pressure_end(&p);
}

static void test_locked(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	uint64_t a = map_filled(p.f.process, ARENA, 4, PRIVATE_ANON, 1);
	g_assert_cmpint(vm_mlock(p.f.process, a, 2 * PAGE, 0), ==, 0);
	g_assert_cmpuint(usage_at(p.f.process, a).locked, ==, 2 * PAGE);
	g_assert_cmpuint(usage_at(p.f.process, a).pss_locked, ==, 2 * SHARE);
	g_assert_cmpuint(usage_at(p.f.process, a + 2 * PAGE).locked, ==, 0);
	/* Locks are not inherited. The locked size counts shares. */
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpuint(usage_at(child, a).locked, ==, 0);
	struct vm_area_usage usage = usage_at(p.f.process, a);
	g_assert_cmpuint(usage.locked, ==, usage.pss >> 12);
	g_assert_cmpuint(usage.pss_locked, ==, usage.pss);
	end(child);
	g_assert_cmpuint(usage_at(p.f.process, a).locked, ==, 2 * PAGE);
	g_assert_cmpint(vm_munlock(p.f.process, a, 2 * PAGE), ==, 0);
	g_assert_cmpuint(usage_at(p.f.process, a).locked, ==, 0);
	pressure_end(&p);
}

/* --- VmFlags ---------------------------------------------------------------------------------- */

static void assert_flags(struct vm_process *process, uint64_t va, const char *expected)
{
	g_assert_cmpstr(usage_at(process, va).vm_flags, ==, expected);
}

static void test_flags_anon(void)
{
	static const struct {
		int prot, flags;
		const char *expected;
	} cases[] = {
	    {RW, PRIVATE_ANON, "rd wr mr mw me ac sd "},
	    {PROT_NONE, PRIVATE_ANON, "mr mw me sd "},
	    {PROT_READ | PROT_EXEC, PRIVATE_ANON, "rd ex mr mw me sd "},
	    {RW | PROT_EXEC, PRIVATE_ANON, "rd wr ex mr mw me ac sd "},
	    {RW, PRIVATE_ANON | MAP_NORESERVE, "rd wr mr mw me nr sd "},
	    {RW, PRIVATE_ANON | MAP_GROWSDOWN, "rd wr mr mw me gd ac sd "},
	    {RW, PRIVATE_ANON | MAP_STACK, "rd wr mr mw me ac sd nh "},
	    {RW, PRIVATE_ANON | MAP_LOCKED, "rd wr mr mw me lo ac sd "},
	    {RW, SHARED_ANON, "rd wr sh mr mw me ms sd "},
	    {PROT_READ, SHARED_ANON, "rd sh mr mw me ms sd "},
	};
	struct pressure p;

	pressure_begin(&p, &roomy);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		uint64_t va =
		    map(p.f.process, ARENA + i * 16 * PAGE, 2, cases[i].prot, cases[i].flags);
		assert_flags(p.f.process, va, cases[i].expected);
	}
	uint64_t a = map(p.f.process, ARENA + MIB, 1, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_mlock(p.f.process, a, PAGE, MLOCK_ONFAULT), ==, 0);
	assert_flags(p.f.process, a, "rd wr mr mw me lo lf ac sd ");
	g_assert_cmpint(vm_munlockall(p.f.process), ==, 0);
	assert_flags(p.f.process, a, "rd wr mr mw me ac sd ");
	/* The area remembers that it had guard pages, even after they are removed. */
	g_assert_cmpint(vm_madvise(p.f.process, a, PAGE, MADV_GUARD_INSTALL), ==, 0);
	g_assert_cmpint(vm_madvise(p.f.process, a, PAGE, MADV_GUARD_REMOVE), ==, 0);
	assert_flags(p.f.process, a, "rd wr mr mw me gu ac sd ");
	uint64_t b = map(p.f.process, a + PAGE, 1, RW, PRIVATE_ANON | MAP_FIXED);
	assert_flags(p.f.process, a, "rd wr mr mw me gu ac sd ");
	g_assert_cmpint(vm_mprotect(p.f.process, a, PAGE, PROT_READ), ==, 0);
	assert_flags(p.f.process, b, "rd wr mr mw me gu ac sd ");
	g_assert_cmpint(vm_munmap(p.f.process, b, PAGE), ==, 0);
	a = map(p.f.process, a, 1, RW, PRIVATE_ANON | MAP_FIXED);
	g_assert_cmpint(vm_process_clear_refs(p.f.process, 4), ==, 0);
	assert_flags(p.f.process, a, "rd wr mr mw me ac ");
	pressure_end(&p);
}

static void test_flags_file(void)
{
	static const struct {
		int access, prot, flags;
		const char *expected;
	} cases[] = {
	    {O_RDONLY, PROT_READ, MAP_PRIVATE, "rd mr mw me sd "},
	    {O_RDONLY, RW, MAP_PRIVATE, "rd wr mr mw me ac sd "},
	    /*
	     * Nobody can ever store through this mapping, so the kernel clears the flag for
	     * sharing.
	     */
	    {O_RDONLY, PROT_READ, MAP_SHARED, "rd mr me ms sd "},
	    {O_RDWR, PROT_READ, MAP_SHARED, "rd sh mr mw me ms sd "},
	    {O_RDWR, RW, MAP_SHARED, "rd wr sh mr mw me ms sd "},
	};
	struct pressure p;

	pressure_begin(&p, &roomy);
	g_autofree char *path = make_file(&p.f, "file", PAGE, 'a');
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		uint64_t va = map_path(&p.f, p.f.process, path, cases[i].access, 0, 1,
		                       cases[i].prot, cases[i].flags);
		assert_flags(p.f.process, va, cases[i].expected);
	}
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/usage/private", test_private);
	g_test_add_func("/usage/fork", test_fork);
	g_test_add_func("/usage/file", test_file);
	g_test_add_func("/usage/twice", test_twice);
	g_test_add_func("/usage/shmem", test_shmem);
	g_test_add_func("/usage/swap", test_swap);
	g_test_add_func("/usage/locked", test_locked);
	g_test_add_func("/usage/flags-anon", test_flags_anon);
	g_test_add_func("/usage/flags-file", test_flags_file);
	return g_test_run();
}
