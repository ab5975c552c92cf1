/*
 * test_lock.c - locked memory, and its limit.
 */
#include "tests/fixture/pressure.h"

#include <sys/syscall.h>
#include <unistd.h>

/* --- Locked memory ---------------------------------------------------------------------------- */

static uint64_t locked_of(struct vm_process *process)
{
	return process_info(process).vm_locked;
}

static void test_mlock(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map(p.f.process, ARENA, 16, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA + 100, 2 * PAGE, 0), ==, 0);
	g_assert_cmpuint(locked_of(p.f.process), ==, 3);
	g_assert_cmpuint(machine_info(&p).locked, ==, 3);
	g_assert_cmpuint(process_info(p.f.process).rss_anon, ==, 3);
	assert_touch(p.f.process, ARENA, VM_ACCESS_WRITE, VM_HIT, VM_FAULT_NONE);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA, 4 * PAGE, MLOCK_ONFAULT), ==, 0);
	g_assert_cmpuint(locked_of(p.f.process), ==, 4);
	g_assert_cmpuint(process_info(p.f.process).rss_anon, ==, 3);
	put(p.f.process, ARENA + 3 * PAGE, 1);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 10), ==, 0);
	g_assert_cmpint(vm_munlock(p.f.process, ARENA + PAGE, PAGE), ==, 0);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 10), ==, 1);
	g_assert_cmpuint(locked_of(p.f.process), ==, 3);
	/* A range with a hole: the pages before the hole are locked. */
	g_assert_cmpint(vm_mlock(p.f.process, ARENA + 14 * PAGE, 4 * PAGE, 0), ==, -ENOMEM);
	g_assert_cmpuint(locked_of(p.f.process), ==, 5);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA, PAGE, 2), ==, -EINVAL);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA, 0, 0), ==, 0);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA, UINT64_MAX - 4 * PAGE, 0), ==, -EINVAL);
	g_assert_cmpint(vm_munlock(p.f.process, FAR, PAGE), ==, -ENOMEM);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA, 16 * PAGE), ==, 0);
	g_assert_cmpuint(locked_of(p.f.process), ==, 0);
	g_assert_cmpuint(machine_info(&p).locked, ==, 0);
	pressure_end(&p);
}

/*
 * The host's mlock: 0 or a negative errno. This is a raw system call, because sanitizers replace
 * the library's mlock with one that does nothing.
 */
static int host_mlock(void *addr, size_t len)
{
	return syscall(SYS_mlock, addr, len) == 0 ? 0 : -errno;
}

/*
 * If pages cannot be brought in, the call fails but the area stays locked. This is so for memory
 * without rights, and past the end of a file.
 */
static void test_mlock_unreachable(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 64});
	g_autofree char *path = make_file(&p.f, "short", PAGE, 'a');
	map(p.f.process, ARENA, 4, PROT_NONE, PRIVATE_ANON);
	map_path(&p.f, p.f.process, path, O_RDONLY, FAR, 4, PROT_READ, MAP_PRIVATE);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *none = mmap(NULL, 4 * PAGE, PROT_NONE, PRIVATE_ANON, -1, 0);
	void *host_file = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA, 4 * PAGE, 0), ==, host_mlock(none, 4 * PAGE));
	g_assert_cmpint(vm_mlock(p.f.process, FAR, 4 * PAGE, 0), ==,
	                host_mlock(host_file, 4 * PAGE));
	g_assert_cmpuint(locked_of(p.f.process), ==, 8);
	munmap(none, 4 * PAGE);
	munmap(host_file, 4 * PAGE);
	close(fd);
	pressure_end(&p);
}

/*
 * If memory runs out while the pages are brought in, the result is EAGAIN
 * (__mlock_posix_error_return).
 */
static void test_mlock_no_memory(void)
{
	struct pressure p;

	pressure_begin_small(&p, 4, 16);
	map(p.f.process, ARENA, 16, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA, 8 * PAGE, 0), ==, -EAGAIN);
	g_assert_cmpint(vm_munlock(p.f.process, ARENA, 8 * PAGE), ==, 0);
	fill_pattern(p.f.process, ARENA, 16, 'l');
	assert_pattern(p.f.process, ARENA, 16, 'l');
	pressure_end(&p);
}

static void test_mlockall(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 256, .slots = 64});
	map(p.f.process, ARENA, 4, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_mlockall(p.f.process, 0), ==, -EINVAL);
	g_assert_cmpint(vm_mlockall(p.f.process, 8), ==, -EINVAL);
	g_assert_cmpint(vm_mlockall(p.f.process, MCL_ONFAULT), ==, -EINVAL);
	g_assert_cmpint(vm_mlockall(p.f.process, MCL_CURRENT), ==, 0);
	g_assert_cmpuint(locked_of(p.f.process), ==, STACK_PAGES + 4);
	g_assert_cmpuint(process_info(p.f.process).rss_anon, ==, STACK_PAGES + 4);
	map(p.f.process, FAR, 4, RW, PRIVATE_ANON);
	g_assert_cmpuint(locked_of(p.f.process), ==, STACK_PAGES + 4);
	g_assert_cmpint(vm_mlockall(p.f.process, MCL_FUTURE), ==, 0);
	map(p.f.process, FAR + 16 * PAGE, 4, RW, PRIVATE_ANON);
	g_assert_cmpuint(locked_of(p.f.process), ==, STACK_PAGES + 8);
	g_assert_cmpuint(process_info(p.f.process).rss_anon, ==, STACK_PAGES + 8);
	g_assert_cmpint(vm_sbrk(p.f.process, 3 * (int64_t)PAGE), >, 0);
	g_assert_cmpuint(locked_of(p.f.process), ==, STACK_PAGES + 11);
	g_assert_cmpint(vm_mlockall(p.f.process, MCL_FUTURE | MCL_ONFAULT), ==, 0);
	uint64_t before = process_info(p.f.process).rss_anon;
	map(p.f.process, FAR + 32 * PAGE, 4, RW, PRIVATE_ANON);
	g_assert_cmpuint(process_info(p.f.process).rss_anon, ==, before);
	g_assert_cmpuint(locked_of(p.f.process), ==, STACK_PAGES + 15);
	put(p.f.process, FAR + 32 * PAGE, 1);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 300), ==, 0);
	g_assert_cmpint(vm_munlockall(p.f.process), ==, 0);
	g_assert_cmpuint(locked_of(p.f.process), ==, 0);
	map(p.f.process, FAR + 48 * PAGE, 4, RW, PRIVATE_ANON);
	g_assert_cmpuint(locked_of(p.f.process), ==, 0);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 300), >=, STACK_PAGES);
	pressure_end(&p);
}

/* Under MCL_FUTURE, new pages of the heap are brought in at once (vm_brk_flags). */
static void test_brk_populates(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 256});
	g_assert_cmpint(vm_mlockall(p.f.process, MCL_FUTURE), ==, 0);
	uint64_t before = process_info(p.f.process).rss_anon;
	g_assert_cmpint(vm_sbrk(p.f.process, 3 * (int64_t)PAGE), >, 0);
	g_assert_cmpuint(process_info(p.f.process).rss_anon, ==, before + 3);
	pressure_end(&p);
}

/* A child inherits no locks. The parent's stay, and the pages of both are unchanged. */
static void test_fork(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 256, .slots = 64});
	map_pattern(p.f.process, ARENA, 4, PRIVATE_ANON, 'k');
	g_assert_cmpint(vm_mlockall(p.f.process, MCL_CURRENT | MCL_FUTURE), ==, 0);
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpuint(locked_of(child), ==, 0);
	g_assert_cmpuint(machine_info(&p).locked, ==, STACK_PAGES + 4);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 300), ==, 0);
	map(child, FAR, 2, RW, PRIVATE_ANON);
	g_assert_cmpuint(locked_of(child), ==, 0);
	put(child, ARENA, 'c');
	put(p.f.process, ARENA + PAGE, 'p');
	assert_sound(p.f.machine);
	/*
	 * The child's copy, and the page that only the child maps since the parent wrote its own
	 * copy.
	 */
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 300), ==, 2);
	end(g_steal_pointer(&p.f.process));
	g_assert_cmpuint(machine_info(&p).locked, ==, 0);
	g_assert_cmpint(get(child, ARENA), ==, 'c');
	assert_pattern(child, ARENA + PAGE, 3, 'l');
	push_out(&p);
	g_assert_cmpuint(machine_info(&p).frames_free, ==, 256);
	end(child);
	pressure_end(&p);
}

/* Users other than root have a limit of 8 MiB. */
enum { LIMIT_PAGES = 2048 };

static const struct pressure_size for_user = {.frames = 8192, .uid = 1000};

static void test_limit_user(void)
{
	struct pressure p;

	pressure_begin(&p, &for_user);
	map(p.f.process, ARENA, 4 * LIMIT_PAGES, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA, (LIMIT_PAGES + 1) * PAGE, 0), ==, -ENOMEM);
	g_assert_cmpuint(locked_of(p.f.process), ==, 0);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA, LIMIT_PAGES * PAGE, 0), ==, 0);
	/* What is locked already is not counted twice. */
	g_assert_cmpint(vm_mlock(p.f.process, ARENA, LIMIT_PAGES * PAGE, 0), ==, 0);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA + LIMIT_PAGES * PAGE, PAGE, 0), ==, -ENOMEM);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA + PAGE, LIMIT_PAGES * PAGE, 0), ==, -ENOMEM);
	g_assert_cmpint(try_map(p.f.process, 1, RW, PRIVATE_ANON | MAP_LOCKED), ==, -EAGAIN);
	g_assert_cmpint(vm_mlockall(p.f.process, MCL_CURRENT), ==, -ENOMEM);
	g_assert_cmpint(vm_mlockall(p.f.process, MCL_FUTURE), ==, 0);
	g_assert_cmpint(try_map(p.f.process, 1, RW, PRIVATE_ANON), ==, -EAGAIN);
	g_assert_cmpint(vm_sbrk(p.f.process, (int64_t)PAGE), ==, -ENOMEM);
	g_assert_cmpint(vm_munlock(p.f.process, ARENA, 2 * PAGE), ==, 0);
	g_assert_cmpint(try_map(p.f.process, 2, RW, PRIVATE_ANON), >, 0);
	g_assert_cmpint(try_map(p.f.process, 1, RW, PRIVATE_ANON), ==, -EAGAIN);
	pressure_end(&p);
}

static void test_limit_mremap(void)
{
	struct pressure p;

	pressure_begin(&p, &for_user);
	map(p.f.process, ARENA, LIMIT_PAGES - 1, RW, PRIVATE_ANON | MAP_LOCKED);
	g_assert_cmpint(
	    vm_mremap(p.f.process, ARENA, (LIMIT_PAGES - 1) * PAGE, (LIMIT_PAGES + 1) * PAGE, 0, 0),
	    ==, -EAGAIN);
	g_assert_cmpint(
	    vm_mremap(p.f.process, ARENA, (LIMIT_PAGES - 1) * PAGE, LIMIT_PAGES * PAGE, 0, 0), ==,
	    ARENA);
	g_assert_cmpuint(locked_of(p.f.process), ==, LIMIT_PAGES);
	assert_touch(p.f.process, ARENA + (LIMIT_PAGES - 1) * PAGE, VM_ACCESS_WRITE, VM_HIT,
	             VM_FAULT_NONE);
	pressure_end(&p);
}

/* A locked stack cannot grow past the limit (acct_stack_growth). */
static void test_limit_stack(void)
{
	struct pressure p;
	uint64_t bottom = VM_USER_END - STACK_PAGES * PAGE;

	pressure_begin(&p, &for_user);
	g_assert_cmpint(vm_mlock(p.f.process, bottom, STACK_PAGES * PAGE, 0), ==, 0);
	map(p.f.process, ARENA, LIMIT_PAGES - STACK_PAGES - 1, RW, PRIVATE_ANON | MAP_LOCKED);
	assert_touch(p.f.process, bottom - 2 * PAGE, VM_ACCESS_WRITE, VM_FATAL,
	             VM_FAULT_SEGV_MAPERR);
	assert_touch(p.f.process, bottom - PAGE, VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_STACK_GROW);
	g_assert_cmpuint(locked_of(p.f.process), ==, LIMIT_PAGES);
	pressure_end(&p);
}

static void test_limit_root(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 8192});
	map(p.f.process, ARENA, LIMIT_PAGES + 100, RW, PRIVATE_ANON | MAP_LOCKED);
	g_assert_cmpuint(locked_of(p.f.process), ==, LIMIT_PAGES + 100);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/lock/mlock", test_mlock);
	g_test_add_func("/lock/unreachable", test_mlock_unreachable);
	g_test_add_func("/lock/no-memory", test_mlock_no_memory);
	g_test_add_func("/lock/mlockall", test_mlockall);
	g_test_add_func("/lock/brk", test_brk_populates);
	g_test_add_func("/lock/fork", test_fork);
	g_test_add_func("/lock/limit-user", test_limit_user);
	g_test_add_func("/lock/limit-mremap", test_limit_mremap);
	g_test_add_func("/lock/limit-stack", test_limit_stack);
	g_test_add_func("/lock/limit-root", test_limit_root);
	return g_test_run();
}
