/*
 * test_evict.c - each page that goes to make room is recorded, and the fault that took its frame
 * says whose it was.
 */
#include "tests/fixture/pressure.h"
#include "vm/base/lock.h"

#include <fcntl.h>
#include <sys/mman.h>

/* The records of evictions, in order. */
struct evictions {
	struct vm_fault record[16];
	char *file[16], *other_file[16];
	unsigned count;
};

static void keep(void *ctx, const struct vm_fault *fault)
{
	struct evictions *kept = ctx;
	unsigned n = kept->count;

	if (fault->outcome != VM_EVICT)
		return;
	g_assert_cmpuint(n, <, G_N_ELEMENTS(kept->record));
	kept->record[n] = *fault;
	kept->file[n] = g_strdup(fault->file);
	kept->other_file[n] = g_strdup(fault->other.file);
	kept->count++;
}

static void clear(struct evictions *kept)
{
	for (unsigned i = 0; i < kept->count; i++) {
		g_free(kept->file[i]);
		g_free(kept->other_file[i]);
	}
	kept->count = 0;
}

/* The page of VA in PROCESS went, as KIND. Nobody needed the frame. */
static void assert_went(const struct evictions *kept, unsigned n, struct vm_process *process,
                        uint64_t va, enum vm_fault_kind kind, uint64_t users)
{
	const struct vm_fault *record = &kept->record[n];

	g_assert_cmpuint(n, <, kept->count);
	g_assert_cmpint(record->pid, ==, vm_process_pid(process));
	g_assert_cmphex(record->va, ==, va);
	g_assert_cmpstr(vm_fault_kind_name(record->kind), ==, vm_fault_kind_name(kind));
	g_assert_cmpint(record->access, ==, VM_ACCESS_NONE);
	g_assert_cmpuint(record->users, ==, users);
	g_assert_cmpuint(record->frame, !=, VM_NO_FRAME);
}

static void test_swap_out(void)
{
	struct evictions kept = {.count = 0};
	struct pressure p;
	struct vm_fault fault;

	pressure_begin_small(&p, 2, 8);
	vm_machine_watch(p.f.machine, keep, &kept);
	map(p.f.process, ARENA, 3, RW, PRIVATE_ANON);
	put(p.f.process, ARENA, 1);
	struct vm_process *child = fork_of(p.f.process);
	put(p.f.process, ARENA + PAGE, 2);
	/* Two processes have the page. The first one is told, and named. */
	g_assert_cmpint(touch(p.f.process, ARENA + 2 * PAGE, VM_ACCESS_WRITE, &fault), ==, 0);
	g_assert_cmpuint(kept.count, ==, 1);
	g_assert_cmpuint(kept.record[0].users, ==, 2);
	g_assert_cmphex(kept.record[0].va, ==, ARENA);
	g_assert_cmpuint(kept.record[0].slot, !=, VM_NO_FRAME);
	g_assert_true(kept.record[0].other.there);
	g_assert_cmpint(kept.record[0].other.pid, ==, vm_process_pid(p.f.process));
	g_assert_cmphex(kept.record[0].other.va, ==, ARENA + 2 * PAGE);
	g_assert_true(fault.other.there);
	g_assert_cmpint(fault.other.pid, ==, kept.record[0].pid);
	g_assert_cmphex(fault.other.va, ==, ARENA);
	g_assert_cmpuint(fault.frame, ==, kept.record[0].frame);
	g_assert_cmpuint(process_info(p.f.process).evicted + process_info(child).evicted, ==, 1);
	/* Its own line, and the one of the fault, in this order. */
	g_assert_cmpuint(fault.seq, ==, kept.record[0].seq + 1);
	/* A fault for which nothing had to go names nobody. */
	g_assert_cmpint(touch(p.f.process, ARENA + 2 * PAGE, VM_ACCESS_READ, &fault), ==, 0);
	g_assert_false(fault.other.there);
	end(child);
	clear(&kept);
	vm_machine_watch(p.f.machine, NULL, NULL);
	pressure_end(&p);
}

static void test_kinds(void)
{
	struct evictions kept = {.count = 0};
	struct pressure p;

	pressure_begin(&p, &roomy);
	g_autofree char *path = make_file(&p.f, "file", 4 * PAGE, 'a');
	vm_machine_watch(p.f.machine, keep, &kept);
	uint64_t anon = map(p.f.process, ARENA, 2, RW, PRIVATE_ANON);
	uint64_t shared = map(p.f.process, ARENA + 16 * PAGE, 1, RW, MAP_SHARED | MAP_ANONYMOUS);
	uint64_t file =
	    map_path(&p.f, p.f.process, path, O_RDWR, ARENA + 32 * PAGE, 4, RW, MAP_SHARED);
	put(p.f.process, anon, 1);
	put(p.f.process, anon + PAGE, 1);
	g_assert_cmpint(vm_madvise(p.f.process, anon + PAGE, PAGE, MADV_FREE), ==, 0);
	put(p.f.process, shared, 1);
	get(p.f.process, file);
	put(p.f.process, file + PAGE, 1);
	push_out(&p);
	g_assert_cmpuint(kept.count, ==, 5);
	for (unsigned i = 0; i < kept.count; i++) {
		bool of_file = kept.record[i].va >= file;
		g_assert_false(kept.record[i].other.there);
		if (of_file)
			g_assert_cmpstr(kept.file[i], ==, path);
		else
			g_assert_null(kept.file[i]);
	}
	/* A page that was given up goes first. */
	assert_went(&kept, 0, p.f.process, anon + PAGE, VM_FAULT_LAZY_FREE, 1);
	assert_went(&kept, 1, p.f.process, anon, VM_FAULT_SWAP_OUT, 1);
	assert_went(&kept, 2, p.f.process, shared, VM_FAULT_SWAP_OUT, 1);
	assert_went(&kept, 3, p.f.process, file, VM_FAULT_DROP, 1);
	assert_went(&kept, 4, p.f.process, file + PAGE, VM_FAULT_WRITE_BACK, 1);
	g_assert_cmphex(kept.record[4].offset, ==, PAGE);
	g_assert_cmpuint(kept.record[0].slot, ==, VM_NO_FRAME);
	g_assert_cmpuint(process_info(p.f.process).evicted, ==, 5);
	/* What was swapped in and not changed is dropped. */
	clear(&kept);
	g_assert_cmpint(get(p.f.process, anon), ==, 1);
	struct vm_process *child = fork_of(p.f.process);
	push_out(&p);
	clear(&kept);
	g_assert_cmpint(get(p.f.process, anon), ==, 1);
	push_out(&p);
	g_assert_cmpuint(kept.count, ==, 1);
	g_assert_cmpint(kept.record[0].kind, ==, VM_FAULT_DROP);
	g_assert_cmpuint(kept.record[0].slot, !=, VM_NO_FRAME);
	end(child);
	clear(&kept);
	vm_machine_watch(p.f.machine, NULL, NULL);
	pressure_end(&p);
}

static void count_named(void *ctx, const struct vm_fault *fault)
{
	*(unsigned *)ctx += fault->other.there && fault->other.file != NULL;
}

/* A page of a file that no process maps: the file is named, and it is the daemon's. */
static void test_unmapped(void)
{
	struct evictions kept = {.count = 0};
	struct pressure p;
	struct vm_fault fault;

	pressure_begin_small(&p, 1, 0);
	g_autofree char *path = make_file(&p.f, "file", 2 * PAGE, 'a');
	vm_machine_watch(p.f.machine, keep, &kept);
	uint64_t file =
	    map_path(&p.f, p.f.process, path, O_RDONLY, ARENA, 2, PROT_READ, MAP_PRIVATE);
	get(p.f.process, file + PAGE);
	g_assert_cmpint(vm_madvise(p.f.process, file, 2 * PAGE, MADV_DONTNEED), ==, 0);
	map(p.f.process, ARENA + 16 * PAGE, 1, RW, PRIVATE_ANON);
	g_assert_cmpint(touch(p.f.process, ARENA + 16 * PAGE, VM_ACCESS_WRITE, &fault), ==, 0);
	g_assert_cmpuint(kept.count, ==, 1);
	g_assert_cmpint(kept.record[0].pid, ==, 0);
	g_assert_cmpuint(kept.record[0].users, ==, 0);
	g_assert_cmpint(kept.record[0].kind, ==, VM_FAULT_DROP);
	g_assert_cmpstr(kept.file[0], ==, path);
	g_assert_cmphex(kept.record[0].offset, ==, PAGE);
	g_assert_true(fault.other.there);
	g_assert_cmpint(fault.other.pid, ==, 0);
	g_assert_cmphex(fault.other.offset, ==, PAGE);
	/* A store with data names it, too, and keeps no reference to the name. */
	g_assert_cmpint(vm_munmap(p.f.process, ARENA + 16 * PAGE, PAGE), ==, 0);
	get(p.f.process, file);
	g_assert_cmpint(vm_madvise(p.f.process, file, PAGE, MADV_DONTNEED), ==, 0);
	map(p.f.process, ARENA + 16 * PAGE, 1, RW, PRIVATE_ANON);
	unsigned named = 0;
	g_assert_cmpint(vm_store(p.f.process, ARENA + 16 * PAGE, "x", 1, count_named, &named), ==,
	                1);
	g_assert_cmpuint(named, ==, 1);
	clear(&kept);
	vm_machine_watch(p.f.machine, NULL, NULL);
	pressure_end(&p);
}

static void test_drop_caches(void)
{
	struct evictions kept = {.count = 0};
	struct pressure p;

	pressure_begin_small(&p, 4, 0);
	g_autofree char *path = make_file(&p.f, "file", 2 * PAGE, 'a');
	uint64_t file =
	    map_path(&p.f, p.f.process, path, O_RDONLY, ARENA, 2, PROT_READ, MAP_PRIVATE);
	get(p.f.process, file);
	get(p.f.process, file + PAGE);
	vm_machine_watch(p.f.machine, keep, &kept);
	g_assert_cmpuint(vm_machine_drop_caches(p.f.machine), ==, 2);
	assert_went(&kept, 0, p.f.process, file, VM_FAULT_DROP, 1);
	assert_went(&kept, 1, p.f.process, file + PAGE, VM_FAULT_DROP, 1);
	g_assert_false(kept.record[0].other.there);
	clear(&kept);
	vm_machine_watch(p.f.machine, NULL, NULL);
	pressure_end(&p);
}

static void count_evictions(void *ctx, const struct vm_fault *fault)
{
	*(unsigned *)ctx += fault->outcome == VM_EVICT;
}

/* The process that had the page finds the line among its faults. */
static void test_history(void)
{
	struct pressure p;
	unsigned mine = 0, others = 0;

	pressure_begin_small(&p, 1, 8);
	map(p.f.process, ARENA, 1, RW, PRIVATE_ANON);
	put(p.f.process, ARENA, 1);
	struct vm_process *other = spawn(&p.f);
	map(other, ARENA, 1, RW, PRIVATE_ANON);
	put(other, ARENA, 1);
	vm_process_faults(p.f.process, count_evictions, &mine);
	vm_process_faults(other, count_evictions, &others);
	g_assert_cmpuint(mine, ==, 1);
	g_assert_cmpuint(others, ==, 0);
	end(other);
	pressure_end(&p);
}

/* Another process gives up the oldest page, and loads one, when a fault has dropped LEFT locks. */
struct change {
	struct vm_process *other;
	GThread *faulter;
	unsigned left;
	bool done;
};

static gpointer replace_page(gpointer other)
{
	g_assert_cmpint(vm_munmap(other, ARENA, PAGE), ==, 0);
	put(other, FAR, 'n');
	return NULL;
}

static void change(void *ctx, enum lock_point point)
{
	struct change *change = ctx;

	if (point != LOCK_DROPPED || g_thread_self() != change->faulter || change->done ||
	    change->left-- > 0)
		return;
	change->done = true;
	g_thread_join(g_thread_new("change", replace_page, change->other));
}

/* A page that was chosen is not evicted if its frame holds another one by then. */
static void test_chosen(void)
{
	bool done = true;

	for (unsigned left = 0; done; left++) {
		struct pressure p;
		pressure_begin(&p, &(struct pressure_size){.frames = 4,
		                                           .slots = 32,
		                                           .policy = "fifo",
		                                           .overcommit = VM_OVERCOMMIT_ALWAYS});
		struct change data = {
		    .other = spawn(&p.f), .faulter = g_thread_self(), .left = left};
		map_pattern(data.other, ARENA, 1, PRIVATE_ANON, 'o');
		map(data.other, FAR, 1, RW, PRIVATE_ANON);
		map(p.f.process, ARENA, 4, RW, PRIVATE_ANON);
		fill_pattern(p.f.process, ARENA, 3, 'p');
		g_assert_cmpuint(machine_info(&p).frames_free, ==, 0);
		lock_watch(p.f.machine, change, &data);
		assert_touch(p.f.process, ARENA + 3 * PAGE, VM_ACCESS_WRITE, VM_MINOR,
		             VM_FAULT_DEMAND_ZERO);
		lock_watch(p.f.machine, NULL, NULL);
		done = data.done;
		if (done)
			assert_touch(data.other, FAR, VM_ACCESS_READ, VM_HIT, VM_FAULT_NONE);
		assert_pattern(p.f.process, ARENA, 3, 'p');
		end(data.other);
		pressure_end(&p);
	}
}

/* Each fault that must make a frame free counts, also if the page that goes need not be written. */
static void test_stalls(void)
{
	struct pressure p;

	pressure_begin_file(&p, 4);
	for (uint64_t page = 0; page < 4; page++)
		get(p.f.process, SHARED_AT + page * PAGE);
	uint64_t before = machine_info(&p).stalls;
	map(p.f.process, ARENA + 1024 * PAGE, 8, RW, PRIVATE_ANON);
	/* Four clean pages of the file go, then pages of zeros, then some that are written. */
	for (uint64_t page = 0; page < 6; page++)
		assert_touch(p.f.process, ARENA + (1024 + page) * PAGE, VM_ACCESS_WRITE, VM_MINOR,
		             VM_FAULT_DEMAND_ZERO);
	g_assert_cmpuint(machine_info(&p).stalls, ==, before + 6);
	for (uint64_t page = 2; page < 6; page++)
		put(p.f.process, ARENA + (1024 + page) * PAGE, 1);
	for (uint64_t page = 6; page < 8; page++)
		assert_touch(p.f.process, ARENA + (1024 + page) * PAGE, VM_ACCESS_WRITE, VM_MINOR,
		             VM_FAULT_DEMAND_ZERO);
	g_assert_cmpuint(machine_info(&p).stalls, ==, before + 8);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/evict/swap-out", test_swap_out);
	g_test_add_func("/evict/kinds", test_kinds);
	g_test_add_func("/evict/unmapped", test_unmapped);
	g_test_add_func("/evict/drop-caches", test_drop_caches);
	g_test_add_func("/evict/history", test_history);
	g_test_add_func("/evict/chosen", test_chosen);
	g_test_add_func("/evict/stalls", test_stalls);
	return g_test_run();
}
