/*
 * test_storage_waits_threads.c - whoever needs a page or a frame that is being transferred waits
 * for the end of the transfer.
 *
 * The tests hold up a transfer until somebody waits for it. So they know that somebody did.
 */
#include "tests/fixture/pressure.h"
#include "vm/base/lock.h"

/* A thread that comes while a page is being read: what it does, and the result. */
struct latecomer {
	struct pressure *p;
	struct vm_process *process;
	uint64_t va;
	size_t len; /* bytes to read; 0: make one access */
	GThread *thread;
	struct vm_fault record;
	ssize_t result;
	uint8_t bytes[2 * VM_PAGE_SIZE];
};

static gpointer latecomer_main(gpointer data)
{
	struct latecomer *late = data;

	if (late->len == 0)
		late->result = touch(late->process, late->va, VM_ACCESS_READ, &late->record);
	else
		late->result = load(late->process, late->va, late->bytes, late->len);
	return NULL;
}

static void come_late(void *ctx)
{
	struct latecomer *late = ctx;

	late->thread = g_thread_new("latecomer", latecomer_main, late);
	wait_until(somebody_waits, late->p->f.machine);
}

/* Read a page for PROCESS at VA by a transfer of KIND. LATE comes meanwhile. */
static void read_with_latecomer(struct vm_process *process, uint64_t va, unsigned kind,
                                struct latecomer *late)
{
	struct vm_fault record;

	medium_calls(late->p, kind, come_late, late);
	g_assert_cmpint(touch(process, va, VM_ACCESS_READ, &record), ==, 0);
	g_assert_cmpint(record.outcome, ==, VM_MAJOR);
	g_thread_join(late->thread);
	medium_heals(late->p);
	assert_sound(late->p->f.machine);
}

/* --- The same page ---------------------------------------------------------------------------- */

/*
 * The page is in swap. The other side of a fork needs it too, and gets it without another transfer.
 */
static void wait_for_swap(int flags, enum vm_fault_kind kind)
{
	struct pressure p;
	struct latecomer late = {.p = &p, .va = ANON_AT};

	pressure_begin_small(&p, 8, 8);
	map_pattern(p.f.process, ANON_AT, 1, flags, 's');
	late.process = fork_of(p.f.process);
	push_out(&p);
	read_with_latecomer(p.f.process, ANON_AT, SWAP_READ, &late);
	g_assert_cmpint(late.result, ==, 0);
	g_assert_cmpstr(vm_outcome_name(late.record.outcome), ==, "minor");
	g_assert_cmpstr(vm_fault_kind_name(late.record.kind), ==, vm_fault_kind_name(kind));
	g_assert_cmpuint(machine_info(&p).swap_ins, ==, 1);
	assert_pattern(late.process, ANON_AT, 1, 's');
	end(late.process);
	pressure_end(&p);
}

static void test_private(void)
{
	wait_for_swap(PRIVATE_ANON, VM_FAULT_SWAP_CACHE);
}

static void test_shared(void)
{
	wait_for_swap(SHARED_ANON, VM_FAULT_PAGE_CACHE);
}

static void test_file(void)
{
	struct pressure p;
	struct latecomer late = {.p = &p, .va = SHARED_AT + PAGE};

	pressure_begin_file(&p, 8);
	late.process = fork_of(p.f.process);
	read_with_latecomer(p.f.process, SHARED_AT + PAGE, FILE_READ, &late);
	g_assert_cmpint(late.result, ==, 0);
	g_assert_cmpstr(vm_fault_kind_name(late.record.kind), ==, "page-cache");
	g_assert_cmpuint(machine_info(&p).file_reads, ==, 1);
	end(late.process);
	pressure_end(&p);
}

/* --- The same frame --------------------------------------------------------------------------- */

/*
 * The only frame is being filled. Another process that needs a frame gets it afterwards, and nobody
 * runs out of memory.
 */
static void test_only_frame(void)
{
	struct pressure p;
	struct latecomer late = {.p = &p, .va = SHMEM_AT};

	pressure_begin_file(&p, 1);
	late.process = spawn(&p.f);
	map(late.process, SHMEM_AT, 1, RW, SHARED_ANON);
	read_with_latecomer(p.f.process, SHARED_AT, FILE_READ, &late);
	g_assert_cmpint(late.result, ==, 0);
	g_assert_cmpstr(vm_fault_kind_name(late.record.kind), ==, "demand-zero");
	end(late.process);
	pressure_end(&p);
}

/*
 * A read that holds a frame does not wait for another frame. It lets go of its own first, because
 * whoever fills the other frame may be waiting for this one.
 */
static void test_holding_one(void)
{
	struct pressure p;
	struct latecomer late = {.p = &p, .va = ANON_AT + 6 * PAGE, .len = 2 * PAGE};

	pressure_begin_file(&p, 8);
	late.process = spawn(&p.f);
	map(late.process, ANON_AT, 7, RW, PRIVATE_ANON);
	map(late.process, ANON_AT + 7 * PAGE, 1, RW, SHARED_ANON);
	fill(late.process, ANON_AT, 7, 'h');
	g_assert_cmpint(vm_mlock(late.process, ANON_AT, 7 * PAGE, 0), ==, 0);
	read_with_latecomer(p.f.process, SHARED_AT, FILE_READ, &late);
	g_assert_cmpint(late.result, ==, 2 * PAGE);
	g_assert_cmpint(late.bytes[PAGE - 1], ==, 'h');
	g_assert_cmpint(late.bytes[PAGE], ==, 0);
	end(late.process);
	pressure_end(&p);
}

/* No transfer is under way and nothing can be evicted. The read returns what it could read. */
static void test_in_vain(void)
{
	struct pressure p;
	uint8_t bytes[2 * VM_PAGE_SIZE];

	pressure_begin_small(&p, 8, 0);
	map(p.f.process, ANON_AT, 8, RW, PRIVATE_ANON);
	map(p.f.process, ANON_AT + 8 * PAGE, 1, RW, SHARED_ANON);
	fill_pattern(p.f.process, ANON_AT, 8, 'a');
	g_assert_cmpint(load(p.f.process, ANON_AT + 7 * PAGE, bytes, sizeof bytes), ==, PAGE);
	g_assert_cmpint(bytes[0], ==, 'h');
	g_assert_cmpint(load(p.f.process, ANON_AT + 8 * PAGE, bytes, 1), ==, -ENOMEM);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/storage/waits/private", test_private);
	g_test_add_func("/storage/waits/shared", test_shared);
	g_test_add_func("/storage/waits/file", test_file);
	g_test_add_func("/storage/waits/only-frame", test_only_frame);
	g_test_add_func("/storage/waits/holding-one", test_holding_one);
	g_test_add_func("/storage/waits/in-vain", test_in_vain);
	return g_test_run();
}
