/*
 * test_swap.c - pages that go to swap and come back: of one process and of several, under every call that changes areas; slots that are
 * given back; swap that is full; swapoff.
 */
#include "tests/pressure.h"

#define FAR (ARENA + 1024 * PAGE)

static const struct pressure_size roomy = {.frames = 64, .slots = 64};

static uint64_t slots_used(struct pressure *p)
{
	return machine_info(p).swap_used;
}

static uint64_t frames_used(struct pressure *p)
{
	struct vm_machine_info info = machine_info(p);

	return info.frames_total - info.frames_free;
}

/* --- Private and shared pages ------------------------------------------------------------------------- */

static void test_private(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map(p.f.process, ARENA, 4, RW, PRIVATE_ANON);
	for (unsigned page = 0; page < 4; page++)
		fill(p.f.process, ARENA + page * PAGE, 1, (uint8_t)('a' + page));
	evict_all(&p);
	g_assert_cmpuint(frames_used(&p), ==, 0);
	g_assert_cmpuint(slots_used(&p), ==, 4);
	g_assert_cmpuint(process_info(p.f.process).swap, ==, 4);
	g_assert_cmpuint(process_info(p.f.process).rss_anon, ==, 0);
	assert_touch(p.f.process, ARENA, VM_ACCESS_READ, VM_MAJOR, VM_FAULT_SWAP_IN);
	assert_touch(p.f.process, ARENA, VM_ACCESS_WRITE, VM_HIT, VM_FAULT_NONE);
	assert_touch(p.f.process, ARENA + PAGE, VM_ACCESS_WRITE, VM_MAJOR, VM_FAULT_SWAP_IN);
	assert_touch(p.f.process, ARENA + PAGE, VM_ACCESS_READ, VM_HIT, VM_FAULT_NONE);
	g_assert_cmpuint(slots_used(&p), ==, 2);
	for (unsigned page = 0; page < 4; page++)
		assert_filled(p.f.process, ARENA + page * PAGE, 1, (uint8_t)('a' + page));
	g_assert_cmpuint(slots_used(&p), ==, 0);
	g_assert_cmpuint(machine_info(&p).swap_ins, ==, 4);
	g_assert_cmpuint(machine_info(&p).swap_outs, ==, 4);
	g_assert_cmpuint(process_info(p.f.process).major_faults, ==, 4);
	pressure_end(&p);
}

/* The record of a fault on a page in swap names the slot, and the frame that had to go for it. */
static void test_record(void)
{
	struct pressure p;
	struct vm_fault fault;
	struct vm_entry_info entry;

	pressure_begin(&p, &(struct pressure_size){.frames = 1, .slots = 8, .overcommit = VM_OVERCOMMIT_ALWAYS});
	map(p.f.process, ARENA, 2, RW, PRIVATE_ANON);
	put(p.f.process, ARENA, 1);
	put(p.f.process, ARENA + PAGE, 2);
	g_assert_true(entry_of(p.f.process, ARENA, &entry));
	g_assert_cmpint(entry.kind, ==, VM_ENTRY_SWAP);
	g_assert_cmpint(touch(p.f.process, ARENA, VM_ACCESS_READ, &fault), ==, 0);
	g_assert_cmpint(fault.kind, ==, VM_FAULT_SWAP_IN);
	g_assert_cmpuint(fault.slot, ==, entry.pfn);
	g_assert_cmpuint(fault.evicted, ==, 0);
	g_assert_cmpuint(fault.frame, ==, 0);
	pressure_end(&p);
}

/* What a fork shares stays shared on its way out and back in. */
static void test_fork_shared(void)
{
	struct pressure p;
	struct vm_entry_info mine, other;

	pressure_begin(&p, &roomy);
	map(p.f.process, ARENA, 4, RW, PRIVATE_ANON);
	fill(p.f.process, ARENA, 4, 's');
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpuint(frames_used(&p), ==, 4);
	evict_all(&p);
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
	/* A write straight to swap copies for the writer alone. */
	put(child, ARENA + PAGE, 'w');
	g_assert_cmpint(get(child, ARENA + PAGE + 1), ==, 's');
	g_assert_cmpint(get(p.f.process, ARENA + PAGE), ==, 's');
	g_assert_cmpint(get(child, ARENA + PAGE), ==, 'w');
	assert_filled(p.f.process, ARENA + 2 * PAGE, 2, 's');
	assert_filled(child, ARENA + 2 * PAGE, 2, 's');
	end(child);
	pressure_end(&p);
}

/* A frame in the swap cache goes again without being written, and the slot serves both. */
static void test_swap_cache_clean(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map(p.f.process, ARENA, 1, RW, PRIVATE_ANON);
	fill(p.f.process, ARENA, 1, 's');
	struct vm_process *child = fork_of(p.f.process);
	evict_all(&p);
	for (int round = 0; round < 3; round++) {
		assert_touch(child, ARENA, VM_ACCESS_READ, VM_MAJOR, VM_FAULT_SWAP_IN);
		g_assert_cmpuint(machine_info(&p).swap_cached, ==, 1);
		g_assert_cmpuint(slots_used(&p), ==, 1);
		evict_all(&p);
		g_assert_cmpuint(frames_used(&p), ==, 0);
	}
	g_assert_cmpuint(machine_info(&p).swap_outs, ==, 1);
	assert_filled(p.f.process, ARENA, 1, 's');
	assert_filled(child, ARENA, 1, 's');
	end(child);
	pressure_end(&p);
}

static void test_shared_anonymous(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map(p.f.process, ARENA, 4, RW, SHARED_ANON);
	fill(p.f.process, ARENA, 3, 's');
	struct vm_process *child = fork_of(p.f.process);
	evict_all(&p);
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
	evict_all(&p);
	g_assert_cmpuint(slots_used(&p), ==, 4);
	end(child);
	g_assert_cmpuint(slots_used(&p), ==, 4);
	g_assert_cmpint(get(p.f.process, ARENA), ==, 'c');
	g_assert_cmpint(get(p.f.process, ARENA + PAGE), ==, 'p');
	g_assert_cmpint(get(p.f.process, ARENA + 2 * PAGE), ==, 's');
	pressure_end(&p);
}

/* --- Slots given back --------------------------------------------------------------------------------- */

static void swap_out_eight(struct pressure *p)
{
	map(p->f.process, ARENA, 8, RW, PRIVATE_ANON);
	map(p->f.process, FAR, 8, RW, SHARED_ANON);
	fill(p->f.process, ARENA, 8, 'x');
	fill(p->f.process, FAR, 8, 'y');
	evict_all(p);
	g_assert_cmpuint(slots_used(p), ==, 16);
}

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
	/* Another mapping in its place. */
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
	evict_all(&p);
	g_assert_cmpuint(slots_used(&p), ==, 17);
	end(child);
	g_assert_cmpuint(slots_used(&p), ==, 16);
	g_assert_cmpint(get(p.f.process, ARENA), ==, 'x');
	end(g_steal_pointer(&p.f.process));
	g_assert_cmpuint(slots_used(&p), ==, 0);
	pressure_end(&p);
}

/* --- Calls that change areas, over entries that hold slots ---------------------------------------------- */

static void test_mprotect(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map(p.f.process, ARENA, 4, RW, PRIVATE_ANON);
	fill(p.f.process, ARENA, 4, 'm');
	evict_all(&p);
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
	assert_filled(p.f.process, ARENA, 4, 'm');
	pressure_end(&p);
}

static void test_mremap(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map(p.f.process, ARENA, 4, RW, PRIVATE_ANON);
	for (unsigned page = 0; page < 4; page++)
		fill(p.f.process, ARENA + page * PAGE, 1, (uint8_t)('a' + page));
	evict_all(&p);
	g_assert_cmpint(vm_mremap(p.f.process, ARENA, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, FAR), ==, FAR);
	g_assert_cmpint(entry_kind(p.f.process, ARENA), ==, -1);
	g_assert_cmpint(entry_kind(p.f.process, FAR), ==, VM_ENTRY_SWAP);
	g_assert_cmpuint(slots_used(&p), ==, 4);
	assert_sound(p.f.machine);
	g_assert_cmpint(vm_mremap(p.f.process, FAR, 4 * PAGE, 2 * PAGE, 0, 0), ==, FAR);
	g_assert_cmpuint(slots_used(&p), ==, 2);
	g_assert_cmpint(vm_mremap(p.f.process, FAR, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), >, 0);
	g_assert_cmpuint(slots_used(&p), ==, 2);
	g_assert_cmpint(get(p.f.process, FAR), ==, 0);
	pressure_end(&p);
}

static void test_mremap_of_shared(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map(p.f.process, ARENA, 4, RW, SHARED_ANON);
	fill(p.f.process, ARENA, 4, 'q');
	evict_all(&p);
	/* Length 0 duplicates a shared mapping. */
	g_assert_cmpint(vm_mremap(p.f.process, ARENA, 0, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, FAR), ==, FAR);
	put(p.f.process, FAR, 'n');
	g_assert_cmpint(get(p.f.process, ARENA), ==, 'n');
	g_assert_cmpint(vm_munmap(p.f.process, ARENA, 4 * PAGE), ==, 0);
	g_assert_cmpuint(slots_used(&p), ==, 3);
	assert_filled(p.f.process, FAR + PAGE, 3, 'q');
	pressure_end(&p);
}

/* Fork over entries that hold slots, then each kind of change on either side. */
static void test_fork_over_swap(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map(p.f.process, ARENA, 4, RW, PRIVATE_ANON);
	fill(p.f.process, ARENA, 4, 'f');
	evict_all(&p);
	struct vm_process *child = fork_of(p.f.process), *grandchild = fork_of(child);
	g_assert_cmpuint(slots_used(&p), ==, 4);
	g_assert_cmpint(vm_munmap(child, ARENA, PAGE), ==, 0);
	g_assert_cmpint(vm_mprotect(child, ARENA + PAGE, PAGE, PROT_READ), ==, 0);
	put(grandchild, ARENA, 'g');
	put(p.f.process, ARENA + 3 * PAGE, 'p');
	assert_sound(p.f.machine);
	evict_all(&p);
	g_assert_cmpint(get(child, ARENA), ==, -EFAULT);
	assert_filled(child, ARENA + PAGE, 3, 'f');
	g_assert_cmpint(get(grandchild, ARENA), ==, 'g');
	assert_filled(grandchild, ARENA + PAGE, 3, 'f');
	assert_filled(p.f.process, ARENA, 3, 'f');
	g_assert_cmpint(get(p.f.process, ARENA + 3 * PAGE), ==, 'p');
	end(child);
	end(grandchild);
	assert_filled(p.f.process, ARENA, 3, 'f');
	pressure_end(&p);
}

/* Private pages of a file: copies go to swap, the rest is read again. */
static void test_private_file(void)
{
	for (unsigned frames = 1; frames <= 3; frames++) {
		struct pressure p;
		pressure_begin(
		    &p, &(struct pressure_size){.frames = frames, .slots = 16, .overcommit = VM_OVERCOMMIT_ALWAYS});
		g_autofree char *path = make_file(&p.f, "private", 4 * PAGE, 'a');
		struct vm_file *file = open_file(&p.f, path, O_RDONLY);
		map_file(p.f.process, ARENA, 4, RW, MAP_PRIVATE, file, 0);
		vm_file_unref(file);
		for (int round = 0; round < 3; round++) {
			put(p.f.process, ARENA + PAGE, (uint8_t)('0' + round));
			for (unsigned page = 0; page < 4; page++) {
				int expected = page == 1 ? '0' + round : 'a' + (int)page;
				g_assert_cmpint(get(p.f.process, ARENA + page * PAGE), ==, expected);
				g_assert_cmpint(get(p.f.process, ARENA + page * PAGE + 1), ==, 'a' + (int)page);
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

/* --- Full ------------------------------------------------------------------------------------------------ */

static void test_full(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 2, .slots = 3, .overcommit = VM_OVERCOMMIT_ALWAYS});
	map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	for (unsigned page = 0; page < 5; page++)
		put(p.f.process, ARENA + page * PAGE, (uint8_t)('a' + page));
	for (int round = 0; round < 2; round++) {
		assert_touch(p.f.process, ARENA + 5 * PAGE, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_OOM);
		uint8_t byte = 1;
		g_assert_cmpint(vm_write(p.f.process, ARENA + 6 * PAGE, &byte, 1), ==, -ENOMEM);
		assert_sound(p.f.machine);
	}
	/* A read of untouched memory costs nothing. */
	g_assert_cmpint(get(p.f.process, ARENA + 7 * PAGE), ==, 0);
	/* What is in a frame can be used; what is in swap comes back as soon as there is a page to spare. */
	for (unsigned page = 3; page < 5; page++)
		g_assert_cmpint(get(p.f.process, ARENA + page * PAGE), ==, 'a' + (int)page);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA, PAGE), ==, 0);
	for (unsigned page = 1; page < 5; page++)
		g_assert_cmpint(get(p.f.process, ARENA + page * PAGE), ==, 'a' + (int)page);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA + PAGE, PAGE), ==, 0);
	put(p.f.process, ARENA + 5 * PAGE, 'z');
	for (unsigned page = 2; page < 5; page++)
		g_assert_cmpint(get(p.f.process, ARENA + page * PAGE), ==, 'a' + (int)page);
	g_assert_cmpint(get(p.f.process, ARENA + 5 * PAGE), ==, 'z');
	pressure_end(&p);
}

/* A long write ends short before the page that finds no memory. */
static void test_full_long_write(void)
{
	struct pressure p;
	g_autofree uint8_t *bytes = g_malloc(8 * PAGE);

	memset(bytes, 'w', 8 * PAGE);
	pressure_begin(&p, &(struct pressure_size){.frames = 2, .slots = 3, .overcommit = VM_OVERCOMMIT_ALWAYS});
	map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_write(p.f.process, ARENA, bytes, 8 * PAGE), ==, 5 * PAGE);
	g_assert_cmpint(vm_write(p.f.process, ARENA + 5 * PAGE, bytes, 3 * PAGE), ==, -ENOMEM);
	g_assert_cmpint(vm_munmap(p.f.process, ARENA, PAGE), ==, 0);
	assert_filled(p.f.process, ARENA + PAGE, 4, 'w');
	pressure_end(&p);
}

static void test_none(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 3, .overcommit = VM_OVERCOMMIT_ALWAYS});
	map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	map(p.f.process, FAR, 1, RW, SHARED_ANON);
	fill(p.f.process, ARENA, 2, 'n');
	fill(p.f.process, FAR, 1, 's');
	assert_touch(p.f.process, ARENA + 2 * PAGE, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_OOM);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 3), ==, 0);
	assert_filled(p.f.process, ARENA, 2, 'n');
	assert_filled(p.f.process, FAR, 1, 's');
	g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, -EINVAL);
	pressure_end(&p);
}

/* --- Large transfers on few frames ------------------------------------------------------------------------ */

static void test_large(gconstpointer data)
{
	unsigned frames = GPOINTER_TO_UINT(data);
	g_autofree uint8_t *bytes = g_malloc(MIB), *back = g_malloc(MIB);
	struct pressure p;

	for (size_t i = 0; i < MIB; i++)
		bytes[i] = (uint8_t)(i * 31 + (i >> 12) * 7 + (i >> 8));
	pressure_begin(&p, &(struct pressure_size){.frames = frames, .slots = 600, .overcommit = VM_OVERCOMMIT_ALWAYS});
	map(p.f.process, ARENA, 257, RW, PRIVATE_ANON);
	map(p.f.process, FAR, 257, RW, SHARED_ANON);
	static const uint64_t at[] = {ARENA, ARENA + 1, ARENA + PAGE - 1, FAR, FAR + 2049};
	for (size_t i = 0; i < G_N_ELEMENTS(at); i++) {
		g_assert_cmpint(vm_write(p.f.process, at[i], bytes, MIB), ==, MIB);
		g_assert_cmpint(load(p.f.process, at[i], back, MIB), ==, MIB);
		g_assert_true(memcmp(bytes, back, MIB) == 0);
		assert_sound(p.f.machine);
	}
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpint(load(child, ARENA + PAGE - 1, back, MIB), ==, MIB);
	g_assert_true(memcmp(bytes, back, MIB) == 0);
	end(child);
	pressure_end(&p);
}

/* From one private mapping of a file to the end of another's, with a hole after it. */
static void test_large_file(gconstpointer data)
{
	unsigned frames = GPOINTER_TO_UINT(data);
	g_autofree uint8_t *back = g_malloc(MIB);
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = frames, .slots = 600, .overcommit = VM_OVERCOMMIT_ALWAYS});
	g_autofree char *path = make_file(&p.f, "large", 40 * PAGE, 'A');
	struct vm_file *file = open_file(&p.f, path, O_RDWR);
	map_file(p.f.process, ARENA, 40, RW, MAP_SHARED, file, 0);
	map_file(p.f.process, ARENA + 40 * PAGE, 40, RW, MAP_PRIVATE, file, 0);
	vm_file_unref(file);
	g_assert_cmpint(load(p.f.process, ARENA, back, MIB), ==, 80 * PAGE);
	for (unsigned page = 0; page < 80; page++)
		g_assert_cmpint(back[page * PAGE + 7], ==, 'A' + (int)(page % 40));
	memset(back, 'w', 60 * PAGE);
	g_assert_cmpint(vm_write(p.f.process, ARENA + 10 * PAGE, back, 60 * PAGE), ==, 60 * PAGE);
	assert_filled(p.f.process, ARENA + 10 * PAGE, 60, 'w');
	assert_filled(p.f.process, ARENA, 1, 'A');
	g_assert_cmpint(vm_msync(p.f.process, ARENA, 40 * PAGE, MS_SYNC), ==, 0);
	g_assert_cmpint(file_byte(path, 9 * PAGE), ==, 'A' + 9);
	g_assert_cmpint(file_byte(path, 39 * PAGE), ==, 'w');
	g_assert_cmpint(file_byte(path, 10 * PAGE), ==, 'w');
	pressure_end(&p);
}

/* --- swapoff ------------------------------------------------------------------------------------------------ */

static void test_swapoff(void)
{
	struct pressure p;
	struct vm_entry_info mine, other;

	pressure_begin(&p, &roomy);
	swap_out_eight(&p);
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpint(vm_mprotect(p.f.process, ARENA + 7 * PAGE, PAGE, PROT_NONE), ==, 0);
	put(child, ARENA, 'c');
	evict_all(&p);
	g_assert_cmpuint(slots_used(&p), ==, 17);
	g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, 0);
	assert_sound(p.f.machine);
	g_assert_cmpuint(slots_used(&p), ==, 0);
	g_assert_cmpuint(machine_info(&p).swap_total, ==, 0);
	g_assert_cmpuint(machine_info(&p).swap_cached, ==, 0);
	g_assert_cmpuint(frames_used(&p), ==, 17);
	g_assert_cmpuint(process_info(p.f.process).swap, ==, 0);
	g_assert_cmpuint(process_info(p.f.process).rss_anon, ==, 8);
	g_assert_true(entry_of(p.f.process, ARENA + PAGE, &mine) && entry_of(child, ARENA + PAGE, &other));
	g_assert_cmpuint(mine.pfn, ==, other.pfn);
	assert_filled(p.f.process, ARENA, 7, 'x');
	assert_filled(child, ARENA + PAGE, 7, 'x');
	assert_filled(child, FAR, 8, 'y');
	g_assert_cmpint(get(child, ARENA), ==, 'c');
	put(child, ARENA + PAGE, 'd');
	g_assert_cmpint(get(p.f.process, ARENA + PAGE), ==, 'x');
	g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, -EINVAL);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 4), ==, 0);
	end(child);
	pressure_end(&p);
}

static void test_swapoff_no_room(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 4, .slots = 8, .overcommit = VM_OVERCOMMIT_ALWAYS});
	map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	for (unsigned page = 0; page < 6; page++)
		put(p.f.process, ARENA + page * PAGE, (uint8_t)('a' + page));
	struct vm_machine_info before = machine_info(&p);
	for (int round = 0; round < 2; round++)
		g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, -ENOMEM);
	struct vm_machine_info after = machine_info(&p);
	g_assert_cmpuint(after.swap_used, ==, before.swap_used);
	g_assert_cmpuint(after.swap_total, ==, 8);
	g_assert_cmpuint(after.frames_free, ==, before.frames_free);
	for (unsigned page = 0; page < 6; page++)
		g_assert_cmpint(get(p.f.process, ARENA + page * PAGE), ==, 'a' + (int)page);
	/* Just enough room. */
	g_assert_cmpint(vm_munmap(p.f.process, ARENA, 2 * PAGE), ==, 0);
	g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, 0);
	for (unsigned page = 2; page < 6; page++)
		g_assert_cmpint(get(p.f.process, ARENA + page * PAGE), ==, 'a' + (int)page);
	assert_touch(p.f.process, ARENA + 6 * PAGE, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_OOM);
	pressure_end(&p);
}

/* Clean file pages make room for what comes back, whatever the policy would rather see gone. */
static void test_swapoff_drops_files(void)
{
	static const char *const policies[] = {"clock", "lru", "fifo", "random"};

	for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
		struct pressure p;
		pressure_begin(&p,
		               &(struct pressure_size){
		                   .frames = 8, .slots = 8, .policy = policies[i], .overcommit = VM_OVERCOMMIT_ALWAYS});
		g_autofree char *path = make_file(&p.f, "clean", 4 * PAGE, 'a');
		struct vm_file *file = open_file(&p.f, path, O_RDONLY);
		map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
		map_file(p.f.process, FAR, 4, PROT_READ, MAP_SHARED, file, 0);
		vm_file_unref(file);
		fill(p.f.process, ARENA, 8, 'k');
		struct vm_process *child = fork_of(p.f.process);
		evict_all(&p);
		/* Two of them in the swap cache, where they could go again without being written. */
		get(child, ARENA + 6 * PAGE);
		get(child, ARENA + 7 * PAGE);
		for (unsigned page = 0; page < 4; page++)
			get(p.f.process, FAR + page * PAGE);
		g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, 0);
		assert_sound(p.f.machine);
		assert_filled(p.f.process, ARENA, 8, 'k');
		assert_filled(child, ARENA, 8, 'k');
		g_assert_cmpuint(frames_used(&p), ==, 8);
		g_assert_cmpuint(machine_info(&p).frames_file, ==, 0);
		end(child);
		pressure_end(&p);
	}
}

/* Locked areas whose pages came from swap keep them. */
static void test_lock_brings_in(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	swap_out_eight(&p);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA, 4 * PAGE, 0), ==, 0);
	g_assert_cmpuint(slots_used(&p), ==, 12);
	g_assert_cmpint(vm_mlock(p.f.process, ARENA + 4 * PAGE, 4 * PAGE, MLOCK_ONFAULT), ==, 0);
	g_assert_cmpuint(slots_used(&p), ==, 12);
	get(p.f.process, ARENA + 4 * PAGE);
	evict_all(&p);
	g_assert_cmpuint(process_info(p.f.process).rss_anon, ==, 5);
	assert_filled(p.f.process, ARENA, 8, 'x');
	pressure_end(&p);
}

/* --- Drives on the smallest machines -------------------------------------------------------------------------- */

/* Three generations write the same pages; nobody sees another's. */
static void test_generations(gconstpointer data)
{
	unsigned frames = GPOINTER_TO_UINT(data);
	struct vm_process *process[3];
	uint8_t bytes[3][6];
	GRand *rand = g_rand_new_with_seed(frames);
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = frames, .slots = 32, .overcommit = VM_OVERCOMMIT_ALWAYS});
	map(p.f.process, ARENA, 6, RW, PRIVATE_ANON);
	for (unsigned page = 0; page < 6; page++)
		put(p.f.process, ARENA + page * PAGE, bytes[0][page] = (uint8_t)(page + 1));
	process[0] = p.f.process;
	for (int i = 1; i < 3; i++) {
		process[i] = fork_of(process[i - 1]);
		memcpy(bytes[i], bytes[i - 1], sizeof bytes[i]);
	}
	for (int step = 0; step < 600; step++) {
		int who = g_rand_int_range(rand, 0, 3);
		unsigned page = (unsigned)g_rand_int_range(rand, 0, 6);
		if (g_rand_boolean(rand))
			put(process[who], ARENA + page * PAGE,
			    bytes[who][page] = (uint8_t)g_rand_int_range(rand, 0, 256));
		g_assert_cmpint(get(process[who], ARENA + page * PAGE), ==, bytes[who][page]);
		if (step % 50 == 0)
			assert_sound(p.f.machine);
	}
	end(process[2]);
	end(process[1]);
	g_rand_free(rand);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	static const unsigned few[] = {1, 2, 3, 16};

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
	g_test_add_func("/swap/full", test_full);
	g_test_add_func("/swap/full-long-write", test_full_long_write);
	g_test_add_func("/swap/none", test_none);
	for (size_t i = 0; i < G_N_ELEMENTS(few); i++) {
		g_autofree char *large = g_strdup_printf("/swap/large/%u", few[i]);
		g_autofree char *file = g_strdup_printf("/swap/large-file/%u", few[i]);
		g_autofree char *generations = g_strdup_printf("/swap/generations/%u", few[i]);
		g_test_add_data_func(large, GUINT_TO_POINTER(few[i]), test_large);
		g_test_add_data_func(file, GUINT_TO_POINTER(few[i]), test_large_file);
		g_test_add_data_func(generations, GUINT_TO_POINTER(few[i]), test_generations);
	}
	g_test_add_func("/swap/swapoff", test_swapoff);
	g_test_add_func("/swap/swapoff-no-room", test_swapoff_no_room);
	g_test_add_func("/swap/swapoff-drops-files", test_swapoff_drops_files);
	g_test_add_func("/swap/lock-brings-in", test_lock_brings_in);
	return g_test_run();
}
