/*
 * test_fork.c - fork: private memory stays private and shared memory stays shared. Page tables are
 * shared until one side changes something.
 */
#include "tests/fixture/vm_fixture.h"

#define A(page) (ARENA + (page)*PAGE)

static uint64_t frames_used(struct vm_fixture *f)
{
	struct vm_machine_info info;

	vm_machine_info(f->machine, &info);
	return info.frames_total - info.frames_free;
}

/* --- Contents --------------------------------------------------------------------------------- */

static void test_private(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 4, RW, PRIVATE_ANON);
	fill(f->process, A(0), 4, 'p');
	struct vm_process *child = fork_of(f->process);
	g_assert_cmpuint(frames_used(f), ==, 4);
	assert_filled(child, A(0), 4, 'p');
	put(child, A(0), 'c');
	put(f->process, A(1), 'q');
	g_assert_cmpint(get(f->process, A(0)), ==, 'p');
	g_assert_cmpint(get(child, A(1)), ==, 'p');
	g_assert_cmpuint(frames_used(f), ==, 6);
	assert_sound(f->machine);
	end(child);
	g_assert_cmpuint(frames_used(f), ==, 4);
	g_assert_cmpint(get(f->process, A(1)), ==, 'q');
}

static void test_copy_then_reuse(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 1, RW, PRIVATE_ANON);
	put(f->process, A(0), 'p');
	struct vm_process *child = fork_of(f->process);
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_COW_COPY);
	assert_touch(child, A(0), VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_COW_REUSE);
	assert_touch(child, A(0), VM_ACCESS_WRITE, VM_HIT, VM_FAULT_NONE);
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_HIT, VM_FAULT_NONE);
	end(child);
}

/* When the other side has ended, nothing is copied. */
static void test_reuse_after_exit(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 1, RW, PRIVATE_ANON);
	put(f->process, A(0), 'p');
	end(fork_of(f->process));
	assert_touch(f->process, A(0), VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_COW_REUSE);
	struct vm_process *child = fork_of(f->process);
	g_assert_cmpint(vm_munmap(f->process, A(0), PAGE), ==, 0);
	assert_touch(child, A(0), VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_COW_REUSE);
	g_assert_cmpint(get(child, A(0)), ==, 'p');
	end(child);
}

static void test_zero_page(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 1, RW, PRIVATE_ANON);
	get(f->process, A(0));
	struct vm_process *child = fork_of(f->process);
	assert_touch(child, A(0), VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_DEMAND_ZERO);
	g_assert_cmpint(get(f->process, A(0)), ==, 0);
	end(child);
}

static void test_shared(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "file", 2 * PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDWR);

	map(f->process, A(0), 2, RW, SHARED_ANON);
	map_file(f->process, A(4), 2, RW, MAP_SHARED, file, 0);
	put(f->process, A(0), '1');
	put(f->process, A(4), '1');
	struct vm_process *child = fork_of(f->process);
	put(child, A(0), '2');
	put(child, A(1), '3');
	put(child, A(4), '2');
	put(child, A(5), '3');
	g_assert_cmpint(get(f->process, A(0)), ==, '2');
	g_assert_cmpint(get(f->process, A(1)), ==, '3');
	g_assert_cmpint(get(f->process, A(4)), ==, '2');
	g_assert_cmpint(get(f->process, A(5)), ==, '3');
	assert_sound(f->machine);
	end(child);
	g_assert_cmpint(get(f->process, A(1)), ==, '3');
	vm_file_unref(file);
}

static void test_private_file(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "file", 2 * PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDONLY);

	map_file(f->process, A(0), 2, RW, MAP_PRIVATE, file, 0);
	put(f->process, A(0), '1');
	get(f->process, A(1));
	struct vm_process *child = fork_of(f->process);
	put(child, A(0), '2');
	put(child, A(1), '3');
	g_assert_cmpint(get(f->process, A(0)), ==, '1');
	g_assert_cmpint(get(f->process, A(1)), ==, 'b');
	end(child);
	vm_file_unref(file);
}

/* --- Page tables ------------------------------------------------------------------------------ */

static void test_table_sharing(struct vm_fixture *f, gconstpointer data)
{
	struct vm_machine_info before, after;
	struct vm_entry_info entry;

	map(f->process, A(0), 1024, RW, PRIVATE_ANON);
	fill(f->process, A(0), 1024, 'p');
	vm_machine_info(f->machine, &before);
	struct vm_process *child = fork_of(f->process);
	vm_machine_info(f->machine, &after);
	g_assert_cmpuint(after.tables - before.tables, ==, 1);
	g_assert_true(entry_at(child, A(0), VM_PMD, &entry));
	g_assert_cmpuint(entry.users, ==, 2);
	g_assert_true(entry_of(child, A(0), &entry));
	g_assert_cmpuint(entry.users, ==, 2);
	g_assert_true(entry.cow);
	/* A write copies the tables on its path, and no others. */
	put(child, A(0), 'c');
	g_assert_true(entry_at(child, A(0), VM_PMD, &entry));
	g_assert_cmpuint(entry.users, ==, 1);
	g_assert_true(entry_at(f->process, A(512), VM_PMD, &entry));
	g_assert_cmpuint(entry.users, ==, 2);
	g_assert_true(entry_of(f->process, A(0), &entry));
	g_assert_cmpuint(entry.users, ==, 1);
	g_assert_true(entry_of(f->process, A(1), &entry));
	g_assert_cmpuint(entry.users, ==, 2);
	assert_sound(f->machine);
	end(child);
	vm_machine_info(f->machine, &after);
	g_assert_cmpuint(after.tables, ==, before.tables);
}

/* A write to a page of shared memory copies tables at most, never the page. */
static void test_table_unshare(struct vm_fixture *f, gconstpointer data)
{
	struct vm_fault record;

	map(f->process, A(0), 1, RW, SHARED_ANON);
	put(f->process, A(0), 's');
	struct vm_process *child = fork_of(f->process);
	g_assert_cmpint(touch(child, A(0), VM_ACCESS_WRITE, &record), ==, 0);
	g_assert_cmpstr(vm_fault_kind_name(record.kind), ==, "table-unshare");
	g_assert_cmpuint(record.tables_copied, ==, 3);
	assert_touch(child, A(0), VM_ACCESS_WRITE, VM_HIT, VM_FAULT_NONE);
	end(child);
}

/* The child's changes under shared tables do not change the parent's memory, and vice versa. */
static void check_intact(struct vm_process *process)
{
	assert_filled(process, A(0), 1500, 'p');
	put(process, A(700), 'p');
}

static void change_calls(struct vm_process *process)
{
	g_assert_cmpint(vm_munmap(process, A(100), 700 * PAGE), ==, 0);
	g_assert_cmpint(get(process, A(400)), ==, -EFAULT);
	g_assert_cmpint(vm_mprotect(process, A(800), 200 * PAGE, PROT_NONE), ==, 0);
	g_assert_cmpint(get(process, A(900)), ==, -EACCES);
	g_assert_cmpint(vm_mremap(process, A(1000), 400 * PAGE, 400 * PAGE,
	                          MREMAP_MAYMOVE | MREMAP_FIXED, A(3000)),
	                ==, A(3000));
	assert_filled(process, A(3000), 400, 'p');
	map(process, A(1400), 100, RW, PRIVATE_ANON);
	assert_filled(process, A(1400), 100, 0);
}

static void test_changes(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process *child;

	map(f->process, A(0), 1500, RW, PRIVATE_ANON);
	fill(f->process, A(0), 1500, 'p');
	child = fork_of(f->process);
	change_calls(child);
	assert_sound(f->machine);
	check_intact(f->process);
	end(child);
	child = fork_of(f->process);
	change_calls(f->process);
	assert_sound(f->machine);
	check_intact(child);
	end(child);
}

/*
 * A fork copies areas one by one and merges none, not even areas that differ only in their locks.
 */
static void test_areas(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "file", 4 * PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDONLY);

	map(f->process, A(0), 2, PROT_NONE, PRIVATE_ANON);
	map(f->process, A(2), 2, PROT_NONE, PRIVATE_ANON | MAP_LOCKED);
	map_file(f->process, A(8), 2, PROT_READ, MAP_SHARED, file, 0);
	map_file(f->process, A(10), 2, PROT_READ, MAP_SHARED | MAP_LOCKED, file, 2);
	struct vm_process *child = fork_of(f->process);
	g_autofree char *areas = areas_text(f->process);
	assert_areas(child, areas);
	assert_sound(f->machine);
	end(child);
	vm_file_unref(file);
}

/* --- Families --------------------------------------------------------------------------------- */

static void test_grandchildren(struct vm_fixture *f, gconstpointer data)
{
	enum { DEPTH = 20 };
	struct vm_process *line[DEPTH];

	map(f->process, A(0), DEPTH + 1, RW, PRIVATE_ANON);
	fill(f->process, A(0), DEPTH + 1, 'p');
	for (int i = 0; i < DEPTH; i++) {
		line[i] = fork_of(i > 0 ? line[i - 1] : f->process);
		fill(line[i], A((uint64_t)i), 1, (uint8_t)i);
	}
	assert_sound(f->machine);
	for (int i = 0; i < DEPTH; i++)
		for (int page = 0; page <= DEPTH; page++)
			assert_filled(line[i], A((uint64_t)page), 1,
			              page <= i ? (uint8_t)page : 'p');
	/* The processes in the middle of the line end first. */
	for (int i = DEPTH / 4; i < DEPTH * 3 / 4; i++)
		end(line[i]);
	assert_sound(f->machine);
	assert_filled(line[DEPTH - 1], A(0), 1, 0);
	assert_filled(f->process, A(0), DEPTH + 1, 'p');
	for (int i = 0; i < DEPTH / 4; i++)
		end(line[i]);
	for (int i = DEPTH * 3 / 4; i < DEPTH; i++)
		end(line[i]);
}

/*
 * Parent, child, grandchild and the child's sibling end in every order. Those that still live see
 * their own pages.
 */
static void run_order(struct vm_fixture *f, const int order[4])
{
	struct vm_process *family[4] = {spawn(f)};

	map(family[0], A(0), 600, RW, PRIVATE_ANON);
	fill(family[0], A(0), 600, 'x');
	family[1] = fork_of(family[0]);
	family[2] = fork_of(family[1]);
	family[3] = fork_of(family[0]);
	for (int i = 0; i < 4; i++)
		fill(family[i], A(590), 4, (uint8_t)('0' + i));
	for (int i = 0; i < 4; i++) {
		end(g_steal_pointer(&family[order[i]]));
		assert_sound(f->machine);
		for (int j = 0; j < 4; j++)
			if (family[j] != NULL)
				assert_filled(family[j], A(590), 4, (uint8_t)('0' + j));
	}
	g_assert_cmpuint(frames_used(f), ==, 0);
}

static void test_exit_orders(struct vm_fixture *f, gconstpointer data)
{
	for (int n = 0; n < 24; n++) {
		int left[4] = {0, 1, 2, 3}, order[4], rest = n;
		for (int i = 0; i < 4; i++) {
			int pick = rest % (4 - i);
			rest /= 4 - i;
			order[i] = left[pick];
			left[pick] = left[3 - i];
		}
		run_order(f, order);
	}
}

static void test_thousand(struct vm_fixture *f, gconstpointer data)
{
	enum { COUNT = 1000 };
	g_autofree struct vm_process **children = g_new(struct vm_process *, COUNT);
	struct vm_entry_info entry;

	map(f->process, A(0), 64, RW, PRIVATE_ANON);
	fill(f->process, A(0), 64, 'p');
	for (int i = 0; i < COUNT; i++)
		children[i] = fork_of(f->process);
	g_assert_true(entry_of(f->process, A(0), &entry));
	g_assert_cmpuint(entry.users, ==, COUNT + 1);
	for (int i = 0; i < COUNT; i += 10)
		put(children[i], A((uint64_t)i % 64), 'c');
	g_assert_true(entry_of(f->process, A(1), &entry));
	g_assert_cmpuint(entry.users, ==, COUNT + 1);
	assert_sound(f->machine);
	for (int i = 0; i < COUNT; i++) {
		g_assert_cmpint(get(children[i], A((uint64_t)i % 64)), ==, i % 10 == 0 ? 'c' : 'p');
		end(children[i]);
	}
	assert_filled(f->process, A(0), 64, 'p');
}

/* --- What else a child has -------------------------------------------------------------------- */

static void test_inheritance(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "file", PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDONLY);
	struct vm_process_info info, parent;

	g_assert_cmpint(vm_process_open(f->process, file), ==, 0);
	vm_brk(f->process, UINT64_C(0x555555556000) + 100);
	map(f->process, A(0), 4, RW, PRIVATE_ANON | MAP_LOCKED);
	struct vm_process *child = fork_of(f->process);
	vm_process_info(child, &info);
	vm_process_info(f->process, &parent);
	g_assert_cmpint(info.ppid, ==, parent.pid);
	g_assert_cmpint(info.pid, ==, parent.pid + 1);
	g_assert_cmpstr(info.comm, ==, parent.comm);
	g_assert_cmphex(info.layout.brk, ==, parent.layout.brk);
	g_assert_cmpuint(info.fds, ==, 1);
	g_assert_cmpuint(info.rss_anon, ==, parent.rss_anon);
	g_assert_cmpuint(info.vm_total, ==, parent.vm_total);
	/* Locks are not inherited. */
	g_assert_cmpuint(info.vm_locked, ==, 0);
	g_assert_cmpuint(info.minor_faults, ==, 0);
	struct vm_file *same = vm_process_file(child, 0);
	g_assert_true(same == file);
	vm_file_unref(same);
	end(child);
	vm_file_unref(file);
}

static void test_errno(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process *children[3];
	int error = 0;

	for (int i = 0; i < 3; i++)
		children[i] = fork_of(f->process);
	g_assert_null(vm_fork(f->process, &f->cred, &error));
	g_assert_cmpint(error, ==, -EAGAIN);
	g_assert_null(vm_process_spawn(f->machine, &f->cred, "more", &error));
	g_assert_cmpint(error, ==, -EAGAIN);
	assert_sound(f->machine);
	g_assert_cmpint(vm_process_exit(children[0], 0), ==, 0);
	g_assert_null(vm_fork(children[0], &f->cred, &error));
	g_assert_cmpint(error, ==, -ESRCH);
	vm_process_unref(children[0]);
	end(children[1]);
	end(children[2]);
}

/* When page tables run out, the fork or the fault fails, and no other process is harmed. */
static void test_no_tables(struct vm_fixture *f, gconstpointer data)
{
	GPtrArray *children = g_ptr_array_new();
	struct vm_process *child;
	int error;

	map(f->process, A(0), 4, RW, PRIVATE_ANON);
	fill(f->process, A(0), 4, 'p');
	while ((child = vm_fork(f->process, &f->cred, &error)) != NULL)
		g_ptr_array_add(children, child);
	g_assert_cmpint(error, ==, -ENOMEM);
	g_assert_cmpuint(children->len, >, 0);
	assert_touch(children->pdata[0], A(0), VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_OOM);
	g_assert_cmpint(vm_munmap(children->pdata[0], A(1), PAGE), ==, -ENOMEM);
	g_assert_cmpint(vm_mprotect(children->pdata[0], A(1), PAGE, PROT_READ), ==, -ENOMEM);
	g_assert_cmpint(
	    vm_mremap(children->pdata[0], A(1), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, A(9)),
	    ==, -ENOMEM);
	assert_sound(f->machine);
	for (guint i = 0; i < children->len; i++) {
		assert_filled(children->pdata[i], A(0), 4, 'p');
		end(children->pdata[i]);
	}
	g_ptr_array_unref(children);
	put(f->process, A(0), 'q');
}

int main(int argc, char **argv)
{
	static const struct vm_limits four = {.max_processes = 4}, few_tables = {.max_tables = 32};

	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/fork/private", NULL, test_private);
	FIXTURE_TEST("/fork/copy-then-reuse", NULL, test_copy_then_reuse);
	FIXTURE_TEST("/fork/reuse-after-exit", NULL, test_reuse_after_exit);
	FIXTURE_TEST("/fork/zero-page", NULL, test_zero_page);
	FIXTURE_TEST("/fork/shared", NULL, test_shared);
	FIXTURE_TEST("/fork/private-file", NULL, test_private_file);
	FIXTURE_TEST("/fork/table-sharing", NULL, test_table_sharing);
	FIXTURE_TEST("/fork/table-unshare", NULL, test_table_unshare);
	FIXTURE_TEST("/fork/changes", NULL, test_changes);
	FIXTURE_TEST("/fork/areas", NULL, test_areas);
	FIXTURE_TEST("/fork/grandchildren", NULL, test_grandchildren);
	FIXTURE_TEST("/fork/exit-orders", NULL, test_exit_orders);
	FIXTURE_TEST("/fork/thousand", NULL, test_thousand);
	FIXTURE_TEST("/fork/inheritance", NULL, test_inheritance);
	FIXTURE_TEST("/fork/errno", &four, test_errno);
	FIXTURE_TEST("/fork/no-tables", &few_tables, test_no_tables);
	return g_test_run();
}
