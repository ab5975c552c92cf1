/*
 * test_tlb.c - the simulated TLB: its counters, the order in which entries are replaced, and use by
 * several threads.
 */
#include "tests/fixture/tlb_fixture.h"

#include <pthread.h>

/* --- Counts ----------------------------------------------------------------------------------- */

static void assert_counts(struct vm_process *process, uint64_t hits, uint64_t misses,
                          uint64_t flushes)
{
	struct vm_tlb_info info = counts(process);

	g_assert_cmpuint(info.hits, ==, hits);
	g_assert_cmpuint(info.misses, ==, misses);
	g_assert_cmpuint(info.flushes, ==, flushes);
}

static void test_counts(void)
{
	struct pressure p;

	begin(&p, &(struct geometry){16, 4});
	struct vm_process *process = p.f.process, *child;
	uint64_t a = map(process, ARENA, 4, RW, PRIVATE_ANON);
	assert_counts(process, 0, 0, 0);
	put(process, a, 1);
	put(process, a + PAGE, 1);
	struct vm_tlb_info base = counts(process);
	g_assert_cmpuint(base.hits, ==, 0);
	g_assert_cmpuint(base.misses, >=, 2);
	served(process, a, VM_ACCESS_READ);
	served(process, a + 7, VM_ACCESS_WRITE);
	g_assert_cmpint(get(process, a + PAGE), ==, 1);
	assert_counts(process, 3, base.misses, base.flushes);
	/* Unmapping pages that are not in the TLB causes no flush. */
	g_assert_cmpint(vm_munmap(process, a + 2 * PAGE, 2 * PAGE), ==, 0);
	assert_counts(process, 3, base.misses, base.flushes);
	g_assert_cmpint(vm_mprotect(process, a, PAGE, PROT_READ), ==, 0);
	assert_counts(process, 3, base.misses, base.flushes + 1);
	served(process, a, VM_ACCESS_READ);
	assert_counts(process, 3, base.misses + 1, base.flushes + 1);
	child = fork_of(process);
	assert_counts(process, 3, base.misses + 1, base.flushes + 2);
	assert_counts(child, 0, 0, 0);
	served(child, a, VM_ACCESS_READ);
	assert_counts(child, 0, 1, 0);
	end(child);
	pressure_end(&p);
}

static void count_entry(void *ctx, const struct vm_tlb_entry *entry)
{
	(void)entry;
	++*(unsigned *)ctx;
}

static void test_off(void)
{
	struct pressure p;
	struct vm_tlb_info info;
	unsigned entries = 0;

	begin(&p, &(struct geometry){0, 0});
	put(p.f.process, map(p.f.process, ARENA, 1, RW, PRIVATE_ANON), 1);
	vm_process_tlb(p.f.process, &info, count_entry, &entries);
	g_assert_cmpuint(info.sets, ==, 0);
	g_assert_cmpuint(entries, ==, 0);
	assert_counts(p.f.process, 0, 0, 0);
	pressure_end(&p);
}

/* --- The least recently used entry of a set goes ---------------------------------------------- */

enum { PAGES = 48, STEPS = 6000, MOST_ENTRIES = 64 };

struct model {
	struct geometry shape;
	struct {
		uint64_t page; /* 0: invalid */
		unsigned used;
		bool dirty;
	} entry[MOST_ENTRIES];
	bool dirty[PAGES]; /* in the page tables */
	uint64_t hits, misses, flushes;
	unsigned clock;
};

/* Make one access. Returns whether the TLB serves it. */
static bool model_access(struct model *m, uint64_t va, bool write)
{
	uint64_t page = va / PAGE, number = page - ARENA / PAGE;
	unsigned first = (unsigned)(page % m->shape.sets) * m->shape.ways, way, victim = first;
	bool hit;

	for (way = first; way < first + m->shape.ways && m->entry[way].page != page; way++)
		if (m->entry[victim].page != 0 &&
		    (m->entry[way].page == 0 || m->entry[way].used < m->entry[victim].used))
			victim = way;
	hit = way < first + m->shape.ways;
	if (hit)
		victim = way;
	hit = hit && (!write || m->entry[way].dirty);
	m->hits += hit;
	m->misses += !hit;
	m->dirty[number] |= write;
	m->entry[victim].dirty = hit ? m->entry[victim].dirty : m->dirty[number];
	m->entry[victim].page = page;
	m->entry[victim].used = ++m->clock;
	return hit;
}

/*
 * MADV_FREE: no page is dirty any more, all keep the right to write, and the TLB loses every
 * translation.
 */
static void model_clear(struct model *m)
{
	for (unsigned i = 0; i < m->shape.sets * m->shape.ways; i++)
		m->flushes += m->entry[i].page != 0;
	memset(m->entry, 0, sizeof m->entry);
	memset(m->dirty, 0, sizeof m->dirty);
}

static void compare_entry(void *ctx, const struct vm_tlb_entry *entry)
{
	struct model *m = ctx;
	unsigned at = entry->set * m->shape.ways + entry->way;

	g_assert_cmphex(entry->va, ==, m->entry[at].page * PAGE);
	g_assert_cmpint(entry->dirty, ==, m->entry[at].dirty);
	m->entry[at].page = 0;
}

static void compare(struct vm_process *process, const struct model *m,
                    const struct vm_tlb_info *base)
{
	struct model left = *m;
	struct vm_tlb_info info;

	vm_process_tlb(process, &info, compare_entry, &left);
	g_assert_cmpuint(info.sets, ==, m->shape.sets);
	g_assert_cmpuint(info.ways, ==, m->shape.ways);
	for (unsigned i = 0; i < MOST_ENTRIES; i++)
		g_assert_cmpuint(left.entry[i].page, ==, 0);
	assert_counts(process, base->hits + m->hits, base->misses + m->misses,
	              base->flushes + m->flushes);
}

static void test_model(gconstpointer data)
{
	struct model m = {.shape = *(const struct geometry *)data};
	struct pressure p;

	begin(&p, &m.shape);
	fill(p.f.process, map(p.f.process, ARENA, PAGES, RW | PROT_EXEC, PRIVATE_ANON), PAGES, 1);
	g_assert_cmpint(vm_madvise(p.f.process, ARENA, PAGES * PAGE, MADV_FREE), ==, 0);
	struct vm_tlb_info base = counts(p.f.process);
	for (int i = 0; i < STEPS; i++) {
		/* Some pages are used more often than others. */
		int number = g_test_rand_int_range(0, g_test_rand_int_range(1, PAGES + 1));
		uint64_t va = ARENA + (uint64_t)number * PAGE;
		enum vm_access access =
		    (enum vm_access)g_test_rand_int_range(VM_ACCESS_READ, VM_ACCESS_EXEC + 1);
		g_assert_cmpint(served(p.f.process, va, access), ==,
		                model_access(&m, va, access == VM_ACCESS_WRITE));
		if (g_test_rand_int_range(0, 500) == 0) {
			g_assert_cmpint(vm_madvise(p.f.process, ARENA, PAGES * PAGE, MADV_FREE), ==,
			                0);
			model_clear(&m);
		}
		compare(p.f.process, &m, &base);
	}
	pressure_end(&p);
}

/* --- All at once ------------------------------------------------------------------------------ */

enum { ROUNDS = 1500, WORKERS = 2 };

struct worker {
	struct pressure *p;
	uint64_t page;
	bool stop;
};

/*
 * Stores and loads in a page of the thread's own must agree, whatever happens to the other pages.
 */
static void *work(void *arg)
{
	struct worker *worker = arg;

	for (int i = 0; i < ROUNDS; i++) {
		put(worker->p->f.process, worker->page, (uint8_t)i);
		g_assert_cmpint(get(worker->p->f.process, worker->page), ==, (uint8_t)i);
	}
	return NULL;
}

static void *disturb(void *arg)
{
	struct worker *worker = arg;
	struct vm_process *process = worker->p->f.process;

	for (int i = 0; !__atomic_load_n(&worker->stop, __ATOMIC_ACQUIRE); i++) {
		struct vm_process *child = fork_of(process);
		g_assert_cmpint(vm_mprotect(process, worker->page, PAGE, i & 1 ? RW : PROT_READ),
		                ==, 0);
		vm_machine_reclaim(worker->p->f.machine, 64);
		g_assert_cmpint(vm_process_clear_refs(process, 1 + i % 4), ==, 0);
		get(child, worker->page);
		end(child);
	}
	return NULL;
}

static void test_threads(gconstpointer data)
{
	struct worker workers[WORKERS], disturber;
	pthread_t threads[WORKERS], disturbing;
	struct pressure p;

	begin(&p, data);
	uint64_t a = map(p.f.process, ARENA, WORKERS + 1, RW, PRIVATE_ANON);
	disturber = (struct worker){.p = &p, .page = a};
	pthread_create(&disturbing, NULL, disturb, &disturber);
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){.p = &p, .page = a + (uint64_t)(i + 1) * PAGE};
		pthread_create(&threads[i], NULL, work, &workers[i]);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&disturber.stop, true, __ATOMIC_RELEASE);
	pthread_join(disturbing, NULL);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tlb/counts", test_counts);
	g_test_add_func("/tlb/off", test_off);
	for (size_t i = 0; i < GEOMETRIES; i++) {
		add("threads", &geometries[i], test_threads);
		if (geometries[i].sets > 0)
			add("model", &geometries[i], test_model);
	}
	return g_test_run();
}
