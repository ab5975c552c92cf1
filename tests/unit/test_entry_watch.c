/*
 * test_entry_watch.c - a watcher of entries is told of all that a processor must be told.
 *
 * The test plays a processor that keeps every translation it can find, for ever. Random calls run
 * in related processes on a machine with few frames. After each call, every translation that was
 * kept must still be right, unless the watcher was told of one of the four entries on its path:
 * none of the entries may have lost its page or table, a right, or a bit that the processor would
 * set again. Then the processor keeps what it finds now.
 *
 * A failing seed is run again with WATCH_SEED.
 */
#include "tests/fixture/random_calls.h"
#include "vm/base/lock.h"
#include "vm/memory/pagetable.h"

#include <stdlib.h>

enum {
	STEPS = 2500,
	SEEDS = 12,
};

struct translation {
	vm_entry_id ids[4];
	uint64_t entry[4];
	int levels;
};

struct world {
	struct pressure p;
	struct random_calls calls;
	GArray *kept;     /* struct translation: what the processor holds */
	GHashTable *told; /* entries that the watcher was told of during the call */
	uint64_t tellings;
};

/* --- The processor ---------------------------------------------------------------------------- */

static void note(void *ctx, vm_entry_id id)
{
	struct world *w = ctx;

	w->tellings++;
	g_hash_table_add(w->told, GUINT_TO_POINTER(id));
}

/* Whether a copy of WAS grants or hides something that IS does not. */
static bool is_wrong(uint64_t was, uint64_t is)
{
	const uint64_t grants = PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D;

	return (was & ~is & grants) != 0 || (is & ~was & (PTE_NX | PTE_SOFT_CLEAN)) != 0 ||
	       pte_pfn(was) != pte_pfn(is);
}

static void check_kept(struct world *w)
{
	for (guint i = 0; i < w->kept->len; i++) {
		const struct translation *t = &g_array_index(w->kept, struct translation, i);
		bool told = false;
		for (int level = 0; level < t->levels; level++)
			told |= g_hash_table_contains(w->told, GUINT_TO_POINTER(t->ids[level]));
		for (int level = 0; !told && level < t->levels; level++) {
			uint64_t now = pte_get(w->p.f.machine, t->ids[level]);
			if (is_wrong(t->entry[level], now))
				g_error("%s: level %d was %#lx, is %#lx, and nobody was told",
				        w->calls.name, level, t->entry[level], now);
		}
	}
}

/* Keep the translations of all pages of PROCESS that have any, whether or not they map a page. */
static void keep_of_locked(struct world *w, const struct vm_process *process)
{
	for (unsigned page = 0; page < RANDOM_CLUSTERS * RANDOM_CLUSTER_PAGES; page++) {
		uint64_t va = random_clusters[page / RANDOM_CLUSTER_PAGES] +
		              page % RANDOM_CLUSTER_PAGES * PAGE;
		struct translation t = {.levels = 0};
		int levels = pagetable_walk_locked(process->space, va, t.ids);
		for (int i = 0; i < levels; i++) {
			t.entry[i] = pte_get(w->p.f.machine, t.ids[i]);
			if (t.entry[i] & PTE_P)
				t.levels = i + 1;
		}
		g_array_append_val(w->kept, t);
	}
}

static void look_again(struct world *w)
{
	machine_lock(w->p.f.machine);
	check_kept(w);
	g_array_set_size(w->kept, 0);
	g_hash_table_remove_all(w->told);
	for (int i = 0; i < RANDOM_PROCESSES; i++)
		if (w->calls.process[i] != NULL)
			keep_of_locked(w, w->calls.process[i]);
	machine_unlock(w->p.f.machine);
}

static void test_random(gconstpointer data)
{
	guint32 seed = GPOINTER_TO_UINT(data);
	struct world w = {.tellings = 0};

	/* Every third machine simulates no TLB: the watcher is told all the same. */
	pressure_begin(&w.p, &(struct pressure_size){.frames = 12 + seed % 20,
	                                             .slots = 512,
	                                             .overcommit = VM_OVERCOMMIT_ALWAYS,
	                                             .no_tlb = seed % 3 == 0});
	random_calls_begin(&w.calls, &w.p, seed);
	w.kept = g_array_new(FALSE, FALSE, sizeof(struct translation));
	w.told = g_hash_table_new(NULL, NULL);
	pte_watch(w.p.f.machine, note, &w);
	for (int i = 0; i < STEPS; i++) {
		random_call(&w.calls);
		look_again(&w);
	}
	g_assert_cmpuint(w.tellings, >, 0);
	pte_watch(w.p.f.machine, NULL, NULL);
	assert_sound(w.p.f.machine);
	random_calls_end(&w.calls);
	g_array_unref(w.kept);
	g_hash_table_unref(w.told);
	pressure_end(&w.p);
}

int main(int argc, char **argv)
{
	const char *seed = g_getenv("WATCH_SEED");

	g_test_init(&argc, &argv, NULL);
	if (seed != NULL) {
		g_test_add_data_func("/entry-watch/seed", GUINT_TO_POINTER(atoi(seed)),
		                     test_random);
		return g_test_run();
	}
	for (unsigned i = 0; i < SEEDS; i++) {
		g_autofree char *path = g_strdup_printf("/entry-watch/%u", i);
		g_test_add_data_func(path, GUINT_TO_POINTER(i), test_random);
	}
	return g_test_run();
}
