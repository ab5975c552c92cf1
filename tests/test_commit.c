/*
 * test_commit.c - what memory is promised and to whom: overcommit's three modes, locked memory and its limit, and what happens when it
 * is used up all the same.
 */
#include "tests/pressure.h"

#include <sys/syscall.h>
#include <unistd.h>

#define FAR (ARENA + 4096 * PAGE)

/* The stack that a new process begins with. */
enum { STACK_PAGES = 33 };

static uint64_t committed(struct pressure *p)
{
	return machine_info(p).committed;
}

static int64_t try_map(struct vm_process *process, uint64_t pages, int prot, int flags)
{
	return vm_mmap(process, 0, pages * PAGE, prot, flags, NULL, 0);
}

/* --- Overcommit --------------------------------------------------------------------------------------------- */

/* Mode 0 refuses only what could never be there: more than RAM and swap together. */
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

/* A fork is checked area by area: none of them is larger than the machine (dup_mmap). */
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

	pressure_begin(&p, &(struct pressure_size){.frames = 64, .overcommit = VM_OVERCOMMIT_ALWAYS});
	g_assert_cmpint(try_map(p.f.process, 1 << 20, RW, PRIVATE_ANON), >, 0);
	g_assert_cmpint(try_map(p.f.process, 1 << 20, RW, SHARED_ANON), >, 0);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + (2 << 20));
	pressure_end(&p);
}

/* Mode 2 with a limit of 64 * 50 / 100 + 100 = 132 pages, of which the stack has taken 33: less than 99 are left. */
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
	/* What cannot be written costs nothing. */
	g_assert_cmpint(try_map(p.f.process, 1000, PROT_READ, PRIVATE_ANON), >, 0);
	/* What it replaces is given back first. */
	g_assert_cmpint(vm_mmap(p.f.process, (uint64_t)at, STRICT_ROOM * PAGE, RW, PRIVATE_ANON | MAP_FIXED, NULL, 0),
	                ==, at);
	g_assert_cmpint(vm_munmap(p.f.process, (uint64_t)at, 10 * PAGE), ==, 0);
	g_assert_cmpuint(committed(&p), ==, STRICT_LIMIT - 11);
	g_assert_cmpint(try_map(p.f.process, 10, RW, SHARED_ANON), >, 0);
	g_assert_cmpuint(committed(&p), ==, STRICT_LIMIT - 1);
	end(g_steal_pointer(&p.f.process));
	g_assert_cmpuint(committed(&p), ==, 0);
	pressure_end(&p);
}

/* Mode 2 does not know MAP_NORESERVE (do_mmap). */
static void test_never_noreserve(void)
{
	struct pressure p;

	pressure_begin(&p, &strict);
	g_assert_cmpint(try_map(p.f.process, 10, RW, PRIVATE_ANON | MAP_NORESERVE), >, 0);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 10);
	g_assert_cmpint(try_map(p.f.process, STRICT_ROOM, RW, PRIVATE_ANON | MAP_NORESERVE), ==, -ENOMEM);
	g_assert_cmpint(try_map(p.f.process, STRICT_ROOM, RW, SHARED_ANON | MAP_NORESERVE), ==, -ENOMEM);
	pressure_end(&p);
}

/* Elsewhere it keeps shared memory out of the account, too (shmem_acct_size). */
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
	/* 33 + 33 + 2 * N < 132: N is at most 32. */
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

/* Shared memory is one, however many share it. */
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
	/* Untouched, and no longer writable: given back. Touched: kept. */
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
	g_assert_cmpint(vm_mmap(p.f.process, 0, 1000 * PAGE, RW, MAP_PRIVATE, file, 0), ==, -ENOMEM);
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
	g_assert_cmpint(vm_mremap(p.f.process, ARENA, 40 * PAGE, (STRICT_ROOM + 1) * PAGE, MREMAP_MAYMOVE, 0), ==,
	                -ENOMEM);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 40);
	g_assert_cmpint(vm_mremap(p.f.process, ARENA, 40 * PAGE, 50 * PAGE, 0, 0), ==, ARENA);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 50);
	g_assert_cmpint(vm_mremap(p.f.process, ARENA, 50 * PAGE, 50 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, FAR), ==,
	                FAR);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 50);
	g_assert_cmpint(vm_mremap(p.f.process, FAR, 50 * PAGE, 20 * PAGE, 0, 0), ==, FAR);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 20);
	pressure_end(&p);
}

/* What stays behind is charged as well (move_vma). */
static void test_never_dontunmap(void)
{
	struct pressure p;

	pressure_begin(&p, &strict);
	map(p.f.process, ARENA, 60, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_mremap(p.f.process, ARENA, 60 * PAGE, 60 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), ==,
	                -ENOMEM);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 60);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA, 40 * PAGE), ==, 0);
	g_assert_cmpint(
	    vm_mremap(p.f.process, ARENA + 40 * PAGE, 20 * PAGE, 20 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), >,
	    0);
	g_assert_cmpuint(committed(&p), ==, STACK_PAGES + 40);
	pressure_end(&p);
}

static void test_never_stack(void)
{
	struct pressure p;
	uint64_t bottom = VM_USER_END - STACK_PAGES * PAGE;

	pressure_begin(&p, &strict);
	assert_touch(p.f.process, bottom - (STRICT_ROOM + 1) * PAGE, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_MAPERR);
	assert_touch(p.f.process, bottom - STRICT_ROOM * PAGE, VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_STACK_GROW);
	g_assert_cmpuint(committed(&p), ==, STRICT_LIMIT - 1);
	pressure_end(&p);
}

/* The limit follows its knob, and swap. */
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

	pressure_begin(&p,
	               &(struct pressure_size){
	                   .frames = 4096, .slots = 100, .overcommit = VM_OVERCOMMIT_NEVER, .overcommit_ratio = 50});
	map(p.f.process, ARENA, 100, RW, PRIVATE_ANON);
	exec_program(&p, p.f.process, "/bin/true");
	uint64_t once = committed(&p);
	exec_program(&p, p.f.process, "/bin/true");
	g_assert_cmpuint(committed(&p), ==, once);
	g_assert_cmpuint(once, >, STACK_PAGES);
	pressure_end(&p);
}

/* --- Out of memory ------------------------------------------------------------------------------------------- */

static void test_oom_fail(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 4, .slots = 4, .overcommit = VM_OVERCOMMIT_ALWAYS});
	map(p.f.process, ARENA, 16, RW, PRIVATE_ANON);
	struct vm_process *other = spawn(&p.f);
	map(other, ARENA, 4, RW, PRIVATE_ANON);
	fill(p.f.process, ARENA, 8, 'f');
	uint8_t byte = 1;
	g_assert_cmpint(vm_write(other, ARENA, &byte, 1), ==, -ENOMEM);
	assert_touch(p.f.process, ARENA + 8 * PAGE, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_OOM);
	g_assert_true(vm_process_alive(p.f.process) && vm_process_alive(other));
	g_assert_cmpuint(machine_info(&p).oom_kills, ==, 0);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA + 4 * PAGE, 4 * PAGE), ==, 0);
	put(other, ARENA, 1);
	assert_filled(p.f.process, ARENA, 4, 'f');
	end(other);
	pressure_end(&p);
}

struct killed {
	pid_t pid;
	unsigned count;
};

static void watch(void *ctx, const struct vm_fault *fault)
{
	struct killed *killed = ctx;

	if (fault->kind == VM_FAULT_OOM && fault->outcome == VM_FATAL && fault->va == 0) {
		killed->pid = fault->pid;
		killed->count++;
	}
}

/* Frames and swap together decide who is the largest. */
static void test_oom_kill(void)
{
	struct pressure p;
	struct killed killed = {0, 0};

	pressure_begin(
	    &p, &(struct pressure_size){.frames = 6, .slots = 6, .overcommit = VM_OVERCOMMIT_ALWAYS, .oom_kill = true});
	vm_machine_watch(p.f.machine, watch, &killed);
	struct vm_process *largest = spawn(&p.f), *small = spawn(&p.f);
	map(largest, ARENA, 16, RW, PRIVATE_ANON);
	map(small, ARENA, 16, RW, PRIVATE_ANON);
	map(p.f.process, ARENA, 16, RW, PRIVATE_ANON);
	fill(largest, ARENA, 6, 'l');
	fill(small, ARENA, 2, 's');
	fill(p.f.process, ARENA, 4, 'p');
	g_assert_cmpuint(killed.count, ==, 0);
	put(small, ARENA + 2 * PAGE, 's');
	g_assert_cmpuint(killed.count, ==, 1);
	g_assert_cmpint(killed.pid, ==, vm_process_pid(largest));
	g_assert_false(vm_process_alive(largest));
	g_assert_true(vm_process_alive(small) && vm_process_alive(p.f.process));
	g_assert_cmpuint(machine_info(&p).oom_kills, ==, 1);
	uint8_t byte;
	g_assert_cmpint(vm_write(largest, ARENA, "x", 1), ==, -ESRCH);
	g_assert_cmpint(load(largest, ARENA, &byte, 1), ==, -ESRCH);
	assert_filled(p.f.process, ARENA, 4, 'p');
	assert_filled(small, ARENA, 2, 's');
	assert_sound(p.f.machine);
	vm_machine_watch(p.f.machine, NULL, NULL);
	vm_process_unref(largest);
	end(small);
	pressure_end(&p);
}

/* The largest may be the one that asks. */
static void test_oom_kill_self(void)
{
	struct pressure p;

	pressure_begin(
	    &p, &(struct pressure_size){.frames = 4, .slots = 4, .overcommit = VM_OVERCOMMIT_ALWAYS, .oom_kill = true});
	struct vm_process *other = spawn(&p.f);
	map(other, ARENA, 4, RW, PRIVATE_ANON);
	put(other, ARENA, 'o');
	map(p.f.process, ARENA, 16, RW, PRIVATE_ANON);
	g_autofree uint8_t *bytes = g_malloc0(16 * PAGE);
	ssize_t result = vm_write(p.f.process, ARENA, bytes, 16 * PAGE);
	g_assert_true(result == -ESRCH || result == 7 * (ssize_t)PAGE);
	g_assert_false(vm_process_alive(p.f.process));
	g_assert_cmpint(get(other, ARENA), ==, 'o');
	g_clear_pointer(&p.f.process, vm_process_unref);
	end(other);
	pressure_end(&p);
}

/* Nobody has anything to give: the access fails, and nobody is killed for it. */
static void test_oom_kill_in_vain(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 2, .overcommit = VM_OVERCOMMIT_ALWAYS, .oom_kill = true});
	map(p.f.process, ARENA, 4, RW, PRIVATE_ANON);
	struct vm_process *other = spawn(&p.f);
	map(other, ARENA, 4, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_mlock(other, ARENA, 2 * PAGE, 0), ==, 0);
	uint8_t byte = 1;
	/* The one that locked all of memory is the one that goes. */
	g_assert_cmpint(vm_write(p.f.process, ARENA, &byte, 1), ==, 1);
	g_assert_false(vm_process_alive(other));
	vm_process_unref(other);
	pressure_end(&p);
}

/* --- Locked memory ------------------------------------------------------------------------------------------- */

static uint64_t locked_of(struct vm_process *process)
{
	return process_info(process).vm_locked;
}

static void test_mlock(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 64, .slots = 64});
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
	/* A hole: what is before it is locked. */
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

/* What the host's mlock answers: 0 or a negative errno. Sanitizers make the library's do nothing. */
static int host_mlock(void *addr, size_t len)
{
	return syscall(SYS_mlock, addr, len) == 0 ? 0 : -errno;
}

/* Pages that cannot be brought in make the call fail, and stay locked: memory without rights, and past the end of a file. */
static void test_mlock_unreachable(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 64});
	g_autofree char *path = make_file(&p.f, "short", PAGE, 'a');
	struct vm_file *file = open_file(&p.f, path, O_RDONLY);
	map(p.f.process, ARENA, 4, PROT_NONE, PRIVATE_ANON);
	map_file(p.f.process, FAR, 4, PROT_READ, MAP_PRIVATE, file, 0);
	vm_file_unref(file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *none = mmap(NULL, 4 * PAGE, PROT_NONE, PRIVATE_ANON, -1, 0);
	void *host_file = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA, 4 * PAGE, 0), ==, host_mlock(none, 4 * PAGE));
	g_assert_cmpint(vm_mlock(p.f.process, FAR, 4 * PAGE, 0), ==, host_mlock(host_file, 4 * PAGE));
	g_assert_cmpuint(locked_of(p.f.process), ==, 8);
	munmap(none, 4 * PAGE);
	munmap(host_file, 4 * PAGE);
	close(fd);
	pressure_end(&p);
}

/* Out of memory while the pages are brought in: EAGAIN (__mlock_posix_error_return). */
static void test_mlock_no_memory(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 4, .slots = 16, .overcommit = VM_OVERCOMMIT_ALWAYS});
	map(p.f.process, ARENA, 16, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA, 8 * PAGE, 0), ==, -EAGAIN);
	g_assert_cmpint(vm_munlock(p.f.process, ARENA, 8 * PAGE), ==, 0);
	fill(p.f.process, ARENA, 16, 'l');
	assert_filled(p.f.process, ARENA, 16, 'l');
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

/* The heap that grows under MCL_FUTURE is brought in (vm_brk_flags). */
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

/* A child has no locks, and neither side's pages change for it. */
static void test_fork(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 256, .slots = 64});
	map(p.f.process, ARENA, 4, RW, PRIVATE_ANON);
	fill(p.f.process, ARENA, 4, 'k');
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
	/* The child's copy, and the page that the parent left to it. */
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 300), ==, 2);
	end(g_steal_pointer(&p.f.process));
	g_assert_cmpuint(machine_info(&p).locked, ==, 0);
	g_assert_cmpint(get(child, ARENA), ==, 'c');
	assert_filled(child, ARENA + PAGE, 3, 'k');
	evict_all(&p);
	g_assert_cmpuint(machine_info(&p).frames_free, ==, 256);
	end(child);
	pressure_end(&p);
}

/* The limit of 8 MiB, for others than root. */
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
	/* Locked already: not counted twice. */
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
	g_assert_cmpint(vm_mremap(p.f.process, ARENA, (LIMIT_PAGES - 1) * PAGE, (LIMIT_PAGES + 1) * PAGE, 0, 0), ==,
	                -EAGAIN);
	g_assert_cmpint(vm_mremap(p.f.process, ARENA, (LIMIT_PAGES - 1) * PAGE, LIMIT_PAGES * PAGE, 0, 0), ==, ARENA);
	g_assert_cmpuint(locked_of(p.f.process), ==, LIMIT_PAGES);
	assert_touch(p.f.process, ARENA + (LIMIT_PAGES - 1) * PAGE, VM_ACCESS_WRITE, VM_HIT, VM_FAULT_NONE);
	pressure_end(&p);
}

/* A locked stack may not grow past the limit (acct_stack_growth). */
static void test_limit_stack(void)
{
	struct pressure p;
	uint64_t bottom = VM_USER_END - STACK_PAGES * PAGE;

	pressure_begin(&p, &for_user);
	g_assert_cmpint(vm_mlock(p.f.process, bottom, STACK_PAGES * PAGE, 0), ==, 0);
	map(p.f.process, ARENA, LIMIT_PAGES - STACK_PAGES - 1, RW, PRIVATE_ANON | MAP_LOCKED);
	assert_touch(p.f.process, bottom - 2 * PAGE, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_MAPERR);
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
	g_test_add_func("/oom/fail", test_oom_fail);
	g_test_add_func("/oom/kill", test_oom_kill);
	g_test_add_func("/oom/kill-self", test_oom_kill_self);
	g_test_add_func("/oom/kill-in-vain", test_oom_kill_in_vain);
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
