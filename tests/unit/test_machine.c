/*
 * test_machine.c - a machine's life and counters, and many threads in one machine. The races are
 * there for ThreadSanitizer: they only have to end, with every invariant true.
 */
#include "tests/fixture/vm_fixture.h"

#include <pthread.h>
#include <sys/resource.h>

#define A(page) (ARENA + (page)*PAGE)

/* --- Life ------------------------------------------------------------------------------------- */

static void assert_refused(const struct vm_config *config)
{
	GError *error = NULL;

	g_assert_null(vm_machine_new(config, &error));
	g_assert_nonnull(error);
	g_error_free(error);
}

static void test_config(void)
{
	struct vm_config config;

	vm_config_init(&config);
	g_assert_cmpuint(config.ram, ==, 256 * MIB);
	config.ram = PAGE - 1;
	assert_refused(&config);
	vm_config_init(&config);
	config.ram = UINT64_MAX;
	assert_refused(&config);
	vm_config_init(&config);
	config.max_tables = 1;
	assert_refused(&config);
	vm_config_init(&config);
	config.first_pid = 0;
	assert_refused(&config);
	vm_config_init(&config);
	config.policy = "oldest";
	assert_refused(&config);
	config.policy = NULL;
	assert_refused(&config);
	vm_config_init(&config);
	config.swap = UINT64_MAX;
	assert_refused(&config);
	vm_config_init(&config);
	config.tlb_sets = 65537;
	assert_refused(&config);
	vm_config_init(&config);
	config.ram = PAGE;
	struct vm_machine *machine = vm_machine_new(&config, NULL);
	g_assert_nonnull(machine);
	assert_sound(machine);
	vm_machine_free(machine);
}

/* The address space of this program has no room for another terabyte. */
static void test_no_memory(void)
{
	g_autofree char *statm = NULL;
	g_autoptr(GError) error = NULL;
	struct vm_config config;
	struct rlimit before, limit;

	g_assert_true(g_file_get_contents("/proc/self/statm", &statm, NULL, NULL));
	g_assert_cmpint(getrlimit(RLIMIT_AS, &before), ==, 0);
	limit = before;
	limit.rlim_cur =
	    MIN(before.rlim_max, g_ascii_strtoull(statm, NULL, 10) * PAGE + (UINT64_C(64) << 30));
	g_assert_cmpint(setrlimit(RLIMIT_AS, &limit), ==, 0);
	vm_config_init(&config);
	config.ram = UINT64_C(1) << 40;
	g_assert_null(vm_machine_new(&config, &error));
	g_assert_cmpint(setrlimit(RLIMIT_AS, &before), ==, 0);
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOMEM);
}

/* Machines share nothing. A machine can be freed while processes and files are still in it. */
static void test_many(void)
{
	struct vm_machine *machines[20];
	struct vm_config config;
	struct vm_cred cred = {0};
	int error;

	vm_config_init(&config);
	for (int i = 0; i < 20; i++) {
		config.first_pid = 100 * i + 1;
		machines[i] = vm_machine_new(&config, NULL);
		struct vm_process *process = vm_process_spawn(machines[i], &cred, "many", &error);
		g_assert_cmpint(vm_process_pid(process), ==, 100 * i + 1);
		map(process, A(0), 10, RW, SHARED_ANON);
		map(process, A(20), 10, RW, PRIVATE_ANON);
		fill(process, A(0), 10, (uint8_t)i);
		fill(process, A(20), 10, (uint8_t)i);
		vm_process_unref(fork_of(process));
		vm_process_unref(process);
	}
	for (int i = 0; i < 20; i++) {
		struct vm_process *process = vm_process_find(machines[i], 100 * i + 2);
		assert_filled(process, A(0), 10, (uint8_t)i);
		vm_process_unref(process);
		assert_sound(machines[i]);
		vm_machine_free(machines[i]);
	}
}

static void test_counters(struct vm_fixture *f, gconstpointer data)
{
	struct vm_machine_info before, after;

	vm_machine_info(f->machine, &before);
	map(f->process, A(0), 10, RW, PRIVATE_ANON);
	map(f->process, A(20), 10, RW, SHARED_ANON);
	fill(f->process, A(0), 3, 'x');
	fill(f->process, A(20), 2, 'x');
	end(fork_of(f->process));
	vm_machine_info(f->machine, &after);
	g_assert_cmpuint(after.frames_total, ==, 64 * MIB / PAGE);
	g_assert_cmpuint(before.frames_free - after.frames_free, ==, 5);
	g_assert_cmpuint(after.frames_anon, ==, 3);
	g_assert_cmpuint(after.frames_shmem, ==, 2);
	g_assert_cmpuint(after.frames_mapped, ==, 2);
	g_assert_cmpuint(after.faults - before.faults, ==, 5);
	g_assert_cmpuint(after.zeroed, ==, 5);
	g_assert_cmpuint(after.committed - before.committed, ==, 20);
	g_assert_cmpuint(after.forks - before.forks, ==, 1);
	g_assert_cmpuint(after.processes, ==, 1);
}

/* --- Races ------------------------------------------------------------------------------------ */

#if defined(__SANITIZE_THREAD__)
enum { ROUNDS = 300 };
#else
enum { ROUNDS = 1500 };
#endif

enum { THREADS = 6, PAGES = 64 };

struct race {
	struct vm_fixture *f;
	struct vm_file *file;
	char *path;
	int next; /* gives each thread its number; atomic */
};

/* Any action may fail, because other threads may have unmapped the memory it uses. */
static void act(struct race *race, struct vm_process *process, GRand *rand)
{
	uint64_t at = A((uint64_t)g_rand_int_range(rand, 0, 3 * PAGES));
	uint64_t len = (uint64_t)g_rand_int_range(rand, 1, 16) * PAGE;
	static const int prots[] = {RW, RW, PROT_READ, PROT_NONE};
	int prot = prots[g_rand_int_range(rand, 0, 4)];
	uint8_t bytes[2 * VM_PAGE_SIZE] = {0};
	struct vm_process_info info;

	switch (g_rand_int_range(rand, 0, 14)) {
	case 0:
	case 1:
	case 2:
		load(process, at + 100, bytes, sizeof bytes);
		break;
	case 3:
	case 4:
	case 5:
		vm_write(process, at + 100, bytes, sizeof bytes);
		break;
	case 6:
		vm_mmap(process, at, len, prot, PRIVATE_ANON | MAP_FIXED, NULL, 0);
		break;
	case 7:
		vm_mmap(process, at, len, prot, MAP_SHARED | MAP_FIXED, race->file,
		        at - A(0) < len ? 0 : PAGE);
		break;
	case 8:
		vm_mmap(process, at, len, prot, MAP_PRIVATE | MAP_FIXED, race->file, 0);
		break;
	case 9:
		vm_munmap(process, at, len);
		break;
	case 10:
		vm_mprotect(process, at, len, prot);
		break;
	case 11:
		vm_mremap(process, at, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
		          A(400) + (at - A(0)));
		break;
	case 12:
		vm_msync(process, at, len, g_rand_boolean(rand) ? MS_SYNC : MS_INVALIDATE);
		break;
	default:
		vm_process_info(process, &info);
		vm_machine_sync(race->f->machine);
	}
}

/* A process of the machine, sometimes a new one. There are always a few processes. */
static struct vm_process *some_process(struct race *race, GRand *rand)
{
	GArray *pids = pids_of(race->f->machine);
	struct vm_process *process = vm_process_find(
	    race->f->machine,
	    g_array_index(pids, pid_t, g_rand_int_range(rand, 0, (gint32)pids->len)));
	int error;

	if (process != NULL && pids->len < 8 && g_rand_int_range(rand, 0, 8) == 0) {
		struct vm_process *child = vm_fork(process, &race->f->cred, &error);
		vm_process_unref(process);
		process = child;
	} else if (process != NULL && process != race->f->process && pids->len > 4 &&
	           g_rand_int_range(rand, 0, 8) == 0) {
		vm_process_exit(process, 0);
	}
	g_array_unref(pids);
	return process;
}

static void *race_thread(void *ctx)
{
	struct race *race = ctx;
	GRand *rand = g_rand_new_with_seed((guint32)g_atomic_int_add(&race->next, 1));

	for (int i = 0; i < ROUNDS; i++) {
		struct vm_process *process = some_process(race, rand);
		if (process == NULL)
			continue;
		act(race, process, rand);
		vm_process_unref(process);
	}
	g_rand_free(rand);
	return NULL;
}

/* Other threads meanwhile change the file's size and look at everything. */
static bool ignore_entry(void *ctx, const struct vm_entry_info *entry)
{
	return true;
}

static bool ignore_frame(void *ctx, const struct vm_frame_info *frame)
{
	return true;
}

static bool ignore_object(void *ctx, const struct vm_object_info *object)
{
	return true;
}

static void ignore_fault(void *ctx, const struct vm_fault *fault)
{
}

static bool ignore_area(void *ctx, const struct vm_area_info *area)
{
	return true;
}

static void look_at_all(struct race *race)
{
	struct vm_machine_info info;

	vm_machine_info(race->f->machine, &info);
	vm_machine_frames(race->f->machine, 0, ignore_frame, NULL);
	vm_machine_objects(race->f->machine, 0, ignore_object, NULL);
	vm_machine_drop_entries(race->f->machine);
	vm_process_entries(race->f->process, 0, ignore_entry, NULL);
	vm_process_areas(race->f->process, 0, ignore_area, NULL);
	vm_process_faults(race->f->process, ignore_fault, NULL);
}

static void *disturb_thread(void *ctx)
{
	struct race *race = ctx;

	for (int i = 0; i < ROUNDS / 10; i++) {
		resize_file(race->path, (uint64_t)(i % 7) * 5 * PAGE);
		if (i % 3 == 0)
			write_file(race->path, 0, 3 * PAGE, (char)i);
		look_at_all(race);
	}
	return NULL;
}

static void test_race(struct vm_fixture *f, gconstpointer data)
{
	struct race race = {.f = f, .path = make_file(f, "file", 32 * PAGE, 'a')};
	pthread_t threads[THREADS + 1];

	race.file = open_file(f, race.path, O_RDWR);
	map(f->process, A(0), PAGES, RW, PRIVATE_ANON);
	map_file(f->process, A(PAGES), PAGES, RW, MAP_SHARED, race.file, 0);
	map(f->process, A(2 * PAGES), PAGES, RW, SHARED_ANON);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, race_thread, &race);
	pthread_create(&threads[THREADS], NULL, disturb_thread, &race);
	for (int i = 0; i <= THREADS; i++)
		pthread_join(threads[i], NULL);
	vm_file_unref(race.file);
	g_free(race.path);
	/* The write-back thread may be busy. This waits until it has let go of its objects. */
	vm_machine_sync(f->machine);
}

/* Many threads fault the same pages in. Each page is read once. */
static void *read_thread(void *ctx)
{
	struct race *race = ctx;
	int mine = g_atomic_int_add(&race->next, 1);

	for (uint64_t i = 0; i < PAGES; i++) {
		uint64_t page = mine % 2 ? i : PAGES - 1 - i;
		g_assert_cmpint(get(race->f->process, A(page)), ==, 'a' + (int)(page % 26));
	}
	return NULL;
}

static void test_same_pages(struct vm_fixture *f, gconstpointer data)
{
	struct race race = {.f = f, .path = make_file(f, "file", PAGES * PAGE, 'a')};
	struct vm_machine_info info;
	pthread_t threads[THREADS];

	for (uint64_t i = 0; i < PAGES; i++)
		write_file(race.path, i * PAGE, PAGE, (char)('a' + i % 26));
	race.file = open_file(f, race.path, O_RDONLY);
	map_file(f->process, A(0), PAGES, PROT_READ, MAP_PRIVATE, race.file, 0);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, read_thread, &race);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	vm_machine_info(f->machine, &info);
	g_assert_cmpuint(info.file_reads, ==, PAGES);
	g_assert_cmpuint(info.frames_file, ==, PAGES);
	vm_file_unref(race.file);
	g_free(race.path);
}

/*
 * Processes with a private copy of a file's page end while the file shrinks. Others then use the
 * same addresses and the freed memory. Nobody loses a page that does not belong to the file.
 */
static void *leaving(void *ctx)
{
	struct race *race = ctx;

	for (int i = 0; i < 2 * ROUNDS; i++) {
		struct vm_process *process = spawn(race->f);
		map_file(process, A(0), 2, RW, MAP_PRIVATE, race->file, 0);
		vm_write(process, A(1), "y", 1);
		end(process);
	}
	return NULL;
}

static void *coming(void *ctx)
{
	struct race *race = ctx;

	for (int i = 0; i < 2 * ROUNDS; i++) {
		struct vm_process *process = spawn(race->f);
		map(process, A(0), 2, RW, PRIVATE_ANON);
		put(process, A(1), 'x');
		for (int again = 0; again < 20; again++)
			g_assert_cmpint(get(process, A(1)), ==, 'x');
		end(process);
	}
	return NULL;
}

static void *shrinking(void *ctx)
{
	struct race *race = ctx;
	struct vm_process *process = spawn(race->f);

	map_file(process, A(0), 1, PROT_READ, MAP_SHARED, race->file, 0);
	for (int i = 0; i < 2 * ROUNDS; i++) {
		resize_file(race->path, i % 2 ? 2 * PAGE : 0);
		vm_msync(process, A(0), PAGE, MS_INVALIDATE);
	}
	end(process);
	return NULL;
}

static void test_shrink_and_exit(struct vm_fixture *f, gconstpointer data)
{
	struct race race = {.f = f, .path = make_file(f, "file", 2 * PAGE, 'a')};
	pthread_t threads[4];

	race.file = open_file(f, race.path, O_RDWR);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL,
		               i == 0   ? shrinking
		               : i == 1 ? leaving
		                        : coming,
		               &race);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	vm_file_unref(race.file);
	g_free(race.path);
}

int main(int argc, char **argv)
{
	static const struct vm_limits eager = {.writeback_centisecs = 1};

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/machine/config", test_config);
	g_test_add_func("/machine/no-memory", test_no_memory);
	g_test_add_func("/machine/many", test_many);
	FIXTURE_TEST("/machine/counters", NULL, test_counters);
	FIXTURE_TEST("/machine/same-pages", NULL, test_same_pages);
	FIXTURE_TEST("/machine/shrink-and-exit", NULL, test_shrink_and_exit);
	FIXTURE_TEST("/machine/race", &eager, test_race);
	return g_test_run();
}
