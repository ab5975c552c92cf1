/*
 * test_replay_threads.c - replays of two processes that share their memory, while other threads
 * store, change areas, fork, reset, and switch the policy. Nothing that was stored is lost, every
 * count adds up, and every invariant holds in the end.
 */
#include "tests/fixture/vm_fixture.h"

#include <pthread.h>
#include <unistd.h>

/* The trace's pages, with those of an area that comes and goes; and one with words that count. */
#define BASE UINT64_C(0x40000000)
#define COMES_AND_GOES (BASE + 40 * PAGE)
#define WORDS UINT64_C(0x80000000)

enum { FRAMES = 20, SLOTS = 400, PAGES = 80, BATCH = 500, ROUNDS = 60, WORD_PAGES = 6 };

struct scene {
	struct vm_machine *machine;
	struct vm_process *process[2];
	bool stop; /* atomic */
};

static bool stops(struct scene *s)
{
	return __atomic_load_n(&s->stop, __ATOMIC_ACQUIRE);
}

/* --- The replays ------------------------------------------------------------------------------ */

static void fill_batch(struct vm_reference *batch, GRand *rand)
{
	for (int i = 0; i < BATCH; i++)
		batch[i] = (struct vm_reference){
		    .va = BASE + (uint64_t)g_rand_int_range(rand, 0, PAGES * 4096),
		    .len = g_rand_int_range(rand, 0, 40) == 0 ? 6000 : 4,
		    .access =
		        (enum vm_access)g_rand_int_range(rand, VM_ACCESS_READ, VM_ACCESS_EXEC + 1)};
}

/* References to an area that another thread has just made, or is unmapping, may be refused. */
static void replay_rounds(struct vm_process *process, uint32_t seed)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	struct vm_reference batch[BATCH];

	for (int round = 0; round < ROUNDS; round++) {
		fill_batch(batch, rand);
		for (size_t done = 0; done < BATCH;) {
			int error;
			done += vm_replay(process, batch + done, BATCH - done, &error);
			if (error != -EACCES && error != -EFAULT)
				g_assert_cmpint(error, ==, 0);
			done += error != 0;
		}
	}
}

static void *replay_first(void *ctx)
{
	struct scene *s = ctx;

	replay_rounds(s->process[0], 1);
	return NULL;
}

static void *replay_second(void *ctx)
{
	struct scene *s = ctx;

	replay_rounds(s->process[1], 2);
	return NULL;
}

/* --- Others ----------------------------------------------------------------------------------- */

/* Count in words of its own. What is stored must be there when it is next loaded. */
static void *count_words(void *ctx)
{
	struct scene *s = ctx;
	uint64_t stored[WORD_PAGES] = {0};

	for (uint64_t n = 1; !stops(s); n++) {
		for (uint64_t page = 0; page < WORD_PAGES; page++) {
			uint64_t va = WORDS + page * PAGE, found = 0;
			g_assert_cmpint(load(s->process[0], va, &found, sizeof found), ==,
			                sizeof found);
			g_assert_cmpuint(found, ==, stored[page]);
			g_assert_cmpint(vm_write(s->process[0], va, &n, sizeof n), ==, sizeof n);
			stored[page] = n;
		}
	}
	return NULL;
}

static void *change_areas(void *ctx)
{
	struct scene *s = ctx;

	for (unsigned n = 0; !stops(s); n++) {
		vm_mmap(s->process[1], COMES_AND_GOES, 8 * PAGE, n % 3 == 0 ? PROT_READ : RW,
		        MAP_FIXED | (n % 2 == 0 ? PRIVATE_ANON : SHARED_ANON), NULL, 0);
		vm_madvise(s->process[1], COMES_AND_GOES, 8 * PAGE, MADV_DONTNEED);
		vm_mprotect(s->process[1], BASE, 4 * PAGE, n % 2 == 0 ? RW : RW | PROT_EXEC);
		vm_munmap(s->process[1], COMES_AND_GOES, 8 * PAGE);
	}
	return NULL;
}

static void *fork_and_reset(void *ctx)
{
	struct scene *s = ctx;

	for (unsigned n = 0; !stops(s); n++) {
		struct vm_process *child = fork_of(s->process[1]);
		int error;
		vm_replay(child, &(struct vm_reference){BASE, 9000, VM_ACCESS_WRITE}, 1, &error);
		/* The child leaves nothing of what it alone has; what it shares stays. */
		g_assert_cmpint(vm_process_reset(child), ==, 0);
		end(child);
	}
	return NULL;
}

static void *switch_policy(void *ctx)
{
	struct scene *s = ctx;

	for (unsigned n = 0; !stops(s); n++) {
		const char *policy = vm_policy_name(n);
		if (policy == NULL)
			n = 0;
		g_assert_cmpint(vm_machine_set_policy(s->machine, vm_policy_name(n)), ==, 0);
		vm_machine_reclaim(s->machine, 3);
	}
	return NULL;
}

/* --- The scene -------------------------------------------------------------------------------- */

static void scene_begin(struct scene *s)
{
	char name[] = "/tmp/replay-XXXXXX";
	int fd = mkstemp(name);
	g_autoptr(GError) error = NULL;
	struct vm_config config;

	g_assert_cmpint(fd, >=, 0);
	unlink(name);
	g_assert_cmpint(ftruncate(fd, SLOTS * (off_t)VM_PAGE_SIZE), ==, 0);
	vm_config_init(&config);
	config.ram = FRAMES * PAGE;
	config.swap = SLOTS * PAGE;
	config.swap_medium = vm_host_medium(fd);
	s->machine = vm_machine_new(&config, &error);
	g_assert_no_error(error);
	int failed;
	const struct vm_cred cred = {getuid(), getgid()};
	s->process[0] = vm_process_spawn(s->machine, &cred, "words", &failed);
	g_assert_nonnull(s->process[0]);
	map(s->process[0], WORDS, WORD_PAGES, RW, PRIVATE_ANON);
	s->process[1] = fork_of(s->process[0]);
}

static void check_counts(struct vm_process *process)
{
	struct vm_replay_counts counts;

	vm_process_replay_counts(process, &counts);
	g_assert_cmpuint(counts.hits + counts.minor + counts.major, ==, counts.pages);
	g_assert_cmpuint(counts.tlb_hits + counts.tlb_misses, ==, counts.pages);
	g_assert_cmpuint(counts.references, >, ROUNDS * BATCH / 2);
}

static void test_threads(void)
{
	static void *(*const replays[])(void *) = {replay_first, replay_second};
	static void *(*const others[])(void *) = {count_words, change_areas, fork_and_reset,
	                                          switch_policy};
	pthread_t replaying[G_N_ELEMENTS(replays)], other[G_N_ELEMENTS(others)];
	struct scene s = {.stop = false};

	scene_begin(&s);
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		g_assert_cmpint(pthread_create(&other[i], NULL, others[i], &s), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(replays); i++)
		g_assert_cmpint(pthread_create(&replaying[i], NULL, replays[i], &s), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(replays); i++)
		pthread_join(replaying[i], NULL);
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		pthread_join(other[i], NULL);
	assert_sound(s.machine);
	for (int i = 0; i < 2; i++) {
		check_counts(s.process[i]);
		end(s.process[i]);
	}
	assert_sound(s.machine);
	vm_machine_free(s.machine);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/replay/threads", test_threads);
	return g_test_run();
}
