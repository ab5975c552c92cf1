/*
 * test_torture_threads.c - many processes on few frames. Four threads run eight processes that map,
 * write, fork and check, on sixteen frames and a swap file of exactly the needed size, under each
 * policy. Every byte of every page is checked. At the end every frame, slot and table is free
 * again.
 */
#include "vm/vm.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	THREADS = 4,
	PROCESSES = 8,
	PAGES = 20, /* of each process */
	FRAMES = 16,
	/* enough for each process and one child, if all their pages differ */
	SLOTS = PROCESSES * 2 * PAGES - FRAMES,
	ROUNDS = 40,
};

#define BASE UINT64_C(0x401f6000) /* the pages lie across the border of two page tables */

struct torture {
	struct vm_machine *machine;
	unsigned number; /* the thread's number */
};

/* The byte at OFFSET of page PAGE in version VERSION of process OWNER. */
static uint8_t byte_of(unsigned owner, unsigned page, unsigned version, unsigned offset)
{
	return (uint8_t)(owner * 67 + page * 31 + version * 13 + offset * 7 + (offset >> 8));
}

static uint64_t address(unsigned page)
{
	return BASE + (uint64_t)page * VM_PAGE_SIZE;
}

static void write_page(struct vm_process *process, unsigned owner, unsigned page, unsigned version)
{
	uint8_t bytes[VM_PAGE_SIZE];

	for (unsigned i = 0; i < VM_PAGE_SIZE; i++)
		bytes[i] = byte_of(owner, page, version, i);
	g_assert_cmpint(vm_write(process, address(page), bytes, sizeof bytes), ==, VM_PAGE_SIZE);
}

static void take(void *ctx, const struct iovec *iov, int count)
{
	uint8_t *to = ctx;

	for (int i = 0; i < count; to += iov[i++].iov_len)
		memcpy(to, iov[i].iov_base, iov[i].iov_len);
}

static void check_page(struct vm_process *process, unsigned owner, unsigned page, unsigned version)
{
	uint8_t bytes[VM_PAGE_SIZE];

	g_assert_cmpint(vm_read(process, address(page), sizeof bytes, take, bytes), ==,
	                VM_PAGE_SIZE);
	for (unsigned i = 0; i < VM_PAGE_SIZE; i++)
		if (bytes[i] != byte_of(owner, page, version, i))
			g_error("process %u, page %u, byte %u: %u, not %u", owner, page, i,
			        bytes[i], byte_of(owner, page, version, i));
}

/* Read all pages at once, which are more than there are frames. */
static void check_all(struct vm_process *process, unsigned owner, const unsigned version[PAGES])
{
	g_autofree uint8_t *bytes = g_malloc(PAGES * VM_PAGE_SIZE);

	g_assert_cmpint(vm_read(process, BASE, PAGES * VM_PAGE_SIZE, take, bytes), ==,
	                PAGES * VM_PAGE_SIZE);
	for (unsigned page = 0; page < PAGES; page++)
		for (unsigned i = 0; i < VM_PAGE_SIZE; i++)
			g_assert_cmpuint(bytes[page * VM_PAGE_SIZE + i], ==,
			                 byte_of(owner, page, version[page], i));
}

/* The child rewrites some pages. Parent and child must not see each other's bytes. */
static void fork_and_check(struct vm_process *parent, unsigned owner, const unsigned version[PAGES],
                           GRand *rand)
{
	struct vm_cred cred = {0, 0};
	unsigned child_version[PAGES];
	int error;
	struct vm_process *child = vm_fork(parent, &cred, &error);

	g_assert_nonnull(child);
	memcpy(child_version, version, sizeof child_version);
	for (int i = 0; i < 6; i++) {
		unsigned page = (unsigned)g_rand_int_range(rand, 0, PAGES);
		child_version[page] = 100 + (unsigned)i;
		write_page(child, owner, page, child_version[page]);
		check_page(parent, owner, page, version[page]);
	}
	check_all(child, owner, child_version);
	g_assert_cmpint(vm_process_exit(child, 0), ==, 0);
	vm_process_unref(child);
}

static void live(struct torture *torture, unsigned owner, GRand *rand)
{
	struct vm_cred cred = {0, 0};
	unsigned version[PAGES] = {0};
	int error;
	struct vm_process *process = vm_process_spawn(torture->machine, &cred, "torture", &error);

	g_assert_nonnull(process);
	g_assert_cmpint(vm_mmap(process, BASE, PAGES * VM_PAGE_SIZE, PROT_READ | PROT_WRITE,
	                        (owner & 1 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_FIXED,
	                        NULL, 0),
	                >, 0);
	for (unsigned page = 0; page < PAGES; page++)
		write_page(process, owner, page, 0);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		unsigned page = (unsigned)g_rand_int_range(rand, 0, PAGES);
		version[page] = round;
		write_page(process, owner, page, round);
		check_all(process, owner, version);
		if (!(owner & 1))
			fork_and_check(process, owner, version, rand);
	}
	g_assert_cmpint(vm_munmap(process, BASE, PAGES * VM_PAGE_SIZE), ==, 0);
	g_assert_cmpint(vm_process_exit(process, 0), ==, 0);
	vm_process_unref(process);
}

static void *thread_main(void *arg)
{
	struct torture *torture = arg;
	GRand *rand = g_rand_new_with_seed(torture->number + 1);

	for (unsigned owner = torture->number; owner < PROCESSES; owner += THREADS)
		live(torture, owner, rand);
	g_rand_free(rand);
	return NULL;
}

static struct vm_machine *make_machine(const char *policy)
{
	struct vm_config config;
	g_autofree char *path = NULL;

	vm_config_init(&config);
	config.ram = FRAMES * VM_PAGE_SIZE;
	config.policy = policy;
	int fd = g_file_open_tmp("vasfs-swap-XXXXXX", &path, NULL);
	config.swap_medium = vm_host_medium(fd);
	config.swap = (uint64_t)SLOTS * VM_PAGE_SIZE;
	config.overcommit_memory = VM_OVERCOMMIT_ALWAYS;
	unlink(path);
	struct vm_machine *machine = vm_machine_new(&config, NULL);
	g_assert_nonnull(machine);
	return machine;
}

static void test_policy(gconstpointer policy)
{
	struct vm_machine *machine = make_machine(policy);
	struct torture torture[THREADS];
	pthread_t thread[THREADS];
	struct vm_machine_info before, after;

	vm_machine_info(machine, &before);
	for (unsigned i = 0; i < THREADS; i++) {
		torture[i] = (struct torture){machine, i};
		g_assert_cmpint(pthread_create(&thread[i], NULL, thread_main, &torture[i]), ==, 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	g_autofree char *wrong = vm_machine_check(machine);
	g_assert_cmpstr(wrong, ==, NULL);
	vm_machine_info(machine, &after);
	g_assert_cmpuint(after.frames_free, ==, after.frames_total);
	g_assert_cmpuint(after.tables, ==, before.tables);
	g_assert_cmpuint(after.swap_used, ==, 0);
	g_assert_cmpuint(after.swap_outs, >, 0);
	vm_machine_free(machine);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (unsigned i = 0; vm_policy_name(i) != NULL; i++) {
		g_autofree char *name = g_strconcat("/torture/", vm_policy_name(i), NULL);
		g_test_add_data_func(name, vm_policy_name(i), test_policy);
	}
	return g_test_run();
}
