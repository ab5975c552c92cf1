/*
 * test_storage_during_threads.c - what other processes do during a transfer.
 */
#include "tests/fixture/pressure.h"
#include "vm/base/lock.h"

/* --- Others come while a transfer is under way ------------------------------------------------ */

struct visitor {
	struct pressure p;
	struct vm_process *other;
	ssize_t result;
};

static void visitor_begin(struct visitor *visitor, unsigned frames)
{
	pressure_begin_file(&visitor->p, frames);
	visitor->result = 0;
	visitor->other = spawn(&visitor->p.f);
}

static void visitor_end(struct visitor *visitor)
{
	end(visitor->other);
	pressure_end(&visitor->p);
}

static void write_and_unmap(void *ctx)
{
	struct visitor *visitor = ctx;

	put(visitor->other, SHMEM_AT, 'n');
	g_assert_cmpint(vm_munmap(visitor->other, SHMEM_AT, PAGE), ==, 0);
}

/*
 * While a shared anonymous page is being written to swap, another process stores into it and unmaps
 * it. The store must not be lost.
 */
static void test_store_during_swap_out(void)
{
	struct visitor visitor;

	visitor_begin(&visitor, 8);
	struct vm_process *process = visitor.p.f.process;
	map(process, SHMEM_AT, 1, RW, SHARED_ANON);
	put(process, SHMEM_AT, 'o');
	end(visitor.other);
	visitor.other = fork_of(process);
	medium_calls(&visitor.p, SWAP_WRITE, write_and_unmap, &visitor);
	vm_machine_reclaim(visitor.p.f.machine, 8);
	medium_heals(&visitor.p);
	push_out(&visitor.p);
	g_assert_cmpint(get(process, SHMEM_AT), ==, 'n');
	visitor_end(&visitor);
}

static void write_private(void *ctx)
{
	struct visitor *visitor = ctx;

	put(visitor->other, ANON_AT, 'n');
}

static void store_in_private_during(bool forked)
{
	struct visitor visitor;

	visitor_begin(&visitor, 8);
	struct vm_process *process = visitor.p.f.process;
	map(process, ANON_AT, 1, RW, PRIVATE_ANON);
	put(process, ANON_AT, 'o');
	end(visitor.other);
	visitor.other = forked ? fork_of(process) : vm_process_ref(process);
	medium_calls(&visitor.p, SWAP_WRITE, write_private, &visitor);
	vm_machine_reclaim(visitor.p.f.machine, 8);
	medium_heals(&visitor.p);
	assert_sound(visitor.p.f.machine);
	push_out(&visitor.p);
	g_assert_cmpint(get(visitor.other, ANON_AT), ==, 'n');
	g_assert_cmpint(get(process, ANON_AT), ==, forked ? 'o' : 'n');
	if (!forked) {
		vm_process_unref(visitor.other);
		visitor.other = spawn(&visitor.p.f);
	}
	visitor_end(&visitor);
}

static void test_private_store_during_swap_out(void)
{
	store_in_private_during(false);
	store_in_private_during(true);
}

static void exit_other(void *ctx)
{
	struct visitor *visitor = ctx;

	end(visitor->other);
	visitor->other = spawn(&visitor->p.f);
}

/* The process that owns the page exits while the page is being read or written. */
static void test_exit_during(void)
{
	static const unsigned kinds[] = {SWAP_WRITE, SWAP_READ, FILE_READ, FILE_WRITE};

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		struct visitor visitor;
		visitor_begin(&visitor, 8);
		struct vm_process *process = visitor.p.f.process;
		end(visitor.other);
		visitor.other = fork_of(process);
		map(visitor.other, ANON_AT, 1, RW, PRIVATE_ANON);
		map(visitor.other, SHMEM_AT, 1, RW, SHARED_ANON);
		put(visitor.other, ANON_AT, 'o');
		put(visitor.other, SHMEM_AT, 'o');
		fill(visitor.other, SHARED_AT, 1, 'f');
		if (kinds[i] != SWAP_WRITE && kinds[i] != FILE_WRITE)
			push_out(&visitor.p);
		medium_calls(&visitor.p, kinds[i], exit_other, &visitor);
		struct vm_process *held = vm_process_ref(visitor.other);
		vm_machine_reclaim(visitor.p.f.machine, 8);
		get(held, ANON_AT);
		get(held, SHMEM_AT);
		get(held, SHARED_AT + 2 * PAGE);
		vm_process_unref(held);
		medium_heals(&visitor.p);
		assert_sound(visitor.p.f.machine);
		g_assert_cmpint(get(process, SHARED_AT), ==, 'f');
		g_assert_cmpuint(machine_info(&visitor.p).swap_used, ==, 0);
		visitor_end(&visitor);
	}
}

static void shrink_and_notice(void *ctx)
{
	struct visitor *visitor = ctx;

	resize_file(visitor->p.path, PAGE);
	g_assert_cmpint(get(visitor->other, SHARED_AT), ==, 'a');
}

static void map_the_file(struct visitor *visitor)
{
	map_path(&visitor->p.f, visitor->other, visitor->p.path, O_RDWR, SHARED_AT, 4, RW,
	         MAP_SHARED);
}

/*
 * While a page of a file is being read, the file shrinks and another process notices that. The page
 * is past the new end.
 */
static void test_shrink_during_read(void)
{
	struct visitor visitor;

	visitor_begin(&visitor, 8);
	struct vm_process *process = visitor.p.f.process;
	map_the_file(&visitor);
	medium_calls(&visitor.p, FILE_READ, shrink_and_notice, &visitor);
	struct vm_fault fault;
	int error = touch(process, SHARED_AT + 2 * PAGE, VM_ACCESS_READ, &fault);
	g_assert_true(error == 0 || error == -EIO);
	medium_heals(&visitor.p);
	vm_msync(process, SHARED_AT, PAGE, MS_INVALIDATE);
	g_assert_cmpint(get(process, SHARED_AT + 2 * PAGE), ==, -EIO);
	assert_sound(visitor.p.f.machine);
	visitor_end(&visitor);
}

/* The same while the page is being written. */
static void test_shrink_during_write(void)
{
	struct visitor visitor;

	visitor_begin(&visitor, 8);
	struct vm_process *process = visitor.p.f.process;
	map_the_file(&visitor);
	fill(process, SHARED_AT + 2 * PAGE, 1, 'w');
	medium_calls(&visitor.p, FILE_WRITE, shrink_and_notice, &visitor);
	vm_msync(process, SHARED_AT, 4 * PAGE, MS_SYNC);
	medium_heals(&visitor.p);
	vm_msync(process, SHARED_AT, PAGE, MS_INVALIDATE);
	g_assert_cmpint(get(process, SHARED_AT + 2 * PAGE), ==, -EIO);
	assert_sound(visitor.p.f.machine);
	visitor_end(&visitor);
}

static void store_again(void *ctx)
{
	struct visitor *visitor = ctx;

	put(visitor->other, SHARED_AT, '2');
}

/* A store during a page's write-back, by msync or by eviction, must be written by the next one. */
static void test_store_during_write_back(void)
{
	for (int evicted = 0; evicted < 2; evicted++) {
		struct visitor visitor;
		visitor_begin(&visitor, 8);
		struct vm_process *process = visitor.p.f.process;
		map_the_file(&visitor);
		fill(process, SHARED_AT, 1, '1');
		medium_calls(&visitor.p, FILE_WRITE, store_again, &visitor);
		if (evicted)
			vm_machine_reclaim(visitor.p.f.machine, 1);
		else
			g_assert_cmpint(msync_all(&visitor.p), ==, 0);
		medium_heals(&visitor.p);
		assert_sound(visitor.p.f.machine);
		g_assert_cmpint(get(process, SHARED_AT), ==, '2');
		g_assert_cmpint(msync_all(&visitor.p), ==, 0);
		g_assert_cmpint(file_byte(visitor.p.path, 0), ==, '2');
		visitor_end(&visitor);
	}
}

static void want_a_frame(void *ctx)
{
	struct visitor *visitor = ctx;
	uint8_t byte = 'v';

	medium_fails(&visitor->p, SWAP_WRITE, 1, UINT_MAX, -EIO);
	visitor->result = vm_write(visitor->other, ANON_AT + PAGE, &byte, 1);
}

/*
 * No page can be written to swap, and one page is in use only for the moment. An access must return
 * one of the documented errors.
 */
static void test_errno_while_others_read(void)
{
	struct visitor visitor;

	visitor_begin(&visitor, 2);
	map(visitor.other, ANON_AT, 2, RW, PRIVATE_ANON);
	put(visitor.other, ANON_AT, 'v');
	medium_calls(&visitor.p, FILE_READ, want_a_frame, &visitor);
	g_assert_cmpint(get(visitor.p.f.process, SHARED_AT), ==, 'a');
	medium_heals(&visitor.p);
	g_assert_true(visitor.result == -ENOMEM || visitor.result == -EIO);
	g_assert_cmpint(get(visitor.other, ANON_AT), ==, 'v');
	visitor_end(&visitor);
}

struct swapoff_race {
	struct visitor visitor;
	GThread *thread;
	bool seen;
};

static gpointer swapoff_main(gpointer machine)
{
	return GINT_TO_POINTER(vm_machine_swapoff(machine));
}

/* Swapoff waits for the page, or it has already given the page to the other process. */
static bool swapoff_came(void *ctx)
{
	struct swapoff_race *race = ctx;
	bool waits = somebody_waits(race->visitor.p.f.machine);

	race->seen = entry_kind(race->visitor.other, ANON_AT) == VM_ENTRY_PAGE;
	return waits || race->seen;
}

/*
 * Swapoff comes while the slot is being read for one process. The other process must not get the
 * page before it is complete.
 */
static void begin_swapoff(void *ctx)
{
	struct swapoff_race *race = ctx;

	race->thread = g_thread_new("swapoff", swapoff_main, race->visitor.p.f.machine);
	wait_until(swapoff_came, race);
}

static void test_swapoff_during_swap_in(void)
{
	struct swapoff_race race = {.seen = false};
	struct visitor *visitor = &race.visitor;

	visitor_begin(visitor, 8);
	struct vm_process *process = visitor->p.f.process;
	map_pattern(process, ANON_AT, 1, PRIVATE_ANON, 'o');
	end(visitor->other);
	visitor->other = fork_of(process);
	push_out(&visitor->p);
	medium_calls(&visitor->p, SWAP_READ, begin_swapoff, &race);
	g_assert_cmpint(get(process, ANON_AT), ==, 'o');
	g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(race.thread)), ==, 0);
	medium_heals(&visitor->p);
	g_assert_false(race.seen);
	assert_pattern(visitor->other, ANON_AT, 1, 'o');
	assert_sound(visitor->p.f.machine);
	visitor_end(visitor);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/storage/during/store-shared", test_store_during_swap_out);
	g_test_add_func("/storage/during/store-private", test_private_store_during_swap_out);
	g_test_add_func("/storage/during/exit", test_exit_during);
	g_test_add_func("/storage/during/shrink-read", test_shrink_during_read);
	g_test_add_func("/storage/during/shrink-write", test_shrink_during_write);
	g_test_add_func("/storage/during/store-write-back", test_store_during_write_back);
	g_test_add_func("/storage/during/errno", test_errno_while_others_read);
	g_test_add_func("/storage/during/swapoff", test_swapoff_during_swap_in);
	return g_test_run();
}
