/*
 * test_mprotect.c - mprotect: errno, splitting and merging compared with the host's kernel, and
 * what new rights do to pages in memory.
 */
#include "tests/fixture/vm_host.h"

#define A(page) (ARENA + (page)*PAGE)
#define FIXED_ANON (PRIVATE_ANON | MAP_FIXED)

/* --- Against the host ------------------------------------------------------------------------- */

static void test_errno(struct vm_fixture *f, gconstpointer data)
{
	static const struct host_step before[] = {
	    {MMAP, A(0), 4 * PAGE, RW, FIXED_ANON},
	    {MMAP, A(6), 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, RDONLY},
	    {MMAP, A(8), 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, RDONLY},
	    {MMAP, A(0x1000), 4 * PAGE, RW, FIXED_ANON | MAP_GROWSDOWN},
	};
	static const struct host_step steps[] = {
	    {MPROTECT, A(0) + 1, PAGE, PROT_READ},
	    {MPROTECT, A(0) + 1, 0, PROT_READ},
	    {MPROTECT, A(0), 0, PROT_READ},
	    {MPROTECT, A(20), 0, PROT_READ},
	    {MPROTECT, A(0), 0, 0x40},
	    {MPROTECT, A(0), PAGE, 0x40},
	    {MPROTECT, A(0), PAGE, 0x8 | PROT_READ},
	    {MPROTECT, A(0), PAGE, 0x10},
	    {MPROTECT, A(0), PAGE, PROT_GROWSDOWN | PROT_GROWSUP},
	    {MPROTECT, A(0) + 1, 0, PROT_GROWSDOWN | PROT_GROWSUP},
	    {MPROTECT, A(0), UINT64_MAX, PROT_READ},
	    {MPROTECT, A(0), UINT64_MAX, 0x40},
	    {MPROTECT, A(0), UINT64_MAX - A(0), PROT_READ},
	    {MPROTECT, UINT64_MAX - PAGE + 1, PAGE, PROT_READ},
	    {MPROTECT, VM_USER_END, PAGE, PROT_READ},
	    {MPROTECT, A(0), 1, PROT_READ},
	    {MPROTECT, A(1), 2 * PAGE, PROT_NONE},
	    {MPROTECT, A(2), 4 * PAGE, PROT_READ},
	    {MPROTECT, A(4), 4 * PAGE, PROT_READ},
	    {MPROTECT, A(20), PAGE, PROT_READ},
	    {MPROTECT, A(6), PAGE, RW},
	    {MPROTECT, A(6), PAGE, PROT_READ | PROT_EXEC},
	    {MPROTECT, A(6), 3 * PAGE, PROT_WRITE},
	    {MPROTECT, A(7), 2 * PAGE, PROT_NONE},
	    {MPROTECT, A(8), PAGE, RW},
	    {MPROTECT, A(0), PAGE, PROT_READ | PROT_GROWSDOWN},
	    {MPROTECT, A(0x1002), PAGE, PROT_READ | PROT_GROWSDOWN},
	    {MPROTECT, A(0xfff), PAGE, PROT_READ | PROT_GROWSDOWN},
	    {MPROTECT, A(0xfff), 2 * PAGE, PROT_READ | PROT_GROWSDOWN},
	    {MPROTECT, A(0x1002), PAGE, PROT_READ | PROT_GROWSUP},
	    {MPROTECT, A(0x2000), PAGE, PROT_READ | PROT_GROWSDOWN},
	};

	assert_each_same(f, before, G_N_ELEMENTS(before), steps, G_N_ELEMENTS(steps));
}

/* After a failure in the middle, the areas before it stay changed. */
static void test_half_way(struct vm_fixture *f, gconstpointer data)
{
	ASSERT_SAME(f, {MMAP, A(0), 2 * PAGE, RW, FIXED_ANON},
	            {MMAP, A(2), 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, RDONLY},
	            {MMAP, A(4), PAGE, RW, FIXED_ANON}, {MPROTECT, A(1), 4 * PAGE, PROT_WRITE},
	            {LOAD, A(0)}, {STORE, A(2)});
	ASSERT_SAME(f, {MMAP, A(0), 2 * PAGE, RW, FIXED_ANON},
	            {MMAP, A(3), 2 * PAGE, RW, FIXED_ANON}, {MPROTECT, A(1), 3 * PAGE, PROT_READ},
	            {STORE, A(0)}, {STORE, A(1)}, {STORE, A(3)});
}

static void test_merging(struct vm_fixture *f, gconstpointer data)
{
	ASSERT_SAME(f, {MMAP, A(0), 5 * PAGE, RW, FIXED_ANON}, {MPROTECT, A(1), PAGE, PROT_READ},
	            {MPROTECT, A(3), PAGE, PROT_READ}, {MPROTECT, A(2), PAGE, PROT_READ},
	            {MPROTECT, A(1), 3 * PAGE, RW});
	/*
	 * With pages: areas that were written while they were split belong to different families.
	 */
	ASSERT_SAME(f, {MMAP, A(0), 3 * PAGE, RW, FIXED_ANON}, {STORE, A(0)},
	            {MPROTECT, A(1), PAGE, PROT_READ}, {STORE, A(2)}, {MPROTECT, A(1), PAGE, RW});
	ASSERT_SAME(f, {MMAP, A(0), 3 * PAGE, RW, FIXED_ANON}, {MPROTECT, A(1), PAGE, PROT_READ},
	            {STORE, A(0)}, {STORE, A(2)}, {MPROTECT, A(1), PAGE, RW}, {STORE, A(1)});
	ASSERT_SAME(f, {MMAP, A(0), PAGE, RW, FIXED_ANON},
	            {MMAP, A(1), PAGE, PROT_READ, FIXED_ANON}, {STORE, A(0)},
	            {MPROTECT, A(1), PAGE, RW}, {STORE, A(1)}, {MMAP, A(3), PAGE, RW, FIXED_ANON},
	            {STORE, A(3)}, {MMAP, A(2), PAGE, RW, FIXED_ANON});
}

/*
 * Memory that was never writable is not charged. Charged memory does not merge with uncharged
 * memory.
 */
static void test_accounting(struct vm_fixture *f, gconstpointer data)
{
	ASSERT_SAME(f, {MMAP, A(0), PAGE, PROT_READ, FIXED_ANON},
	            {MMAP, A(1), PAGE, RW, FIXED_ANON}, {MPROTECT, A(1), PAGE, PROT_READ});
	ASSERT_SAME(f, {MMAP, A(0), PAGE, PROT_READ, FIXED_ANON},
	            {MMAP, A(1), PAGE, RW, FIXED_ANON}, {STORE, A(1)},
	            {MPROTECT, A(1), PAGE, PROT_READ});
	ASSERT_SAME(f, {MMAP, A(0), PAGE, PROT_NONE, FIXED_ANON},
	            {MMAP, A(1), 2 * PAGE, RW, FIXED_ANON}, {STORE, A(1)},
	            {MPROTECT, A(0), PAGE, RW}, {MPROTECT, A(0), 3 * PAGE, PROT_NONE});
	ASSERT_SAME(f, {MMAP, A(0), PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, RDONLY, 0},
	            {MMAP, A(1), PAGE, RW, MAP_PRIVATE | MAP_FIXED, RDONLY, PAGE},
	            {MPROTECT, A(1), PAGE, PROT_READ}, {MPROTECT, A(0), PAGE, RW},
	            {MPROTECT, A(1), PAGE, RW});
}

/* --- Pages that are there --------------------------------------------------------------------- */

static void assert_rights(struct vm_fixture *f, uint64_t va, int prot)
{
	struct vm_fault record;
	bool accessible = prot != PROT_NONE;

	g_assert_cmpint(touch(f->process, va, VM_ACCESS_READ, &record), ==,
	                accessible ? 0 : -EACCES);
	g_assert_cmpint(touch(f->process, va, VM_ACCESS_EXEC, &record), ==,
	                prot & PROT_EXEC ? 0 : -EACCES);
	g_assert_cmpint(touch(f->process, va, VM_ACCESS_WRITE, &record), ==,
	                prot & PROT_WRITE ? 0 : -EACCES);
}

/*
 * Every combination of rights after every other, on a page in memory, on the zero page, and on an
 * absent page.
 */
static void test_every_right(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 3, RW, PRIVATE_ANON);
	put(f->process, A(0), 'a');
	get(f->process, A(1));
	for (int prot = 0; prot < 8; prot++)
		for (int next = 0; next < 8; next++) {
			g_assert_cmpint(vm_mprotect(f->process, A(0), 3 * PAGE, prot), ==, 0);
			g_assert_cmpint(vm_mprotect(f->process, A(0), 3 * PAGE, next), ==, 0);
			for (int i = 0; i < 3; i++)
				assert_rights(f, A(i), next);
			assert_sound(f->machine);
		}
	g_assert_cmpint(vm_mprotect(f->process, A(0), 3 * PAGE, PROT_READ), ==, 0);
	g_assert_cmpint(get(f->process, A(0)), ==, 'a');
}

/* A page that no other process sees is writable again at once. */
static void test_no_needless_fault(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 1, RW, PRIVATE_ANON);
	put(f->process, A(0), 'a');
	g_assert_cmpint(vm_mprotect(f->process, A(0), PAGE, PROT_READ), ==, 0);
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	g_assert_cmpint(vm_mprotect(f->process, A(0), PAGE, RW), ==, 0);
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_HIT, VM_FAULT_NONE);
}

static void test_file_pages(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "file", 2 * PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDWR);

	map_file(f->process, A(0), 1, PROT_READ, MAP_SHARED, file, 0);
	map_file(f->process, A(4), 1, PROT_READ, MAP_PRIVATE, file, 0);
	get(f->process, A(0));
	get(f->process, A(4));
	g_assert_cmpint(vm_mprotect(f->process, A(0), PAGE, RW), ==, 0);
	g_assert_cmpint(vm_mprotect(f->process, A(4), PAGE, RW), ==, 0);
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_WRITE_NOTIFY);
	assert_touch(f->process, A(4), VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_COW_COPY);
	/* A dirty page needs no write-notify fault. */
	g_assert_cmpint(vm_mprotect(f->process, A(0), PAGE, PROT_READ), ==, 0);
	g_assert_cmpint(vm_mprotect(f->process, A(0), PAGE, RW), ==, 0);
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_HIT, VM_FAULT_NONE);
	vm_file_unref(file);
}

static void test_committed(struct vm_fixture *f, gconstpointer data)
{
	struct vm_machine_info before, after;

	vm_machine_info(f->machine, &before);
	map(f->process, A(0), 10, PROT_NONE, PRIVATE_ANON);
	vm_machine_info(f->machine, &after);
	g_assert_cmpuint(after.committed - before.committed, ==, 0);
	g_assert_cmpint(vm_mprotect(f->process, A(0), 4 * PAGE, RW), ==, 0);
	vm_machine_info(f->machine, &after);
	g_assert_cmpuint(after.committed - before.committed, ==, 4);
	g_assert_cmpint(vm_munmap(f->process, A(0), 10 * PAGE), ==, 0);
	vm_machine_info(f->machine, &after);
	g_assert_cmpuint(after.committed, ==, before.committed);
}

/* If a range has the rights already, it is not split, so no additional area is needed. */
static void test_unchanged(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process_info info;

	map(f->process, A(0), 3, RW, PRIVATE_ANON);
	vm_process_info(f->process, &info);
	g_assert_cmpint(vm_machine_set_knob(f->machine, VM_KNOB_MAX_MAP_COUNT, info.areas), ==, 0);
	g_assert_cmpint(vm_mprotect(f->process, A(1), PAGE, RW), ==, 0);
	g_assert_cmpint(vm_mprotect(f->process, A(1), PAGE, PROT_READ), ==, -ENOMEM);
	g_assert_cmpint(vm_mprotect(f->process, A(0), 3 * PAGE, PROT_READ), ==, 0);
	assert_areas(f->process, "20000000-20003000 r--p 0\n");
}

static void test_dead_process(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process *process = spawn(f);

	g_assert_cmpint(vm_process_exit(process, 0), ==, 0);
	g_assert_cmpint(vm_mprotect(process, A(0), PAGE, PROT_READ), ==, -ESRCH);
	vm_process_unref(process);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/mprotect/errno", NULL, test_errno);
	FIXTURE_TEST("/mprotect/half-way", NULL, test_half_way);
	FIXTURE_TEST("/mprotect/merging", NULL, test_merging);
	FIXTURE_TEST("/mprotect/accounting", NULL, test_accounting);
	FIXTURE_TEST("/mprotect/every-right", NULL, test_every_right);
	FIXTURE_TEST("/mprotect/no-needless-fault", NULL, test_no_needless_fault);
	FIXTURE_TEST("/mprotect/file-pages", NULL, test_file_pages);
	FIXTURE_TEST("/mprotect/committed", NULL, test_committed);
	FIXTURE_TEST("/mprotect/unchanged", NULL, test_unchanged);
	FIXTURE_TEST("/mprotect/dead-process", NULL, test_dead_process);
	return g_test_run();
}
