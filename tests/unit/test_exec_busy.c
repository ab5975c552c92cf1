/*
 * test_exec_busy.c - programs that run cannot be opened for writing, and files that are open for
 * writing cannot be run. Each case is put to the engine and to the host's kernel.
 *
 *     test_exec_busy STATIC STATIC_PIE FIXED    (three builds of exec_target.c)
 */
#include "tests/fixture/exec_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOST_TIMEOUT = 30, NO_PTRACE = 126 };

/* program -> ld; script -> interpreter -> ld; other -> ld. All of one page. */
static void write_files(struct exec_fixture *f)
{
	g_autofree char *ld_path = exec_path_of(f, "ld");
	g_autofree char *ld = exec_write_interpreted(f, "ld", ET_DYN, ld_path);
	g_autofree char *program = exec_write_interpreted(f, "program", ET_DYN, ld);
	g_autofree char *interpreter = exec_write_interpreted(f, "interpreter", ET_DYN, ld);
	g_autofree char *other = exec_write_interpreted(f, "other", ET_DYN, ld);
	g_autofree char *line = g_strdup_printf("#!%s\n", interpreter);
	g_autofree char *script = exec_write_text(f, "script", line);
}

/* --- In the engine ---------------------------------------------------------------------------- */

static struct vm_file *engine_open(struct exec_fixture *f, const char *name, int access, int *error)
{
	g_autofree char *path = exec_path_of(f, name);

	return vm_file_new(f->machine, open(path, access | O_CLOEXEC), access, 0, error);
}

/* The errno of opening NAME and closing it again. */
static int engine_try_open(struct exec_fixture *f, const char *name, int access)
{
	int error = 0;
	struct vm_file *file = engine_open(f, name, access, &error);

	if (file != NULL)
		vm_file_unref(file);
	return error;
}

static int engine_exec(struct exec_fixture *f, const char *name)
{
	g_autofree char *path = exec_path_of(f, name);

	return exec_path(f, path);
}

/* --- On the host ------------------------------------------------------------------------------ */

static void host_child(const char *path)
{
	char *const argv[] = {(char *)path, NULL};

	alarm(HOST_TIMEOUT);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(NO_PTRACE);
	execve(path, argv, argv + 1);
	_exit(errno);
}

/*
 * Run NAME, and stop it at its first instruction. Returns its pid, or a negative errno; -NO_PTRACE
 * where ptrace is not allowed.
 */
static int host_exec(struct exec_fixture *f, const char *name)
{
	g_autofree char *path = exec_path_of(f, name);
	pid_t pid = fork();
	int status;

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		host_child(path);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	if (WIFEXITED(status))
		return -WEXITSTATUS(status);
	g_assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	return pid;
}

static void host_stop(int pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int host_open(struct exec_fixture *f, const char *name, int access)
{
	g_autofree char *path = exec_path_of(f, name);
	int fd = open(path, access | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

/* Whether the host can be compared with. Linux 6.11 and 6.12 let programs be written. */
static bool host_compares(struct exec_fixture *f)
{
	int fd = host_open(f, "program", O_RDWR), pid = host_exec(f, "program");

	close(fd);
	host_stop(pid);
	if (pid != -ETXTBSY)
		g_test_message("the engine only: the host lets programs be written, or no ptrace");
	return pid == -ETXTBSY;
}

/* --- Open, then exec -------------------------------------------------------------------------- */

static void test_open_first(struct exec_fixture *f, gconstpointer data)
{
	static const struct {
		const char *opened;
		int access;
		const char *run;
		int error;
	} rows[] = {
	    {"program", O_RDWR, "program", -ETXTBSY}, {"program", O_WRONLY, "program", -ETXTBSY},
	    {"program", O_RDONLY, "program", 0},      {"program", O_RDWR, "other", 0},
	    {"ld", O_RDWR, "program", -ETXTBSY},      {"ld", O_RDONLY, "program", 0},
	    {"script", O_WRONLY, "script", -ETXTBSY}, {"interpreter", O_WRONLY, "script", -ETXTBSY},
	    {"ld", O_WRONLY, "script", -ETXTBSY},
	};

	write_files(f);
	bool compares = host_compares(f);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		int error = 0;
		struct vm_file *file = engine_open(f, rows[i].opened, rows[i].access, &error);
		g_assert_nonnull(file);
		g_assert_cmpint(engine_exec(f, rows[i].run), ==, rows[i].error);
		vm_file_unref(file);
		g_assert_cmpint(engine_exec(f, rows[i].run), ==, 0);
		/* The next row opens other files. */
		g_assert_cmpint(exec_path(f, exec_targets[0]), ==, 0);
		if (!compares)
			continue;
		int fd = host_open(f, rows[i].opened, rows[i].access);
		int pid = host_exec(f, rows[i].run);
		g_assert_cmpint(MIN(pid, 0), ==, rows[i].error);
		host_stop(pid);
		close(fd);
	}
}

/* --- Exec, then open -------------------------------------------------------------------------- */

static void test_exec_first(struct exec_fixture *f, gconstpointer data)
{
	static const struct {
		const char *run, *opened;
		int access, error;
	} rows[] = {
	    {"program", "program", O_RDWR, -ETXTBSY},
	    {"program", "program", O_WRONLY, -ETXTBSY},
	    {"program", "program", O_RDONLY, 0},
	    {"program", "ld", O_RDWR, 0},
	    {"program", "other", O_RDWR, 0},
	    {"script", "script", O_RDWR, 0},
	    {"script", "interpreter", O_RDWR, -ETXTBSY},
	};

	write_files(f);
	bool compares = host_compares(f);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_cmpint(engine_exec(f, rows[i].run), ==, 0);
		g_assert_cmpint(engine_try_open(f, rows[i].opened, rows[i].access), ==,
		                rows[i].error);
		g_assert_cmpint(exec_path(f, exec_targets[0]), ==, 0);
		g_assert_cmpint(engine_try_open(f, rows[i].opened, rows[i].access), ==, 0);
		if (!compares)
			continue;
		int pid = host_exec(f, rows[i].run);
		g_assert_cmpint(pid, >, 0);
		int fd = host_open(f, rows[i].opened, rows[i].access);
		g_assert_cmpint(MIN(fd, 0), ==, rows[i].error);
		host_stop(pid);
		close(fd);
	}
}

/* --- Who runs it, and how long ---------------------------------------------------------------- */

static void test_families(struct exec_fixture *f, gconstpointer data)
{
	struct vm_cred cred = vm_process_cred(f->process);
	int error = 0;

	write_files(f);
	g_assert_cmpint(engine_exec(f, "program"), ==, 0);
	struct vm_process *child = vm_fork(f->process, &cred, &error);
	g_assert_nonnull(child);
	g_assert_cmpint(engine_exec(f, "other"), ==, 0);
	/* The child runs it still. */
	g_assert_cmpint(engine_try_open(f, "program", O_RDWR), ==, -ETXTBSY);
	/* An exec that fails changes nothing. */
	g_assert_cmpint(engine_exec(f, "missing"), ==, -ENOENT);
	g_assert_cmpint(engine_try_open(f, "other", O_RDWR), ==, -ETXTBSY);
	/* What runs can be run again. */
	g_assert_cmpint(engine_exec(f, "program"), ==, 0);
	g_assert_cmpint(engine_exec(f, "other"), ==, 0);
	g_assert_cmpint(vm_process_exit(child, 0), ==, 0);
	g_assert_cmpint(engine_try_open(f, "program", O_RDWR), ==, 0);
	vm_process_unref(child);
}

/* A mapping keeps the file open for writing when its descriptor is closed. */
static void test_mapping(struct exec_fixture *f, gconstpointer data)
{
	int error = 0;

	write_files(f);
	struct vm_file *file = engine_open(f, "program", O_RDWR, &error);
	int64_t at =
	    vm_mmap(f->process, 0, VM_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	g_assert_cmpint(at, >, 0);
	vm_file_unref(file);
	g_assert_cmpint(engine_exec(f, "program"), ==, -ETXTBSY);
	g_assert_cmpint(vm_mprotect(f->process, (uint64_t)at, VM_PAGE_SIZE, PROT_READ), ==, 0);
	g_assert_cmpint(engine_exec(f, "program"), ==, -ETXTBSY);
	g_assert_cmpint(vm_munmap(f->process, (uint64_t)at, VM_PAGE_SIZE), ==, 0);
	g_assert_cmpint(engine_exec(f, "program"), ==, 0);
}

/* --- At the same time ------------------------------------------------------------------------- */

struct race {
	struct exec_fixture *f;
	int running; /* atomic: the program surely runs */
	int ended;   /* atomic */
	int written; /* times it was opened for writing */
};

static void *write_again_and_again(void *ctx)
{
	struct race *race = ctx;
	int error = 0;

	while (!g_atomic_int_get(&race->ended)) {
		struct vm_file *file = engine_open(race->f, "program", O_RDWR, &error);
		if (file == NULL) {
			g_assert_cmpint(error, ==, -ETXTBSY);
			continue;
		}
		g_assert_false(g_atomic_int_get(&race->running));
		sched_yield();
		g_assert_false(g_atomic_int_get(&race->running));
		vm_file_unref(file);
		race->written++;
	}
	return NULL;
}

/* Of an exec and an open for writing that meet, one fails. */
static void test_threads(struct exec_fixture *f, gconstpointer data)
{
	struct race race = {.f = f};
	pthread_t writer;
	int run = 0;

	write_files(f);
	g_assert_cmpint(pthread_create(&writer, NULL, write_again_and_again, &race), ==, 0);
	for (int i = 0; i < 500; i++) {
		int error = engine_exec(f, "program");
		g_assert_true(error == 0 || error == -ETXTBSY);
		if (error != 0)
			continue;
		g_atomic_int_set(&race.running, true);
		sched_yield();
		g_atomic_int_set(&race.running, false);
		g_assert_cmpint(engine_exec(f, "other"), ==, 0);
		run++;
	}
	g_atomic_int_set(&race.ended, true);
	pthread_join(writer, NULL);
	g_test_message("run %d times, written %d times", run, race.written);
}

int main(int argc, char **argv)
{
	static const struct exec_test tests[] = {
	    {"/exec-busy/open-first", test_open_first}, {"/exec-busy/exec-first", test_exec_first},
	    {"/exec-busy/families", test_families},     {"/exec-busy/mapping", test_mapping},
	    {"/exec-busy/threads", test_threads},
	};

	exec_begin(argc, argv, tests, G_N_ELEMENTS(tests));
	return g_test_run();
}
