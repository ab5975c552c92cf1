/*
 * test_limits.c - resource limits: who may set them, and what each one refuses. RLIMIT_DATA is
 * compared with the host's kernel.
 */
#include "tests/fixture/vm_fixture.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define A(page) (ARENA + (page)*PAGE)

static int set(struct vm_process *process, enum vm_limit limit, uint64_t soft)
{
	return vm_process_set_limit(process, limit, soft, VM_UNLIMITED);
}

static struct vm_process_info info_of(struct vm_process *process)
{
	struct vm_process_info info;

	vm_process_info(process, &info);
	return info;
}

static int64_t try_map(struct vm_process *process, uint64_t addr, uint64_t pages, int prot,
                       int flags)
{
	return vm_mmap(process, addr, pages * PAGE, prot, flags | MAP_FIXED, NULL, 0);
}

/* --- Setting ---------------------------------------------------------------------------------- */

static void test_set(struct vm_fixture *f, gconstpointer data)
{
	uint64_t soft, hard;

	g_assert_cmpint(vm_process_set_limit(f->process, VM_LIMIT_CORE, 2, 1), ==, -EINVAL);
	g_assert_cmpint(vm_process_set_limit(f->process, VM_LIMIT_CORE, 5, 10), ==, 0);
	g_assert_cmpint(vm_process_set_limit(f->process, VM_LIMIT_CORE, 10, 10), ==, 0);
	/* Only root may raise the hard limit. */
	g_assert_cmpint(vm_process_set_limit(f->process, VM_LIMIT_CORE, 5, 11), ==, -EPERM);
	g_assert_cmpint(vm_process_set_limit(f->process, VM_LIMIT_CORE, 5, 9), ==, 0);
	struct vm_process *child = fork_of(f->process);
	vm_process_limit(child, VM_LIMIT_CORE, &soft, &hard);
	g_assert_cmpuint(soft, ==, 5);
	g_assert_cmpuint(hard, ==, 9);
	g_assert_cmpint(vm_process_exit(child, 0), ==, 0);
	g_assert_cmpint(vm_process_set_limit(child, VM_LIMIT_CORE, 1, 1), ==, -ESRCH);
	vm_process_unref(child);
	f->cred.uid = 0;
	struct vm_process *root = spawn(f);
	g_assert_cmpint(vm_process_set_limit(root, VM_LIMIT_CORE, 0, 0), ==, 0);
	g_assert_cmpint(vm_process_set_limit(root, VM_LIMIT_CORE, 7, 8), ==, 0);
	end(root);
}

/* --- The address space and the stack ---------------------------------------------------------- */

static void test_address_space(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 4, RW, PRIVATE_ANON);
	uint64_t total = info_of(f->process).vm_total, sp = info_of(f->process).layout.sp;
	int64_t heap = vm_brk(f->process, 0);

	g_assert_cmpint(set(f->process, VM_LIMIT_AS, (total + 2) * PAGE), ==, 0);
	g_assert_cmpint(try_map(f->process, A(8), 3, PROT_READ, PRIVATE_ANON), ==, -ENOMEM);
	/* The pages of the replaced mapping do not count. */
	g_assert_cmpint(try_map(f->process, A(3), 3, PROT_READ, PRIVATE_ANON), ==, A(3));
	g_assert_cmpint(vm_mremap(f->process, A(0), 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE, 0), ==,
	                -ENOMEM);
	g_assert_cmpint(vm_brk(f->process, (uint64_t)heap + PAGE), ==, heap);
	assert_touch(f->process, sp - 64 * PAGE, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_MAPERR);
	g_assert_cmpuint(info_of(f->process).vm_total, ==, total + 2);
	g_assert_cmpint(set(f->process, VM_LIMIT_AS, VM_UNLIMITED), ==, 0);
	g_assert_cmpint(vm_brk(f->process, (uint64_t)heap + PAGE), ==, heap + (int64_t)PAGE);
}

static void test_stack(struct vm_fixture *f, gconstpointer data)
{
	g_assert_cmpint(set(f->process, VM_LIMIT_STACK, 64 * PAGE), ==, 0);
	assert_touch(f->process, VM_USER_END - 65 * PAGE, VM_ACCESS_WRITE, VM_FATAL,
	             VM_FAULT_SEGV_MAPERR);
	assert_touch(f->process, VM_USER_END - 64 * PAGE, VM_ACCESS_WRITE, VM_MINOR,
	             VM_FAULT_STACK_GROW);
	g_assert_cmpuint(info_of(f->process).vm_stack, ==, 64);
}

/* --- Data ------------------------------------------------------------------------------------- */

/*
 * These calls are made in this order with RLIMIT_DATA set, at ARENA, in the engine and on the host.
 */
static const struct data_step {
	uint64_t soft, hard;
	enum { MAP, PROTECT, GROW } call;
	uint64_t page, pages;
	int prot, flags;
} data_steps[] = {
    {0, VM_UNLIMITED, MAP, 0, 2, RW, PRIVATE_ANON},
    {PAGE, VM_UNLIMITED, MAP, 4, 2, RW, PRIVATE_ANON},
    {PAGE, VM_UNLIMITED, MAP, 4, 2, PROT_READ, PRIVATE_ANON},
    {PAGE, VM_UNLIMITED, PROTECT, 4, 1, RW, 0},
    {PAGE, VM_UNLIMITED, GROW, 0, 3, 0, 0},
    {PAGE, VM_UNLIMITED, GROW, 4, 3, 0, 0},
    {PAGE, VM_UNLIMITED, MAP, 8, 2, RW, SHARED_ANON},
    {0, VM_UNLIMITED, PROTECT, 4, 1, RW, 0},
    {0, 0, MAP, 12, 1, RW, PRIVATE_ANON},
};

static int64_t data_in_engine(struct vm_process *process, const struct data_step *s)
{
	int64_t result;

	g_assert_cmpint(vm_process_set_limit(process, VM_LIMIT_DATA, s->soft, s->hard), ==, 0);
	if (s->call == MAP)
		result = try_map(process, A(s->page), s->pages, s->prot, s->flags);
	else if (s->call == PROTECT)
		result = vm_mprotect(process, A(s->page), s->pages * PAGE, s->prot);
	else
		result =
		    vm_mremap(process, A(s->page), PAGE * (s->pages - 1), PAGE * s->pages, 0, 0);
	return result;
}

static int64_t data_on_host(const struct data_step *s)
{
	struct rlimit limit = {s->soft, s->hard};
	long result;

	syscall(SYS_prlimit64, 0, RLIMIT_DATA, &limit, NULL);
	if (s->call == MAP)
		result = syscall(SYS_mmap, A(s->page), s->pages * PAGE, s->prot,
		                 s->flags | MAP_FIXED, -1, 0);
	else if (s->call == PROTECT)
		result = syscall(SYS_mprotect, A(s->page), s->pages * PAGE, s->prot);
	else
		result =
		    syscall(SYS_mremap, A(s->page), PAGE * (s->pages - 1), PAGE * s->pages, 0, 0);
	return result == -1 ? -errno : result;
}

static void test_data(struct vm_fixture *f, gconstpointer data)
{
	int64_t *host = mmap(NULL, sizeof *host * G_N_ELEMENTS(data_steps), RW, SHARED_ANON, -1, 0);
	pid_t pid = fork();

	for (size_t i = 0; pid == 0 && i < G_N_ELEMENTS(data_steps); i++)
		host[i] = data_on_host(&data_steps[i]);
	if (pid == 0)
		syscall(SYS_exit_group, 0);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	for (size_t i = 0; i < G_N_ELEMENTS(data_steps); i++) {
		g_test_message("step %zu", i);
		g_assert_cmpint(data_in_engine(f->process, &data_steps[i]), ==, host[i]);
	}
	munmap(host, sizeof *host * G_N_ELEMENTS(data_steps));
}

/*
 * The heap's limit counts the program's data too, and a soft limit of 0 does apply to it
 * (check_data_rlimit).
 */
static void test_heap(struct vm_fixture *f, gconstpointer data)
{
	uint64_t heap = (uint64_t)vm_brk(f->process, 0);

	g_assert_cmpint(
	    set(f->process, VM_LIMIT_DATA, info_of(f->process).vm_data * PAGE + 2 * PAGE), ==, 0);
	g_assert_cmpint(vm_brk(f->process, heap + 2 * PAGE), ==, heap + 2 * PAGE);
	g_assert_cmpint(vm_sbrk(f->process, 1), ==, -ENOMEM);
	g_assert_cmpint(set(f->process, VM_LIMIT_DATA, 0), ==, 0);
	g_assert_cmpint(vm_brk(f->process, heap + PAGE), ==, heap + 2 * PAGE);
	g_assert_cmpint(vm_brk(f->process, heap), ==, heap);
}

/* --- Locked memory ---------------------------------------------------------------------------- */

static void test_memlock(struct vm_fixture *f, gconstpointer data)
{
	uint64_t sp = info_of(f->process).layout.sp;

	map(f->process, A(0), 4, RW, PRIVATE_ANON);
	g_assert_cmpint(set(f->process, VM_LIMIT_MEMLOCK, 0), ==, -EPERM);
	g_assert_cmpint(vm_process_set_limit(f->process, VM_LIMIT_MEMLOCK, 34 * PAGE, 64 * PAGE),
	                ==, 0);
	g_assert_cmpint(vm_mlock(f->process, VM_USER_END - PAGE, PAGE, 0), ==, 0);
	g_assert_cmpint(vm_mlock(f->process, sp - 33 * PAGE, PAGE, 0), ==, -ENOMEM);
	g_assert_cmpint(vm_mlockall(f->process, MCL_CURRENT), ==, -ENOMEM);
	g_assert_cmpint(vm_munmap(f->process, A(0), 4 * PAGE), ==, 0);
	/* The whole stack is locked, so it cannot grow past the limit. */
	g_assert_cmpint(vm_mlockall(f->process, MCL_CURRENT), ==, 0);
	uint64_t start = VM_USER_END - info_of(f->process).vm_stack * PAGE;
	assert_touch(f->process, start - 2 * PAGE, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_MAPERR);
	assert_touch(f->process, start - PAGE, VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_STACK_GROW);
	g_assert_cmpint(vm_munlockall(f->process), ==, 0);
	g_assert_cmpint(vm_process_set_limit(f->process, VM_LIMIT_MEMLOCK, 0, 64 * PAGE), ==, 0);
	g_assert_cmpint(vm_mlock(f->process, VM_USER_END - PAGE, PAGE, 0), ==, -EPERM);
	g_assert_cmpint(vm_mlockall(f->process, MCL_CURRENT), ==, -EPERM);
	g_assert_cmpint(try_map(f->process, A(0), 1, RW, PRIVATE_ANON | MAP_LOCKED), ==, -EPERM);
	g_assert_cmpint(vm_munlock(f->process, VM_USER_END - PAGE, PAGE), ==, 0);
}

int main(int argc, char **argv)
{
	static const struct vm_limits user = {.uid = 1000};

	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/limits/set", &user, test_set);
	FIXTURE_TEST("/limits/address-space", NULL, test_address_space);
	FIXTURE_TEST("/limits/stack", NULL, test_stack);
	FIXTURE_TEST("/limits/data", NULL, test_data);
	FIXTURE_TEST("/limits/heap", NULL, test_heap);
	FIXTURE_TEST("/limits/memlock", &user, test_memlock);
	return g_test_run();
}
