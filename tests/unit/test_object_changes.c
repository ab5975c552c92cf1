/*
 * test_object_changes.c - objects: changes that others make to a file become visible, its size
 * included.
 */
#include "tests/fixture/object_fixture.h"
#include "vm/base/lock.h"
#include "vm/cache/flusher.h"

#include <sys/stat.h>

/* --- Ends of files ---------------------------------------------------------------------------- */

static void test_partial_page(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE + 100, RW, MAP_SHARED);

	g_assert_cmpint(get(f->process, A(1) + 99), ==, 'b');
	g_assert_cmpint(get(f->process, A(1) + 100), ==, 0);
	put(f->process, A(1) + 50, 'x');
	put(f->process, A(1) + 200, 'y');
	g_assert_cmpint(vm_msync(f->process, A(0), 2 * PAGE, MS_SYNC), ==, 0);
	g_assert_cmpuint(file_size(m.path), ==, PAGE + 100);
	g_assert_cmpint(file_byte(m.path, PAGE + 50), ==, 'x');
	g_assert_cmpint(get(f->process, A(1) + 200), ==, 'y');
	/* When the file grows, it does not contain what was stored past its end. */
	resize_file(m.path, 2 * PAGE);
	g_assert_cmpint(file_byte(m.path, PAGE + 200), ==, 0);
	forget(&m);
}

static void test_beyond_the_end(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 100, RW, MAP_SHARED);

	map_file(f->process, A(4), 2, RW, MAP_PRIVATE, m.file, 1);
	g_assert_cmpint(vm_mremap(f->process, A(0), PAGE, 2 * PAGE, 0, 0), ==, A(0));
	assert_touch(f->process, A(1), VM_ACCESS_READ, VM_FATAL, VM_FAULT_SIGBUS);
	assert_touch(f->process, A(4), VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SIGBUS);
	g_assert_cmpint(get(f->process, A(5)), ==, -EIO);
	/* The next fault sees the growth. */
	resize_file(m.path, 2 * PAGE);
	write_file(m.path, PAGE, PAGE, 'n');
	g_assert_cmpint(get(f->process, A(1)), ==, 'n');
	g_assert_cmpint(get(f->process, A(4)), ==, 'n');
	forget(&m);
}

static void test_truncation(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 4 * PAGE, RW, MAP_SHARED);

	map_file(f->process, A(8), 4, RW, MAP_PRIVATE, m.file, 0);
	for (uint64_t i = 0; i < 4; i++) {
		get(f->process, A(i));
		put(f->process, A(8 + i), 'p');
	}
	put(f->process, A(3), 'd');
	resize_file(m.path, PAGE + 10);
	g_assert_cmpint(vm_msync(f->process, A(0), PAGE, MS_INVALIDATE), ==, 0);
	assert_sound(f->machine);
	g_assert_cmpint(get(f->process, A(1)), ==, 'b');
	g_assert_cmpint(get(f->process, A(1) + 10), ==, 0);
	g_assert_cmpint(get(f->process, A(2)), ==, -EIO);
	g_assert_cmpint(get(f->process, A(3)), ==, -EIO);
	/* Private copies of pages past the end are dropped, other copies stay. */
	g_assert_cmpint(get(f->process, A(9)), ==, 'p');
	g_assert_cmpint(get(f->process, A(10)), ==, -EIO);
	g_assert_cmpint(get(f->process, A(11)), ==, -EIO);
	g_assert_cmpint(vm_machine_sync(f->machine), ==, 0);
	g_assert_cmpuint(file_size(m.path), ==, PAGE + 10);
	/* When the file has grown again, these pages are read again. */
	resize_file(m.path, 4 * PAGE);
	g_assert_cmpint(get(f->process, A(3)), ==, 0);
	g_assert_cmpint(get(f->process, A(11)), ==, 0);
	forget(&m);
}

/* The file is truncated while processes share the page tables that map it. */
static void test_truncation_after_fork(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 4 * PAGE, RW, MAP_PRIVATE);
	struct vm_process *child;

	map(f->process, A(4), 1, RW, PRIVATE_ANON);
	fill(f->process, A(0), 5, 'p');
	child = fork_of(f->process);
	resize_file(m.path, PAGE);
	g_assert_cmpint(vm_msync(f->process, A(0), PAGE, MS_INVALIDATE), ==, 0);
	map_file(f->process, A(8), 1, PROT_READ, MAP_SHARED, m.file, 0);
	g_assert_cmpint(vm_msync(f->process, A(8), PAGE, MS_INVALIDATE), ==, 0);
	assert_sound(f->machine);
	g_assert_cmpint(get(child, A(0)), ==, 'p');
	g_assert_cmpint(get(child, A(1)), ==, -EIO);
	g_assert_cmpint(get(f->process, A(3)), ==, -EIO);
	g_assert_cmpint(get(child, A(4)), ==, 'p');
	end(child);
	forget(&m);
}

/* --- Others' changes -------------------------------------------------------------------------- */

static void test_changes_invalidate(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 2 * PAGE, RW, MAP_SHARED);

	map_file(f->process, A(4), 2, RW, MAP_PRIVATE, m.file, 0);
	get(f->process, A(0));
	put(f->process, A(1), 'd');
	get(f->process, A(4));
	put(f->process, A(5), 'p');
	write_file(m.path, 0, 2 * PAGE, 'n');
	g_assert_cmpint(vm_msync(f->process, A(0), PAGE, MS_INVALIDATE), ==, 0);
	g_assert_cmpint(get(f->process, A(0)), ==, 'n');
	/*
	 * Private pages that were not written follow the file. Pages that were written do not, and
	 * neither does a page that is dirty here.
	 */
	g_assert_cmpint(get(f->process, A(4)), ==, 'n');
	g_assert_cmpint(get(f->process, A(5)), ==, 'p');
	g_assert_cmpint(get(f->process, A(1)), ==, 'd');
	forget(&m);
}

/* msync of a private area looks, too. */
static void test_changes_invalidate_private(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 2 * PAGE, PROT_READ, MAP_PRIVATE);

	get(f->process, A(0));
	write_file(m.path, 0, PAGE, 'n');
	g_assert_cmpint(vm_msync(f->process, A(0), 2 * PAGE, MS_INVALIDATE), ==, 0);
	g_assert_cmpint(get(f->process, A(0)), ==, 'n');
	resize_file(m.path, PAGE);
	g_assert_cmpint(vm_msync(f->process, A(0), 2 * PAGE, MS_INVALIDATE), ==, 0);
	assert_touch(f->process, A(1), VM_ACCESS_READ, VM_FATAL, VM_FAULT_SIGBUS);
	forget(&m);
}

/* A change within one tick of the file's time stamp: nothing but the bytes shows it. */
static void test_changes_unstamped(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_SHARED);
	struct vm_object *object = m.file->object;
	struct stat status;

	/* Nobody else looks at the file meanwhile. */
	flusher_stop(f->machine);
	get(f->process, A(0));
	write_file(m.path, 0, PAGE, 'n');
	g_assert_cmpint(stat(m.path, &status), ==, 0);
	machine_lock(f->machine);
	object->mtime = status.st_mtim;
	object->ctime = status.st_ctim;
	machine_unlock(f->machine);
	g_assert_cmpint(get(f->process, A(0)), ==, 'a');
	g_assert_cmpint(vm_msync(f->process, A(0), PAGE, MS_INVALIDATE), ==, 0);
	g_assert_cmpint(get(f->process, A(0)), ==, 'n');
	forget(&m);
}

static void test_changes_at_fault(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 2 * PAGE, RW, MAP_SHARED);
	struct vm_process *other = spawn(f);

	get(f->process, A(0));
	write_file(m.path, 0, 2 * PAGE, 'n');
	map_file(other, A(0), 2, PROT_READ, MAP_SHARED, m.file, 0);
	g_assert_cmpint(get(other, A(0)), ==, 'n');
	g_assert_cmpint(get(f->process, A(0)), ==, 'n');
	g_assert_cmpint(get(f->process, A(1)), ==, 'n');
	end(other);
	forget(&m);
}

struct expected_byte {
	struct vm_process *process;
	int byte;
};

static bool reads_byte(void *ctx)
{
	const struct expected_byte *expected = ctx;

	return get(expected->process, A(0)) == expected->byte;
}

/* Pages in memory that nobody accesses are updated within a second. */
static void test_changes_in_time(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_SHARED);
	struct expected_byte expected = {f->process, 'n'};

	get(f->process, A(0));
	write_file(m.path, 0, PAGE, 'n');
	wait_until(reads_byte, &expected);
	forget(&m);
}

/* Our own write-back is not mistaken for a change by others, and does not hide such a change. */
static void test_own_writes(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 2 * PAGE, RW, MAP_SHARED);

	get(f->process, A(1));
	put(f->process, A(0), 'x');
	write_file(m.path, PAGE, PAGE, 'n');
	g_assert_cmpint(vm_msync(f->process, A(0), PAGE, MS_SYNC), ==, 0);
	g_assert_cmpint(vm_msync(f->process, A(0), PAGE, MS_INVALIDATE), ==, 0);
	g_assert_cmpint(get(f->process, A(1)), ==, 'n');
	g_assert_cmpint(get(f->process, A(0)), ==, 'x');
	forget(&m);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/object-changes/partial-page", NULL, test_partial_page);
	FIXTURE_TEST("/object-changes/beyond-the-end", NULL, test_beyond_the_end);
	FIXTURE_TEST("/object-changes/truncation", NULL, test_truncation);
	FIXTURE_TEST("/object-changes/truncation-after-fork", NULL, test_truncation_after_fork);
	FIXTURE_TEST("/object-changes/invalidate", NULL, test_changes_invalidate);
	FIXTURE_TEST("/object-changes/invalidate-private", NULL, test_changes_invalidate_private);
	FIXTURE_TEST("/object-changes/unstamped", NULL, test_changes_unstamped);
	FIXTURE_TEST("/object-changes/at-fault", NULL, test_changes_at_fault);
	FIXTURE_TEST("/object-changes/in-time", NULL, test_changes_in_time);
	FIXTURE_TEST("/object-changes/own-writes", NULL, test_own_writes);
	return g_test_run();
}
