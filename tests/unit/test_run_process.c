/*
 * test_run_process.c - programs as processes: fork, exec, waiting, zombies, families, groups,
 * limits, clocks, futexes; and what the texts of a process say of them.
 */
#include "fs/text/render.h"
#include "tests/fixture/run_fixture.h"
#include "util/nanoseconds.h"

#include <asm/prctl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum {
	NR_CLONE = 56,
	NR_FORK = 57,
	NR_VFORK = 58,
	NR_EXECVE = 59,
	NR_EXIT = 60,
	NR_WAIT4 = 61,
	NR_GETRLIMIT = 97,
	NR_SETUID = 105,
	NR_SETPGID = 109,
	NR_GETPPID = 110,
	NR_SETSID = 112,
	NR_GETPGID = 121,
	NR_PRCTL = 157,
	NR_ARCH_PRCTL = 158,
	NR_SETRLIMIT = 160,
	NR_FUTEX = 202,
	NR_CLOCK_GETTIME = 228,
	NR_WAITID = 247,
	NR_PRLIMIT64 = 302,
	NR_GETRANDOM = 318,
};

#define DATA (RUN_MEMORY + 0x800)

static int64_t wait_for(struct program *program, int64_t pid, unsigned options, int *status)
{
	int64_t result = run_call(program, NR_WAIT4, (uint64_t)pid, DATA, options, 0);

	if (result > 0)
		run_get(program, DATA, status, sizeof *status);
	return result;
}

static struct vm_process *find(struct run_fixture *f, pid_t pid)
{
	struct vm_process *process = vm_process_find(f->mount.machine, pid);

	if (process != NULL)
		vm_process_unref(process);
	return process;
}

/* PROGRAM calls exit with STATUS, and does so. */
static void leave(struct program *program, uint64_t status)
{
	g_assert_true(run_call(program, NR_EXIT, status) == CALL_REGS_SET);
	g_assert_false(signal_return_to_user(program, CALL_REGS_SET));
	g_assert_cmpint(program->state, ==, PROGRAM_ENDED);
}

/* --- fork and wait ---------------------------------------------------------------------------- */

static void test_fork(struct run_fixture *f, gconstpointer data)
{
	struct program *child;
	int status = 0, value = 5;

	run_put(f->program, DATA + 64, &value, sizeof value);
	run_regs(f->program)->rax = 57, run_regs(f->program)->rbx = 9;
	g_assert_cmpint(wait_for(f->program, -1, 0, &status), ==, -ECHILD);
	child = run_fork(f->program);
	g_assert_cmphex(run_regs(child)->rax, ==, 0);
	g_assert_cmphex(run_regs(child)->rbx, ==, 9);
	g_assert_cmpint(run_call(child, NR_GETPPID), ==, f->program->pid);
	value = 6;
	run_put(f->program, DATA + 64, &value, sizeof value);
	run_get(child, DATA + 64, &value, sizeof value);
	g_assert_cmpint(value, ==, 5);
	g_assert_cmpint(wait_for(f->program, -1, WNOHANG, &status), ==, 0);
	g_assert_true(wait_for(f->program, -1, 0, &status) == CALL_SLEEPS);
	leave(child, 0x107);
	run_resume(f->program);
	/* Ignored by default, so it does not interrupt the wait. */
	g_assert_cmphex(f->program->signals.pending, ==, 0);
	g_assert_cmpint(wait_for(f->program, -1, 0, &status), ==, child->pid);
	g_assert_cmphex(status, ==, 0x700);
	g_assert_null(find(f, child->pid));
	g_assert_cmpint(wait_for(f->program, -1, 0, &status), ==, -ECHILD);
	program_unref(child);
}

static void test_wait_statuses(struct run_fixture *f, gconstpointer data)
{
	struct program *child = run_fork(f->program);
	siginfo_t info;
	int status;

	run_handle(f->program, SIGCHLD, 0x401234, 0, 0);
	run_signal(child, SIGSTOP);
	g_assert_false(signal_return_to_user(child, CALL_REGS_SET));
	g_assert_cmpint(f->program->signals.info[SIGCHLD - 1].si_code, ==, CLD_STOPPED);
	g_assert_cmpint(f->program->signals.info[SIGCHLD - 1].si_status, ==, SIGSTOP);
	g_assert_cmpint(wait_for(f->program, -1, WNOHANG, &status), ==, 0);
	g_assert_cmpint(wait_for(f->program, -1, WUNTRACED, &status), ==, child->pid);
	g_assert_cmphex(status, ==, SIGSTOP << 8 | 0x7f);
	g_assert_cmpint(wait_for(f->program, -1, WUNTRACED | WNOHANG, &status), ==, 0);
	run_signal(child, SIGCONT);
	g_assert_cmpint(wait_for(f->program, child->pid, WCONTINUED, &status), ==, child->pid);
	g_assert_cmphex(status, ==, 0xffff);
	run_resume(child);
	run_signal(child, SIGTERM);
	g_assert_false(signal_return_to_user(child, CALL_REGS_SET));
	/* waitid, first without taking it */
	g_assert_cmpint(run_call(f->program, NR_WAITID, P_PID, (uint64_t)child->pid, DATA + 64,
	                         WEXITED | WNOWAIT),
	                ==, 0);
	run_get(f->program, DATA + 64, &info, 28);
	g_assert_cmpint(info.si_code, ==, CLD_KILLED);
	g_assert_cmpint(info.si_status, ==, SIGTERM);
	g_assert_cmpint(wait_for(f->program, -child->group, 0, &status), ==, child->pid);
	g_assert_cmphex(status, ==, SIGTERM);
	program_unref(child);
}

/* A parent that ignores SIGCHLD, or does not want zombies, has none. */
static void test_no_zombies(struct run_fixture *f, gconstpointer data)
{
	struct program *child;
	int status;

	run_handle(f->program, SIGCHLD, (uintptr_t)SIG_IGN, 0, 0);
	child = run_fork(f->program);
	leave(child, 0);
	g_assert_null(find(f, child->pid));
	program_unref(child);
	run_handle(f->program, SIGCHLD, 0x401234, SA_NOCLDWAIT, 0);
	child = run_fork(f->program);
	g_assert_true(wait_for(f->program, -1, 0, &status) == CALL_SLEEPS);
	leave(child, 0);
	run_resume(f->program);
	g_assert_null(find(f, child->pid));
	g_assert_cmphex(f->program->signals.pending, ==, signal_bit(SIGCHLD));
	g_assert_cmpint(wait_for(f->program, -1, 0, &status), ==, -ECHILD);
	program_unref(child);
}

static void test_orphans(struct run_fixture *f, gconstpointer data)
{
	struct program *child = run_fork(f->program), *zombie = run_fork(child),
	               *living = run_fork(child), *waits = run_fork(child);

	g_assert_cmpint(run_call(waits, NR_PRCTL, PR_SET_PDEATHSIG, SIGUSR1), ==, 0);
	leave(zombie, 1);
	g_assert_true(find(f, zombie->pid) == zombie->process);
	leave(child, 0);
	g_assert_null(find(f, zombie->pid));
	g_assert_true(find(f, child->pid) == child->process);
	g_assert_cmpint(run_call(living, NR_GETPPID), ==, 0);
	g_assert_cmphex(waits->signals.pending, ==, signal_bit(SIGUSR1));
	leave(living, 0);
	g_assert_null(find(f, living->pid));
	/* Without a parent that is a program it stays, for a reader of PID/wait. */
	leave(f->program, 3);
	g_assert_true(find(f, f->program->pid) == f->program->process);
	run_lock(f->run);
	program_release_locked(f->program);
	run_unlock(f->run);
	g_assert_null(find(f, f->program->pid));
	g_assert_cmpint(f->program->status, ==, 3 << 8);
	program_unref(child);
	program_unref(zombie);
	program_unref(living);
	program_unref(waits);
}

static void test_vfork(struct run_fixture *f, gconstpointer data)
{
	const uint64_t vector[] = {DATA, 0};

	run_put(f->program, DATA, "/bin/true", 10);
	run_put(f->program, DATA + 64, vector, sizeof vector);
	run_regs(f->program)->orig_rax = NR_VFORK;
	g_assert_true(run_call(f->program, NR_VFORK) == CALL_SLEEPS);
	run_lock(f->run);
	struct program *child = program_ref(f->program->vfork_child);
	run_unlock(f->run);
	run_resume(child);
	/* No signal but SIGKILL ends that. */
	run_handle(child, SIGUSR2, 0x401234, 0, 0);
	run_signal(f->program, SIGTERM);
	g_assert_cmpint(f->program->state, ==, PROGRAM_BLOCKED);
	g_assert_cmpint(run_call(child, NR_EXECVE, DATA, DATA + 64, 0), ==, 0);
	run_resume(f->program);
	g_assert_cmpint(run_call(f->program, NR_VFORK), ==, child->pid);
	g_assert_true(signal_pending_locked(f->program));
	/* The new program: its handlers are gone, it begins where ld.so does. */
	struct vm_process_info info;
	vm_process_info(child->process, &info);
	g_assert_true(info.kernel_only);
	g_assert_cmphex(run_regs(child)->rip, ==, info.layout.pc);
	g_assert_cmphex(run_regs(child)->rsp, ==, info.layout.sp);
	g_assert_cmphex(child->signals.action[SIGUSR2 - 1].handler, ==, 0);
	g_assert_cmpint(run_call(f->program, NR_SETPGID, (uint64_t)child->pid, 0), ==, -EACCES);
	program_unref(child);
}

static void test_exec_errors(struct run_fixture *f, gconstpointer data)
{
	const uint64_t vector[] = {0x1000, 0};

	run_put(f->program, DATA, "/nowhere", 9);
	run_put(f->program, DATA + 64, vector, sizeof vector);
	g_assert_cmpint(run_call(f->program, NR_EXECVE, DATA, 0, 0), ==, -ENOENT);
	g_assert_cmpint(run_call(f->program, NR_EXECVE, DATA, DATA + 64, 0), ==, -EFAULT);
	g_assert_cmpint(run_call(f->program, NR_EXECVE, 0x1000, 0, 0), ==, -EFAULT);
	g_assert_cmpint(run_call(f->program, NR_CLONE, 0x10100), ==, -EINVAL);
	g_assert_cmpint(run_call(f->program, NR_CLONE, 0x10f00), ==, -ENOSYS);
}

/* --- Ends from outside ------------------------------------------------------------------------ */

static void test_killed(struct run_fixture *f, gconstpointer data)
{
	struct program *child = run_fork(f->program);
	int status;

	/* As the OOM killer does. */
	g_assert_cmpint(vm_process_kill(child->process, SIGKILL), ==, 0);
	g_assert_cmpint(child->state, ==, PROGRAM_ENDED);
	g_assert_false(vm_process_alive(child->process));
	g_assert_cmpint(vm_process_kill(child->process, SIGTERM), ==, 0);
	g_assert_cmpint(vm_process_exit(child->process, 0), ==, -ESRCH);
	g_assert_cmpint(wait_for(f->program, -1, 0, &status), ==, child->pid);
	g_assert_cmphex(status, ==, SIGKILL);
	g_assert_cmpint(vm_process_kill(child->process, SIGTERM), ==, -ESRCH);
	program_unref(child);
}

static void test_texts(struct run_fixture *f, gconstpointer data)
{
	const struct fs_caller caller = {.uid = RUN_USER, .gid = RUN_USER};
	g_autoptr(GString) text = g_string_new(NULL);
	struct program *child = run_fork(f->program);
	struct vm_machine_info machine;

	child->signals.blocked = signal_bit(SIGHUP);
	run_handle(child, SIGUSR1, 0x401234, 0, 0);
	g_assert_cmpint(view_status(text, &f->mount, child->process, &caller), ==, 0);
	g_assert_nonnull(strstr(text->str, "State:\tR (running)\n"));
	g_assert_nonnull(strstr(text->str, "NSpgid:\t1\nNSsid:\t1\n"));
	g_assert_nonnull(strstr(text->str, "SigBlk:\t0000000000000001\n"));
	g_assert_nonnull(strstr(text->str, "SigCgt:\t0000000000000200\n"));
	run_signal(child, SIGSTOP);
	g_assert_false(signal_return_to_user(child, CALL_REGS_SET));
	g_string_truncate(text, 0);
	g_assert_cmpint(view_stat(text, &f->mount, child->process, &caller), ==, 0);
	g_assert_true(g_str_has_prefix(text->str, "2 (true) T 1 1 1 0 -1 0 "));
	g_autofree char *sp = g_strdup_printf(" %lu ", (unsigned long)RUN_STACK);
	g_assert_nonnull(strstr(text->str, sp));
	program_exit(child, SIGKILL);
	g_string_truncate(text, 0);
	g_assert_cmpint(view_status(text, &f->mount, child->process, &caller), ==, 0);
	g_assert_nonnull(strstr(text->str, "State:\tZ (zombie)\n"));
	g_assert_null(strstr(text->str, "Vm"));
	g_string_truncate(text, 0);
	g_assert_cmpint(render_statm(text, &f->mount, child->process), ==, 0);
	g_assert_cmpstr(text->str, ==, "0 0 0 0 0 0 0\n");
	g_string_truncate(text, 0);
	g_assert_cmpint(view_stat(text, &f->mount, child->process, &caller), ==, 0);
	g_assert_true(g_str_has_suffix(text->str, " 9\n"));
	vm_machine_info(f->mount.machine, &machine);
	g_assert_cmpuint(machine.processes, ==, 2);
	program_unref(child);
}

/* Only what exec -k has made can run. */
static void test_refused(struct run_fixture *f, gconstpointer data)
{
	const struct vm_cred cred = {RUN_USER, RUN_USER};
	const struct fs_caller caller = {.uid = RUN_USER, .gid = RUN_USER};
	int error;
	struct vm_process *process = vm_process_spawn(f->mount.machine, &cred, "plain", &error);

	run_lock(f->run);
	g_assert_null(program_new_locked(f->run, process, &caller, &error));
	g_assert_cmpint(error, ==, -EINVAL);
	vm_process_exit(process, 0);
	g_assert_null(program_new_locked(f->run, process, &caller, &error));
	g_assert_cmpint(error, ==, -ESRCH);
	run_unlock(f->run);
	vm_process_unref(process);
}

/* --- Who a program is ------------------------------------------------------------------------- */

static void test_groups(struct run_fixture *f, gconstpointer data)
{
	struct program *child = run_fork(f->program), *other = run_spawn(f, RUN_USER);
	uint64_t pid = (uint64_t)child->pid, me = (uint64_t)f->program->pid;

	g_assert_cmpint(run_call(f->program, NR_SETSID), ==, -EPERM);
	g_assert_cmpint(run_call(f->program, NR_SETPGID, 0, 0), ==, -EPERM);
	g_assert_cmpint(run_call(f->program, NR_SETPGID, (uint64_t)other->pid, 0), ==, -ESRCH);
	g_assert_cmpint(run_call(f->program, NR_SETPGID, pid, (uint64_t)other->pid), ==, -EPERM);
	g_assert_cmpint(run_call(f->program, NR_SETPGID, pid, 0), ==, 0);
	g_assert_cmpint(run_call(f->program, NR_GETPGID, pid), ==, child->pid);
	g_assert_cmpint(run_call(child, NR_SETPGID, 0, me), ==, 0);
	g_assert_cmpint(run_call(child, NR_SETSID), ==, child->pid);
	g_assert_cmpint(run_call(f->program, NR_SETPGID, pid, 0), ==, -EPERM);
	g_assert_cmpint(run_call(child, NR_SETUID, RUN_USER), ==, 0);
	g_assert_cmpint(run_call(child, NR_SETUID, 0), ==, -EPERM);
	program_unref(child);
	program_unref(other);
}

static void test_self(struct run_fixture *f, gconstpointer data)
{
	struct rlimit limit = {1 << 20, 2 << 20}, old;
	char name[16];
	uint64_t base;

	run_put(f->program, DATA, "a name longer than that", 24);
	g_assert_cmpint(run_call(f->program, NR_PRCTL, PR_SET_NAME, DATA), ==, 0);
	g_assert_cmpint(run_call(f->program, NR_PRCTL, PR_GET_NAME, DATA + 64), ==, 0);
	run_get(f->program, DATA + 64, name, sizeof name);
	g_assert_cmpstr(name, ==, "a name longer t");
	g_assert_cmpint(run_call(f->program, NR_ARCH_PRCTL, ARCH_SET_FS, 0x1234), ==, 0);
	g_assert_cmpint(run_call(f->program, NR_ARCH_PRCTL, ARCH_SET_FS, VM_USER_END), ==, -EPERM);
	g_assert_cmpint(run_call(f->program, NR_ARCH_PRCTL, ARCH_GET_FS, DATA), ==, 0);
	run_get(f->program, DATA, &base, sizeof base);
	g_assert_cmphex(base, ==, 0x1234);
	run_put(f->program, DATA, &limit, sizeof limit);
	g_assert_cmpint(run_call(f->program, NR_PRLIMIT64, 0, RLIMIT_STACK, DATA, DATA + 64), ==,
	                0);
	run_get(f->program, DATA + 64, &old, sizeof old);
	g_assert_cmpuint(old.rlim_cur, ==, 8 << 20);
	g_assert_cmpint(run_call(f->program, NR_GETRLIMIT, RLIMIT_STACK, DATA + 64), ==, 0);
	run_get(f->program, DATA + 64, &old, sizeof old);
	g_assert_cmpuint(old.rlim_max, ==, 2 << 20);
	limit.rlim_max = 3 << 20;
	run_put(f->program, DATA, &limit, sizeof limit);
	g_assert_cmpint(run_call(f->program, NR_SETRLIMIT, RLIMIT_STACK, DATA), ==, -EPERM);
	g_assert_cmpint(run_call(f->program, NR_SETRLIMIT, 99, DATA), ==, -EINVAL);
}

/* --- Clocks, chance, futexes ------------------------------------------------------------------ */

static void test_clocks(struct run_fixture *f, gconstpointer data)
{
	uint8_t first[16], second[16];
	int64_t time[2];

	vm_machine_pass(f->mount.machine, 3 * NS_PER_SEC + 7);
	g_assert_cmpint(run_call(f->program, NR_CLOCK_GETTIME, CLOCK_MONOTONIC, DATA), ==, 0);
	run_get(f->program, DATA, time, sizeof time);
	g_assert_cmpint(time[0], ==, 3);
	g_assert_cmpint(time[1], ==, 7);
	g_assert_cmpint(run_call(f->program, NR_CLOCK_GETTIME, CLOCK_REALTIME, DATA), ==, 0);
	run_get(f->program, DATA, time, sizeof time);
	g_assert_cmpint(time[0], ==, 4);
	f->program->used.user = 5 * NS_PER_SEC;
	run_call(f->program, NR_CLOCK_GETTIME, CLOCK_PROCESS_CPUTIME_ID, DATA);
	run_get(f->program, DATA, time, sizeof time);
	g_assert_cmpint(time[0], ==, 5);
	g_assert_cmpint(run_call(f->program, NR_CLOCK_GETTIME, 77, DATA), ==, -EINVAL);
	/* By the machine's own clock chance is the same each time. */
	g_assert_cmpint(run_call(f->program, NR_GETRANDOM, DATA, 16, 0), ==, 16);
	run_get(f->program, DATA, first, sizeof first);
	g_assert_cmpint(run_call(f->program, NR_GETRANDOM, DATA, 16, 0), ==, 16);
	run_get(f->program, DATA, second, sizeof second);
	g_assert_cmpmem(first, 16, second, 16);
	g_assert_cmpint(run_call(f->program, NR_GETRANDOM, DATA, 16, 64), ==, -EINVAL);
}

static int64_t futex(struct program *program, uint64_t va, uint64_t operation, uint64_t value,
                     uint64_t timeout)
{
	return run_call(program, NR_FUTEX, va, operation, value, timeout, 0, 0);
}

static void test_futex(struct run_fixture *f, gconstpointer data)
{
	const uint64_t shared = 0x30000000;
	const int64_t timeout[] = {0, 1000};
	const uint32_t value = 1;

	g_assert_cmpint(vm_mmap(f->program->process, shared, VM_PAGE_SIZE, PROT_READ | PROT_WRITE,
	                        MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, NULL, 0),
	                ==, (int64_t)shared);
	struct program *child = run_fork(f->program);
	run_put(f->program, shared, &value, sizeof value);
	g_assert_cmpint(futex(child, shared, FUTEX_WAIT, 2, 0), ==, -EAGAIN);
	g_assert_cmpint(futex(child, shared + 1, FUTEX_WAIT, 2, 0), ==, -EINVAL);
	g_assert_true(futex(child, shared, FUTEX_WAIT, 1, 0) == CALL_SLEEPS);
	g_assert_cmpint(futex(f->program, shared + 4, FUTEX_WAKE, 1, 0), ==, 0);
	g_assert_cmpint(futex(f->program, shared, FUTEX_WAKE_PRIVATE, 1, 0), ==, 0);
	g_assert_cmpint(futex(f->program, shared, FUTEX_WAKE, 1, 0), ==, 1);
	run_resume(child);
	g_assert_cmpint(futex(child, shared, FUTEX_WAIT, 1, 0), ==, 0);
	run_put(child, DATA, timeout, sizeof timeout);
	g_assert_true(futex(child, shared, FUTEX_WAIT, 1, DATA) == CALL_SLEEPS);
	vm_machine_pass(f->mount.machine, 1000);
	run_lock(f->run);
	run_ready_locked(child);
	run_unlock(f->run);
	run_resume(child);
	g_assert_cmpint(futex(child, shared, FUTEX_WAIT, 1, DATA), ==, -ETIMEDOUT);
	g_assert_cmpint(futex(f->program, shared, FUTEX_WAKE, 1, 0), ==, 0);
	program_unref(child);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*test)(struct run_fixture *f, gconstpointer data);
	} tests[] = {
	    {"fork", test_fork},
	    {"wait", test_wait_statuses},
	    {"no-zombies", test_no_zombies},
	    {"orphans", test_orphans},
	    {"vfork", test_vfork},
	    {"exec-errors", test_exec_errors},
	    {"killed", test_killed},
	    {"texts", test_texts},
	    {"refused", test_refused},
	    {"groups", test_groups},
	    {"self", test_self},
	    {"clocks", test_clocks},
	    {"futex", test_futex},
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strdup_printf("/run-process/%s", tests[i].name);
		g_test_add(path, struct run_fixture, NULL, run_setup, tests[i].test, run_teardown);
	}
	return g_test_run();
}
