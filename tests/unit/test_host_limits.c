/*
 * test_host_limits.c - limits of the host on the program that the machine runs in. The call that
 * meets one gets its errno, no data are lost, and when there is room again all goes on.
 *
 * Each test runs in a child, where the limit is set. To be subject to the limit on threads, a child
 * of root becomes another user.
 */
#include "tests/fixture/vm_fixture.h"

#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USER = 61184, SKIPPED = 77 };

static void set_limit(int resource, rlim_t soft)
{
	struct rlimit limit;

	g_assert_cmpint(getrlimit(resource, &limit), ==, 0);
	limit.rlim_cur = MIN(soft, limit.rlim_max);
	g_assert_cmpint(setrlimit(resource, &limit), ==, 0);
}

static void become_user(void)
{
	if (getuid() != 0)
		return;
	if (setgroups(0, NULL) != 0 || setresgid(USER, USER, USER) != 0 ||
	    setresuid(USER, USER, USER) != 0)
		_exit(SKIPPED);
}

static void *nothing(void *ctx)
{
	return ctx;
}

/* From now on no thread can be made. */
static void forbid_threads(void)
{
	pthread_t thread;

	set_limit(RLIMIT_NPROC, 0);
	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		_exit(SKIPPED);
}

struct host_limit_test {
	const char *path;
	void (*run)(struct vm_fixture *f);
	uint64_t writeback_centisecs;
};

/* Not g_get_tmp_dir, which remembers the folder, also in the child. */
static const char *tmp_dir(void)
{
	const char *dir = g_getenv("TMPDIR");

	return dir != NULL ? dir : "/tmp";
}

static void run_in_child(gconstpointer data)
{
	const struct host_limit_test *test = data;
	const struct vm_limits limits = {.writeback_centisecs = test->writeback_centisecs};
	/* A folder for files that the user may write to, and that goes with what is left in it. */
	g_autofree char *dir = g_strdup_printf("%s/vasfs-limits-XXXXXX", tmp_dir());
	g_assert_nonnull(mkdtemp(dir));
	g_autofree char *remove = g_strdup_printf("rm -rf %s", dir);
	pid_t child;
	int status;

	g_assert_cmpint(getuid() == 0 ? chown(dir, USER, USER) : 0, ==, 0);
	child = fork();
	if (child == 0) {
		struct vm_fixture f;
		g_setenv("TMPDIR", dir, TRUE);
		become_user();
		signal(SIGXFSZ, SIG_IGN);
		fixture_setup(&f, &limits);
		test->run(&f);
		_exit(0);
	}
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	g_assert_true(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL));
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		g_test_skip("the limit does not hold here");
	else
		g_assert_cmpint(status, ==, 0);
}

/* A file of four pages, mapped shared, with a store to its second page. */
static char *dirty_file(struct vm_fixture *f, const char *name)
{
	char *path = make_file(f, name, 4 * PAGE, 'a');

	map_path(f, f->process, path, O_RDWR, ARENA, 4, RW, MAP_SHARED);
	put(f->process, ARENA + PAGE, 'X');
	return path;
}

/* --- Threads ---------------------------------------------------------------------------------- */

static void test_sync(struct vm_fixture *f)
{
	forbid_threads();
	g_autofree char *path = dirty_file(f, "file");
	g_assert_cmpint(file_byte(path, PAGE), ==, 'b');
	g_assert_cmpint(vm_machine_sync(f->machine), ==, 0);
	g_assert_cmpint(file_byte(path, PAGE), ==, 'X');
	/* Nothing is left to do. */
	g_assert_cmpint(vm_machine_sync(f->machine), ==, 0);
	/* When threads can be made again, they do it. */
	set_limit(RLIMIT_NPROC, RLIM_INFINITY);
	put(f->process, ARENA + PAGE, 'Y');
	g_assert_cmpint(vm_machine_sync(f->machine), ==, 0);
	g_assert_cmpint(file_byte(path, PAGE), ==, 'Y');
	fixture_teardown(f, NULL);
}

/* The pages that a descriptor keeps dirty, too: those of a mapping that is gone go with it. */
static void test_free(struct vm_fixture *f)
{
	forbid_threads();
	g_autofree char *path = dirty_file(f, "file");
	vm_process_unref(f->process);
	g_assert_cmpuint(vm_machine_free(f->machine), ==, 0);
	g_assert_cmpint(file_byte(path, PAGE), ==, 'X');
}

static bool is_written(void *path)
{
	return file_byte(path, PAGE) == 'X';
}

static void test_period(struct vm_fixture *f)
{
	forbid_threads();
	g_autofree char *path = dirty_file(f, "file");
	wait_until(is_written, path);
	fixture_teardown(f, NULL);
}

static void test_new(struct vm_fixture *f)
{
	struct vm_config config;
	GError *error = NULL;

	vm_config_init(&config);
	config.ram = MIB;
	forbid_threads();
	g_assert_null(vm_machine_new(&config, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN);
	g_assert_nonnull(strstr(error->message, "thread"));
	g_error_free(error);
	fixture_teardown(f, NULL);
}

/* --- The size of files ------------------------------------------------------------------------ */

/* The page behind the limit is not written; the one before it is. */
static void check_size(struct vm_fixture *f)
{
	g_autofree char *path = dirty_file(f, "file");

	put(f->process, ARENA + 3 * PAGE, 'Z');
	set_limit(RLIMIT_FSIZE, 2 * PAGE);
	g_assert_cmpint(vm_msync(f->process, ARENA + 3 * PAGE, PAGE, MS_SYNC), ==, -EFBIG);
	g_assert_cmpint(vm_msync(f->process, ARENA, 2 * PAGE, MS_SYNC), ==, 0);
	g_assert_cmpint(file_byte(path, PAGE), ==, 'X');
	put(f->process, ARENA + PAGE, 'Y');
	g_assert_cmpint(vm_machine_sync(f->machine), ==, -EFBIG);
	g_assert_cmpint(file_byte(path, PAGE), ==, 'Y');
	g_assert_cmpint(file_byte(path, 3 * PAGE), ==, 'd');
	g_assert_cmpint(get(f->process, ARENA + 3 * PAGE), ==, 'Z');
	set_limit(RLIMIT_FSIZE, RLIM_INFINITY);
	g_assert_cmpint(vm_machine_sync(f->machine), ==, 0);
	g_assert_cmpint(file_byte(path, 3 * PAGE), ==, 'Z');
}

static void test_size(struct vm_fixture *f)
{
	check_size(f);
	fixture_teardown(f, NULL);
}

static void test_size_without_threads(struct vm_fixture *f)
{
	forbid_threads();
	check_size(f);
	fixture_teardown(f, NULL);
}

/* --- Descriptors ------------------------------------------------------------------------------ */

/* All that exec and names need of /proc is open from the start. */
static void test_descriptors(struct vm_fixture *f)
{
	g_autofree char *path = dirty_file(f, "file");
	struct vm_file *file = open_file(f, path, O_RDONLY);

	set_limit(RLIMIT_NOFILE, 0);
	g_assert_cmpint(open("/dev/null", O_RDONLY), ==, -1);
	g_assert_cmpint(errno, ==, EMFILE);
	g_autofree char *name = vm_file_name(file);
	g_assert_cmpstr(name, ==, path);
	g_assert_cmpint(get(f->process, ARENA + 2 * PAGE), ==, 'c');
	g_assert_cmpint(vm_machine_sync(f->machine), ==, 0);
	struct vm_process *child = fork_of(f->process);
	end(child);
	vm_file_unref(file);
	set_limit(RLIMIT_NOFILE, 1024);
	g_assert_cmpint(file_byte(path, PAGE), ==, 'X');
	fixture_teardown(f, NULL);
}

static const struct host_limit_test tests[] = {
    {"/host-limits/threads/sync", test_sync},
    {"/host-limits/threads/free", test_free},
    {"/host-limits/threads/period", test_period, 1},
    {"/host-limits/threads/new", test_new},
    {"/host-limits/size", test_size},
    {"/host-limits/size/without-threads", test_size_without_threads},
    {"/host-limits/descriptors", test_descriptors},
};

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add_data_func(tests[i].path, &tests[i], run_in_child);
	return g_test_run();
}
