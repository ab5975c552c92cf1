/*
 * test_process.c - processes: pids, the table of processes, their end, descriptors, the
 * environment, and the information about them.
 */
#include "tests/fixture/vm_fixture.h"
#include "vm/process/environ.h"

#include <pthread.h>
#include <signal.h>

#define A(page) (ARENA + (page)*PAGE)

static struct vm_process_info info_of(struct vm_process *process)
{
	struct vm_process_info info;

	vm_process_info(process, &info);
	return info;
}

/* --- Life ------------------------------------------------------------------------------------- */

static bool note_area(void *ctx, const struct vm_area_info *area)
{
	g_string_append_printf(ctx, "%lx-%lx %s %s\n", area->start, area->end, area->perm,
	                       area->name);
	return true;
}

static void test_spawn(struct vm_fixture *f, gconstpointer data)
{
	struct vm_cred cred = {.uid = 1000, .gid = 2000};
	GString *areas = g_string_new(NULL);
	int error;
	struct vm_process *process =
	    vm_process_spawn(f->machine, &cred, "a-name-of-twenty-one", &error);
	struct vm_process_info info = info_of(process);

	g_assert_cmpint(info.pid, ==, vm_process_pid(f->process) + 1);
	g_assert_cmpint(info.ppid, ==, 0);
	g_assert_cmpstr(info.comm, ==, "a-name-of-twent");
	g_assert_cmpuint(vm_process_cred(process).uid, ==, 1000);
	g_assert_cmpuint(vm_process_cred(process).gid, ==, 2000);
	g_assert_cmphex(info.layout.start_brk, ==, 0x555555556000);
	g_assert_cmphex(info.layout.brk, ==, 0x555555556000);
	g_assert_cmpuint(info.vm_stack, ==, 0x21);
	g_assert_cmpint(vm_process_areas(process, 0, note_area, areas), ==, 0);
	g_assert_cmpstr(areas->str, ==, "7ffffffde000-7ffffffff000 rw-p [stack]\n");
	g_string_free(areas, TRUE);
	g_assert_null(vm_process_exe(process));
	vm_process_unref(process);
}

static void test_table(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process *a = spawn(f), *b = fork_of(a),
	                  *found = vm_process_find(f->machine, vm_process_pid(b));
	GArray *pids = pids_of(f->machine);

	g_assert_true(found == b);
	vm_process_unref(found);
	g_assert_null(vm_process_find(f->machine, 99));
	g_assert_null(vm_process_find(f->machine, 0));
	g_assert_null(vm_process_find(f->machine, -1));
	g_assert_cmpuint(pids->len, ==, 3);
	for (guint i = 0; i < 3; i++)
		g_assert_cmpint(g_array_index(pids, pid_t, i), ==, (pid_t)i + 1);
	g_array_unref(pids);
	/* Pids are not reused. Orphans become children of the machine. */
	end(a);
	g_assert_cmpint(info_of(b).ppid, ==, 0);
	a = spawn(f);
	g_assert_cmpint(vm_process_pid(a), ==, 4);
	end(a);
	end(b);
}

static void test_exit(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process *child = fork_of(f->process), *again = vm_process_ref(child);

	map(child, A(0), 1, RW, PRIVATE_ANON);
	put(child, A(0), 'x');
	g_assert_true(vm_process_alive(child));
	g_assert_cmpint(vm_process_exit(child, 3), ==, 0);
	g_assert_false(vm_process_alive(child));
	g_assert_null(vm_process_find(f->machine, vm_process_pid(child)));
	g_assert_cmpint(vm_process_exit(child, 3), ==, -ESRCH);
	g_assert_cmpint(vm_process_kill(child, 0), ==, -ESRCH);
	g_assert_cmpint(vm_process_kill(child, SIGKILL), ==, -ESRCH);
	g_assert_cmpint(vm_process_areas(child, 0, note_area, NULL), ==, -ESRCH);
	g_assert_cmpint(vm_process_seek(child, 0, false), ==, -ESRCH);
	g_assert_null(vm_process_exe(child));
	size_t len = 1;
	g_assert_null(vm_process_auxv(child, &len));
	g_assert_cmpuint(len, ==, 0);
	g_assert_cmpint(info_of(child).pid, ==, vm_process_pid(child));
	/* The child's counters are added to its parent's. */
	g_assert_cmpuint(info_of(f->process).child_minor_faults, ==, 1);
	vm_process_unref(child);
	vm_process_unref(again);
}

static void test_kill(struct vm_fixture *f, gconstpointer data)
{
	static const int harmless[] = {0, SIGCHLD, SIGCONT, SIGURG, SIGWINCH};
	static const int deadly[] = {SIGHUP, SIGTERM, SIGKILL, SIGSEGV, SIGUSR1, 34, 64};

	g_assert_cmpint(vm_process_kill(f->process, -1), ==, -EINVAL);
	g_assert_cmpint(vm_process_kill(f->process, 65), ==, -EINVAL);
	for (size_t i = 0; i < G_N_ELEMENTS(harmless); i++)
		g_assert_cmpint(vm_process_kill(f->process, harmless[i]), ==, 0);
	g_assert_true(vm_process_alive(f->process));
	for (size_t i = 0; i < G_N_ELEMENTS(deadly); i++) {
		struct vm_process *process = spawn(f);
		g_assert_cmpint(vm_process_kill(process, deadly[i]), ==, 0);
		g_assert_false(vm_process_alive(process));
		vm_process_unref(process);
	}
}

static const uint64_t huge_start = UINT64_C(1) << 32, huge_len = UINT64_C(1) << 46;

static void *populate(void *process)
{
	return GINT_TO_POINTER(vm_madvise(process, huge_start, huge_len, MADV_POPULATE_READ));
}

static bool has_tables(void *process)
{
	return info_of(process).tables > 100;
}

/*
 * A process ends at once even while one of its calls brings in pages. Here these are more pages
 * than fit.
 */
static void test_kill_populating(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process *process = spawn(f);
	pthread_t thread;
	void *result;

	g_assert_cmpint(vm_mmap(process, huge_start, huge_len, RW,
	                        PRIVATE_ANON | MAP_FIXED | MAP_NORESERVE, NULL, 0),
	                ==, (int64_t)huge_start);
	g_assert_cmpint(pthread_create(&thread, NULL, populate, process), ==, 0);
	wait_until(has_tables, process);
	g_assert_cmpint(vm_process_kill(process, SIGKILL), ==, 0);
	pthread_join(thread, &result);
	g_assert_cmpint(GPOINTER_TO_INT(result), ==, -ESRCH);
	vm_process_unref(process);
}

/* --- Descriptors ------------------------------------------------------------------------------ */

static void test_descriptors(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "file", PAGE, 'a');
	struct vm_file *a = open_file(f, path, O_RDONLY), *b = open_file(f, path, O_RDWR);

	g_assert_null(vm_process_file(f->process, 0));
	g_assert_cmpint(vm_process_close(f->process, 0), ==, -EBADF);
	g_assert_cmpint(vm_process_open(f->process, a), ==, 0);
	g_assert_cmpint(vm_process_open(f->process, b), ==, 1);
	g_assert_cmpint(vm_process_open(f->process, a), ==, 2);
	g_assert_cmpint(vm_process_close(f->process, 1), ==, 0);
	g_assert_cmpint(vm_process_close(f->process, 1), ==, -EBADF);
	g_assert_cmpint(vm_process_close(f->process, -1), ==, -EBADF);
	g_assert_cmpint(vm_process_close(f->process, 1 << 30), ==, -EBADF);
	g_assert_cmpint(vm_process_open(f->process, b), ==, 1);
	struct vm_file *file = vm_process_file(f->process, 1);
	g_assert_true(file == b);
	vm_file_unref(file);
	for (int fd = 3; fd < 1024; fd++)
		g_assert_cmpint(vm_process_open(f->process, a), ==, fd);
	g_assert_cmpint(vm_process_open(f->process, a), ==, -EMFILE);
	g_assert_cmpuint(info_of(f->process).fds, ==, 1024);
	/*
	 * The process keeps the file after the caller drops its reference. A fork has a reference
	 * of its own.
	 */
	struct vm_process *child = fork_of(f->process);
	vm_file_unref(a);
	vm_file_unref(b);
	g_assert_cmpint(vm_process_close(f->process, 1), ==, 0);
	file = vm_process_file(child, 1);
	map_file(child, A(0), 1, RW, MAP_SHARED, file, 0);
	vm_file_unref(file);
	g_assert_cmpint(get(child, A(0)), ==, 'a');
	g_assert_cmpint(vm_process_exit(child, 0), ==, 0);
	g_assert_cmpint(vm_process_open(child, NULL), ==, -ESRCH);
	g_assert_cmpint(vm_process_close(child, 0), ==, -ESRCH);
	g_assert_null(vm_process_file(child, 0));
	vm_process_unref(child);
}

static void test_setenv(struct vm_fixture *f, gconstpointer data)
{
	g_assert_cmpint(vm_process_setenv(f->process, "NAME", "value"), ==, 0);
	g_assert_cmpint(vm_process_setenv(f->process, "NAME", ""), ==, 0);
	g_assert_cmpint(vm_process_setenv(f->process, "NAME", NULL), ==, 0);
	g_assert_cmpint(vm_process_setenv(f->process, "OTHER", NULL), ==, 0);
	g_assert_cmpint(vm_process_setenv(f->process, "", "value"), ==, -EINVAL);
	g_autofree char *half = g_strnfill(64 << 10, 'x');
	g_assert_cmpint(vm_process_setenv(f->process, "HALF", half), ==, 0);
	g_assert_cmpint(vm_process_setenv(f->process, "HALF", half), ==, 0);
	g_assert_cmpint(vm_process_setenv(f->process, "OTHER", half), ==, -ENOMEM);
	g_assert_cmpint(vm_process_setenv(f->process, "HALF", NULL), ==, 0);
	g_assert_cmpint(vm_process_setenv(f->process, "OTHER", half), ==, 0);
	g_assert_cmpint(vm_process_setenv(f->process, "A=B", "value"), ==, -EINVAL);
	struct vm_process *child = fork_of(f->process);
	g_assert_cmpint(vm_process_setenv(child, "NAME", "other"), ==, 0);
	g_assert_cmpint(vm_process_exit(child, 0), ==, 0);
	g_assert_cmpint(vm_process_setenv(child, "NAME", "value"), ==, -ESRCH);
	vm_process_unref(child);
}

static const char *variable(const struct vm_process *process, const char *name)
{
	return g_environ_getenv((char **)environ_variables(process), name);
}

/* Forks share the environment, until one of them changes it. */
static void test_environ_shared(struct vm_fixture *f, gconstpointer data)
{
	g_assert_cmpint(vm_process_setenv(f->process, "NAME", "parent"), ==, 0);
	struct vm_process *child = fork_of(f->process), *other = fork_of(child);
	g_assert_true(child->environ == f->process->environ);
	g_assert_true(other->environ == f->process->environ);
	g_assert_cmpint(vm_process_setenv(child, "NAME", "child"), ==, 0);
	g_assert_cmpstr(variable(f->process, "NAME"), ==, "parent");
	g_assert_cmpstr(variable(child, "NAME"), ==, "child");
	g_assert_cmpstr(variable(other, "NAME"), ==, "parent");
	g_assert_cmpint(vm_process_setenv(f->process, "NAME", NULL), ==, 0);
	g_assert_null(variable(f->process, "NAME"));
	g_assert_cmpstr(variable(other, "NAME"), ==, "parent");
	end(other);
	end(child);
}

static void test_comm(struct vm_fixture *f, gconstpointer data)
{
	g_assert_cmpint(vm_process_set_comm(f->process, "a name longer than fifteen"), ==, 0);
	g_assert_cmpstr(info_of(f->process).comm, ==, "a name longer t");
	struct vm_process *child = fork_of(f->process);
	g_assert_cmpstr(info_of(child).comm, ==, "a name longer t");
	g_assert_cmpint(vm_process_set_comm(child, ""), ==, 0);
	g_assert_cmpstr(info_of(child).comm, ==, "");
	g_assert_cmpint(vm_process_exit(child, 0), ==, 0);
	g_assert_cmpint(vm_process_set_comm(child, "late"), ==, -ESRCH);
	vm_process_unref(child);
}

/* --- Looking ---------------------------------------------------------------------------------- */

static void test_seek(struct vm_fixture *f, gconstpointer data)
{
	uint64_t stack = VM_USER_END - UINT64_C(0x21000);

	map(f->process, A(1), 2, RW, PRIVATE_ANON);
	map(f->process, A(3), 1, PROT_READ, PRIVATE_ANON);
	g_assert_cmphex((uint64_t)vm_process_seek(f->process, 0, false), ==, A(1));
	g_assert_cmphex((uint64_t)vm_process_seek(f->process, A(1) + 5, false), ==, A(1) + 5);
	g_assert_cmphex((uint64_t)vm_process_seek(f->process, A(4), false), ==, stack);
	g_assert_cmphex((uint64_t)vm_process_seek(f->process, 5, true), ==, 5);
	g_assert_cmphex((uint64_t)vm_process_seek(f->process, A(1) + 5, true), ==, A(4));
	g_assert_cmphex((uint64_t)vm_process_seek(f->process, A(3), true), ==, A(4));
	g_assert_cmphex((uint64_t)vm_process_seek(f->process, stack, true), ==, VM_USER_END);
	g_assert_cmpint(vm_process_seek(f->process, VM_USER_END, false), ==, -ENXIO);
	g_assert_cmpint(vm_process_seek(f->process, VM_USER_END, true), ==, -ENXIO);
	g_assert_cmpint(vm_process_seek(f->process, UINT64_MAX, false), ==, -ENXIO);
}

static void test_sizes(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process_info before = info_of(f->process), info;

	map(f->process, A(0), 10, RW, PRIVATE_ANON);
	map(f->process, A(20), 5, PROT_READ | PROT_EXEC, PRIVATE_ANON);
	map(f->process, A(40), 3, RW, SHARED_ANON);
	fill(f->process, A(0), 4, 'x');
	fill(f->process, A(40), 2, 'x');
	get(f->process, A(5));
	info = info_of(f->process);
	g_assert_cmpuint(info.vm_total - before.vm_total, ==, 18);
	g_assert_cmpuint(info.vm_data - before.vm_data, ==, 10);
	g_assert_cmpuint(info.vm_exec + info.vm_lib, ==, 5);
	g_assert_cmpuint(info.areas - before.areas, ==, 3);
	g_assert_cmpuint(info.rss_anon, ==, 4);
	g_assert_cmpuint(info.rss_shmem, ==, 2);
	g_assert_cmpuint(info.minor_faults, ==, 7);
	g_assert_cmpint(vm_munmap(f->process, A(0), 50 * PAGE), ==, 0);
	info = info_of(f->process);
	g_assert_cmpuint(info.vm_total, ==, before.vm_total);
	g_assert_cmpuint(info.vm_peak, ==, before.vm_total + 18);
	g_assert_cmpuint(info.rss_anon + info.rss_shmem, ==, 0);
	g_assert_cmpuint(info.rss_peak, ==, 6);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/process/spawn", NULL, test_spawn);
	FIXTURE_TEST("/process/table", NULL, test_table);
	FIXTURE_TEST("/process/exit", NULL, test_exit);
	FIXTURE_TEST("/process/kill", NULL, test_kill);
	FIXTURE_TEST("/process/kill-populating", NULL, test_kill_populating);
	FIXTURE_TEST("/process/descriptors", NULL, test_descriptors);
	FIXTURE_TEST("/process/setenv", NULL, test_setenv);
	FIXTURE_TEST("/process/environ-shared", NULL, test_environ_shared);
	FIXTURE_TEST("/process/comm", NULL, test_comm);
	FIXTURE_TEST("/process/seek", NULL, test_seek);
	FIXTURE_TEST("/process/sizes", NULL, test_sizes);
	return g_test_run();
}
