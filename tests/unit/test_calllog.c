/*
 * test_calllog.c - system calls as strace prints them, and the ring that keeps the lines. No
 * processor is needed: a call is its number, its arguments, and what it answered.
 */
#include "fs/run/calllog.h"
#include "fs/run/syscall.h"
#include "tests/fixture/vm_fixture.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

struct scene {
	struct vm_fixture vm;
	struct program program;
	uint64_t next; /* where the next bytes go */
};

static void set_up(struct scene *s, gconstpointer unused)
{
	fixture_setup(&s->vm, NULL);
	g_assert_cmpint(
	    vm_mmap(s->vm.process, ARENA, 16 * PAGE, RW, PRIVATE_ANON | MAP_FIXED, NULL, 0), ==,
	    ARENA);
	s->next = ARENA;
	s->program.process = s->vm.process;
	call_log_init(&s->program.log);
}

static void tear_down(struct scene *s, gconstpointer unused)
{
	call_log_clear(&s->program.log);
	fixture_teardown(&s->vm, NULL);
}

/* Store LEN bytes in the memory of the program. Returns where. */
static uint64_t store(struct scene *s, const void *bytes, size_t len)
{
	uint64_t at = s->next;

	g_assert_cmpint(vm_write(s->vm.process, at, bytes, len), ==, (ssize_t)len);
	s->next += (len + 15) / 16 * 16;
	return at;
}

static uint64_t text(struct scene *s, const char *string)
{
	return store(s, string, strlen(string) + 1);
}

/* The line of call NUMBER with the six arguments ARG, which answered RESULT. */
static char *line_of(struct scene *s, uint64_t number, const uint64_t *arg, int64_t result)
{
	struct call call = {.program = &s->program,
	                    .process = s->vm.process,
	                    .number = number,
	                    .row = call_row_find(number)};
	GString *line = g_string_new(NULL);

	memcpy(call.arg, arg, sizeof(call.arg));
	call_log_note(&call, result);
	call_log_show(&s->program.log, line);
	call_log_clear(&s->program.log);
	call_log_init(&s->program.log);
	return g_string_free(line, FALSE);
}

#define SHOWS(s, wanted, number, result, ...) \
	do { \
		const uint64_t arg_[6] = {__VA_ARGS__}; \
		g_autofree char *line_ = line_of(s, number, arg_, result); \
		g_assert_cmpstr(line_, ==, wanted "\n"); \
	} while (0)

#define MINUS_ONE ((uint64_t)-1)

static void test_files(struct scene *s, gconstpointer unused)
{
	uint64_t cache = text(s, "/etc/ld.so.cache"), elf, plain, odd;

	elf = store(s, "\177ELF\2\1\1\3\0\0\0\0\0\0\0\0\3\0>\0\1\0\0\0\20t\2\0\0\0\0\0more", 36);
	plain = text(s, "twelve bytes");
	odd = text(s, "a\"b\\c\n\001"
	              "1\001x\377");
	SHOWS(s, "openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 3", SYS_openat, 3,
	      (uint32_t)AT_FDCWD, cache, O_RDONLY | O_CLOEXEC, 0x777);
	SHOWS(s, "openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY) = 3", SYS_openat, 3,
	      (uint64_t)AT_FDCWD, cache);
	SHOWS(s,
	      "openat(5, \"/etc/ld.so.cache\", O_WRONLY|O_CREAT|O_TRUNC, 0644) = -1 EACCES "
	      "(Permission denied)",
	      SYS_openat, -EACCES, 5, cache, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	SHOWS(s,
	      "read(3, \"\\177ELF\\2\\1\\1\\3\\0\\0\\0\\0\\0\\0\\0\\0\\3\\0>\\0\\1\\0\\0\\0\\20t"
	      "\\2\\0\\0\\0\\0\\0\"..., 832) = 36",
	      SYS_read, 36, 3, elf, 832);
	SHOWS(s, "read(0, \"twel\", 100) = 4", SYS_read, 4, 0, plain, 100);
	SHOWS(s, "read(0, \"\", 100) = 0", SYS_read, 0, 0, plain, 100);
	SHOWS(s, "read(0, 0x60, 100) = -1 EIO (Input/output error)", SYS_read, -EIO, 0, 0x60, 100);
	SHOWS(s, "write(1, \"a\\\"b\\\\c\\n\\0011\\1x\\377\", 11) = 11", SYS_write, 11, 1, odd, 11);
	SHOWS(s, "write(1, 0x10, 3) = -1 EFAULT (Bad address)", SYS_write, -EFAULT, 1, 0x10, 3);
	SHOWS(s, "access(\"/etc/ld.so.cache\", R_OK) = -1 ENOENT (No such file or directory)",
	      SYS_access, -ENOENT, cache, R_OK);
	SHOWS(s, "access(\"/etc/ld.so.cache\", F_OK) = 0", SYS_access, 0, cache, F_OK);
	SHOWS(s, "lseek(3, -5, SEEK_END) = 4294967295", SYS_lseek, 4294967295, 3, (uint64_t)-5,
	      SEEK_END);
	SHOWS(s, "lseek(3, 4294967295, SEEK_SET) = 4294967295", SYS_lseek, 4294967295, 3,
	      4294967295, SEEK_SET);
	SHOWS(s, "newfstatat(3, \"\", 0x20001000, AT_EMPTY_PATH) = 0", SYS_newfstatat, 0, 3,
	      text(s, ""), 0x20001000, AT_EMPTY_PATH);
	SHOWS(s, "ioctl(1, TCGETS, 0x7ffd0000) = -1 ENOTTY (Inappropriate ioctl for device)",
	      SYS_ioctl, -ENOTTY, 1, TCGETS, 0x7ffd0000);
	SHOWS(s, "fcntl(0, F_DUPFD_CLOEXEC, 0xa) = 10", SYS_fcntl, 10, 0, F_DUPFD_CLOEXEC, 10);
	SHOWS(s, "pipe2(0x20000100, 0) = 0", SYS_pipe2, 0, 0x20000100, 0);
	SHOWS(s, "pipe2(0x20000100, O_CLOEXEC) = 0", SYS_pipe2, 0, 0x20000100, O_CLOEXEC);
	SHOWS(s, "umask(022) = 2", SYS_umask, 2, 022);
	SHOWS(s, "umask(000) = 18", SYS_umask, 18, 0);
}

static void test_memory(struct scene *s, gconstpointer unused)
{
	SHOWS(s,
	      "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = "
	      "0x7ffff7fbd000",
	      SYS_mmap, 0x7ffff7fbd000, 0, 8192, PROT_READ | PROT_WRITE,
	      MAP_PRIVATE | MAP_ANONYMOUS, MINUS_ONE, 0);
	SHOWS(s,
	      "mmap(0x7f61c9edf000, 1400832, PROT_READ|PROT_EXEC, "
	      "MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE, 3, 0x26000) = 0x7f61c9edf000",
	      SYS_mmap, 0x7f61c9edf000, 0x7f61c9edf000, 1400832, PROT_READ | PROT_EXEC,
	      MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE, 3, 0x26000);
	SHOWS(s, "mprotect(0x1000, 4096, PROT_NONE) = 0", SYS_mprotect, 0, 0x1000, 4096, PROT_NONE);
	SHOWS(s, "brk(NULL) = 0x555555559000", SYS_brk, 0x555555559000, 0);
	SHOWS(s, "madvise(0x1000, 4096, MADV_DONTNEED) = 0", SYS_madvise, 0, 0x1000, 4096,
	      MADV_DONTNEED);
	SHOWS(s, "madvise(0x1000, 4096, 0x4d2 /* MADV_??? */) = -1 EINVAL (Invalid argument)",
	      SYS_madvise, -EINVAL, 0x1000, 4096, 1234);
	SHOWS(s, "munmap(0x1000, 4096) = 0", SYS_munmap, 0, 0x1000, 4096);
}

static void test_processes(struct scene *s, gconstpointer unused)
{
	const uint64_t argv[] = {text(s, "ls"), text(s, "/a \"b\""), 0};
	const uint64_t envp[] = {text(s, "A=1"), 0};
	const uint64_t argv_at = store(s, argv, sizeof(argv));
	const uint64_t envp_at = store(s, envp, sizeof(envp));
	int exited = 3 << 8, killed = SIGSEGV;

	/* It is at 0x20000050: the strings take 16 bytes each, and the vectors 32 and 16. */
	SHOWS(s, "execve(\"ls\", [\"ls\", \"/a \\\"b\\\"\"], 0x20000050 /* 1 var */) = 0",
	      SYS_execve, CALL_REGS_SET, argv[0], argv_at, envp_at);
	SHOWS(s,
	      "clone(CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, NULL, NULL, 0x10, NULL) = 7",
	      SYS_clone, 7, CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD, 0, 0, 0x10, 0);
	SHOWS(s, "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 7", SYS_wait4, 7,
	      UINT32_MAX, store(s, &exited, sizeof(exited)), 0, 0);
	SHOWS(s, "wait4(7, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV}], 0, NULL) = 7", SYS_wait4,
	      7, 7, store(s, &killed, sizeof(killed)), 0, 0);
	SHOWS(s, "wait4(-1, 0x20000080, 0, NULL) = -1 ECHILD (No child processes)", SYS_wait4,
	      -ECHILD, MINUS_ONE, 0x20000080, 0, 0);
	SHOWS(s, "wait4(-1, NULL, 0, NULL) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)",
	      SYS_wait4, -ERESTARTSYS, MINUS_ONE, 0, 0, 0);
	SHOWS(s, "prlimit64(0, RLIMIT_STACK, NULL, 0x20) = 0", SYS_prlimit64, 0, 0, RLIMIT_STACK, 0,
	      0x20);
	SHOWS(s, "futex(0x20, FUTEX_WAKE_PRIVATE, 2147483647, NULL) = 0", SYS_futex, 0, 0x20,
	      FUTEX_WAKE_PRIVATE, INT32_MAX, 0);
	SHOWS(s, "arch_prctl(ARCH_SET_FS, 0x7f61c9eb6740) = 0", SYS_arch_prctl, 0, 0x1002,
	      0x7f61c9eb6740);
	SHOWS(s, "exit_group(0) = ?", SYS_exit_group, 0, 0);
}

static void test_signals(struct scene *s, gconstpointer unused)
{
	const int64_t second[2] = {1, 500};
	const uint64_t some = 1u << (SIGINT - 1) | 1u << (SIGCHLD - 1), most = ~(UINT64_C(3) << 31);

	SHOWS(s, "kill(-1, SIGTERM) = 0", SYS_kill, 0, UINT32_MAX, SIGTERM);
	SHOWS(s, "kill(12, 0) = 0", SYS_kill, 0, 12, 0);
	SHOWS(s, "rt_sigprocmask(SIG_BLOCK, [INT CHLD], NULL, 8) = 0", SYS_rt_sigprocmask, 0,
	      SIG_BLOCK, store(s, &some, sizeof(some)), 0, 8);
	SHOWS(s, "rt_sigprocmask(SIG_SETMASK, ~[RTMIN RT_1], NULL, 8) = 0", SYS_rt_sigprocmask, 0,
	      SIG_SETMASK, store(s, &most, sizeof(most)), 0, 8);
	SHOWS(s, "clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=1, tv_nsec=500}, NULL) = 0",
	      SYS_clock_nanosleep, 0, CLOCK_REALTIME, 0, store(s, second, sizeof(second)), 0);
}

static void test_unknown(struct scene *s, gconstpointer unused)
{
	SHOWS(s,
	      "syscall_0x1ff(0x1, 0x0, 0x0, 0x0, 0x0, 0xffffffffffffffff) = -1 ENOSYS "
	      "(Function not implemented)",
	      0x1ff, -ENOSYS, 1, 0, 0, 0, 0, MINUS_ONE);
	SHOWS(s,
	      "syscall_0xffffffffffffffff(0x0, 0x0, 0x0, 0x0, 0x0, 0x0) = -1 ENOSYS "
	      "(Function not implemented)",
	      MINUS_ONE, -ENOSYS, 0);
}

/* What a program points to may be nowhere, without an end, or very long. */
static void test_hostile(struct scene *s, gconstpointer unused)
{
	const uint64_t end = ARENA + 16 * PAGE;
	g_autofree char *much = g_strnfill(5000, 'a');
	g_autofree char *shown = g_strnfill(256, 'a');
	g_autofree char *wanted =
	    g_strdup_printf("chdir(\"%s\"...) = -1 ENAMETOOLONG (File name too long)\n", shown);
	const uint64_t path[6] = {text(s, much)};
	uint64_t vector[100];

	g_autofree char *line = line_of(s, SYS_chdir, path, -ENAMETOOLONG);
	g_assert_cmpstr(line, ==, wanted);
	g_assert_cmpint(vm_write(s->vm.process, end - 3, "abc", 3), ==, 3);
	SHOWS(s, "chdir(0x2000fffd) = -1 EFAULT (Bad address)", SYS_chdir, -EFAULT, end - 3);
	SHOWS(s, "chdir(0xffffffffffffffff) = -1 EFAULT (Bad address)", SYS_chdir, -EFAULT,
	      MINUS_ONE);
	SHOWS(s, "chdir(NULL) = -1 EFAULT (Bad address)", SYS_chdir, -EFAULT, 0);
	SHOWS(s, "write(1, 0x2000fffd, 4) = -1 EFAULT (Bad address)", SYS_write, -EFAULT, 1,
	      end - 3, 4);
	for (size_t i = 0; i < G_N_ELEMENTS(vector); i++)
		vector[i] = path[0];
	const uint64_t exec[6] = {path[0], store(s, vector, sizeof(vector)), 0};
	g_autofree char *long_line = line_of(s, SYS_execve, exec, -E2BIG);
	g_assert_cmpuint(strlen(long_line), <, 2000);
	g_assert_nonnull(strstr(long_line, ", ...], NULL) = -1 E2BIG"));
}

/* An execve notes its arguments before it replaces them. */
static void test_early(struct scene *s, gconstpointer unused)
{
	struct call call = {.program = &s->program,
	                    .process = s->vm.process,
	                    .number = SYS_execve,
	                    .row = call_row_find(SYS_execve),
	                    .arg = {text(s, "/bin/ls")}};
	g_autoptr(GString) shown = g_string_new(NULL);

	call_log_arguments(&call);
	vm_write(s->vm.process, call.arg[0], "new", 4);
	call_log_note(&call, CALL_REGS_SET);
	g_assert_null(call.text);
	call_log_show(&s->program.log, shown);
	g_assert_cmpstr(shown->str, ==, "execve(\"/bin/ls\", NULL, NULL) = 0\n");
}

static void test_ring(struct scene *s, gconstpointer unused)
{
	g_autoptr(GString) shown = g_string_new(NULL);

	for (int i = 0; i < CALL_LOG + 10; i++) {
		g_autofree char *line = g_strdup_printf("%d", i);
		call_log_line(&s->program.log, line);
	}
	call_log_show(&s->program.log, shown);
	g_auto(GStrv) lines = g_strsplit(shown->str, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, CALL_LOG + 1);
	g_assert_cmpstr(lines[0], ==, "10");
	g_assert_cmpstr(lines[CALL_LOG - 1], ==, "521");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*run)(struct scene *s, gconstpointer unused);
	} cases[] = {
	    {"/calllog/files", test_files},         {"/calllog/memory", test_memory},
	    {"/calllog/processes", test_processes}, {"/calllog/signals", test_signals},
	    {"/calllog/unknown", test_unknown},     {"/calllog/hostile", test_hostile},
	    {"/calllog/early", test_early},         {"/calllog/ring", test_ring},
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		g_test_add(cases[i].path, struct scene, NULL, set_up, cases[i].run, tear_down);
	return g_test_run();
}
