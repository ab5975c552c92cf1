/*
 * test_reasons.c - what commands say when they fail: the limit that was met, with its numbers, as
 * the engine noted it where it was decided.
 */
#include "tests/fixture/ctl_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Give COMMAND and expect ERROR, and WANTED in the text. */
static void expect_why(struct ctl_fixture *f, const char *command, int error, const char *wanted)
{
	struct fs_ctl_open *open = fs_ctl_open(&f->mount, f->process, 0);
	g_autofree char *line = g_strdup_printf("%s\n", command), *text = NULL;

	g_assert_cmpint(ctl_put(f, open, line), ==, -error);
	text = ctl_get(f, open);
	g_test_message("%s", text);
	g_assert_nonnull(strstr(text, wanted));
	fs_ctl_free(open);
}

static void run(struct ctl_fixture *f, const char *commands)
{
	g_free(ctl_ask(f, f->process, commands));
}

static void knob(struct ctl_fixture *f, enum vm_knob which, uint64_t value)
{
	g_assert_cmpint(vm_machine_set_knob(f->mount.machine, which, value), ==, 0);
}

/* The machine has 8 MiB of RAM and no swap. */
static void test_overcommit(struct ctl_fixture *f, const void *unused)
{
	expect_why(f, "mmap 0 1G rw- private,anon", ENOMEM,
	           "1 GiB is more than RAM and swap together (8 MiB); "
	           "sys/vm/overcommit_memory is 0");
	expect_why(f, "sbrk 1G", ENOMEM, "1 GiB is more than RAM and swap together");
	knob(f, VM_KNOB_OVERCOMMIT_MEMORY, 2);
	expect_why(f, "mmap 0 8M rw- private,anon", ENOMEM,
	           "8 MiB more than the 132 KiB promised now (Committed_AS) is past CommitLimit, 4 "
	           "MiB; sys/vm/overcommit_memory is 2");
	run(f, "mmap 0x10000 3M r-- private,anon,fixed\n");
	expect_why(f, "mprotect 0x10000 3M rw-\nmmap 0 2M rw- private,anon", ENOMEM, "CommitLimit");
}

static void test_limits(struct ctl_fixture *f, const void *unused)
{
	run(f, "setrlimit as 1M\n");
	expect_why(
	    f, "mmap 0 1M rw- private,anon", ENOMEM,
	    "1 MiB more than the 132 KiB mapped now is past the limit of the address space, 1 "
	    "MiB (RLIMIT_AS");
	run(f, "setrlimit as unlimited\nsetrlimit data 64K\n");
	expect_why(f, "mmap 0 128K rw- private,anon", ENOMEM,
	           "128 KiB more than the 0 bytes of data now is past the limit of data, 64 KiB "
	           "(RLIMIT_DATA");
	expect_why(f, "sbrk 128K", ENOMEM, "RLIMIT_DATA");
}

static void test_stack(struct ctl_fixture *f, const void *unused)
{
	expect_why(f, "access w stack-16M", EFAULT,
	           "no area at the address, and the stack would be 16516 KiB long, further down "
	           "than its limit of 8 MiB (RLIMIT_STACK");
	expect_why(f, "poke stack-16M x", EFAULT, "RLIMIT_STACK");
	run(f, "setrlimit stack 140K\n");
	expect_why(f, "access r stack-12K", EFAULT, "its limit of 140 KiB");
	run(f, "access r stack-8K\nsetrlimit as 144K\nsetrlimit stack 8M\n");
	expect_why(f, "access r stack-64K", EFAULT, "RLIMIT_AS");
	/* Far from the stack it is just an address. */
	expect_why(f, "access r 0x1000", EFAULT, "no area at the address (SEGV_MAPERR)");
}

static void test_stack_gap(struct ctl_fixture *f, const void *unused)
{
	run(f, "mmap stack-1M 4K rw- private,anon,fixed\n");
	expect_why(f, "access r stack-512K", EFAULT,
	           "the stack would come too close to what is mapped below 0x7fffffedf000");
}

static void test_areas(struct ctl_fixture *f, const void *unused)
{
	run(f, "mmap 0x10000 64K rw- private,anon,fixed\n");
	knob(f, VM_KNOB_MAX_MAP_COUNT, 2);
	expect_why(f, "mprotect 0x11000 4K r--", ENOMEM,
	           "the process has 2 areas and may have 2 (sys/vm/max_map_count)");
	expect_why(f, "munmap 0x11000 4K", ENOMEM, "may have 2 (sys/vm/max_map_count)");
	expect_why(f, "madvise 0x11000 4K random", EAGAIN, "may have 2 (sys/vm/max_map_count)");
	expect_why(f, "mremap 0x10000 4K 4K maymove,fixed 0x100000", ENOMEM,
	           "sys/vm/max_map_count");
	knob(f, VM_KNOB_MAX_MAP_COUNT, 1);
	expect_why(f, "mmap 0 4K rw- shared,anon", ENOMEM, "has 2 areas and may have 1");
	expect_why(f, "sbrk 4K", ENOMEM, "has 2 areas and may have 1");
}

static void test_holes(struct ctl_fixture *f, const void *unused)
{
	static const char *const commands[] = {
	    "mprotect 0x10000 8K r--", "mlock 0x10000 8K",          "munlock 0x10000 8K",
	    "msync 0x10000 8K sync",   "madvise 0x10000 8K normal", "mincore 0x10000 8K",
	};

	run(f, "mmap 0x10000 4K rw- private,anon,fixed\n");
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		expect_why(f, commands[i], ENOMEM, "nothing is mapped at 0x11000");
	expect_why(f, "madvise 0x10000 8K populate_read", ENOMEM, "nothing is mapped at 0x11000");
	expect_why(f, "mremap 0x20000 4K 8K", EFAULT, "nothing is mapped at 0x20000");
	expect_why(f, "mremap 0x10000 8K 12K", EFAULT, "its first ends at 0x11000");
}

static void test_in_the_way(struct ctl_fixture *f, const void *unused)
{
	run(f, "mmap 0x10000 8K rw- private,anon,fixed\nmmap 0x12000 4K r-- private,anon,fixed\n");
	expect_why(f, "mremap 0x10000 8K 12K", ENOMEM,
	           "it cannot grow: 0x12000 is in the way; with maymove it could move");
	expect_why(f, "mremap 0x10000 4K 8K", ENOMEM, "0x11000 is in the way");
	run(f, "mmap 0x555555559000 4K r-- private,anon,fixed\n");
	expect_why(f, "sbrk 16K", ENOMEM, "0x555555559000 is in the way");
	expect_why(f, "sbrk -4K", ENOMEM, "below the start of the heap, 0x555555556000");
	expect_why(f, "mmap 0 127T r-- private,anon", ENOMEM, "no range of 127 TiB is free");
	expect_why(f, "mmap 0 16383P r-- private,anon", EINVAL, "LEN must be a number");
}

static void test_frames(struct ctl_fixture *f, const void *unused)
{
	run(f, "mmap 0x10000 8M rw- private,anon,fixed\n");
	expect_why(f, "access w 0x10000 8M\naccess w stack 132K", ENOMEM,
	           "physical memory is used up: nothing in RAM (8 MiB, of which 0 bytes are "
	           "locked) can go, and there is no swap");
	expect_why(f, "mlock stack 128K", EAGAIN, "physical memory is used up");
}

static void test_sigbus(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *map =
	    g_strdup_printf("mmap 0x10000 16K rw- private,fixed %s/file\n", f->dir);

	run(f, map);
	expect_why(f, "access r 0x12000", EIO,
	           "beyond the end of the file: it has 8 KiB, the page begins at 0x2000 (SIGBUS)");
	expect_why(f, "peek 0x12000", EIO, "beyond the end of the file: it has 8 KiB");
	expect_why(f, "madvise 0x12000 4K populate_read", EFAULT, "beyond the end of the file");
	run(f, "exec -k /bin/true\n");
	expect_why(f, "access r vdso-4K", EIO, "has no pages ([vvar])");
}

static void test_rights(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *map =
	    g_strdup_printf("mmap 0x10000 8K r-- shared,fixed,rdonly %s/file\n", f->dir);
	g_autofree char *bad = g_strdup_printf("mmap 0 8K rw- shared,rdonly %s/file", f->dir);

	run(f, map);
	expect_why(f, "mprotect 0x10000 4K rw-", EACCES, "of a file opened read-only");
	expect_why(f, bad, EACCES, "of a file opened read-only");
}

/* A failure that was noted for one command says nothing of the next. */
static void test_cleared(struct ctl_fixture *f, const void *unused)
{
	expect_why(f, "mmap 0 1G rw- private,anon", ENOMEM, "RAM and swap");
	expect_why(f, "setenv A=B C", EINVAL, "NAME must not be empty");
	expect_why(f, "close 7", EBADF, "descriptor 7 is not open");
	struct vm_reason reason;
	vm_reason_clear();
	g_assert_false(vm_reason(-ENOMEM, &reason));
	g_assert_cmpint(vm_munmap(f->process, 1, 1), ==, -EINVAL);
	g_assert_false(vm_reason(-EINVAL, &reason));
	g_assert_cmpint((int)vm_sbrk(f->process, -1), ==, -ENOMEM);
	g_assert_true(vm_reason(-ENOMEM, &reason));
	g_assert_false(vm_reason(-EAGAIN, &reason));
	g_assert_cmpint(reason.why, ==, VM_WHY_BREAK_LOW);
}

/* --- Media that fail -------------------------------------------------------------------------- */

static ssize_t read_badly(const struct vm_medium *medium, void *buf, size_t len, uint64_t offset)
{
	return -EBADMSG;
}

static ssize_t write_well(const struct vm_medium *medium, const void *buf, size_t len,
                          uint64_t offset, bool inside)
{
	return (ssize_t)len;
}

static ssize_t write_badly(const struct vm_medium *medium, const void *buf, size_t len,
                           uint64_t offset, bool inside)
{
	return -ENOSPC;
}

static ssize_t read_zeros(const struct vm_medium *medium, void *buf, size_t len, uint64_t offset)
{
	memset(buf, 0, len);
	return (ssize_t)len;
}

static int sync_nothing(const struct vm_medium *medium)
{
	return 0;
}

static void close_fd(const struct vm_medium *medium)
{
	close(medium->fd);
}

static const struct vm_medium_ops unreadable = {read_badly, write_well, sync_nothing, close_fd};
static const struct vm_medium_ops unwritable = {read_zeros, write_badly, sync_nothing, close_fd};

/* Put a machine of CONFIG, with one process, in place of that of the fixture. */
static void replace_machine(struct ctl_fixture *f, const struct vm_config *config)
{
	const struct vm_cred root = {0, 0};
	int error;

	fs_ctl_free(f->open);
	vm_process_unref(f->process);
	vm_machine_free(f->mount.machine);
	f->mount.machine = vm_machine_new(config, NULL);
	f->process = vm_process_spawn(f->mount.machine, &root, "test", &error);
	f->open = fs_ctl_open(&f->mount, f->process, 0);
}

/* The fixture with a machine of eight frames whose files, and swap, fail. */
static void set_up_failing(struct ctl_fixture *f, const void *ops)
{
	struct vm_config config;

	ctl_set_up(f, NULL);
	vm_config_init(&config);
	config.ram = 8 * VM_PAGE_SIZE;
	config.file_ops = ops;
	config.dirty_writeback_centisecs = 0;
	config.swap = 64 * VM_PAGE_SIZE;
	config.swap_medium = (struct vm_medium){&unreadable, open("/dev/null", O_RDWR), NULL};
	replace_machine(f, &config);
}

/* The fixture with a machine of few tables and processes. */
static void set_up_small(struct ctl_fixture *f, const void *unused)
{
	struct vm_config config;

	ctl_set_up(f, NULL);
	vm_config_init(&config);
	config.ram = 1 << 20;
	config.max_tables = 16;
	config.most[VM_PROCESSES] = 2;
	replace_machine(f, &config);
}

static void test_machine_bounds(struct ctl_fixture *f, const void *unused)
{
	run(f, "fork\n");
	expect_why(f, "fork", EAGAIN, "the machine has 2 processes and may have 2");
	for (int i = 1; i <= 4; i++) {
		g_autofree char *map =
		    g_strdup_printf("mmap 0x%d00000000000 4K rw- private,anon,fixed\n", i);
		run(f, map);
	}
	expect_why(f,
	           "access w 0x100000000000\naccess w 0x200000000000\naccess w 0x300000000000\n"
	           "access w 0x400000000000",
	           ENOMEM, "all 16 page tables of the machine are used up");
}

static void test_fork_commit(struct ctl_fixture *f, const void *unused)
{
	run(f, "mmap 0x10000 3M rw- private,anon,fixed\n");
	knob(f, VM_KNOB_OVERCOMMIT_MEMORY, 2);
	expect_why(f, "fork", ENOMEM, "promised now (Committed_AS) is past CommitLimit, 4 MiB");
}

static void test_unreadable(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *map =
	    g_strdup_printf("mmap 0x10000 8K r-- private,fixed %s/file\n", f->dir);

	run(f, map);
	expect_why(f, "access r 0x10000", EIO, "the file could not be read: EBADMSG (");
	expect_why(f, "mlock 0x10000 4K", ENOMEM, "the file could not be read: EBADMSG (");
	/* A page of zeros needs no room in swap. */
	run(f, "mmap 0x20000 64K rw- private,anon,fixed\npoke 0x20000 x\naccess w 0x21000 60K\n");
	expect_why(f, "peek 0x20000", EIO, "swap could not be read: EBADMSG (");
}

static void test_unwritable(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *large = g_build_filename(f->dir, "large", NULL);
	g_autofree char *map = g_strdup_printf("mmap 0x30000 32K rw- shared,fixed %s\n", large);
	g_autofree char *zeros = g_malloc0(32 << 10);

	g_assert_true(g_file_set_contents(large, zeros, 32 << 10, NULL));
	run(f, map);
	/* Half of RAM may be dirty. */
	run(f, "poke 0x30000 x\npoke 0x31000 x\npoke 0x32000 x\npoke 0x33000 x\n");
	expect_why(f, "poke 0x34000 x", EIO,
	           "too many pages of files are dirty (sys/vm/dirty_ratio), and none of this file "
	           "can be written: ENOSPC (");
	unlink(large);
}

/* --- A process without root's rights ---------------------------------------------------------- */

static void set_up_other(struct ctl_fixture *f, const void *unused)
{
	const struct vm_cred other = {12345, 12345};
	int error;

	ctl_set_up(f, unused);
	vm_process_unref(f->process);
	f->process = vm_process_spawn(f->mount.machine, &other, "other", &error);
	g_assert_nonnull(f->process);
}

static void test_memlock(struct ctl_fixture *f, const void *unused)
{
	run(f, "setrlimit memlock 64K 64K\nmmap 0x10000 128K rw- private,anon,fixed\n"
	       "mlock 0x10000 32K\n");
	expect_why(f, "mlock 0x20000 64K", ENOMEM,
	           "64 KiB more than the 32 KiB locked now is past the limit of locked memory, 64 "
	           "KiB (RLIMIT_MEMLOCK");
	expect_why(f, "mmap 0 64K rw- private,anon,locked", EAGAIN, "RLIMIT_MEMLOCK");
	expect_why(f, "mlockall current", ENOMEM, "RLIMIT_MEMLOCK");
	expect_why(f, "mremap 0x10000 32K 80K maymove", EAGAIN, "RLIMIT_MEMLOCK");
	run(f, "setrlimit memlock 0 0\n");
	expect_why(f, "mlock 0x20000 4K", EPERM, "may not lock memory (RLIMIT_MEMLOCK is 0");
	expect_why(f, "mlockall current", EPERM, "RLIMIT_MEMLOCK is 0");
	expect_why(f, "mmap 0 4K rw- private,anon,locked", EPERM, "RLIMIT_MEMLOCK is 0");
}

static void test_min_addr(struct ctl_fixture *f, const void *unused)
{
	expect_why(f, "mmap 0x1000 4K rw- private,anon,fixed", EPERM,
	           "addresses below 0x10000 may not be mapped (sys/vm/mmap_min_addr)");
}

#define ADD(path, function) \
	g_test_add(path, struct ctl_fixture, NULL, ctl_set_up, function, ctl_tear_down)
#define ADD_OTHER(path, function) \
	g_test_add(path, struct ctl_fixture, NULL, set_up_other, function, ctl_tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("/reasons/overcommit", test_overcommit);
	ADD("/reasons/limits", test_limits);
	ADD("/reasons/stack", test_stack);
	ADD("/reasons/stack-gap", test_stack_gap);
	ADD("/reasons/areas", test_areas);
	ADD("/reasons/holes", test_holes);
	ADD("/reasons/in-the-way", test_in_the_way);
	ADD("/reasons/frames", test_frames);
	ADD("/reasons/sigbus", test_sigbus);
	ADD("/reasons/rights", test_rights);
	ADD("/reasons/cleared", test_cleared);
	g_test_add("/reasons/unreadable", struct ctl_fixture, &unreadable, set_up_failing,
	           test_unreadable, ctl_tear_down);
	g_test_add("/reasons/unwritable", struct ctl_fixture, &unwritable, set_up_failing,
	           test_unwritable, ctl_tear_down);
	g_test_add("/reasons/machine-bounds", struct ctl_fixture, NULL, set_up_small,
	           test_machine_bounds, ctl_tear_down);
	ADD("/reasons/fork-commit", test_fork_commit);
	ADD_OTHER("/reasons/memlock", test_memlock);
	ADD_OTHER("/reasons/min-addr", test_min_addr);
	return g_test_run();
}
