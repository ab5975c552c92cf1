/*
 * test_entry_watch.c - a watcher of entries is told of all that a processor must be told.
 *
 * The test plays a processor that keeps every translation it can find, for ever. Random calls run in
 * related processes on a machine with few frames. After each call, every translation that was kept
 * must still be right, unless the watcher was told of one of the four entries on its path: none of
 * the entries may have lost its page or table, a right, or a bit that the processor would set again.
 * Then the processor keeps what it finds now.
 *
 * A failing seed is run again with WATCH_SEED.
 */
#include "tests/fixture/pressure.h"
#include "util/linux_constants.h"
#include "vm/base/lock.h"
#include "vm/memory/pagetable.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	CLUSTERS = 3,
	CLUSTER_PAGES = 8,
	CLUSTER_PAGES_ALL = CLUSTERS * CLUSTER_PAGES,
	MOST_PROCESSES = 4,
	MOST_PAGES = 6, /* of one call */
	FILE_PAGES = 16,
	STEPS = 2500,
	SEEDS = 12,
};

/* Each cluster lies across a border: of last-level tables, of PMD tables, of PUD tables. */
static const uint64_t clusters[CLUSTERS] = {
    (UINT64_C(1) << 30) + (2 << 20) - CLUSTER_PAGES / 2 * PAGE,
    (UINT64_C(3) << 30) - CLUSTER_PAGES / 2 * PAGE,
    (UINT64_C(1) << 39) - CLUSTER_PAGES / 2 * PAGE,
};

struct translation {
	vm_entry_id ids[4];
	uint64_t entry[4];
	int levels;
};

struct world {
	struct pressure p;
	GRand *rand;
	struct vm_process *process[MOST_PROCESSES];
	char *path;
	struct vm_file *file;
	GArray *kept;     /* struct translation: what the processor holds */
	GHashTable *told; /* entries that the watcher was told of during the step */
	uint64_t tellings;
	const char *step; /* the call of this step, for the failure's message */
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
				        w->step, level, t->entry[level], now);
		}
	}
}

/* Keep the translations of all pages of PROCESS that have any, whether or not they map a page. */
static void keep_of_locked(struct world *w, const struct vm_process *process)
{
	for (unsigned page = 0; page < CLUSTER_PAGES_ALL; page++) {
		uint64_t va = clusters[page / CLUSTER_PAGES] + page % CLUSTER_PAGES * PAGE;
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
	for (int i = 0; i < MOST_PROCESSES; i++)
		if (w->process[i] != NULL)
			keep_of_locked(w, w->process[i]);
	machine_unlock(w->p.f.machine);
}

/* --- Steps ------------------------------------------------------------------------------------ */

static unsigned pick(struct world *w, unsigned n)
{
	return (unsigned)g_rand_int_range(w->rand, 0, (gint32)n);
}

/* Some pages of a cluster: their address and, in *LEN, their bytes. */
static uint64_t pick_range(struct world *w, uint64_t *len)
{
	unsigned first = pick(w, CLUSTER_PAGES);
	unsigned pages = 1 + pick(w, MIN(MOST_PAGES, CLUSTER_PAGES - first));

	*len = pages * PAGE;
	return clusters[pick(w, CLUSTERS)] + first * PAGE;
}

static int pick_prot(struct world *w)
{
	static const int prots[] = {RW, RW, RW | PROT_EXEC, PROT_READ, PROT_NONE};

	return prots[pick(w, G_N_ELEMENTS(prots))];
}

static void step_access(struct world *w, struct vm_process *process)
{
	uint64_t len, va = pick_range(w, &len);

	vm_access(process, va, len, (enum vm_access)pick(w, 3), NULL, NULL);
}

static void step_mmap(struct world *w, struct vm_process *process)
{
	static const int kinds[] = {PRIVATE_ANON, PRIVATE_ANON, SHARED_ANON, MAP_PRIVATE,
	                            MAP_SHARED};
	int flags = kinds[pick(w, G_N_ELEMENTS(kinds))] | MAP_FIXED;
	uint64_t len, va = pick_range(w, &len);

	vm_mmap(process, va, len, pick_prot(w), flags, flags & MAP_ANONYMOUS ? NULL : w->file,
	        pick(w, FILE_PAGES) * PAGE);
}

static void step_munmap(struct world *w, struct vm_process *process)
{
	uint64_t len, va = pick_range(w, &len);

	vm_munmap(process, va, len);
}

static void step_mprotect(struct world *w, struct vm_process *process)
{
	uint64_t len, va = pick_range(w, &len);

	vm_mprotect(process, va, len, pick_prot(w));
}

static void step_mremap(struct world *w, struct vm_process *process)
{
	uint64_t len, va = pick_range(w, &len), other, to = pick_range(w, &other);

	vm_mremap(process, va, len, pick(w, 2) ? len : other, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

static void step_fork(struct world *w, struct vm_process *process)
{
	for (int i = 0; i < MOST_PROCESSES; i++)
		if (w->process[i] == NULL) {
			w->process[i] = fork_of(process);
			return;
		}
}

static void step_exit(struct world *w, struct vm_process *process)
{
	unsigned alive = 0;

	for (int i = 0; i < MOST_PROCESSES; i++)
		alive += w->process[i] != NULL;
	for (int i = 0; alive > 1 && i < MOST_PROCESSES; i++)
		if (w->process[i] == process) {
			w->process[i] = NULL;
			end(process);
			return;
		}
}

static void step_reclaim(struct world *w, struct vm_process *process)
{
	vm_machine_reclaim(w->p.f.machine, 1 + pick(w, 6));
}

static void step_drop(struct world *w, struct vm_process *process)
{
	if (pick(w, 2))
		vm_machine_drop_entries(w->p.f.machine);
	else
		vm_machine_drop_caches(w->p.f.machine);
}

static void step_msync(struct world *w, struct vm_process *process)
{
	uint64_t len, va = pick_range(w, &len);

	vm_msync(process, va, len, pick(w, 2) ? MS_SYNC : MS_SYNC | MS_INVALIDATE);
}

static void step_madvise(struct world *w, struct vm_process *process)
{
	static const int advices[] = {MADV_DONTNEED,      MADV_FREE,        MADV_COLD,
	                              MADV_PAGEOUT,       MADV_WILLNEED,    MADV_REMOVE,
	                              MADV_GUARD_INSTALL, MADV_GUARD_REMOVE};
	uint64_t len, va = pick_range(w, &len);

	vm_madvise(process, va, len, advices[pick(w, G_N_ELEMENTS(advices))]);
}

static void step_clear_refs(struct world *w, struct vm_process *process)
{
	vm_process_clear_refs(process, 1 + (int)pick(w, 4));
}

static void step_lock(struct world *w, struct vm_process *process)
{
	uint64_t len, va = pick_range(w, &len);

	vm_mlock(process, va, 2 * PAGE, MLOCK_ONFAULT);
	vm_munlock(process, va, len);
}

static void step_resize(struct world *w, struct vm_process *process)
{
	resize_file(w->path, (1 + pick(w, FILE_PAGES)) * PAGE);
}

static const struct {
	const char *name;
	void (*run)(struct world *, struct vm_process *);
	unsigned weight;
} steps[] = {
    {"access", step_access, 40},   {"mmap", step_mmap, 10},
    {"munmap", step_munmap, 4},    {"mprotect", step_mprotect, 8},
    {"mremap", step_mremap, 6},    {"fork", step_fork, 5},
    {"exit", step_exit, 3},        {"reclaim", step_reclaim, 6},
    {"drop", step_drop, 3},        {"msync", step_msync, 4},
    {"madvise", step_madvise, 10}, {"clear_refs", step_clear_refs, 4},
    {"mlock", step_lock, 2},       {"truncate", step_resize, 2},
};

static void step(struct world *w)
{
	unsigned total = 0, i;
	struct vm_process *process;

	do
		process = w->process[pick(w, MOST_PROCESSES)];
	while (process == NULL);
	for (i = 0; i < G_N_ELEMENTS(steps); i++)
		total += steps[i].weight;
	unsigned choice = pick(w, total);
	for (i = 0; choice >= steps[i].weight; i++)
		choice -= steps[i].weight;
	w->step = steps[i].name;
	steps[i].run(w, process);
}

static void test_random(gconstpointer data)
{
	guint32 seed = GPOINTER_TO_UINT(data);
	struct world w = {.rand = g_rand_new_with_seed(seed)};

	/* Every third machine simulates no TLB: the watcher is told all the same. */
	pressure_begin(&w.p, &(struct pressure_size){.frames = 12 + seed % 20,
	                                             .slots = 512,
	                                             .overcommit = VM_OVERCOMMIT_ALWAYS,
	                                             .no_tlb = seed % 3 == 0});
	w.process[0] = vm_process_ref(w.p.f.process);
	w.path = make_file(&w.p.f, "watched", FILE_PAGES * PAGE, 'a');
	w.file = open_file(&w.p.f, w.path, O_RDWR);
	w.kept = g_array_new(FALSE, FALSE, sizeof(struct translation));
	w.told = g_hash_table_new(NULL, NULL);
	pte_watch(w.p.f.machine, note, &w);
	for (int i = 0; i < STEPS; i++) {
		step(&w);
		look_again(&w);
	}
	g_assert_cmpuint(w.tellings, >, 0);
	pte_watch(w.p.f.machine, NULL, NULL);
	assert_sound(w.p.f.machine);
	for (int i = 0; i < MOST_PROCESSES; i++)
		if (w.process[i] != NULL && w.process[i] != w.p.f.process)
			end(w.process[i]);
		else if (w.process[i] != NULL)
			vm_process_unref(w.process[i]);
	vm_file_unref(w.file);
	g_free(w.path);
	g_array_unref(w.kept);
	g_hash_table_unref(w.told);
	g_rand_free(w.rand);
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
