/*
 * test_tlb_stale.c - no entry of the simulated TLB is stale after its process changed an area or
 * forked (stale_scene.h).
 */
#include "tests/fixture/stale_scene.h"

/* --- Scenes: areas change --------------------------------------------------------------------- */

static void scene_munmap(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	g_assert_cmpint(vm_munmap(p->f.process, a, PAGE), ==, 0);
	assert_gone(p->f.process, a);
	map(p->f.process, a, 1, RW, PRIVATE_ANON);
	g_assert_cmpint(get(p->f.process, a), ==, 0);
}

static void scene_map_over(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	map(p->f.process, a, 1, RW, PRIVATE_ANON);
	g_assert_cmpint(get(p->f.process, a), ==, 0);
	prime(p->f.process, a, 2);
	map(p->f.process, a, 1, PROT_NONE, PRIVATE_ANON);
	assert_touch(p->f.process, a, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SEGV_ACCERR);
}

static void scene_brk(struct pressure *p)
{
	uint64_t start = (uint64_t)vm_brk(p->f.process, 0);

	vm_brk(p->f.process, start + PAGE);
	prime(p->f.process, start, 1);
	vm_brk(p->f.process, start);
	assert_gone(p->f.process, start);
	vm_brk(p->f.process, start + PAGE);
	g_assert_cmpint(get(p->f.process, start), ==, 0);
}

static void scene_mprotect(struct pressure *p)
{
	uint64_t a = primed_page(p, RW | PROT_EXEC, 1);

	assert_served(p->f.process, a, VM_ACCESS_EXEC);
	g_assert_cmpint(vm_mprotect(p->f.process, a, PAGE, RW), ==, 0);
	assert_touch(p->f.process, a, VM_ACCESS_EXEC, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	prime(p->f.process, a, 2);
	g_assert_cmpint(vm_mprotect(p->f.process, a, PAGE, PROT_READ), ==, 0);
	assert_touch(p->f.process, a, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	prime_load(p->f.process, a, 2);
	g_assert_cmpint(vm_mprotect(p->f.process, a, PAGE, PROT_NONE), ==, 0);
	assert_touch(p->f.process, a, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	g_assert_cmpint(vm_mprotect(p->f.process, a, PAGE, RW), ==, 0);
	g_assert_cmpint(get(p->f.process, a), ==, 2);
	prime(p->f.process, a, 3);
}

static void scene_mremap(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1), b = a + 16 * PAGE, c = b + 16 * PAGE;

	g_assert_cmpint(vm_mremap(p->f.process, a, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, b),
	                ==, b);
	assert_gone(p->f.process, a);
	prime_load(p->f.process, b, 1);
	/* Replace a page that is in the TLB. */
	map(p->f.process, c, 1, RW, PRIVATE_ANON);
	prime(p->f.process, c, 2);
	g_assert_cmpint(vm_mremap(p->f.process, b, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, c),
	                ==, c);
	g_assert_cmpint(get(p->f.process, c), ==, 1);
	assert_gone(p->f.process, b);
	/* The old area stays, but has no pages. */
	prime(p->f.process, c, 3);
	g_assert_cmpint(vm_mremap(p->f.process, c, PAGE, PAGE,
	                          MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, a),
	                ==, a);
	g_assert_cmpint(get(p->f.process, c), ==, 0);
	g_assert_cmpint(get(p->f.process, a), ==, 3);
}

static void scene_mremap_shrink(struct pressure *p)
{
	uint64_t a = map(p->f.process, ARENA, 2, RW, PRIVATE_ANON);

	prime(p->f.process, a + PAGE, 1);
	g_assert_cmpint(vm_mremap(p->f.process, a, 2 * PAGE, PAGE, 0, 0), ==, a);
	assert_gone(p->f.process, a + PAGE);
	g_assert_cmpint(vm_mremap(p->f.process, a, PAGE, 2 * PAGE, 0, 0), ==, a);
	g_assert_cmpint(get(p->f.process, a + PAGE), ==, 0);
}

/* A whole page table of pages moves. The engine may do this by moving the table. */
static void scene_mremap_table(struct pressure *p)
{
	uint64_t span = 512 * PAGE, a = map(p->f.process, ARENA, 1024, RW, PRIVATE_ANON),
	         b = a + 4 * span;

	prime(p->f.process, a + span - PAGE, 1);
	prime(p->f.process, a + span, 2);
	g_assert_cmpint(
	    vm_mremap(p->f.process, a, 2 * span, 2 * span, MREMAP_MAYMOVE | MREMAP_FIXED, b), ==,
	    b);
	assert_gone(p->f.process, a + span);
	assert_gone(p->f.process, a + span - PAGE);
	prime_load(p->f.process, b + span, 2);
	prime_load(p->f.process, b + span - PAGE, 1);
}

static void scene_exec(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	exec_program(p, p->f.process, "/bin/true");
	assert_gone(p->f.process, a);
	map(p->f.process, a, 1, RW, PRIVATE_ANON);
	g_assert_cmpint(get(p->f.process, a), ==, 0);
}

/* --- Scenes: fork ----------------------------------------------------------------------------- */

static void scene_fork(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);
	struct vm_process *child = fork_of(p->f.process);

	/* The old translation would write into a page that now belongs to the child too. */
	put(p->f.process, a, 2);
	g_assert_cmpint(get(child, a), ==, 1);
	g_assert_cmpint(get(p->f.process, a), ==, 2);
	prime(p->f.process, a, 3);
	g_assert_cmpint(get(child, a), ==, 1);
	end(child);
}

static void scene_cow_copy(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);
	struct vm_process *child = fork_of(p->f.process), *second = fork_of(child);

	prime_load(p->f.process, a, 1);
	prime_load(child, a, 1);
	prime_load(second, a, 1);
	/* Each process in turn gets a copy. The translations for loads must follow. */
	put(child, a, 2);
	prime_load(child, a, 2);
	prime_load(second, a, 1);
	put(p->f.process, a, 3);
	prime_load(p->f.process, a, 3);
	put(second, a, 4);
	prime_load(second, a, 4);
	g_assert_cmpint(get(child, a), ==, 2);
	g_assert_cmpint(get(p->f.process, a), ==, 3);
	end(second);
	end(child);
}

static void scene_cow_reuse(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);
	struct vm_process *child = fork_of(p->f.process);
	struct vm_fault record;

	prime_load(child, a, 1);
	put(p->f.process, a, 2);
	assert_touch(child, a, VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_COW_REUSE);
	prime(child, a, 3);
	g_assert_cmpint(get(p->f.process, a), ==, 2);
	/* The only user of the page may write to it. A new fork takes that right away again. */
	struct vm_process *second = fork_of(child);
	g_assert_cmpint(touch(child, a, VM_ACCESS_WRITE, &record), ==, 0);
	g_assert_cmpint(record.outcome, ==, VM_MINOR);
	put(child, a, 4);
	g_assert_cmpint(get(second, a), ==, 3);
	end(second);
	end(child);
}

/* The first read maps the zero page. */
static void scene_zero_page(struct pressure *p)
{
	uint64_t a = map(p->f.process, ARENA, 1, RW, PRIVATE_ANON),
	         b = map(p->f.process, a + PAGE, 1, RW, PRIVATE_ANON);

	prime_load(p->f.process, a, 0);
	put(p->f.process, a, 1);
	prime_load(p->f.process, a, 1);
	g_assert_cmpint(get(p->f.process, b), ==, 0);
}

/* Changes under page tables that a fork shares must reach both processes. */
static void scene_shared_tables(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);
	struct vm_process *child = fork_of(p->f.process);

	prime_load(p->f.process, a, 1);
	prime_load(child, a, 1);
	push_out(p);
	assert_sound(p->f.machine);
	struct vm_process *other = spawn(&p->f);
	fill(other, map(other, ARENA, 60, RW, PRIVATE_ANON), 60, 9);
	prime_load(child, a, 1);
	prime_load(p->f.process, a, 1);
	end(other);
	end(child);
}

/*
 * One of two processes unmaps everything that a shared table maps. Of the three tables, the middle
 * one need not be copied for that.
 */
static void scene_leave_table(struct pressure *p)
{
	uint64_t span = 512 * PAGE, a = map(p->f.process, ARENA, 1536, RW, PRIVATE_ANON) + span;

	prime(p->f.process, a, 1);
	struct vm_process *child = fork_of(p->f.process);
	prime_load(child, a, 1);
	prime_load(p->f.process, a, 1);
	g_assert_cmpint(vm_munmap(child, a - span, 3 * span), ==, 0);
	assert_sound(p->f.machine);
	assert_gone(child, a);
	prime_load(p->f.process, a, 1);
	end(child);
}

/* --- Running the scenes ----------------------------------------------------------------------- */

static const struct stale_scene scenes[] = {
    {"munmap", scene_munmap},
    {"map-over", scene_map_over},
    {"brk", scene_brk},
    {"mprotect", scene_mprotect},
    {"mremap", scene_mremap},
    {"mremap-shrink", scene_mremap_shrink},
    {"mremap-table", scene_mremap_table},
    {"exec", scene_exec},
    {"fork", scene_fork},
    {"cow-copy", scene_cow_copy},
    {"cow-reuse", scene_cow_reuse},
    {"zero-page", scene_zero_page},
    {"shared-tables", scene_shared_tables},
    {"leave-table", scene_leave_table},
};

static void test_scenes(gconstpointer geometry)
{
	play_scenes(scenes, G_N_ELEMENTS(scenes), geometry);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < GEOMETRIES; i++)
		add("stale", &geometries[i], test_scenes);
	return g_test_run();
}
