/*
 * test_give_back.c - memory that was freed goes back to the host, and nothing else does.
 */
#include "tests/fixture/vm_fixture.h"
#include "vm/base/give_back.h"
#include "vm/base/host.h"
#include "vm/base/lock.h"
#include "vm/base/pool.h"
#include "vm/base/user.h"
#include "vm/cache/flusher.h"

#include <malloc.h>
#include <unistd.h>

/* --- Pools ------------------------------------------------------------------------------------ */

/*
 * A pool of things with a page and a few bytes each, as RAM and its descriptors. Each thing in use
 * holds its number everywhere.
 */
enum { THINGS = 1000, WORDS = VM_PAGE_SIZE / 8, SMALL = 8 };

struct model {
	struct vm_machine *machine;
	struct vm_pool pool;
	uint64_t (*page)[WORDS], (*small)[SMALL];
	bool in_use[THINGS];
	uint32_t stack[THINGS], depth, used;
};

static void model_begin(struct model *m, struct vm_machine *machine)
{
	*m = (struct model){.machine = machine};
	m->page = machine_reserve(THINGS * sizeof *m->page);
	m->small = machine_reserve(THINGS * sizeof *m->small);
	g_assert_true(pool_init(&m->pool, THINGS, 0));
	pool_add_part(&m->pool, m->page, sizeof *m->page);
	pool_add_part(&m->pool, m->small, sizeof *m->small);
}

static void model_end(struct model *m)
{
	pool_fini(&m->pool);
	machine_unreserve(m->page, THINGS * sizeof *m->page);
	machine_unreserve(m->small, THINGS * sizeof *m->small);
}

/* The order is that of a stack, whatever was given back. What is said to be cleared is. */
static void take_thing(struct model *m)
{
	bool cleared;
	uint32_t expected = m->depth > 0       ? m->stack[m->depth - 1]
	                    : m->used < THINGS ? m->used
	                                       : VM_POOL_NONE;
	uint32_t thing = pool_take_locked(&m->pool, &cleared);

	g_assert_cmpuint(thing, ==, expected);
	if (thing == VM_POOL_NONE)
		return;
	if (m->depth > 0)
		m->depth--;
	else
		m->used++;
	m->in_use[thing] = true;
	for (int i = 0; i < WORDS; i++) {
		g_assert_true(!cleared || m->page[thing][i] == 0);
		m->page[thing][i] = thing + 1;
	}
	for (int i = 0; i < SMALL; i++)
		m->small[thing][i] = thing + 1;
}

static void put_thing(struct model *m, uint32_t thing)
{
	if (!m->in_use[thing])
		return;
	m->in_use[thing] = false;
	m->stack[m->depth++] = thing;
	pool_put_locked(&m->pool, thing);
}

static void check_contents(const struct model *m)
{
	for (uint32_t t = 0; t < THINGS; t++) {
		for (int i = 0; m->in_use[t] && i < WORDS; i++)
			g_assert_cmpuint(m->page[t][i], ==, t + 1);
		for (int i = 0; m->in_use[t] && i < SMALL; i++)
			g_assert_cmpuint(m->small[t][i], ==, t + 1);
	}
	g_assert_cmpuint(pool_free(&m->pool), ==, m->depth + THINGS - m->used);
}

static void random_step(struct model *m, GRand *rand)
{
	uint32_t from = (uint32_t)g_rand_int_range(rand, 0, THINGS);
	int kind = g_rand_int_range(rand, 0, 10), count = g_rand_int_range(rand, 1, 200);

	if (kind == 0)
		pool_give_back_locked(m->machine, &m->pool);
	for (int i = 0; kind >= 1 && kind <= 4 && i < count; i++)
		take_thing(m);
	for (uint32_t i = 0; kind >= 5 && i < (uint32_t)count; i++)
		put_thing(m, kind <= 6   ? (from + i) % THINGS
		             : kind <= 8 ? (from + THINGS - i) % THINGS
		                         : (uint32_t)g_rand_int_range(rand, 0, THINGS));
}

static void test_model(struct vm_fixture *f, gconstpointer data)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);
	struct model m;

	model_begin(&m, f->machine);
	machine_lock(f->machine);
	for (int i = 0; i < 2000; i++) {
		random_step(&m, rand);
		if (i % 20 == 0)
			check_contents(&m);
	}
	machine_unlock(f->machine);
	model_end(&m);
}

/* What is taken again before the next round keeps its memory. */
static void test_hot(struct vm_fixture *f, gconstpointer data)
{
	struct model m;

	model_begin(&m, f->machine);
	machine_lock(f->machine);
	for (int i = 0; i < 300; i++)
		take_thing(&m);
	for (int round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < 300; i++)
			put_thing(&m, i);
		pool_give_back_locked(f->machine, &m.pool);
		g_assert_cmpuint(m.pool.given, ==, 0);
		for (int i = 0; i < 300; i++)
			take_thing(&m);
	}
	/* Two hundred of them are not wanted any more. The others are. */
	for (uint32_t i = 0; i < 300; i++)
		put_thing(&m, i);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 100; i++)
			take_thing(&m);
		for (uint32_t i = 0; i < 300; i++)
			put_thing(&m, i);
		pool_give_back_locked(f->machine, &m.pool);
	}
	g_assert_cmpuint(m.pool.given, ==, 200);
	machine_unlock(f->machine);
	model_end(&m);
}

/* --- Machines --------------------------------------------------------------------------------- */

/* Bytes of this program that are in memory. */
static uint64_t resident(void)
{
	unsigned long long size, pages;
	FILE *file = fopen("/proc/self/statm", "re");

	g_assert_nonnull(file);
	g_assert_cmpint(fscanf(file, "%llu %llu", &size, &pages), ==, 2);
	fclose(file);
	return pages * PAGE;
}

/* Whether this program has no more memory than CTX, a uint64_t, says. */
static bool has_fallen(void *ctx)
{
	return resident() <= *(const uint64_t *)ctx;
}

struct fall {
	uint64_t before, full;
};

static void fall_begin(struct fall *fall)
{
	malloc_trim(0);
	fall->before = resident();
}

/* EXPECTED bytes came since the beginning; the host counts in batches, so most of them show. */
static void fall_full(struct fall *fall, uint64_t expected)
{
	fall->full = resident();
	g_assert_cmpuint(fall->full, >=, fall->before + expected / 10 * 9);
}

/* Nine tenths of what came goes, within the time that a test may wait. */
static void fall_end(struct fall *fall)
{
	uint64_t most = fall->full - (fall->full - fall->before) / 10 * 9;

	wait_until(has_fallen, &most);
}

static void test_frames(struct vm_fixture *f, gconstpointer data)
{
	enum { PAGES = 12000 };
	struct vm_process *other = spawn(f);
	struct fall fall;

	map(f->process, ARENA, 100, RW, PRIVATE_ANON);
	fill(f->process, ARENA, 50, 'k');
	fall_begin(&fall);
	map(other, ARENA, PAGES, RW, PRIVATE_ANON);
	fill(other, ARENA, PAGES, 'x');
	fill(f->process, ARENA + 50 * PAGE, 50, 'k');
	fall_full(&fall, PAGES * PAGE);
	end(other);
	fall_end(&fall);
	assert_filled(f->process, ARENA, 100, 'k');
	assert_sound(f->machine);
	/* They are clean when they are taken again. */
	map(f->process, ARENA, PAGES, RW, PRIVATE_ANON | MAP_FIXED);
	for (uint64_t i = 0; i < PAGES; i++)
		fill(f->process, ARENA + i * PAGE + 8, 0, 0);
	uint8_t page[PAGE], zeros[PAGE] = {0};
	for (uint64_t i = 0; i < PAGES; i += 7) {
		g_assert_cmpint(vm_write(f->process, ARENA + i * PAGE, "", 1), ==, 1);
		g_assert_cmpint(load(f->process, ARENA + i * PAGE, page, PAGE), ==, PAGE);
		g_assert_cmpmem(page, PAGE, zeros, PAGE);
	}
}

G_GNUC_UNUSED static void test_tables(struct vm_fixture *f, gconstpointer data)
{
	enum { TABLES = 4000 };
	const uint64_t span = 2 * MIB, at = UINT64_C(0x100000000);
	struct vm_process *other = spawn(f);
	struct fall fall;

	fall_begin(&fall);
	map(other, at, TABLES * span / PAGE, PROT_READ, PRIVATE_ANON | MAP_NORESERVE);
	for (uint64_t i = 0; i < TABLES; i++)
		g_assert_cmpint(vm_access(other, at + i * span, 1, VM_ACCESS_READ, NULL, NULL), ==,
		                0);
	fall_full(&fall, TABLES * PAGE);
	end(other);
	fall_end(&fall);
	assert_sound(f->machine);
}

G_GNUC_UNUSED static void test_areas(struct vm_fixture *f, gconstpointer data)
{
	enum { AREAS = 60000 };
	struct vm_process *other = spawn(f);
	struct fall fall;

	fall_begin(&fall);
	for (uint64_t i = 0; i < AREAS; i++)
		map(other, ARENA + i * 2 * PAGE, 1, RW, PRIVATE_ANON);
	fall_full(&fall, AREAS * sizeof(struct vm_area));
	g_test_message("%.1f bytes an area", (double)(fall.full - fall.before) / AREAS);
	end(other);
	fall_end(&fall);
}

G_GNUC_UNUSED static void test_twins(struct vm_fixture *f, gconstpointer data)
{
	enum { PAGES = 3000 };
	g_autofree char *path = make_file(f, "file", PAGES * PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDWR);
	struct fall fall;

	map_file(f->process, ARENA, PAGES, RW, MAP_SHARED, file, 0);
	for (uint64_t i = 0; i < PAGES; i++)
		g_assert_cmpint(
		    vm_access(f->process, ARENA + i * PAGE, 1, VM_ACCESS_READ, NULL, NULL), ==, 0);
	fall_begin(&fall);
	fill(f->process, ARENA, PAGES, 'x');
	fall_full(&fall, PAGES * PAGE);
	g_assert_cmpint(vm_msync(f->process, ARENA, PAGES * PAGE, MS_SYNC), ==, 0);
	fall_end(&fall);
	assert_filled(f->process, ARENA, PAGES, 'x');
	vm_file_unref(file);
}

/* --- Holds ------------------------------------------------------------------------------------ */

static void keep_longest(void *ctx, int64_t ns)
{
	int64_t *longest = ctx;

	*longest = MAX(*longest, ns);
}

/* Frames that lie in single pieces take most calls of the host. */
static void test_holds(struct vm_fixture *f, gconstpointer data)
{
	enum { PAGES = 8000 };
	int64_t longest = 0;

	flusher_stop(f->machine);
	map(f->process, ARENA, PAGES, RW, PRIVATE_ANON);
	fill(f->process, ARENA, PAGES, 'x');
	for (uint64_t i = 0; i < PAGES; i += 2)
		g_assert_cmpint(vm_munmap(f->process, ARENA + i * PAGE, PAGE), ==, 0);
	lock_time(f->machine, 100000, keep_longest, &longest);
	machine_lock(f->machine);
	give_back_locked(f->machine);
	give_back_locked(f->machine);
	machine_unlock(f->machine);
	g_assert_cmpuint(f->machine->frame_pool.given, ==, PAGES / 2);
	lock_time(f->machine, 0, NULL, NULL);
	g_test_message("longest hold: %ld ns", longest);
	f->machine->stopping = false;
	g_assert_cmpint(flusher_start(f->machine), ==, 0);
}

#define TEST(name, fn) \
	g_test_add(name, struct vm_fixture, data, fixture_setup, fn, fixture_teardown)

int main(int argc, char **argv)
{
	const struct vm_limits *data = NULL;

	g_test_init(&argc, &argv, NULL);
	TEST("/give-back/model", test_model);
	TEST("/give-back/hot", test_hot);
	TEST("/give-back/frames", test_frames);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* Sanitizers have memory of their own for what is allocated and accessed. It stays. */
	TEST("/give-back/tables", test_tables);
	TEST("/give-back/areas", test_areas);
	TEST("/give-back/twins", test_twins);
#endif
	TEST("/give-back/holds", test_holds);
	return g_test_run();
}
