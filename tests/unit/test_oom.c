/*
 * test_oom.c - what happens when memory is used up.
 */
#include "tests/fixture/pressure.h"

/* --- Out of memory ---------------------------------------------------------------------------- */

static void test_oom_fail(void)
{
	struct pressure p;

	pressure_begin_small(&p, 4, 4);
	map(p.f.process, ARENA, 16, RW, PRIVATE_ANON);
	struct vm_process *other = spawn(&p.f);
	map(other, ARENA, 4, RW, PRIVATE_ANON);
	fill_pattern(p.f.process, ARENA, 8, 'f');
	uint8_t byte = 1;
	g_assert_cmpint(vm_write(other, ARENA, &byte, 1), ==, -ENOMEM);
	assert_touch(p.f.process, ARENA + 8 * PAGE, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_OOM);
	g_assert_true(vm_process_alive(p.f.process) && vm_process_alive(other));
	g_assert_cmpuint(machine_info(&p).oom_kills, ==, 0);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA + 4 * PAGE, 4 * PAGE), ==, 0);
	put(other, ARENA, 1);
	assert_pattern(p.f.process, ARENA, 4, 'f');
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

/* The process with the most frames and slots together is killed. */
static void test_oom_kill(void)
{
	struct pressure p;
	struct killed killed = {0, 0};

	pressure_begin(
	    &p, &(struct pressure_size){
	            .frames = 6, .slots = 6, .overcommit = VM_OVERCOMMIT_ALWAYS, .oom_kill = true});
	vm_machine_watch(p.f.machine, watch, &killed);
	struct vm_process *largest = spawn(&p.f), *small = spawn(&p.f);
	map(largest, ARENA, 16, RW, PRIVATE_ANON);
	map(small, ARENA, 16, RW, PRIVATE_ANON);
	map(p.f.process, ARENA, 16, RW, PRIVATE_ANON);
	fill_pattern(largest, ARENA, 6, 'l');
	fill_pattern(small, ARENA, 2, 's');
	fill_pattern(p.f.process, ARENA, 4, 'p');
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
	assert_pattern(p.f.process, ARENA, 4, 'p');
	assert_pattern(small, ARENA, 2, 's');
	assert_sound(p.f.machine);
	vm_machine_watch(p.f.machine, NULL, NULL);
	vm_process_unref(largest);
	end(small);
	pressure_end(&p);
}

/* That process may be the one that needs the memory. */
static void test_oom_kill_self(void)
{
	struct pressure p;

	pressure_begin(
	    &p, &(struct pressure_size){
	            .frames = 4, .slots = 4, .overcommit = VM_OVERCOMMIT_ALWAYS, .oom_kill = true});
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

/* RAM is full of locked pages of another process. */
static void test_oom_kill_locked(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){
	                       .frames = 2, .overcommit = VM_OVERCOMMIT_ALWAYS, .oom_kill = true});
	map(p.f.process, ARENA, 4, RW, PRIVATE_ANON);
	struct vm_process *other = spawn(&p.f);
	map(other, ARENA, 4, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_mlock(other, ARENA, 2 * PAGE, 0), ==, 0);
	uint8_t byte = 1;
	/* The process that locked all of the memory is the one that is killed. */
	g_assert_cmpint(vm_write(p.f.process, ARENA, &byte, 1), ==, 1);
	g_assert_false(vm_process_alive(other));
	vm_process_unref(other);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oom/fail", test_oom_fail);
	g_test_add_func("/oom/kill", test_oom_kill);
	g_test_add_func("/oom/kill-self", test_oom_kill_self);
	g_test_add_func("/oom/kill-locked", test_oom_kill_locked);
	return g_test_run();
}
