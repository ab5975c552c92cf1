/*
 * test_commit.c - promised memory: the three modes of overcommit, and how much each call is
 * charged.
 */
#include "tests/fixture/pressure.h"

static uint64_t committed(struct pressure *p)
{
	return machine_info(p).committed;
}

/* --- Overcommit ------------------------------------------------------------------------------- */

/* Mode 0 refuses only what can never fit: more than RAM and swap together. */
static void test_guess(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 64, .slots = 36});
	g_assert_cmpint(try_map(p.f.process, 101, RW, PRIVATE_ANON), ==, -ENOMEM);
	for (int i = 0; i < 5; i++)
		g_assert_cmpint(try_map(p.f.process, 100, RW, PRIVATE_ANON), >, 0);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 500);
	g_assert_cmpint(try_map(p.f.process, 101, RW, PRIVATE_ANON | MAP_NORESERVE), >, 0);
	g_assert_cmpint(try_map(p.f.process, 101, PROT_READ, PRIVATE_ANON), >, 0);
	g_assert_cmpint(try_map(p.f.process, 101, RW, SHARED_ANON), ==, -ENOMEM);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 500);
	pressure_end(&p);
}

/* A fork is checked area by area (dup_mmap). No single area here is larger than the machine. */
static void test_guess_fork(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 64, .slots = 36});
	for (int i = 0; i < 3; i++)
		map(p.f.process, ARENA + (uint64_t)i * 256 * PAGE, 90, RW, PRIVATE_ANON);
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpuint(committed(&p), ==, 2 * (STACK_PAGES + 270));
	end(child);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 270);
	pressure_end(&p);
}

static void test_always(void)
{
	struct pressure p;

	pressure_begin_small(&p, 64, 0);
	g_assert_cmpint(try_map(p.f.process, 1 << 20, RW, PRIVATE_ANON), >, 0);
	g_assert_cmpint(try_map(p.f.process, 1 << 20, RW, SHARED_ANON), >, 0);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + (2 << 20));
	pressure_end(&p);
}

/*
 * Mode 2 with a limit of 64 * 50 / 100 + 100 = 132 pages. The stack takes 33 of them, and the sum
 * must stay below the limit. So 98 pages are left.
 */
static const struct pressure_size strict = {
    .frames = 64, .slots = 100, .overcommit = VM_OVERCOMMIT_NEVER, .overcommit_ratio = 50};

enum { STRICT_LIMIT = 132, STRICT_ROOM = STRICT_LIMIT - STACK_PAGES - 1 };

static void test_never(void)
{
	struct pressure p;

	pressure_begin(&p, &strict);
	g_assert_cmpuint(machine_info(&p).commit_limit, ==, STRICT_LIMIT);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES);
	g_assert_cmpint(try_map(p.f.process, STRICT_ROOM + 1, RW, PRIVATE_ANON), ==, -ENOMEM);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES);
	int64_t at = try_map(p.f.process, STRICT_ROOM, RW, PRIVATE_ANON);
	g_assert_cmpint(at, >, 0);
	g_assert_cmpuint(committed(&p), ==, STRICT_LIMIT - 1);
	g_assert_cmpint(try_map(p.f.process, 1, RW, PRIVATE_ANON), ==, -ENOMEM);
	g_assert_cmpint(try_map(p.f.process, 1, RW, SHARED_ANON), ==, -ENOMEM);
	/* Memory that cannot be written costs nothing. */
	g_assert_cmpint(try_map(p.f.process, 1000, PROT_READ, PRIVATE_ANON), >, 0);
	/* The charge of the replaced mapping is given back first. */
	g_assert_cmpint(vm_mmap(p.f.process, (uint64_t)at, STRICT_ROOM * PAGE, RW,
	                        PRIVATE_ANON | MAP_FIXED, NULL, 0),
	                ==, at);
	g_assert_cmpint(vm_munmap(p.f.process, (uint64_t)at, 10 * PAGE), ==, 0);
	g_assert_cmpuint(committed(&p), ==, STRICT_LIMIT - 11);
	g_assert_cmpint(try_map(p.f.process, 10, RW, SHARED_ANON), >, 0);
	g_assert_cmpuint(committed(&p), ==, STRICT_LIMIT - 1);
	end(g_steal_pointer(&p.f.process));
	g_assert_cmpuint(committed(&p), ==, 0);
	pressure_end(&p);
}

/* Mode 2 ignores MAP_NORESERVE (do_mmap). */
static void test_never_noreserve(void)
{
	struct pressure p;

	pressure_begin(&p, &strict);
	g_assert_cmpint(try_map(p.f.process, 10, RW, PRIVATE_ANON | MAP_NORESERVE), >, 0);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 10);
	g_assert_cmpint(try_map(p.f.process, STRICT_ROOM, RW, PRIVATE_ANON | MAP_NORESERVE), ==,
	                -ENOMEM);
	g_assert_cmpint(try_map(p.f.process, STRICT_ROOM, RW, SHARED_ANON | MAP_NORESERVE), ==,
	                -ENOMEM);
	pressure_end(&p);
}

/* In other modes it exempts shared memory from the charge as well (shmem_acct_size). */
static void test_noreserve_shared(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 64});
	int64_t at = try_map(p.f.process, 20, RW, SHARED_ANON | MAP_NORESERVE);
	g_assert_cmpint(at, >, 0);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES);
	g_assert_cmpint(vm_munmap(p.f.process, (uint64_t)at, 20 * PAGE), ==, 0);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES);
	pressure_end(&p);
}

static void test_never_fork(void)
{
	struct pressure p;
	int error;

	pressure_begin(&p, &strict);
	/* 33 + 33 + 2 * N < 132, so N can be 32 at most. */
	int64_t at = try_map(p.f.process, 33, RW, PRIVATE_ANON);
	g_assert_cmpint(at, >, 0);
	g_assert_null(vm_fork(p.f.process, &p.f.cred, &error));
	g_assert_cmpint(error, ==, -ENOMEM);
	g_assert_cmpuint(committed(&p), ==, 66);
	g_assert_cmpint(vm_munmap(p.f.process, (uint64_t)at, PAGE), ==, 0);
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpuint(committed(&p), ==, 130);
	g_assert_cmpint(vm_process_spawn(p.f.machine, &p.f.cred, "no", &error) == NULL, ==, true);
	g_assert_cmpint(error, ==, -ENOMEM);
	end(child);
	g_assert_cmpuint(committed(&p), ==, 65);
	pressure_end(&p);
}

/* Shared memory is charged once, no matter how many processes share it. */
static void test_never_fork_shared(void)
{
	struct pressure p;

	pressure_begin(&p, &strict);
	map(p.f.process, ARENA, 60, RW, SHARED_ANON);
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpuint(committed(&p), ==, 60 + 2 * STACK_PAGES);
	end(g_steal_pointer(&p.f.process));
	g_assert_cmpuint(committed(&p), ==, 60 + STACK_PAGES);
	end(child);
	g_assert_cmpuint(committed(&p), ==, 0);
	pressure_end(&p);
}

static void test_never_mprotect(void)
{
	struct pressure p;

	pressure_begin(&p, &strict);
	map(p.f.process, ARENA, STRICT_ROOM + 1, PROT_READ, PRIVATE_ANON);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES);
	g_assert_cmpint(vm_mprotect(p.f.process, ARENA, (STRICT_ROOM + 1) * PAGE, RW), ==, -ENOMEM);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES);
	g_assert_cmpint(vm_mprotect(p.f.process, ARENA, STRICT_ROOM * PAGE, RW), ==, 0);
	g_assert_cmpuint(committed(&p), ==, STRICT_LIMIT - 1);
	/*
	 * Memory that is no longer writable: the charge is given back if it was never touched, and
	 * kept if it was.
	 */
	g_assert_cmpint(vm_mprotect(p.f.process, ARENA, 50 * PAGE, PROT_READ), ==, 0);
	g_assert_cmpuint(committed(&p), ==, STRICT_LIMIT - 51);
	put(p.f.process, ARENA + 60 * PAGE, 1);
	g_assert_cmpint(vm_mprotect(p.f.process, ARENA + 50 * PAGE, 40 * PAGE, PROT_READ), ==, 0);
	g_assert_cmpuint(committed(&p), ==, STRICT_LIMIT - 51);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA, 1000 * PAGE), ==, 0);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES);
	pressure_end(&p);
}

static void test_never_file(void)
{
	struct pressure p;

	pressure_begin(&p, &strict);
	g_autofree char *path = make_file(&p.f, "file", 4 * PAGE, 'a');
	struct vm_file *file = open_file(&p.f, path, O_RDWR);
	map_file(p.f.process, ARENA, 1000, RW, MAP_SHARED, file, 0);
	map_file(p.f.process, FAR, 1000, PROT_READ, MAP_PRIVATE, file, 0);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES);
	g_assert_cmpint(vm_mmap(p.f.process, 0, 1000 * PAGE, RW, MAP_PRIVATE, file, 0), ==,
	                -ENOMEM);
	map_file(p.f.process, FAR, 10, RW, MAP_PRIVATE, file, 0);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 10);
	vm_file_unref(file);
	pressure_end(&p);
}

static void test_never_brk(void)
{
	struct pressure p;

	pressure_begin(&p, &strict);
	int64_t start = vm_brk(p.f.process, 0);
	g_assert_cmpint(vm_sbrk(p.f.process, (STRICT_ROOM + 1) * (int64_t)PAGE), ==, -ENOMEM);
	g_assert_cmpint(vm_brk(p.f.process, 0), ==, start);
	g_assert_cmpint(vm_sbrk(p.f.process, STRICT_ROOM * (int64_t)PAGE), ==, start);
	g_assert_cmpuint(committed(&p), ==, STRICT_LIMIT - 1);
	g_assert_cmpint(vm_sbrk(p.f.process, -5 * (int64_t)PAGE), >, 0);
	g_assert_cmpuint(committed(&p), ==, STRICT_LIMIT - 6);
	pressure_end(&p);
}

static void test_never_mremap(void)
{
	struct pressure p;

	pressure_begin(&p, &strict);
	map(p.f.process, ARENA, 40, RW, PRIVATE_ANON);
	g_assert_cmpint(
	    vm_mremap(p.f.process, ARENA, 40 * PAGE, (STRICT_ROOM + 1) * PAGE, MREMAP_MAYMOVE, 0),
	    ==, -ENOMEM);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 40);
	g_assert_cmpint(vm_mremap(p.f.process, ARENA, 40 * PAGE, 50 * PAGE, 0, 0), ==, ARENA);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 50);
	g_assert_cmpint(
	    vm_mremap(p.f.process, ARENA, 50 * PAGE, 50 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, FAR),
	    ==, FAR);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 50);
	g_assert_cmpint(vm_mremap(p.f.process, FAR, 50 * PAGE, 20 * PAGE, 0, 0), ==, FAR);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 20);
	pressure_end(&p);
}

/* The area that stays behind is charged too (move_vma). */
static void test_never_dontunmap(void)
{
	struct pressure p;

	pressure_begin(&p, &strict);
	map(p.f.process, ARENA, 60, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_mremap(p.f.process, ARENA, 60 * PAGE, 60 * PAGE,
	                          MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0),
	                ==, -ENOMEM);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 60);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA, 40 * PAGE), ==, 0);
	g_assert_cmpint(vm_mremap(p.f.process, ARENA + 40 * PAGE, 20 * PAGE, 20 * PAGE,
	                          MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0),
	                >, 0);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 40);
	pressure_end(&p);
}

static void test_never_stack(void)
{
	struct pressure p;
	uint64_t bottom = VM_USER_END - STACK_PAGES * PAGE;

	pressure_begin(&p, &strict);
	assert_touch(p.f.process, bottom - (STRICT_ROOM + 1) * PAGE, VM_ACCESS_WRITE, VM_FATAL,
	             VM_FAULT_SEGV_MAPERR);
	assert_touch(p.f.process, bottom - STRICT_ROOM * PAGE, VM_ACCESS_WRITE, VM_MINOR,
	             VM_FAULT_STACK_GROW);
	g_assert_cmpuint(committed(&p), ==, STRICT_LIMIT - 1);
	pressure_end(&p);
}

/* The limit follows its knob and the size of swap. */
static void test_limit(void)
{
	struct pressure p;

	pressure_begin(&p, &strict);
	vm_machine_set_knob(p.f.machine, VM_KNOB_OVERCOMMIT_RATIO, 100);
	g_assert_cmpuint(machine_info(&p).commit_limit, ==, 164);
	vm_machine_set_knob(p.f.machine, VM_KNOB_OVERCOMMIT_RATIO, 0);
	g_assert_cmpuint(machine_info(&p).commit_limit, ==, 100);
	g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, 0);
	g_assert_cmpuint(machine_info(&p).commit_limit, ==, 0);
	g_assert_cmpint(try_map(p.f.process, 1, RW, PRIVATE_ANON), ==, -ENOMEM);
	vm_machine_set_knob(p.f.machine, VM_KNOB_OVERCOMMIT_MEMORY, VM_OVERCOMMIT_ALWAYS);
	g_assert_cmpint(try_map(p.f.process, 1000, RW, PRIVATE_ANON), >, 0);
	vm_machine_set_knob(p.f.machine, VM_KNOB_OVERCOMMIT_MEMORY, VM_OVERCOMMIT_GUESS);
	g_assert_cmpint(try_map(p.f.process, 65, RW, PRIVATE_ANON), ==, -ENOMEM);
	pressure_end(&p);
}

static void test_never_exec(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 4096,
	                                           .slots = 100,
	                                           .overcommit = VM_OVERCOMMIT_NEVER,
	                                           .overcommit_ratio = 50});
	map(p.f.process, ARENA, 100, RW, PRIVATE_ANON);
	exec_program(&p, p.f.process, "/bin/true");
	uint64_t once = committed(&p);
	exec_program(&p, p.f.process, "/bin/true");
	g_assert_cmpuint(committed(&p), ==, once);
	g_assert_cmpuint(once, >, STACK_PAGES);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/commit/guess", test_guess);
	g_test_add_func("/commit/guess-fork", test_guess_fork);
	g_test_add_func("/commit/always", test_always);
	g_test_add_func("/commit/never", test_never);
	g_test_add_func("/commit/never-noreserve", test_never_noreserve);
	g_test_add_func("/commit/noreserve-shared", test_noreserve_shared);
	g_test_add_func("/commit/never-fork", test_never_fork);
	g_test_add_func("/commit/never-fork-shared", test_never_fork_shared);
	g_test_add_func("/commit/never-mprotect", test_never_mprotect);
	g_test_add_func("/commit/never-file", test_never_file);
	g_test_add_func("/commit/never-brk", test_never_brk);
	g_test_add_func("/commit/never-mremap", test_never_mremap);
	g_test_add_func("/commit/never-dontunmap", test_never_dontunmap);
	g_test_add_func("/commit/never-stack", test_never_stack);
	g_test_add_func("/commit/never-exec", test_never_exec);
	g_test_add_func("/commit/limit", test_limit);
	return g_test_run();
}
