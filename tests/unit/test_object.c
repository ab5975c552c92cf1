/*
 * test_object.c - objects: pages are read from host files on first use, and dirty pages are written
 * back. Also shared anonymous memory.
 */
#include "tests/fixture/object_fixture.h"

#include <glib/gstdio.h>
#include <unistd.h>

static struct vm_machine_info info_of(struct vm_fixture *f)
{
	struct vm_machine_info info;

	vm_machine_info(f->machine, &info);
	return info;
}

/* --- Coming in -------------------------------------------------------------------------------- */

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

/* Opening a file twice gives one object, and so do two names of one file. */
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

	g_assert_null(
	    vm_file_new(f->machine, open(f->dir, O_RDONLY | O_DIRECTORY), O_RDONLY, 0, &error));
	g_assert_cmpint(error, ==, -ENODEV);
	g_assert_null(vm_file_new(f->machine, open("/dev/null", O_RDONLY), O_RDONLY, 0, &error));
	g_assert_cmpint(error, ==, -ENODEV);
	g_assert_cmpint(pipe(pipes), ==, 0);
	g_assert_null(vm_file_new(f->machine, pipes[0], O_RDONLY, 0, &error));
	g_assert_cmpint(error, ==, -ENODEV);
	g_assert_cmpint(fcntl(pipes[0], F_GETFD), ==, -1);
	close(pipes[1]);
	g_assert_null(vm_file_new(f->machine, -1, O_RDONLY, 0, &error));
	g_assert_cmpint(error, ==, -EBADF);
}

/* --- Going back ------------------------------------------------------------------------------- */

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
	/* The page is clean again: the next write causes a fault, reads do not. */
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

/* Other ways for a mapping to end: another mapping replaces it, or the machine is freed. */
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

/* Stores of several processes reach the same page, no matter which process ends first. */
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

/* --- Names ------------------------------------------------------------------------------------ */

static bool keep_name(void *ctx, const struct vm_area_info *area)
{
	if (area->start == A(0))
		*(char **)ctx = g_strdup(area->name);
	return true;
}

static void assert_name(struct vm_fixture *f, const char *expected)
{
	g_autofree char *name = NULL;

	g_assert_cmpint(vm_process_areas(f->process, 0, keep_name, &name), ==, 0);
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

/* --- Shared anonymous memory ------------------------------------------------------------------ */

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
	/* The object and its pages live as long as any part is mapped. */
	g_assert_cmpuint(info_of(f).frames_shmem, ==, 2);
	g_assert_cmpint(vm_munmap(f->process, A(1), PAGE), ==, 0);
	g_assert_cmpuint(info_of(f).frames_shmem, ==, 1);
}

/* --- Derived state ---------------------------------------------------------------------------- */

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

static bool count_object(void *ctx, const struct vm_object_info *object)
{
	struct vm_object_info *sum = ctx;

	sum->number++;
	sum->areas += object->areas;
	sum->pages += object->pages;
	sum->dirty += object->dirty;
	sum->size += object->size;
	return true;
}

static void test_looking(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 2 * PAGE + 5, RW, MAP_SHARED);
	struct vm_object_info sum = {.number = 0};

	map_file(f->process, A(8), 1, RW, MAP_PRIVATE, m.file, 0);
	put(f->process, A(0), 'x');
	get(f->process, A(1));
	vm_machine_objects(f->machine, 0, count_object, &sum);
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
	FIXTURE_TEST("/object/names", NULL, test_names);
	FIXTURE_TEST("/object/shared-anonymous", NULL, test_shared_anonymous);
	FIXTURE_TEST("/object/drop-entries", NULL, test_drop_entries);
	FIXTURE_TEST("/object/looking", NULL, test_looking);
	return g_test_run();
}
