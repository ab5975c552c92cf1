/*
 * test_user.c - what all users together may have, and how much of it one of them.
 */
#include "tests/fixture/vm_fixture.h"
#include "vm/base/lock.h"
#include "vm/base/user.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { OWNER = 7, ANNA = 1001, BERT = 1002, CARL = 1003 };

/* A machine with at most N units of WHAT. It belongs to OWNER, and has a process of his. */
static void begin(struct vm_fixture *f, enum vm_resource what, uint64_t n)
{
	struct vm_config config;

	vm_config_init(&config);
	config.ram = MIB;
	config.dirty_writeback_centisecs = 0;
	config.most[what] = n;
	config.owner = OWNER;
	fixture_begin(f, &config, (struct vm_cred){.uid = OWNER});
}

static void finish(struct vm_fixture *f)
{
	assert_sound(f->machine);
	fixture_teardown(f, NULL);
}

static struct vm_process *spawn_for(struct vm_fixture *f, uid_t uid)
{
	struct vm_cred cred = {.uid = uid};
	int error;
	struct vm_process *process = vm_process_spawn(f->machine, &cred, "one", &error);

	g_assert_cmpint(error, ==, process != NULL ? 0 : -EAGAIN);
	return process;
}

/* --- Processes -------------------------------------------------------------------------------- */

/* Spawn for UID until that fails. Returns how many there are. */
static int spawn_all(struct vm_fixture *f, uid_t uid)
{
	struct vm_process *process;
	int count = 0;

	while ((process = spawn_for(f, uid)) != NULL) {
		vm_process_unref(process);
		count++;
	}
	return count;
}

static void test_processes(void)
{
	struct vm_fixture f;

	begin(&f, VM_PROCESSES, 16);
	g_assert_cmpint(spawn_all(&f, ANNA), ==, 8);
	/* OWNER has one. The last quarter is for him and root. */
	g_assert_cmpint(spawn_all(&f, BERT), ==, 3);
	g_assert_cmpint(spawn_all(&f, CARL), ==, 0);
	struct vm_process *root = spawn_for(&f, 0);
	g_assert_nonnull(root);
	g_assert_cmpint(spawn_all(&f, OWNER), ==, 3);
	g_assert_cmpint(spawn_all(&f, 0), ==, 0);
	assert_sound(f.machine);
	/* What ends is free for others. */
	end(root);
	g_assert_cmpint(spawn_all(&f, BERT), ==, 0);
	g_assert_cmpint(spawn_all(&f, OWNER), ==, 1);
	end_all(f.machine);
	vm_process_unref(g_steal_pointer(&f.process));
	g_assert_cmpint(spawn_all(&f, BERT), ==, 8);
	g_assert_cmpint(spawn_all(&f, CARL), ==, 4);
	end_all(f.machine);
	f.process = spawn(&f);
	finish(&f);
}

/* A fork counts for who asks for it. */
static void test_forks(void)
{
	struct vm_fixture f;
	struct vm_cred anna = {.uid = ANNA};
	struct vm_process *child[5];
	int error;

	begin(&f, VM_PROCESSES, 8);
	for (int i = 0; i < 5; i++) {
		child[i] = vm_fork(f.process, &anna, &error);
		g_assert_cmpint(error, ==, i < 4 ? 0 : -EAGAIN);
	}
	for (int i = 0; i < 4; i++)
		end(child[i]);
	finish(&f);
}

/* --- Areas ------------------------------------------------------------------------------------ */

/* Map single pages, which do not merge, until that fails. Returns how many. */
static uint64_t map_all(struct vm_process *process)
{
	uint64_t count = 0;
	int64_t at;

	while ((at = vm_mmap(process, ARENA + count * 2 * PAGE, PAGE, PROT_READ,
	                     PRIVATE_ANON | MAP_FIXED, NULL, 0)) >= 0)
		count++;
	g_assert_cmpint(at, ==, -ENOMEM);
	return count;
}

static void test_areas(void)
{
	struct vm_fixture f;

	begin(&f, VM_AREAS, 400);
	struct vm_process *anna = spawn_for(&f, ANNA), *bert = spawn_for(&f, BERT);
	/* Each of the three processes has a stack. */
	g_assert_cmpuint(map_all(anna), ==, 199);
	struct vm_cred cred = {.uid = ANNA};
	int error;
	g_assert_null(vm_fork(anna, &cred, &error));
	g_assert_cmpint(error, ==, -ENOMEM);
	g_assert_null(vm_process_spawn(f.machine, &cred, "one", &error));
	g_assert_cmpint(error, ==, -ENOMEM);
	/* A hole in an area needs one more area. */
	g_assert_cmpint(vm_mremap(anna, ARENA, PAGE, 3 * PAGE, MREMAP_MAYMOVE, 0), ==, -ENOMEM);
	int64_t brk = vm_brk(anna, 0);
	g_assert_cmpint(vm_brk(anna, (uint64_t)brk + PAGE), ==, brk);
	/* Bert: what is left of three quarters. */
	g_assert_cmpuint(map_all(bert), ==, 98);
	/* Root's rights end where all is used up. */
	g_assert_cmpuint(map_all(f.process), ==, 100);
	assert_sound(f.machine);
	g_assert_cmpint(vm_munmap(anna, ARENA, 10 * PAGE), ==, 0);
	/* It maps its hundred again, and then what Anna has given up. */
	g_assert_cmpuint(map_all(f.process), ==, 105);
	end(anna);
	end(bert);
	finish(&f);
}

/* Splits: munmap, mprotect and madvise need areas, too. */
static void test_splits(void)
{
	struct vm_fixture f;

	begin(&f, VM_AREAS, 40);
	struct vm_process *anna = spawn_for(&f, ANNA);
	map(anna, ARENA - 16 * PAGE, 9, RW, PRIVATE_ANON);
	g_assert_cmpuint(map_all(anna), ==, 18);
	uint64_t middle = ARENA - 12 * PAGE;
	g_assert_cmpint(vm_munmap(anna, middle, PAGE), ==, -ENOMEM);
	g_assert_cmpint(vm_mprotect(anna, middle, PAGE, PROT_READ), ==, -ENOMEM);
	g_assert_cmpint(vm_madvise(anna, middle, PAGE, MADV_DONTFORK), ==, -EAGAIN);
	g_assert_cmpint(vm_mlock(anna, middle, PAGE, 0), ==, -ENOMEM);
	assert_sound(f.machine);
	end(anna);
	finish(&f);
}

/* --- Descriptors ------------------------------------------------------------------------------ */

/* Open FILE in PROCESS until that fails. Returns how many there are. */
static int open_all(struct vm_process *process, struct vm_file *file, int error)
{
	int fd, count = 0;

	while ((fd = vm_process_open(process, file)) >= 0)
		count++;
	g_assert_cmpint(fd, ==, error);
	return count;
}

static void test_descriptors(void)
{
	struct vm_fixture f;
	struct vm_cred cred = {.uid = ANNA};
	int error;

	begin(&f, VM_FDS, 32);
	g_autofree char *path = make_file(&f, "file", PAGE, 'a');
	struct vm_file *file = open_file(&f, path, O_RDONLY);
	struct vm_process *anna = spawn_for(&f, ANNA), *bert = spawn_for(&f, BERT);
	g_assert_cmpint(open_all(anna, file, -ENFILE), ==, 16);
	g_assert_null(vm_fork(anna, &cred, &error));
	g_assert_cmpint(error, ==, -EAGAIN);
	g_assert_cmpint(open_all(bert, file, -ENFILE), ==, 8);
	g_assert_cmpint(open_all(f.process, file, -ENFILE), ==, 8);
	assert_sound(f.machine);
	for (int fd = 8; fd < 16; fd++)
		g_assert_cmpint(vm_process_close(anna, fd), ==, 0);
	assert_sound(f.machine);
	/* Three quarters are in use, the owner's among them. */
	g_assert_null(vm_fork(anna, &cred, &error));
	for (int fd = 0; fd < 8; fd++)
		g_assert_cmpint(vm_process_close(f.process, fd), ==, 0);
	struct vm_process *child = vm_fork(anna, &cred, &error);
	g_assert_cmpint(error, ==, 0);
	assert_sound(f.machine);
	g_assert_cmpint(vm_process_open(anna, file), ==, -ENFILE);
	end(child);
	end(anna);
	end(bert);
	vm_file_unref(file);
	finish(&f);
}

static void test_descriptors_of_one(void)
{
	struct vm_fixture f;

	begin(&f, VM_FDS, 1 << 20);
	g_autofree char *path = make_file(&f, "file", PAGE, 'a');
	struct vm_file *file = open_file(&f, path, O_RDONLY);
	g_assert_cmpint(open_all(f.process, file, -EMFILE), ==, VM_MAX_FDS);
	vm_file_unref(file);
	finish(&f);
}

/* --- Host descriptors ------------------------------------------------------------------------- */

enum { FILES = 40 };

/* Open files of its own for UID until that fails, and keep them in FILE. Returns how many. */
static int open_files(struct vm_fixture *f, uid_t uid, struct vm_file *file[static FILES])
{
	int count = 0, error = 0;

	while (count < FILES) {
		g_autofree char *name = g_strdup_printf("%s/%u-%d", f->dir, uid, count);
		int fd = open(name, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
		g_assert_cmpint(fd, >=, 0);
		file[count] = vm_file_new(f->machine, fd, O_RDONLY, uid, &error);
		g_unlink(name);
		if (file[count] == NULL)
			break;
		count++;
	}
	g_assert_cmpint(error, ==, count < FILES ? -ENFILE : 0);
	return count;
}

static void close_files(struct vm_file *const *file, int count)
{
	for (int i = 0; i < count; i++)
		vm_file_unref(file[i]);
}

static void test_handles(void)
{
	struct vm_file *annas[FILES], *berts[FILES], *owners[FILES];
	struct vm_fixture f;

	begin(&f, VM_HANDLES, 32);
	g_assert_cmpint(open_files(&f, ANNA, annas), ==, 16);
	g_assert_cmpint(open_files(&f, BERT, berts), ==, 8);
	g_assert_cmpint(open_files(&f, OWNER, owners), ==, 8);
	assert_sound(f.machine);
	close_files(annas, 16);
	/* A mapping keeps the descriptor as long as it is there. */
	struct vm_process *carl = spawn_for(&f, CARL);
	map_file(carl, ARENA, 1, PROT_READ, MAP_PRIVATE, berts[0], 0);
	close_files(berts, 8);
	assert_sound(f.machine);
	g_assert_cmpint(open_files(&f, BERT, berts), ==, 15);
	close_files(berts, 15);
	end(carl);
	g_assert_cmpint(open_files(&f, BERT, berts), ==, 16);
	close_files(berts, 16);
	close_files(owners, 8);
	finish(&f);
}

/* One user's descriptor of a file is not used by another's opens, so each has his own. */
static void test_shared_file(void)
{
	struct vm_fixture f;
	struct vm_file *file[4];
	static const uid_t openers[] = {ANNA, BERT, ANNA, BERT};
	int error;

	begin(&f, VM_HANDLES, 32);
	g_autofree char *path = make_file(&f, "file", PAGE, 'a');
	for (int i = 0; i < 4; i++)
		file[i] = vm_file_new(f.machine, open(path, O_RDONLY | O_CLOEXEC), O_RDONLY,
		                      openers[i], &error);
	g_assert_true(file[0]->object == file[1]->object);
	g_assert_true(file[0]->handle == file[2]->handle);
	g_assert_true(file[1]->handle == file[3]->handle);
	g_assert_true(file[0]->handle != file[1]->handle);
	g_assert_cmpuint(user_total(f.machine, VM_HANDLES), ==, 2);
	close_files(file, 4);
	finish(&f);
}

/* The host's own limit counts, also when it changes. */
static void test_host_limit(void)
{
	struct vm_file *annas[FILES];
	struct rlimit old, low;
	struct vm_fixture f;

	begin(&f, VM_HANDLES, UINT64_MAX);
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &old), ==, 0);
	low = (struct rlimit){64, old.rlim_max};
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &low), ==, 0);
	g_assert_cmpint(open_files(&f, ANNA, annas), ==, 32);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &old), ==, 0);
	close_files(annas, 32);
	finish(&f);
}

/* --- Notes ------------------------------------------------------------------------------------ */

static void test_environ(void)
{
	struct vm_fixture f;
	g_autofree char *long_value = g_strnfill(10000, 'x');
	struct vm_process *child[3];
	struct vm_cred cred = {.uid = ANNA};
	int error;

	begin(&f, VM_NOTES, 60000);
	struct vm_process *anna = spawn_for(&f, ANNA);
	g_assert_cmpint(vm_process_setenv(anna, "a", long_value), ==, 0);
	/* Forks share it, until one changes its own. */
	for (int i = 0; i < 3; i++)
		child[i] = vm_fork(anna, &cred, &error);
	assert_sound(f.machine);
	g_assert_cmpint(vm_process_setenv(child[0], "b", "1"), ==, 0);
	g_assert_cmpint(vm_process_setenv(child[1], "b", "1"), ==, -ENOMEM);
	assert_sound(f.machine);
	end(child[0]);
	g_assert_cmpint(vm_process_setenv(child[1], "b", "1"), ==, 0);
	g_assert_cmpint(vm_process_setenv(child[1], "a", NULL), ==, 0);
	g_assert_cmpint(vm_process_setenv(child[2], "b", "1"), ==, 0);
	for (int i = 1; i < 3; i++)
		end(child[i]);
	end(anna);
	finish(&f);
}

/* Without room for more records the ring stays as short as it is, and keeps the last faults. */
static void note_fault(void *ctx, const struct vm_fault *fault)
{
	*(uint64_t *)ctx = fault->va;
}

static void test_records(void)
{
	struct vm_fixture f;
	uint64_t last = 0;

	begin(&f, VM_NOTES, 20000);
	struct vm_process *anna = spawn_for(&f, ANNA);
	for (uint64_t i = 1; i <= 200; i++)
		g_assert_cmpint(vm_access(anna, ARENA + i * PAGE, 1, VM_ACCESS_READ, NULL, NULL),
		                !=, 0);
	vm_process_faults(anna, note_fault, &last);
	g_assert_cmphex(last, ==, ARENA + 200 * PAGE);
	g_assert_cmpuint(user_total(f.machine, VM_NOTES), <=, 10000);
	end(anna);
	finish(&f);
}

/* --- The host --------------------------------------------------------------------------------- */

/* Bytes of address space that this program has. */
static uint64_t address_space(void)
{
	unsigned long long pages;
	FILE *file = fopen("/proc/self/statm", "re");

	g_assert_nonnull(file);
	g_assert_cmpint(fscanf(file, "%llu", &pages), ==, 1);
	fclose(file);
	return pages * PAGE;
}

/* The last of the host's memory is not for what callers make large, but for small things. */
G_GNUC_UNUSED static void test_no_room(void)
{
	struct rlimit old, low;
	struct vm_fixture f;

	begin(&f, VM_AREAS, 1 << 20);
	g_assert_cmpint(getrlimit(RLIMIT_AS, &old), ==, 0);
	low = (struct rlimit){address_space() + 32 * MIB, old.rlim_max};
	g_assert_cmpint(setrlimit(RLIMIT_AS, &low), ==, 0);
	g_assert_cmpuint(map_all(f.process), <, 2000);
	g_assert_cmpint(vm_process_setenv(f.process, "a", "b"), ==, -ENOMEM);
	for (int i = 0; i < 1000; i++)
		g_free(g_malloc(1000));
	g_free(g_malloc(8 * MIB));
	g_assert_cmpint(setrlimit(RLIMIT_AS, &old), ==, 0);
	g_assert_cmpint(vm_process_setenv(f.process, "a", "b"), ==, 0);
	finish(&f);
}

/* --- Their life ------------------------------------------------------------------------------- */

/* A user is forgotten with the last thing that is charged to him. */
static void test_forgotten(void)
{
	struct vm_fixture f;

	begin(&f, VM_AREAS, 1000);
	for (uid_t uid = 1; uid < 1000; uid++)
		if (uid != OWNER)
			end(spawn_for(&f, uid));
	struct vm_process *anna = spawn_for(&f, ANNA);
	int users = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(f.machine->users); i++)
		for (struct vm_user *user = f.machine->users[i]; user != NULL; user = user->next)
			users++;
	g_assert_cmpint(users, ==, 2);
	end(anna);
	finish(&f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/user/processes", test_processes);
	g_test_add_func("/user/forks", test_forks);
	g_test_add_func("/user/areas", test_areas);
	g_test_add_func("/user/splits", test_splits);
	g_test_add_func("/user/descriptors", test_descriptors);
	g_test_add_func("/user/descriptors-of-one", test_descriptors_of_one);
	g_test_add_func("/user/handles", test_handles);
	g_test_add_func("/user/shared-file", test_shared_file);
	g_test_add_func("/user/host-limit", test_host_limit);
	g_test_add_func("/user/environ", test_environ);
	g_test_add_func("/user/records", test_records);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* Sanitizers need address space of their own. */
	g_test_add_func("/user/no-room", test_no_room);
#endif
	g_test_add_func("/user/forgotten", test_forgotten);
	return g_test_run();
}
