/*
 * test_stress_threads.c - what is stored never goes back, in memory or in the file, whatever others
 * do at the same time; and a reader of a process sees that process's bytes only.
 *
 *     STRESS_SECONDS=3600 test_stress_threads     for longer than the suite does
 *
 * The oracle is what the stores themselves say. A writer counts upwards in words of its own.
 * Whoever looks at a word finds at least the number that was stored before the look began.
 */
#include "tests/fixture/pressure.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PAGES = 6,
	/* The last of the writers is a process of another machine that maps the same file. */
	WRITERS = 4,
	OTHER_MACHINE = WRITERS - 1,
	/* Somebody who maps nothing writes to the same pages. */
	OUTSIDE = WRITERS,
	/* The last page of the file is somebody else's: the engine finds the file changed. */
	FOREIGN_PAGE = PAGES,
	LEAST_ROUNDS = 20000,
};

struct stress {
	struct pressure p;
	struct vm_fixture second; /* the other machine */
	struct vm_process *process[WRITERS];
	uint64_t stored[WRITERS]
	               [PAGES]; /* atomic: the last number stored, the store has returned */
	uint64_t stores;        /* atomic */
	bool stop;              /* atomic */
	int64_t until;          /* monotonic time, microseconds; 0: LEAST_ROUNDS */
};

static bool stops(struct stress *s)
{
	return __atomic_load_n(&s->stop, __ATOMIC_ACQUIRE);
}

/* Where writer NUMBER counts in PAGE. */
static uint64_t place(unsigned number, unsigned page)
{
	return page * PAGE + 8 * number;
}

static uint64_t word_in_memory(struct vm_process *process, uint64_t offset)
{
	uint64_t word = 0;

	g_assert_cmpint(load(process, SHARED_AT + offset, &word, sizeof word), ==, sizeof word);
	return word;
}

static uint64_t word_in_file(int fd, uint64_t offset)
{
	uint64_t word = 0;

	g_assert_cmpint(pread(fd, &word, sizeof word, (off_t)offset), ==, sizeof word);
	return word;
}

static uint64_t stored(struct stress *s, unsigned number, unsigned page)
{
	return __atomic_load_n(&s->stored[number][page], __ATOMIC_ACQUIRE);
}

/* --- Counting --------------------------------------------------------------------------------- */

struct writer {
	struct stress *s;
	unsigned number;
};

/* Store, look at a word of another writer, and now and then make sure of the file. */
static void *write_main(void *arg)
{
	const struct writer *writer = arg;
	struct stress *s = writer->s;
	struct vm_process *process = s->process[writer->number];
	GRand *rand = g_rand_new_with_seed(writer->number);
	int fd = open(s->p.path, O_RDONLY | O_CLOEXEC);

	for (uint64_t round = 1; s->until > 0 ? !stops(s) : round <= LEAST_ROUNDS; round++) {
		unsigned page = (unsigned)g_rand_int_range(rand, 0, PAGES);
		unsigned other = (unsigned)g_rand_int_range(rand, 0, WRITERS);
		uint64_t at = place(writer->number, page);
		g_assert_cmpint(vm_write(process, SHARED_AT + at, &round, sizeof round), ==,
		                sizeof round);
		__atomic_store_n(&s->stored[writer->number][page], round, __ATOMIC_RELEASE);
		__atomic_add_fetch(&s->stores, 1, __ATOMIC_RELAXED);
		if ((other == OTHER_MACHINE) != (writer->number == OTHER_MACHINE))
			other = writer->number;
		uint64_t least = stored(s, other, page);
		g_assert_cmpuint(word_in_memory(process, place(other, page)), >=, least);
		if (g_rand_int_range(rand, 0, 8) > 0)
			continue;
		least = stored(s, other, page);
		g_assert_cmpint(vm_msync(process, SHARED_AT + page * PAGE, PAGE, MS_SYNC), ==, 0);
		g_assert_cmpuint(word_in_file(fd, at), >=, round);
		g_assert_cmpuint(word_in_file(fd, place(other, page)), >=, least);
	}
	close(fd);
	g_rand_free(rand);
	return NULL;
}

/* --- What disturbs ---------------------------------------------------------------------------- */

static void *invalidate_main(void *arg)
{
	struct stress *s = arg;

	while (!stops(s))
		g_assert_cmpint(vm_msync(s->p.f.process, SHARED_AT, PAGES * PAGE, MS_INVALIDATE),
		                ==, 0);
	return NULL;
}

static void *evict_main(void *arg)
{
	struct stress *s = arg;

	for (unsigned i = 0; !stops(s); i++) {
		vm_machine_reclaim(s->p.f.machine, 1 + i % 4);
		if (i % 8 == 0)
			vm_machine_drop_caches(s->p.f.machine);
		if (i % 16 == 0)
			g_assert_cmpint(vm_machine_sync(s->p.f.machine), ==, 0);
	}
	return NULL;
}

/* Somebody else writes to a page of the file that nobody here stores to. */
static void *foreign_main(void *arg)
{
	struct stress *s = arg;
	int fd = open(s->p.path, O_RDWR | O_CLOEXEC);

	for (uint64_t i = 0; !stops(s); i++) {
		g_assert_cmpint(pwrite(fd, &i, sizeof i, FOREIGN_PAGE * PAGE), ==, sizeof i);
		g_assert_cmpuint(word_in_memory(s->p.f.process, FOREIGN_PAGE * PAGE), <=, i);
	}
	close(fd);
	return NULL;
}

/*
 * Somebody else writes to the pages that processes store to, and nobody overwrites it. He counts in
 * one byte: the host does not promise that a read which meets a write finds all of a word or
 * nothing.
 */
static void *outside_main(void *arg)
{
	struct stress *s = arg;
	int fd = open(s->p.path, O_RDWR | O_CLOEXEC);
	uint64_t written[PAGES] = {0}, seen[PAGES] = {0};

	for (unsigned i = 0; !stops(s); i++) {
		unsigned page = i % PAGES;
		uint64_t at = place(OUTSIDE, page);
		g_assert_cmpuint(word_in_file(fd, at), ==, (uint8_t)written[page]);
		/* No further ahead than one byte can tell. */
		bool ahead = written[page] - seen[page] == UINT8_MAX;
		uint8_t byte = (uint8_t)(written[page] += !ahead);
		g_assert_cmpint(pwrite(fd, &byte, !ahead, (off_t)at), ==, !ahead);
		/*
		 * A process may not have seen the last number yet, but never sees an older one
		 * again.
		 */
		uint64_t word = word_in_memory(s->p.f.process, at);
		word = written[page] - (uint8_t)(written[page] - word);
		g_assert_cmpuint(word, >=, seen[page]);
		seen[page] = word;
	}
	for (unsigned page = 0; page < PAGES; page++)
		g_assert_cmpuint(word_in_file(fd, place(OUTSIDE, page)), ==,
		                 (uint8_t)written[page]);
	close(fd);
	return NULL;
}

static void test_counters(void)
{
	static void *(*const disturbers[])(void *) = {invalidate_main, evict_main, foreign_main,
	                                              outside_main};
	pthread_t threads[WRITERS], disturbing[G_N_ELEMENTS(disturbers)];
	struct writer writers[WRITERS];
	struct stress s = {.until = 0};

	pressure_begin(&s.p, &(struct pressure_size){.frames = 20,
	                                             .slots = 64,
	                                             .overcommit = VM_OVERCOMMIT_ALWAYS,
	                                             .writeback_centisecs = 1});
	s.p.path = make_file(&s.p.f, "counters", (PAGES + 1) * PAGE, '\0');
	const char *seconds = g_getenv("STRESS_SECONDS");
	if (seconds != NULL)
		s.until = g_get_monotonic_time() + (int64_t)atoi(seconds) * G_USEC_PER_SEC;
	/* Page I is full of the byte I: the words begin at 0. */
	int fd = open(s.p.path, O_RDWR | O_TRUNC | O_CLOEXEC);
	g_assert_cmpint(ftruncate(fd, (PAGES + 1) * PAGE), ==, 0);
	close(fd);
	map_path(&s.p.f, s.p.f.process, s.p.path, O_RDWR, SHARED_AT, PAGES + 1, RW, MAP_SHARED);
	struct vm_limits limits = {.ram_pages = 64, .writeback_centisecs = 1};
	fixture_setup(&s.second, &limits);
	map_path(&s.second, s.second.process, s.p.path, O_RDWR, SHARED_AT, PAGES + 1, RW,
	         MAP_SHARED);
	for (unsigned i = 0; i < WRITERS; i++) {
		s.process[i] = fork_of(i == OTHER_MACHINE ? s.second.process : s.p.f.process);
		writers[i] = (struct writer){&s, i};
	}
	for (size_t i = 0; i < G_N_ELEMENTS(disturbers); i++)
		g_assert_cmpint(pthread_create(&disturbing[i], NULL, disturbers[i], &s), ==, 0);
	for (unsigned i = 0; i < WRITERS; i++)
		g_assert_cmpint(pthread_create(&threads[i], NULL, write_main, &writers[i]), ==, 0);
	while (s.until > 0 && g_get_monotonic_time() < s.until)
		g_usleep(100000);
	if (s.until > 0)
		__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < G_N_ELEMENTS(disturbers); i++)
		pthread_join(disturbing[i], NULL);
	assert_sound(s.p.f.machine);
	for (unsigned i = 0; i < WRITERS; i++)
		end(s.process[i]);
	g_assert_cmpint(vm_machine_sync(s.p.f.machine), ==, 0);
	g_assert_cmpint(vm_machine_sync(s.second.machine), ==, 0);
	fd = open(s.p.path, O_RDONLY | O_CLOEXEC);
	for (unsigned i = 0; i < WRITERS; i++)
		for (unsigned page = 0; page < PAGES; page++)
			g_assert_cmpuint(word_in_file(fd, place(i, page)), ==, s.stored[i][page]);
	close(fd);
	g_test_message("%" G_GUINT64_FORMAT " stores", s.stores);
	fixture_teardown(&s.second, NULL);
	pressure_end(&s.p);
}

/* --- Readers ---------------------------------------------------------------------------------- */

enum { READ_PAGES = 16 };

struct reading {
	struct vm_process *child;
	bool failed;
};

static void check_bytes(void *ctx, const struct iovec *iov, int count)
{
	struct reading *reading = ctx;

	for (int i = 0; i < count; i++)
		for (size_t at = 0; at < iov[i].iov_len; at += 64)
			reading->failed |= ((const char *)iov[i].iov_base)[at] != 'c';
}

/* Read until the process has ended. */
static void *read_main(void *arg)
{
	struct reading *reading = arg;

	while (vm_read(reading->child, ARENA, READ_PAGES * PAGE, check_bytes, reading) >= 0)
		;
	return NULL;
}

/* A child is read while it ends, and its parent stores to the pages that they share. */
static void test_readers(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){
	                       .frames = 96, .slots = 256, .overcommit = VM_OVERCOMMIT_ALWAYS});
	map(p.f.process, ARENA, READ_PAGES, RW, PRIVATE_ANON);
	for (int round = 0; round < 300; round++) {
		pthread_t thread;
		fill(p.f.process, ARENA, READ_PAGES, 'c');
		struct reading reading = {.child = fork_of(p.f.process)};
		g_assert_cmpint(pthread_create(&thread, NULL, read_main, &reading), ==, 0);
		if (round % 3 == 0)
			vm_machine_reclaim(p.f.machine, READ_PAGES);
		if (round % 2 == 0)
			fill(p.f.process, ARENA, READ_PAGES / 2, 'P');
		vm_process_exit(reading.child, 0);
		fill(p.f.process, ARENA, READ_PAGES, 'P');
		pthread_join(thread, NULL);
		g_assert_false(reading.failed);
		vm_process_unref(reading.child);
	}
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/stress/counters", test_counters);
	g_test_add_func("/stress/readers", test_readers);
	return g_test_run();
}
