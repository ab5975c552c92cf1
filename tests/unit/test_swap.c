/*
 * test_swap.c - pages that go to swap and come back, for one process and for several, and under
 * every call that changes areas. Slots are given back.
 */
#include "tests/fixture/pressure.h"

/* --- Private and shared pages ----------------------------------------------------------------- */

static void test_private(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map_pushed_out(&p, ARENA, 4, PRIVATE_ANON, 'a');
	g_assert_cmpuint(frames_used(&p), ==, 0);
	g_assert_cmpuint(slots_used(&p), ==, 4);
	g_assert_cmpuint(process_info(p.f.process).swap, ==, 4);
	g_assert_cmpuint(process_info(p.f.process).rss_anon, ==, 0);
	assert_touch(p.f.process, ARENA, VM_ACCESS_READ, VM_MAJOR, VM_FAULT_SWAP_IN);
	assert_touch(p.f.process, ARENA, VM_ACCESS_WRITE, VM_HIT, VM_FAULT_NONE);
	assert_touch(p.f.process, ARENA + PAGE, VM_ACCESS_WRITE, VM_MAJOR, VM_FAULT_SWAP_IN);
	assert_touch(p.f.process, ARENA + PAGE, VM_ACCESS_READ, VM_HIT, VM_FAULT_NONE);
	g_assert_cmpuint(slots_used(&p), ==, 2);
	assert_pattern(p.f.process, ARENA, 4, 'a');
	g_assert_cmpuint(slots_used(&p), ==, 0);
	g_assert_cmpuint(machine_info(&p).swap_ins, ==, 4);
	g_assert_cmpuint(machine_info(&p).swap_outs, ==, 4);
	g_assert_cmpuint(process_info(p.f.process).major_faults, ==, 4);
	pressure_end(&p);
}

/* The record of a fault on a page in swap names the slot, and the page that was evicted for it. */
static void test_record(void)
{
	struct pressure p;
	struct vm_fault fault;
	struct vm_entry_info entry;

	pressure_begin_small(&p, 1, 8);
	map(p.f.process, ARENA, 2, RW, PRIVATE_ANON);
	put(p.f.process, ARENA, 1);
	put(p.f.process, ARENA + PAGE, 2);
	g_assert_true(entry_of(p.f.process, ARENA, &entry));
	g_assert_cmpint(entry.kind, ==, VM_ENTRY_SWAP);
	g_assert_cmpint(touch(p.f.process, ARENA, VM_ACCESS_READ, &fault), ==, 0);
	g_assert_cmpint(fault.kind, ==, VM_FAULT_SWAP_IN);
	g_assert_cmpuint(fault.slot, ==, entry.pfn);
	g_assert_true(fault.other.there);
	g_assert_cmpint(fault.other.pid, ==, vm_process_pid(p.f.process));
	g_assert_cmphex(fault.other.va, ==, ARENA + PAGE);
	g_assert_cmpuint(fault.frame, ==, 1);
	pressure_end(&p);
}

/* Pages that a fork shares stay shared while they go to swap and come back. */
static void test_fork_shared(void)
{
	struct pressure p;
	struct vm_entry_info mine, other;

	pressure_begin(&p, &roomy);
	map_pattern(p.f.process, ARENA, 4, PRIVATE_ANON, 's');
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpuint(frames_used(&p), ==, 4);
	push_out(&p);
	g_assert_cmpuint(frames_used(&p), ==, 0);
	g_assert_cmpuint(slots_used(&p), ==, 4);
	g_assert_cmpuint(process_info(child).swap, ==, 4);
	assert_touch(child, ARENA, VM_ACCESS_READ, VM_MAJOR, VM_FAULT_SWAP_IN);
	assert_touch(p.f.process, ARENA, VM_ACCESS_READ, VM_MINOR, VM_FAULT_SWAP_CACHE);
	g_assert_true(entry_of(p.f.process, ARENA, &mine) && entry_of(child, ARENA, &other));
	g_assert_cmpuint(mine.pfn, ==, other.pfn);
	g_assert_cmpuint(mine.users, ==, 2);
	g_assert_cmpuint(frames_used(&p), ==, 1);
	g_assert_cmpuint(slots_used(&p), ==, 3);
	put(child, ARENA, 'c');
	g_assert_cmpuint(frames_used(&p), ==, 2);
	assert_touch(p.f.process, ARENA, VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_COW_REUSE);
	g_assert_cmpint(get(p.f.process, ARENA), ==, 's');
	g_assert_cmpint(get(child, ARENA), ==, 'c');
	/* A write to a page in swap makes a copy for the writer only. */
	put(child, ARENA + PAGE, 'w');
	g_assert_cmpint(get(child, ARENA + PAGE + 1), ==, 't');
	g_assert_cmpint(get(p.f.process, ARENA + PAGE), ==, 't');
	g_assert_cmpint(get(child, ARENA + PAGE), ==, 'w');
	assert_pattern(p.f.process, ARENA + 2 * PAGE, 2, 'u');
	assert_pattern(child, ARENA + 2 * PAGE, 2, 'u');
	end(child);
	pressure_end(&p);
}

/*
 * A frame in the swap cache can be evicted without being written again. Its slot still serves both
 * processes.
 */
static void test_swap_cache_clean(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map_pattern(p.f.process, ARENA, 1, PRIVATE_ANON, 's');
	struct vm_process *child = fork_of(p.f.process);
	push_out(&p);
	for (int round = 0; round < 3; round++) {
		assert_touch(child, ARENA, VM_ACCESS_READ, VM_MAJOR, VM_FAULT_SWAP_IN);
		g_assert_cmpuint(machine_info(&p).swap_cached, ==, 1);
		g_assert_cmpuint(slots_used(&p), ==, 1);
		push_out(&p);
		g_assert_cmpuint(frames_used(&p), ==, 0);
	}
	g_assert_cmpuint(machine_info(&p).swap_outs, ==, 1);
	assert_pattern(p.f.process, ARENA, 1, 's');
	assert_pattern(child, ARENA, 1, 's');
	end(child);
	pressure_end(&p);
}

static void test_shared_anonymous(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map(p.f.process, ARENA, 4, RW, SHARED_ANON);
	fill_pattern(p.f.process, ARENA, 3, 's');
	struct vm_process *child = fork_of(p.f.process);
	push_out(&p);
	g_assert_cmpuint(frames_used(&p), ==, 0);
	g_assert_cmpuint(slots_used(&p), ==, 3);
	assert_touch(child, ARENA, VM_ACCESS_READ, VM_MAJOR, VM_FAULT_SWAP_IN);
	struct vm_fault fault;
	g_assert_cmpint(touch(p.f.process, ARENA, VM_ACCESS_READ, &fault), ==, 0);
	g_assert_cmpint(fault.outcome, ==, VM_MINOR);
	put(child, ARENA, 'c');
	g_assert_cmpint(get(p.f.process, ARENA), ==, 'c');
	put(p.f.process, ARENA + PAGE, 'p');
	g_assert_cmpint(get(child, ARENA + PAGE), ==, 'p');
	assert_touch(child, ARENA + 3 * PAGE, VM_ACCESS_READ, VM_MINOR, VM_FAULT_DEMAND_ZERO);
	push_out(&p);
	g_assert_cmpuint(slots_used(&p), ==, 4);
	end(child);
	g_assert_cmpuint(slots_used(&p), ==, 4);
	g_assert_cmpint(get(p.f.process, ARENA), ==, 'c');
	g_assert_cmpint(get(p.f.process, ARENA + PAGE), ==, 'p');
	g_assert_cmpint(get(p.f.process, ARENA + 2 * PAGE), ==, 'u');
	pressure_end(&p);
}

/* --- Slots given back ------------------------------------------------------------------------- */

static void test_given_back(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	swap_out_eight(&p);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA + 2 * PAGE, 3 * PAGE), ==, 0);
	g_assert_cmpuint(slots_used(&p), ==, 13);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA, 8 * PAGE), ==, 0);
	g_assert_cmpuint(slots_used(&p), ==, 8);
	g_assert_cmpint(vm_munmap(p.f.process, FAR, 8 * PAGE), ==, 0);
	g_assert_cmpuint(slots_used(&p), ==, 0);
	swap_out_eight(&p);
	/* Another mapping replaces it. */
	map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	g_assert_cmpuint(slots_used(&p), ==, 8);
	g_assert_cmpint(get(p.f.process, ARENA), ==, 0);
	pressure_end(&p);
}

static void test_given_back_by_exec(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 2048, .slots = 64});
	swap_out_eight(&p);
	exec_program(&p, p.f.process, "/bin/true");
	g_assert_cmpuint(slots_used(&p), ==, 0);
	pressure_end(&p);
}

static void test_given_back_by_exit(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	swap_out_eight(&p);
	struct vm_process *child = fork_of(p.f.process);
	put(child, ARENA, 'c');
	g_assert_cmpuint(slots_used(&p), ==, 16);
	push_out(&p);
	g_assert_cmpuint(slots_used(&p), ==, 17);
	end(child);
	g_assert_cmpuint(slots_used(&p), ==, 16);
	g_assert_cmpint(get(p.f.process, ARENA), ==, 'x');
	end(g_steal_pointer(&p.f.process));
	g_assert_cmpuint(slots_used(&p), ==, 0);
	pressure_end(&p);
}

/* --- Calls that change areas, over entries that hold slots ------------------------------------ */

static void test_mprotect(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map_pushed_out(&p, ARENA, 4, PRIVATE_ANON, 'm');
	g_assert_cmpint(vm_mprotect(p.f.process, ARENA, PAGE, PROT_READ), ==, 0);
	g_assert_cmpint(vm_mprotect(p.f.process, ARENA + PAGE, PAGE, PROT_NONE), ==, 0);
	g_assert_cmpint(vm_mprotect(p.f.process, ARENA + 2 * PAGE, PAGE, RW | PROT_EXEC), ==, 0);
	assert_sound(p.f.machine);
	assert_touch(p.f.process, ARENA, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	assert_touch(p.f.process, ARENA, VM_ACCESS_READ, VM_MAJOR, VM_FAULT_SWAP_IN);
	assert_touch(p.f.process, ARENA, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	assert_touch(p.f.process, ARENA + PAGE, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	assert_touch(p.f.process, ARENA + 2 * PAGE, VM_ACCESS_EXEC, VM_MAJOR, VM_FAULT_SWAP_IN);
	g_assert_cmpuint(slots_used(&p), ==, 2);
	g_assert_cmpint(vm_mprotect(p.f.process, ARENA, 4 * PAGE, RW), ==, 0);
	assert_pattern(p.f.process, ARENA, 4, 'm');
	pressure_end(&p);
}

static void test_mremap(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map_pushed_out(&p, ARENA, 4, PRIVATE_ANON, 'a');
	g_assert_cmpint(
	    vm_mremap(p.f.process, ARENA, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, FAR),
	    ==, FAR);
	g_assert_cmpint(entry_kind(p.f.process, ARENA), ==, -1);
	g_assert_cmpint(entry_kind(p.f.process, FAR), ==, VM_ENTRY_SWAP);
	g_assert_cmpuint(slots_used(&p), ==, 4);
	assert_sound(p.f.machine);
	g_assert_cmpint(vm_mremap(p.f.process, FAR, 4 * PAGE, 2 * PAGE, 0, 0), ==, FAR);
	g_assert_cmpuint(slots_used(&p), ==, 2);
	g_assert_cmpint(
	    vm_mremap(p.f.process, FAR, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0),
	    >, 0);
	g_assert_cmpuint(slots_used(&p), ==, 2);
	g_assert_cmpint(get(p.f.process, FAR), ==, 0);
	pressure_end(&p);
}

static void test_mremap_of_shared(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map_pushed_out(&p, ARENA, 4, SHARED_ANON, 'q');
	/* Length 0 duplicates a shared mapping. */
	g_assert_cmpint(
	    vm_mremap(p.f.process, ARENA, 0, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, FAR), ==,
	    FAR);
	put(p.f.process, FAR, 'n');
	g_assert_cmpint(get(p.f.process, ARENA), ==, 'n');
	g_assert_cmpint(vm_munmap(p.f.process, ARENA, 4 * PAGE), ==, 0);
	g_assert_cmpuint(slots_used(&p), ==, 3);
	assert_pattern(p.f.process, FAR + PAGE, 3, 'r');
	pressure_end(&p);
}

/* Fork while the entries hold slots. Then each process changes its memory in another way. */
static void test_fork_over_swap(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map_pushed_out(&p, ARENA, 4, PRIVATE_ANON, 'a');
	struct vm_process *child = fork_of(p.f.process), *grandchild = fork_of(child);
	g_assert_cmpuint(slots_used(&p), ==, 4);
	g_assert_cmpint(vm_munmap(child, ARENA, PAGE), ==, 0);
	g_assert_cmpint(vm_mprotect(child, ARENA + PAGE, PAGE, PROT_READ), ==, 0);
	put(grandchild, ARENA, 'g');
	put(p.f.process, ARENA + 3 * PAGE, 'p');
	assert_sound(p.f.machine);
	push_out(&p);
	g_assert_cmpint(get(child, ARENA), ==, -EFAULT);
	assert_pattern(child, ARENA + PAGE, 3, 'b');
	g_assert_cmpint(get(grandchild, ARENA), ==, 'g');
	assert_pattern(grandchild, ARENA + PAGE, 3, 'b');
	assert_pattern(p.f.process, ARENA, 3, 'a');
	g_assert_cmpint(get(p.f.process, ARENA + 3 * PAGE), ==, 'p');
	end(child);
	end(grandchild);
	assert_pattern(p.f.process, ARENA, 3, 'a');
	pressure_end(&p);
}

/* Private pages of a file: written copies go to swap, other pages are read from the file again. */
static void test_private_file(void)
{
	for (unsigned frames = 1; frames <= 3; frames++) {
		struct pressure p;
		pressure_begin_small(&p, frames, 16);
		g_autofree char *path = make_file(&p.f, "private", 4 * PAGE, 'a');
		map_path(&p.f, p.f.process, path, O_RDONLY, ARENA, 4, RW, MAP_PRIVATE);
		for (int round = 0; round < 3; round++) {
			put(p.f.process, ARENA + PAGE, (uint8_t)('0' + round));
			for (unsigned page = 0; page < 4; page++) {
				int expected = page == 1 ? '0' + round : 'a' + (int)page;
				g_assert_cmpint(get(p.f.process, ARENA + page * PAGE), ==,
				                expected);
				g_assert_cmpint(get(p.f.process, ARENA + page * PAGE + 1), ==,
				                'a' + (int)page);
			}
			struct vm_process *child = fork_of(p.f.process);
			put(child, ARENA + PAGE, 'c');
			put(child, ARENA + 2 * PAGE, 'd');
			g_assert_cmpint(get(p.f.process, ARENA + PAGE), ==, '0' + round);
			g_assert_cmpint(get(p.f.process, ARENA + 2 * PAGE), ==, 'c');
			g_assert_cmpint(get(child, ARENA + 2 * PAGE), ==, 'd');
			assert_sound(p.f.machine);
			end(child);
		}
		for (unsigned page = 0; page < 4; page++)
			g_assert_cmpint(file_byte(path, page * PAGE), ==, 'a' + (int)page);
		pressure_end(&p);
	}
}

/* Shared memory fills all slots. Each page must find its own slot. */
static void test_many_shared(void)
{
	enum { PAGES = 512 };
	struct pressure p;

	pressure_begin_small(&p, 32, PAGES);
	map(p.f.process, ARENA, PAGES, RW, SHARED_ANON);
	for (uint64_t page = 0; page < PAGES; page++)
		put(p.f.process, ARENA + page * PAGE + page, (uint8_t)(page * 7));
	push_out(&p);
	g_assert_cmpuint(slots_used(&p), ==, PAGES);
	for (uint64_t page = 0; page < PAGES; page += 2)
		g_assert_cmpint(get(p.f.process, ARENA + page * PAGE + page), ==,
		                (uint8_t)(page * 7));
	assert_sound(p.f.machine);
	for (uint64_t page = 1; page < PAGES; page += 2)
		g_assert_cmpint(get(p.f.process, ARENA + page * PAGE + page), ==,
		                (uint8_t)(page * 7));
	pressure_end(&p);
}

/* vm_translate predicts what a read will do, and reads nothing from swap. */
static void test_translate(void)
{
	struct pressure p;
	struct vm_translation translation;

	pressure_begin(&p, &roomy);
	map_pattern(p.f.process, ARENA, 1, PRIVATE_ANON, 't');
	struct vm_process *child = fork_of(p.f.process);
	push_out(&p);
	g_assert_cmpint(vm_translate(child, ARENA, &translation), ==, 0);
	g_assert_false(translation.present);
	g_assert_cmpint(translation.outcome, ==, VM_MAJOR);
	g_assert_cmpstr(vm_fault_kind_name(translation.kind), ==, "swap-in");
	g_assert_cmpuint(machine_info(&p).swap_ins, ==, 0);
	g_assert_cmpint(get(p.f.process, ARENA), ==, 't');
	g_assert_cmpint(vm_translate(child, ARENA, &translation), ==, 0);
	g_assert_cmpint(translation.outcome, ==, VM_MINOR);
	g_assert_cmpstr(vm_fault_kind_name(translation.kind), ==, "swap-cache");
	assert_touch(child, ARENA, VM_ACCESS_READ, VM_MINOR, VM_FAULT_SWAP_CACHE);
	end(child);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/swap/private", test_private);
	g_test_add_func("/swap/record", test_record);
	g_test_add_func("/swap/fork-shared", test_fork_shared);
	g_test_add_func("/swap/swap-cache-clean", test_swap_cache_clean);
	g_test_add_func("/swap/shared-anonymous", test_shared_anonymous);
	g_test_add_func("/swap/given-back/munmap", test_given_back);
	g_test_add_func("/swap/given-back/exec", test_given_back_by_exec);
	g_test_add_func("/swap/given-back/exit", test_given_back_by_exit);
	g_test_add_func("/swap/mprotect", test_mprotect);
	g_test_add_func("/swap/mremap", test_mremap);
	g_test_add_func("/swap/mremap-of-shared", test_mremap_of_shared);
	g_test_add_func("/swap/fork-over-swap", test_fork_over_swap);
	g_test_add_func("/swap/private-file", test_private_file);
	g_test_add_func("/swap/translate", test_translate);
	g_test_add_func("/swap/many-shared", test_many_shared);
	return g_test_run();
}
