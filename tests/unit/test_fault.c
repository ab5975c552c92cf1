/*
 * test_fault.c - the fault handler: each kind of fault, what is recorded of it, and each errno of
 * an access.
 */
#include "tests/fixture/vm_fixture.h"

#include <signal.h>

#define A(page) (ARENA + (page)*PAGE)

static struct vm_process_info info_of(struct vm_process *process)
{
	struct vm_process_info info;

	vm_process_info(process, &info);
	return info;
}

/* --- Kinds ------------------------------------------------------------------------------------ */

static void test_zero_page(struct vm_fixture *f, gconstpointer data)
{
	struct vm_fault record;

	map(f->process, A(0), 2, RW, PRIVATE_ANON);
	g_assert_cmpint(touch(f->process, A(0) + 9, VM_ACCESS_READ, &record), ==, 0);
	g_assert_cmpstr(vm_fault_kind_name(record.kind), ==, "zero-page");
	g_assert_cmpstr(vm_outcome_name(record.outcome), ==, "minor");
	g_assert_cmphex(record.va, ==, A(0) + 9);
	g_assert_cmphex(record.area_start, ==, A(0));
	g_assert_cmphex(record.area_end, ==, A(2));
	g_assert_cmpstr(record.area_perm, ==, "rw-p");
	g_assert_cmphex(record.from, ==, VM_NO_FRAME);
	g_assert_cmpuint(info_of(f->process).rss_anon, ==, 0);
	assert_touch(f->process, A(0), VM_ACCESS_READ, VM_HIT, VM_FAULT_NONE);
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_DEMAND_ZERO);
	assert_filled(f->process, A(0), 1, 0);
}

static void test_demand_zero(struct vm_fixture *f, gconstpointer data)
{
	struct vm_fault record;

	map(f->process, A(0), 1, RW, PRIVATE_ANON);
	g_assert_cmpint(touch(f->process, A(0), VM_ACCESS_WRITE, &record), ==, 0);
	g_assert_cmpstr(vm_fault_kind_name(record.kind), ==, "demand-zero");
	g_assert_cmphex(record.frame, !=, VM_NO_FRAME);
	g_assert_cmpuint(info_of(f->process).rss_anon, ==, 1);
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_HIT, VM_FAULT_NONE);
	assert_touch(f->process, A(0), VM_ACCESS_READ, VM_HIT, VM_FAULT_NONE);
}

/* file-read, page-cache, cow-copy and write-notify with the file's name and offset. */
static void test_file_kinds(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "file", 3 * PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDWR);
	struct vm_fault record;

	map_file(f->process, A(0), 2, RW, MAP_SHARED, file, 1);
	map_file(f->process, A(4), 2, RW, MAP_PRIVATE, file, 1);
	assert_touch(f->process, A(1), VM_ACCESS_READ, VM_MAJOR, VM_FAULT_FILE_READ);
	assert_touch(f->process, A(5), VM_ACCESS_READ, VM_MINOR, VM_FAULT_PAGE_CACHE);
	g_assert_cmpint(touch(f->process, A(5), VM_ACCESS_WRITE, &record), ==, 0);
	g_assert_cmpstr(vm_fault_kind_name(record.kind), ==, "cow-copy");
	g_assert_cmphex(record.from, !=, VM_NO_FRAME);
	g_assert_cmphex(record.from, !=, record.frame);
	g_assert_cmpuint(record.offset, ==, 2 * PAGE);
	assert_touch(f->process, A(1), VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_WRITE_NOTIFY);
	/* A first write reads the page in, and needs no write-notify fault later. */
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_MAJOR, VM_FAULT_FILE_READ);
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_HIT, VM_FAULT_NONE);
	g_assert_cmpuint(info_of(f->process).major_faults, ==, 2);
	vm_file_unref(file);
}

static void test_cow(struct vm_fixture *f, gconstpointer data)
{
	struct vm_fault record, first;

	map(f->process, A(0), 1, RW, PRIVATE_ANON);
	g_assert_cmpint(touch(f->process, A(0), VM_ACCESS_WRITE, &first), ==, 0);
	struct vm_process *child = fork_of(f->process);
	g_assert_cmpint(touch(child, A(0), VM_ACCESS_WRITE, &record), ==, 0);
	g_assert_cmpstr(vm_fault_kind_name(record.kind), ==, "cow-copy");
	g_assert_cmphex(record.from, ==, first.frame);
	g_assert_cmpuint(record.tables_copied, ==, 3);
	g_assert_cmpint(touch(f->process, A(0), VM_ACCESS_WRITE, &record), ==, 0);
	g_assert_cmpstr(vm_fault_kind_name(record.kind), ==, "cow-reuse");
	g_assert_cmphex(record.frame, ==, first.frame);
	end(child);
}

static void test_stack_grow(struct vm_fixture *f, gconstpointer data)
{
	uint64_t stack = VM_USER_END - UINT64_C(0x21000);
	struct vm_fault record;

	g_assert_cmpint(touch(f->process, stack - 10 * PAGE, VM_ACCESS_WRITE, &record), ==, 0);
	g_assert_cmpstr(vm_fault_kind_name(record.kind), ==, "stack-grow");
	g_assert_cmpstr(vm_fault_kind_name(record.then), ==, "demand-zero");
	g_assert_cmphex(record.area_start, ==, stack - 10 * PAGE);
	assert_touch(f->process, stack - 5 * PAGE, VM_ACCESS_READ, VM_MINOR, VM_FAULT_ZERO_PAGE);
	/* The stack grows down to its limit and no further. */
	assert_touch(f->process, VM_USER_END - 8 * MIB, VM_ACCESS_READ, VM_MINOR,
	             VM_FAULT_STACK_GROW);
	assert_touch(f->process, VM_USER_END - 8 * MIB - 1, VM_ACCESS_READ, VM_FATAL,
	             VM_FAULT_SEGV_MAPERR);
}

static void test_segv(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(1), 1, PROT_READ, PRIVATE_ANON);
	map(f->process, A(2), 1, PROT_NONE, PRIVATE_ANON);
	map(f->process, A(3), 1, PROT_WRITE, PRIVATE_ANON);
	map(f->process, A(4), 1, PROT_EXEC, PRIVATE_ANON);
	assert_touch(f->process, A(0), VM_ACCESS_READ, VM_FATAL, VM_FAULT_SEGV_MAPERR);
	g_assert_cmpint(info_of(f->process).last_signal, ==, SIGSEGV);
	g_assert_cmpint(info_of(f->process).last_code, ==, SEGV_MAPERR);
	g_assert_cmphex(info_of(f->process).last_address, ==, A(0));
	assert_touch(f->process, A(1) + 3, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	g_assert_cmpint(info_of(f->process).last_code, ==, SEGV_ACCERR);
	g_assert_cmphex(info_of(f->process).last_address, ==, A(1) + 3);
	assert_touch(f->process, A(1), VM_ACCESS_EXEC, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	assert_touch(f->process, A(2), VM_ACCESS_READ, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	/* As on x86, memory that may be written or executed can be read. */
	assert_touch(f->process, A(3), VM_ACCESS_READ, VM_MINOR, VM_FAULT_ZERO_PAGE);
	assert_touch(f->process, A(4), VM_ACCESS_READ, VM_MINOR, VM_FAULT_ZERO_PAGE);
	assert_touch(f->process, A(4), VM_ACCESS_EXEC, VM_HIT, VM_FAULT_NONE);
}

/*
 * Addresses in the kernel's half, in the hole between the halves, and in the last page below the
 * end of user space.
 */
static void test_far_addresses(struct vm_fixture *f, gconstpointer data)
{
	static const uint64_t nowhere[] = {0,
	                                   VM_USER_END,
	                                   UINT64_C(0x7fffffffffff),
	                                   UINT64_C(0x800000000000),
	                                   UINT64_C(0xffff888000000000),
	                                   UINT64_MAX};

	for (size_t i = 0; i < G_N_ELEMENTS(nowhere); i++) {
		assert_touch(f->process, nowhere[i], VM_ACCESS_READ, VM_FATAL,
		             VM_FAULT_SEGV_MAPERR);
		g_assert_cmpint(get(f->process, nowhere[i]), ==, -EFAULT);
	}
	/* Bits above 47 count: an address that differs only there is not mapped. */
	map(f->process, A(0), 1, RW, PRIVATE_ANON);
	put(f->process, A(0), 'x');
	g_assert_cmpint(get(f->process, A(0) | UINT64_C(1) << 48), ==, -EFAULT);
}

static void test_sigbus(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "file", PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDONLY);

	map_file(f->process, A(0), 2, PROT_READ, MAP_SHARED, file, 0);
	assert_touch(f->process, A(1) + 1, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SIGBUS);
	g_assert_cmpint(info_of(f->process).last_signal, ==, SIGBUS);
	g_assert_cmpint(info_of(f->process).last_code, ==, BUS_ADRERR);
	g_assert_cmpint(info_of(f->process).major_faults, ==, 0);
	vm_file_unref(file);
}

/*
 * Memory that populating cannot bring in raises no signal, because no instruction of the process
 * asked for it.
 */
static void test_for_kernel(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "file", PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDONLY);

	map_file(f->process, A(0), 2, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
	g_assert_cmpint(vm_mlock(f->process, A(0), 2 * PAGE, 0), ==, -ENOMEM);
	g_assert_cmpint(vm_madvise(f->process, A(0), 2 * PAGE, MADV_POPULATE_READ), ==, -EFAULT);
	g_assert_cmpint(info_of(f->process).last_signal, ==, 0);
	assert_touch(f->process, A(1), VM_ACCESS_READ, VM_FATAL, VM_FAULT_SIGBUS);
	g_assert_cmpint(info_of(f->process).last_signal, ==, SIGBUS);
	vm_file_unref(file);
}

/*
 * A fetch from memory that may not be executed brings the page in before it is refused. Until then
 * it is handled like a load.
 */
static void test_fetch(struct vm_fixture *f, gconstpointer data)
{
	struct vm_fault record;

	map(f->process, A(0), 1, PROT_READ, PRIVATE_ANON);
	map(f->process, A(1), 1, PROT_NONE, PRIVATE_ANON);
	map(f->process, A(2), 1, PROT_READ | PROT_EXEC, PRIVATE_ANON);
	g_assert_cmpint(touch(f->process, A(0), VM_ACCESS_EXEC, &record), ==, -EACCES);
	g_assert_cmpuint(info_of(f->process).minor_faults, ==, 2);
	assert_touch(f->process, A(0), VM_ACCESS_READ, VM_HIT, VM_FAULT_NONE);
	assert_touch(f->process, A(1), VM_ACCESS_EXEC, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	assert_touch(f->process, A(2), VM_ACCESS_EXEC, VM_MINOR, VM_FAULT_ZERO_PAGE);
	assert_touch(f->process, A(2), VM_ACCESS_EXEC, VM_HIT, VM_FAULT_NONE);
}

static void test_oom(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 8, RW, PRIVATE_ANON);
	fill(f->process, A(0), 4, 'x');
	assert_touch(f->process, A(4), VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_OOM);
	g_assert_cmpint(vm_write(f->process, A(4), "y", 1), ==, -ENOMEM);
	/* Reading untouched memory costs nothing. */
	assert_touch(f->process, A(4), VM_ACCESS_READ, VM_MINOR, VM_FAULT_ZERO_PAGE);
	g_assert_cmpint(vm_munmap(f->process, A(0), PAGE), ==, 0);
	put(f->process, A(4), 'y');
	assert_filled(f->process, A(1), 3, 'x');
}

/* --- Transfers -------------------------------------------------------------------------------- */

static void test_short_transfers(struct vm_fixture *f, gconstpointer data)
{
	g_autofree uint8_t *bytes = g_malloc(8 * PAGE);

	memset(bytes, 'x', 8 * PAGE);
	map(f->process, A(0), 2, RW, PRIVATE_ANON);
	map(f->process, A(2), 1, PROT_READ, PRIVATE_ANON);
	g_assert_cmpint(vm_write(f->process, A(1) + 100, bytes, 3 * PAGE), ==, PAGE - 100);
	g_assert_cmpint(vm_write(f->process, A(2), bytes, PAGE), ==, -EACCES);
	g_assert_cmpint(vm_write(f->process, A(3), bytes, PAGE), ==, -EFAULT);
	g_assert_cmpint(load(f->process, A(1), bytes, 8 * PAGE), ==, 2 * PAGE);
	g_assert_cmpint(bytes[99], ==, 0);
	g_assert_cmpint(bytes[100], ==, 'x');
	g_assert_cmpint(load(f->process, A(3), bytes, PAGE), ==, -EFAULT);
	g_assert_cmpint(load(f->process, VM_USER_END - 10, bytes, 100), ==, 10);
	g_assert_cmpint(load(f->process, VM_USER_END, bytes, 100), ==, -EFAULT);
}

static void test_large_transfers(struct vm_fixture *f, gconstpointer data)
{
	g_autofree uint8_t *bytes = g_malloc(MIB), *back = g_malloc(MIB);

	for (size_t i = 0; i < MIB; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 4096);
	map(f->process, A(0), 300, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_write(f->process, A(1) + 1, bytes, MIB), ==, MIB);
	g_assert_cmpint(load(f->process, A(1) + 1, back, MIB), ==, MIB);
	g_assert_cmpmem(bytes, MIB, back, MIB);
	g_assert_cmpint(get(f->process, A(1)), ==, 0);
	/* Read and write over pages that are there, whole pages and parts of pages. */
	for (uint64_t offset = 0; offset < 2; offset++) {
		for (size_t i = 0; i < MIB; i++)
			bytes[i] = (uint8_t)~bytes[i];
		g_assert_cmpint(vm_write(f->process, A(1) + offset, bytes, MIB), ==, MIB);
		g_assert_cmpint(load(f->process, A(1) + offset, back, MIB), ==, MIB);
		g_assert_cmpmem(bytes, MIB, back, MIB);
	}
}

/* On a machine with few frames, a long transfer uses a few frames at a time. */
static void test_few_frames(struct vm_fixture *f, gconstpointer data)
{
	g_autofree uint8_t *bytes = g_malloc0(16 * PAGE);

	map(f->process, A(0), 16, RW, PRIVATE_ANON);
	memset(bytes, 'x', 16 * PAGE);
	g_assert_cmpint(vm_write(f->process, A(0) + 10, bytes, 16 * PAGE - 10), ==, 4 * PAGE - 10);
	memset(bytes, 'y', 16 * PAGE);
	g_assert_cmpint(load(f->process, A(0), bytes, 16 * PAGE), ==, 16 * PAGE);
	g_assert_cmpint(bytes[9], ==, 0);
	g_assert_cmpint(bytes[10], ==, 'x');
	g_assert_cmpint(bytes[4 * PAGE - 1], ==, 'x');
	g_assert_cmpint(bytes[4 * PAGE], ==, 0);
	g_assert_cmpint(bytes[16 * PAGE - 1], ==, 0);
}

static void count_call(void *ctx, const struct vm_fault *fault)
{
	enum vm_outcome *outcomes = ctx;

	for (; *outcomes != (enum vm_outcome) - 1; outcomes++)
		;
	*outcomes = fault->outcome;
}

static void test_access_range(struct vm_fixture *f, gconstpointer data)
{
	enum vm_outcome outcomes[10];

	memset(outcomes, -1, sizeof outcomes);
	map(f->process, A(0), 3, RW, PRIVATE_ANON);
	put(f->process, A(1), 'x');
	g_assert_cmpint(
	    vm_access(f->process, A(0) + 4095, 4 * PAGE, VM_ACCESS_WRITE, count_call, outcomes), ==,
	    -EFAULT);
	g_assert_cmpint(outcomes[0], ==, VM_MINOR);
	g_assert_cmpint(outcomes[1], ==, VM_HIT);
	g_assert_cmpint(outcomes[2], ==, VM_MINOR);
	g_assert_cmpint(outcomes[3], ==, VM_FATAL);
	g_assert_cmpint((int)outcomes[4], ==, -1);
	g_assert_cmpint(vm_access(f->process, A(0), UINT64_MAX, VM_ACCESS_READ, NULL, NULL), ==,
	                -EFAULT);
	g_assert_cmpint(vm_access(f->process, UINT64_MAX, 5, VM_ACCESS_READ, NULL, NULL), ==,
	                -EFAULT);
}

static void test_dead_process(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process *process = spawn(f);
	struct vm_translation translation;
	struct vm_fault record;

	g_assert_cmpint(vm_process_exit(process, 0), ==, 0);
	g_assert_cmpint(get(process, A(0)), ==, -ESRCH);
	g_assert_cmpint(vm_write(process, A(0), "x", 1), ==, -ESRCH);
	g_assert_cmpint(touch(process, A(0), VM_ACCESS_READ, &record), ==, -ESRCH);
	g_assert_cmpint(vm_translate(process, A(0), &translation), ==, -ESRCH);
	g_assert_cmpuint(vm_peek(process, A(0), &record, 1), ==, 0);
	vm_process_unref(process);
}

/* With segv_kill, a fatal fault ends the process. A failure for lack of memory does not. */
static void test_segv_kill(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process *process = spawn(f);

	g_assert_cmpint(get(process, A(0)), ==, -EFAULT);
	g_assert_false(vm_process_alive(process));
	g_assert_cmpint(get(process, A(0)), ==, -ESRCH);
	vm_process_unref(process);
	process = spawn(f);
	map(process, A(0), 8, PROT_READ, PRIVATE_ANON);
	g_assert_cmpint(vm_write(process, A(0), "x", 1), ==, -EACCES);
	g_assert_false(vm_process_alive(process));
	vm_process_unref(process);
}

/* --- What is recorded ------------------------------------------------------------------------- */

struct history {
	unsigned count;
	uint64_t first, last, time;
};

static void note_fault(void *ctx, const struct vm_fault *fault)
{
	struct history *history = ctx;

	if (history->count++ == 0)
		history->first = fault->seq;
	else
		g_assert_cmpuint(fault->seq, ==, history->last + 1);
	g_assert_cmpuint(fault->time, >=, history->time);
	history->last = fault->seq;
	history->time = fault->time;
}

static void test_history(struct vm_fixture *f, gconstpointer data)
{
	struct history history = {.count = 0};

	map(f->process, A(0), 2000, RW, PRIVATE_ANON);
	for (uint64_t i = 0; i < 2000; i++)
		put(f->process, A(i), 'x');
	vm_process_faults(f->process, note_fault, &history);
	g_assert_cmpuint(history.count, >=, 100);
	g_assert_cmpuint(history.last, ==, 2000);
	g_assert_cmpuint(history.first, ==, 2001 - history.count);
	g_assert_cmpuint(info_of(f->process).minor_faults, ==, 2000);
}

/* What translate predicts is what a read then does. The prediction changes nothing. */
static void check_prediction(struct vm_process *process, uint64_t va)
{
	struct vm_process_info before = info_of(process), after;
	struct vm_translation translation, again;
	struct vm_fault record;

	g_assert_cmpint(vm_translate(process, va, &translation), ==, 0);
	after = info_of(process);
	g_assert_cmpuint(after.minor_faults + after.major_faults, ==,
	                 before.minor_faults + before.major_faults);
	touch(process, va, VM_ACCESS_READ, &record);
	g_assert_cmpstr(vm_fault_kind_name(translation.kind), ==, vm_fault_kind_name(record.kind));
	g_assert_cmpint(translation.outcome, ==, record.outcome);
	g_assert_cmpint(vm_translate(process, va, &again), ==, 0);
	g_assert_true(again.present == (record.outcome != VM_FATAL));
	if (again.present)
		g_assert_cmphex(again.pa, ==, record.frame * PAGE + va % PAGE);
}

static void test_translate(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "file", PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDONLY);

	map(f->process, A(0), 2, RW, PRIVATE_ANON);
	map(f->process, A(4), 1, PROT_NONE, PRIVATE_ANON);
	map(f->process, A(6), 1, RW, SHARED_ANON);
	map_file(f->process, A(8), 2, PROT_READ, MAP_SHARED, file, 0);
	map_file(f->process, A(12), 1, PROT_READ, MAP_PRIVATE, file, 0);
	put(f->process, A(1), 'x');
	for (uint64_t i = 0; i < 14; i++)
		check_prediction(f->process, A(i) + 17);
	check_prediction(f->process, VM_USER_END - UINT64_C(0x21000) - 5 * PAGE);
	check_prediction(f->process, VM_USER_END);
	check_prediction(f->process, UINT64_C(0xffff888000000000));
	vm_file_unref(file);
}

static void test_peek(struct vm_fixture *f, gconstpointer data)
{
	uint8_t bytes[3 * VM_PAGE_SIZE];

	map(f->process, A(0), 2, RW, PRIVATE_ANON);
	put(f->process, A(1) + 5, 'x');
	g_assert_cmpuint(vm_peek(f->process, A(0) + 1, bytes, sizeof bytes), ==, 2 * PAGE - 1);
	g_assert_cmpint(bytes[0], ==, 0);
	g_assert_cmpint(bytes[PAGE + 4], ==, 'x');
	g_assert_cmpuint(vm_peek(f->process, A(5), bytes, 1), ==, 0);
	g_assert_cmpuint(info_of(f->process).minor_faults, ==, 1);
}

static bool third_time(void *ctx)
{
	unsigned *asked = ctx;

	return ++*asked >= 3;
}

/* Long work ends between two pieces when it is not wanted any more. */
static void test_interrupted(struct vm_fixture *f, gconstpointer data)
{
	const uint64_t pages = 4096;
	unsigned asked = 0;
	int error;

	map(f->process, A(0), pages, RW, PRIVATE_ANON);
	vm_interrupt(third_time, &asked);
	error = vm_access(f->process, A(0), pages * PAGE, VM_ACCESS_WRITE, NULL, NULL);
	vm_interrupt(NULL, NULL);
	g_assert_cmpint(error, ==, -EINTR);
	g_assert_cmpuint(info_of(f->process).minor_faults, <, pages);
	g_assert_cmpuint(info_of(f->process).minor_faults, >, 0);
	vm_interrupt(third_time, &asked);
	error = vm_mlock(f->process, A(0), pages * PAGE, 0);
	vm_interrupt(NULL, NULL);
	g_assert_cmpint(error, ==, -EINTR);
	g_assert_cmpint(vm_access(f->process, A(0), pages * PAGE, VM_ACCESS_WRITE, NULL, NULL), ==,
	                0);
}

int main(int argc, char **argv)
{
	static const struct vm_limits four = {.ram_pages = 4}, kill = {.segv_kill = true};

	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/fault/zero-page", NULL, test_zero_page);
	FIXTURE_TEST("/fault/demand-zero", NULL, test_demand_zero);
	FIXTURE_TEST("/fault/file-kinds", NULL, test_file_kinds);
	FIXTURE_TEST("/fault/cow", NULL, test_cow);
	FIXTURE_TEST("/fault/stack-grow", NULL, test_stack_grow);
	FIXTURE_TEST("/fault/segv", NULL, test_segv);
	FIXTURE_TEST("/fault/far-addresses", NULL, test_far_addresses);
	FIXTURE_TEST("/fault/sigbus", NULL, test_sigbus);
	FIXTURE_TEST("/fault/interrupted", NULL, test_interrupted);
	FIXTURE_TEST("/fault/for-kernel", NULL, test_for_kernel);
	FIXTURE_TEST("/fault/fetch", NULL, test_fetch);
	FIXTURE_TEST("/fault/oom", &four, test_oom);
	FIXTURE_TEST("/fault/short-transfers", NULL, test_short_transfers);
	FIXTURE_TEST("/fault/large-transfers", NULL, test_large_transfers);
	FIXTURE_TEST("/fault/few-frames", &four, test_few_frames);
	FIXTURE_TEST("/fault/access-range", NULL, test_access_range);
	FIXTURE_TEST("/fault/dead-process", NULL, test_dead_process);
	FIXTURE_TEST("/fault/segv-kill", &kill, test_segv_kill);
	FIXTURE_TEST("/fault/history", NULL, test_history);
	FIXTURE_TEST("/fault/translate", NULL, test_translate);
	FIXTURE_TEST("/fault/peek", NULL, test_peek);
	return g_test_run();
}
