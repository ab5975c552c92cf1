/*
 * test_object.c - objects: pages come from host files on first use, dirty ones go back, and what others do to the file
 * shows. Also shared anonymous memory.
 */
#include "tests/vm_fixture.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define A(page) (ARENA + (page)*PAGE)

/* A test's file of SIZE bytes, page I full of 'a' + I, mapped whole at A(0) as PROT and FLAGS say. */
struct mapped {
	char *path;
	struct vm_file *file;
};

static struct mapped map_new(struct vm_fixture *f, uint64_t size, int prot, int flags)
{
	struct mapped m = {.path = make_file(f, "file", size, 'a')};

	m.file = open_file(f, m.path, O_RDWR);
	map_file(f->process, A(0), (size + PAGE - 1) / PAGE, prot, flags, m.file, 0);
	return m;
}

/* The test is done with the file; mappings keep it. */
static void forget(struct mapped *m)
{
	vm_file_unref(m->file);
	g_free(m->path);
}

static struct vm_machine_info info_of(struct vm_fixture *f)
{
	struct vm_machine_info info;

	vm_machine_info(f->machine, &info);
	return info;
}

/* --- Coming in ------------------------------------------------------------------------------------ */

static void test_first_use(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 3 * PAGE, PROT_READ, MAP_SHARED);
	struct vm_process *other = spawn(f);
	struct vm_fault record;

	map_file(other, A(8), 2, RW, MAP_PRIVATE, m.file, 1);
	g_assert_cmpint(touch(f->process, A(1) + 5, VM_ACCESS_READ, &record), ==, 0);
	g_assert_cmpstr(vm_fault_kind_name(record.kind), ==, "file-read");
	g_assert_cmpint(record.outcome, ==, VM_MAJOR);
	g_assert_cmpuint(record.offset, ==, PAGE);
	assert_touch(f->process, A(1), VM_ACCESS_READ, VM_HIT, VM_FAULT_NONE);
	assert_touch(other, A(8), VM_ACCESS_READ, VM_MINOR, VM_FAULT_PAGE_CACHE);
	assert_touch(other, A(9), VM_ACCESS_WRITE, VM_MAJOR, VM_FAULT_COW_COPY);
	assert_touch(f->process, A(2), VM_ACCESS_READ, VM_MINOR, VM_FAULT_PAGE_CACHE);
	g_assert_cmpint(get(f->process, A(1)), ==, 'b');
	g_assert_cmpint(get(other, A(8)), ==, 'b');
	g_assert_cmpuint(info_of(f).file_reads, ==, 2);
	g_assert_cmpuint(info_of(f).frames_file, ==, 2);
	assert_sound(f->machine);
	end(other);
	forget(&m);
}

/* Two opens of a file are one object; so are two names of it. */
static void test_identity(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_SHARED);
	g_autofree char *name = g_build_filename(f->dir, "link", NULL);

	g_assert_cmpint(link(m.path, name), ==, 0);
	struct vm_file *second = open_file(f, name, O_RDONLY);
	map_file(f->process, A(4), 1, PROT_READ, MAP_SHARED, second, 0);
	put(f->process, A(0), 'x');
	g_assert_cmpint(get(f->process, A(4)), ==, 'x');
	g_assert_cmpuint(info_of(f).frames_file, ==, 1);
	vm_file_unref(second);
	forget(&m);
}

static void test_file_errno(struct vm_fixture *f, gconstpointer data)
{
	int error = 0, pipes[2];

	g_assert_null(vm_file_new(f->machine, open(f->dir, O_RDONLY | O_DIRECTORY), O_RDONLY, &error));
	g_assert_cmpint(error, ==, -ENODEV);
	g_assert_null(vm_file_new(f->machine, open("/dev/null", O_RDONLY), O_RDONLY, &error));
	g_assert_cmpint(error, ==, -ENODEV);
	g_assert_cmpint(pipe(pipes), ==, 0);
	g_assert_null(vm_file_new(f->machine, pipes[0], O_RDONLY, &error));
	g_assert_cmpint(error, ==, -ENODEV);
	g_assert_cmpint(fcntl(pipes[0], F_GETFD), ==, -1);
	close(pipes[1]);
	g_assert_null(vm_file_new(f->machine, -1, O_RDONLY, &error));
	g_assert_cmpint(error, ==, -EBADF);
}

/* --- Going back ----------------------------------------------------------------------------------- */

static void test_msync(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 2 * PAGE, RW, MAP_SHARED);

	get(f->process, A(0));
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_WRITE_NOTIFY);
	put(f->process, A(0), 'x');
	put(f->process, A(1) + 7, 'y');
	g_assert_cmpint(file_byte(m.path, 0), ==, 'a');
	g_assert_cmpuint(info_of(f).frames_dirty, ==, 2);
	g_assert_cmpint(vm_msync(f->process, A(0), PAGE, MS_SYNC), ==, 0);
	g_assert_cmpint(file_byte(m.path, 0), ==, 'x');
	g_assert_cmpint(file_byte(m.path, PAGE + 7), ==, 'b');
	g_assert_cmpint(vm_msync(f->process, A(0), 2 * PAGE, MS_SYNC), ==, 0);
	g_assert_cmpint(file_byte(m.path, PAGE + 7), ==, 'y');
	g_assert_cmpuint(info_of(f).frames_dirty, ==, 0);
	assert_sound(f->machine);
	/* Clean again: the next write is noticed, reads are not. */
	assert_touch(f->process, A(0), VM_ACCESS_READ, VM_HIT, VM_FAULT_NONE);
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_WRITE_NOTIFY);
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_HIT, VM_FAULT_NONE);
	forget(&m);
}

static void test_munmap_writes(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 2 * PAGE, RW, MAP_SHARED);

	put(f->process, A(0), 'x');
	put(f->process, A(1), 'y');
	g_assert_cmpint(vm_munmap(f->process, A(0), PAGE), ==, 0);
	g_assert_cmpint(vm_munmap(f->process, A(1), PAGE), ==, 0);
	g_assert_cmpint(file_byte(m.path, 0), ==, 'x');
	g_assert_cmpint(file_byte(m.path, PAGE), ==, 'y');
	/* The file is still open, so its pages stay in the cache. */
	g_assert_cmpuint(info_of(f).frames_file, ==, 2);
	forget(&m);
	g_assert_cmpuint(info_of(f).frames_file, ==, 0);
}

/* A mapping that is replaced by another is gone too; and one that the machine is closed with. */
static void test_other_ends(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 3 * PAGE, RW, MAP_SHARED);

	put(f->process, A(0), 'x');
	map(f->process, A(0), 3, RW, PRIVATE_ANON);
	g_assert_cmpint(file_byte(m.path, 0), ==, 'x');
	map_file(f->process, A(0), 3, RW, MAP_SHARED, m.file, 0);
	put(f->process, A(1), 'y');
	g_assert_cmpint(vm_machine_sync(f->machine), ==, 0);
	g_assert_cmpint(file_byte(m.path, PAGE), ==, 'y');
	put(f->process, A(2), 'z');
	vm_file_unref(m.file);
	end(f->process);
	f->process = spawn(f);
	g_assert_cmpint(file_byte(m.path, 2 * PAGE), ==, 'z');
	g_free(m.path);
}

static void test_machine_free_writes(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "file", PAGE, 'a');
	struct vm_machine *machine = f->machine;
	struct vm_config config;

	vm_config_init(&config);
	config.ram = MIB;
	f->machine = vm_machine_new(&config, NULL);
	struct vm_process *process = spawn(f);
	struct vm_file *file = open_file(f, path, O_RDWR);
	map_file(process, A(0), 1, RW, MAP_SHARED, file, 0);
	vm_file_unref(file);
	put(process, A(0), 'x');
	vm_process_unref(process);
	vm_machine_free(f->machine);
	f->machine = machine;
	g_assert_cmpint(file_byte(path, 0), ==, 'x');
}

static bool has_x(void *path)
{
	return file_byte(path, 0) == 'x';
}

static void test_thread_writes(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_SHARED);

	put(f->process, A(0), 'x');
	wait_until(has_x, m.path);
	forget(&m);
}

/* Stores of several processes land in one page, whichever of them ends. */
static void test_two_writers(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_SHARED);
	struct vm_process *other = spawn(f);

	map_file(other, A(0), 1, RW, MAP_SHARED, m.file, 0);
	put(f->process, A(0), 'x');
	put(other, A(0) + 1, 'y');
	forget(&(struct mapped){NULL, m.file});
	end(other);
	g_assert_cmpint(vm_munmap(f->process, A(0), PAGE), ==, 0);
	g_assert_cmpint(file_byte(m.path, 0), ==, 'x');
	g_assert_cmpint(file_byte(m.path, 1), ==, 'y');
	g_free(m.path);
}

static void test_private(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_PRIVATE);

	put(f->process, A(0), 'x');
	g_assert_cmpint(vm_msync(f->process, A(0), PAGE, MS_SYNC), ==, 0);
	g_assert_cmpint(vm_machine_sync(f->machine), ==, 0);
	g_assert_cmpint(vm_munmap(f->process, A(0), PAGE), ==, 0);
	g_assert_cmpint(file_byte(m.path, 0), ==, 'a');
	g_assert_cmpuint(info_of(f).file_writes, ==, 0);
	forget(&m);
}

/* --- Ends of files -------------------------------------------------------------------------------- */

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
	/* When the file grows, what was stored past its end is not in it. */
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
	/* Growth is seen at the next fault. */
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
	/* Copies of pages past the end go with them, others stay. */
	g_assert_cmpint(get(f->process, A(9)), ==, 'p');
	g_assert_cmpint(get(f->process, A(10)), ==, -EIO);
	g_assert_cmpint(get(f->process, A(11)), ==, -EIO);
	g_assert_cmpint(vm_machine_sync(f->machine), ==, 0);
	g_assert_cmpuint(file_size(m.path), ==, PAGE + 10);
	/* And when it has grown again, they are read afresh. */
	resize_file(m.path, 4 * PAGE);
	g_assert_cmpint(get(f->process, A(3)), ==, 0);
	g_assert_cmpint(get(f->process, A(11)), ==, 0);
	forget(&m);
}

/* Truncated while processes share the page tables that map it. */
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

/* --- Others' changes ------------------------------------------------------------------------------ */

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
	/* Untouched private pages follow the file; written ones do not, nor does a page that is dirty here. */
	g_assert_cmpint(get(f->process, A(4)), ==, 'n');
	g_assert_cmpint(get(f->process, A(5)), ==, 'p');
	g_assert_cmpint(get(f->process, A(1)), ==, 'd');
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

/* In resident pages that nobody asks about, within a second. */
static void test_changes_in_time(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_SHARED);
	struct expected_byte expected = {f->process, 'n'};

	get(f->process, A(0));
	write_file(m.path, 0, PAGE, 'n');
	wait_until(reads_byte, &expected);
	forget(&m);
}

/* Our own write-back is no change of somebody else's, and does not hide one. */
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

/* --- Names ---------------------------------------------------------------------------------------- */

static void keep_name(void *ctx, const struct vm_area_info *area)
{
	if (area->start == A(0))
		*(char **)ctx = g_strdup(area->name);
}

static void assert_name(struct vm_fixture *f, const char *expected)
{
	g_autofree char *name = NULL;

	g_assert_cmpint(vm_process_areas(f->process, keep_name, &name), ==, 0);
	g_assert_cmpstr(name, ==, expected);
}

static void test_names(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_SHARED);
	g_autofree char *moved = g_build_filename(f->dir, "moved", NULL);
	g_autofree char *deleted = g_strconcat(moved, " (deleted)", NULL);

	assert_name(f, m.path);
	g_assert_cmpint(g_rename(m.path, moved), ==, 0);
	assert_name(f, moved);
	put(f->process, A(0), 'x');
	g_assert_cmpint(g_unlink(moved), ==, 0);
	assert_name(f, deleted);
	g_autofree char *name = vm_file_name(m.file);
	g_assert_cmpstr(name, ==, deleted);
	g_assert_cmpint(vm_msync(f->process, A(0), PAGE, MS_SYNC), ==, 0);
	g_assert_cmpint(get(f->process, A(0)), ==, 'x');
	forget(&m);
	assert_name(f, deleted);
}

/* --- Shared anonymous memory ---------------------------------------------------------------------- */

static void test_shared_anonymous(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 2, RW, SHARED_ANON);
	map(f->process, A(2), 2, RW, SHARED_ANON);
	assert_touch(f->process, A(0), VM_ACCESS_READ, VM_MINOR, VM_FAULT_DEMAND_ZERO);
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_HIT, VM_FAULT_NONE);
	put(f->process, A(0), 'x');
	g_assert_cmpint(get(f->process, A(2)), ==, 0);
	assert_name(f, "/dev/zero (deleted)");
	g_assert_cmpuint(info_of(f).frames_shmem, ==, 2);
	g_assert_cmpint(vm_munmap(f->process, A(0), PAGE), ==, 0);
	/* The object lives on, and its pages with it, as long as a part is mapped. */
	g_assert_cmpuint(info_of(f).frames_shmem, ==, 2);
	g_assert_cmpint(vm_munmap(f->process, A(1), PAGE), ==, 0);
	g_assert_cmpuint(info_of(f).frames_shmem, ==, 1);
}

/* --- Derived state -------------------------------------------------------------------------------- */

static void check_all_kinds(struct vm_process *process)
{
	g_assert_cmpint(get(process, A(0)), ==, 'a');
	g_assert_cmpint(get(process, A(1)), ==, 'd');
	g_assert_cmpint(get(process, A(8)), ==, 'a');
	g_assert_cmpint(get(process, A(9)), ==, 'p');
	g_assert_cmpint(get(process, A(16)), ==, 's');
	g_assert_cmpint(get(process, A(24)), ==, 'z');
}

static void test_drop_entries(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 2 * PAGE, RW, MAP_SHARED);

	map_file(f->process, A(8), 2, RW, MAP_PRIVATE, m.file, 0);
	map(f->process, A(16), 1, RW, SHARED_ANON);
	map(f->process, A(24), 1, RW, PRIVATE_ANON);
	put(f->process, A(1), 'd');
	put(f->process, A(9), 'p');
	put(f->process, A(16), 's');
	put(f->process, A(24), 'z');
	check_all_kinds(f->process);
	struct vm_process *child = fork_of(f->process);
	for (int i = 0; i < 3; i++) {
		vm_machine_drop_entries(f->machine);
		assert_sound(f->machine);
		check_all_kinds(i == 1 ? child : f->process);
	}
	vm_machine_drop_entries(f->machine);
	assert_touch(f->process, A(0), VM_ACCESS_READ, VM_MINOR, VM_FAULT_PAGE_CACHE);
	g_assert_cmpint(vm_munmap(f->process, A(0), 2 * PAGE), ==, 0);
	g_assert_cmpint(file_byte(m.path, PAGE), ==, 'b');
	end(child);
	g_assert_cmpint(vm_munmap(f->process, A(8), 2 * PAGE), ==, 0);
	g_assert_cmpint(file_byte(m.path, PAGE), ==, 'd');
	forget(&m);
}

static void count_object(void *ctx, const struct vm_object_info *object)
{
	struct vm_object_info *sum = ctx;

	sum->number++;
	sum->areas += object->areas;
	sum->pages += object->pages;
	sum->dirty += object->dirty;
	sum->size += object->size;
}

static void test_looking(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 2 * PAGE + 5, RW, MAP_SHARED);
	struct vm_object_info sum = {.number = 0};

	map_file(f->process, A(8), 1, RW, MAP_PRIVATE, m.file, 0);
	put(f->process, A(0), 'x');
	get(f->process, A(1));
	vm_machine_objects(f->machine, count_object, &sum);
	g_assert_cmpuint(sum.number, ==, 1);
	g_assert_cmpuint(sum.areas, ==, 2);
	g_assert_cmpuint(sum.pages, ==, 2);
	g_assert_cmpuint(sum.dirty, ==, 1);
	g_assert_cmpuint(sum.size, ==, 2 * PAGE + 5);
	forget(&m);
}

int main(int argc, char **argv)
{
	static const struct vm_limits eager = {.writeback_centisecs = 1};

	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/object/first-use", NULL, test_first_use);
	FIXTURE_TEST("/object/identity", NULL, test_identity);
	FIXTURE_TEST("/object/file-errno", NULL, test_file_errno);
	FIXTURE_TEST("/object/msync", NULL, test_msync);
	FIXTURE_TEST("/object/munmap-writes", NULL, test_munmap_writes);
	FIXTURE_TEST("/object/other-ends", NULL, test_other_ends);
	FIXTURE_TEST("/object/machine-free-writes", NULL, test_machine_free_writes);
	FIXTURE_TEST("/object/thread-writes", &eager, test_thread_writes);
	FIXTURE_TEST("/object/two-writers", NULL, test_two_writers);
	FIXTURE_TEST("/object/private", NULL, test_private);
	FIXTURE_TEST("/object/partial-page", NULL, test_partial_page);
	FIXTURE_TEST("/object/beyond-the-end", NULL, test_beyond_the_end);
	FIXTURE_TEST("/object/truncation", NULL, test_truncation);
	FIXTURE_TEST("/object/truncation-after-fork", NULL, test_truncation_after_fork);
	FIXTURE_TEST("/object/changes-invalidate", NULL, test_changes_invalidate);
	FIXTURE_TEST("/object/changes-at-fault", NULL, test_changes_at_fault);
	FIXTURE_TEST("/object/changes-in-time", NULL, test_changes_in_time);
	FIXTURE_TEST("/object/own-writes", NULL, test_own_writes);
	FIXTURE_TEST("/object/names", NULL, test_names);
	FIXTURE_TEST("/object/shared-anonymous", NULL, test_shared_anonymous);
	FIXTURE_TEST("/object/drop-entries", NULL, test_drop_entries);
	FIXTURE_TEST("/object/looking", NULL, test_looking);
	return g_test_run();
}
