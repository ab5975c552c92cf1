/*
 * test_pagemap.c - numbers about pages from different sources must agree: pagemap, smaps, page
 * tables, frames, kpagecount, kpageflags. Also clear_refs.
 */
#include "tests/fixture/pressure.h"

#include <linux/kernel-page-flags.h>

/* One page in the unit of shares: bytes x 4096. */
#define SHARE (UINT64_C(1) << 24)

/* --- Every number against every other --------------------------------------------------------- */

enum { PROCESSES = 5, AREA_PAGES = 24, WALK = 400 };

struct sums {
	uint64_t pss, swap_pss, rss, swap, pss_anon;
};

static bool add_usage(void *ctx, const struct vm_area_usage *usage)
{
	struct sums *sums = ctx;

	sums->pss += usage->pss;
	sums->swap_pss += usage->swap_pss;
	sums->rss += usage->rss;
	sums->swap += usage->swap_pss > 0 ? usage->swap : 0;
	return true;
}

struct mapped {
	uint64_t frames, users;
};

static bool add_frame(void *ctx, const struct vm_frame_info *frame)
{
	struct mapped *mapped = ctx;

	mapped->frames += frame->users > 0;
	mapped->users += frame->users;
	return true;
}

static bool note_slot(void *ctx, const struct vm_entry_info *entry)
{
	if (entry->kind == VM_ENTRY_SWAP)
		g_hash_table_add(ctx, GSIZE_TO_POINTER(entry->pfn));
	return true;
}

/* The division may lose less than one unit for each user. */
static void assert_near(uint64_t sum, uint64_t whole, uint64_t users)
{
	g_assert_cmpuint(sum, <=, whole);
	g_assert_cmpuint(sum + users, >=, whole);
}

static void assert_sums(struct pressure *p, struct vm_process **processes)
{
	g_autoptr(GHashTable) slots = g_hash_table_new(NULL, NULL);
	struct mapped mapped = {0, 0};
	struct sums all = {0, 0, 0, 0, 0};

	for (int i = 0; i < PROCESSES; i++) {
		struct sums one = {0, 0, 0, 0, 0};
		struct vm_process_info info;
		if (processes[i] == NULL)
			continue;
		g_assert_cmpint(vm_process_usage(processes[i], 0, add_usage, &one), ==, 0);
		vm_process_info(processes[i], &info);
		g_assert_cmpuint(one.rss, ==,
		                 (info.rss_anon + info.rss_file + info.rss_shmem) * PAGE);
		g_assert_cmpuint(one.swap, ==, info.swap * PAGE);
		g_assert_cmpint(vm_process_entries(processes[i], 0, note_slot, slots), ==, 0);
		all.pss += one.pss;
		all.swap_pss += one.swap_pss;
		all.rss += one.rss;
	}
	vm_machine_frames(p->f.machine, 0, add_frame, &mapped);
	g_assert_cmpuint(all.rss, ==, mapped.users * PAGE);
	assert_near(all.pss, mapped.frames * SHARE, mapped.users);
	assert_near(all.swap_pss, g_hash_table_size(slots) * SHARE, PROCESSES * AREA_PAGES * 4);
}

struct comparison {
	struct vm_machine *machine;
	uint64_t words[AREA_PAGES];
};

/* pagemap's word and the frame's words must agree with ENTRY. */
static bool compare_entry(void *ctx, const struct vm_entry_info *entry)
{
	struct comparison *c = ctx;
	uint64_t number = entry->va / PAGE - ARENA / PAGE, count, flags;

	if (entry->level != VM_PTE || entry->va < ARENA || number >= AREA_PAGES)
		return true;
	uint64_t word = c->words[number] & ~(UINT64_C(1) << 55);
	c->words[number] = 0;
	if (entry->kind == VM_ENTRY_SWAP) {
		g_assert_cmphex(word & ~(UINT64_C(1) << 56), ==,
		                UINT64_C(1) << 62 | entry->pfn << 5);
		return true;
	}
	g_assert_cmphex(word & ((UINT64_C(1) << 55) - 1), ==, entry->pfn);
	g_assert_cmphex(word >> 62, ==, 2);
	vm_machine_page_counts(c->machine, entry->pfn, 1, &count);
	vm_machine_page_flags(c->machine, entry->pfn, 1, &flags);
	if (entry->zero) {
		g_assert_true(flags >> KPF_ZERO_PAGE & 1);
		return true;
	}
	g_assert_cmpuint(count, ==, entry->users);
	g_assert_cmpuint(word >> 56 & 1, ==, entry->users == 1);
	g_assert_cmpuint(word >> 61 & 1, ==, !(flags >> KPF_ANON & 1));
	g_assert_true(flags >> KPF_MMAP & 1);
	g_assert_false(flags >> KPF_BUDDY & 1);
	return true;
}

static bool keep_entry(void *ctx, const struct vm_entry_info *entry)
{
	g_array_append_vals(ctx, entry, 1);
	return true;
}

static void assert_pagemap(struct pressure *p, struct vm_process *process)
{
	g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(struct vm_entry_info));
	struct comparison c = {.machine = p->f.machine};

	g_assert_cmpint(vm_process_pagemap(process, ARENA / PAGE, AREA_PAGES, c.words), ==, 0);
	g_assert_cmpint(vm_process_entries(process, 0, keep_entry, entries), ==, 0);
	for (guint i = 0; i < entries->len; i++)
		compare_entry(&c, &g_array_index(entries, struct vm_entry_info, i));
	/* Pages that are not mapped may still be soft-dirty. */
	for (int i = 0; i < AREA_PAGES; i++)
		g_assert_cmphex(c.words[i] & ~(UINT64_C(1) << 55), ==, 0);
}

/* One random step of all that change what is mapped where. */
static void step(struct pressure *p, struct vm_process **processes, int i)
{
	uint64_t va = ARENA + (uint64_t)g_test_rand_int_range(0, AREA_PAGES) * PAGE;
	int other = g_test_rand_int_range(1, PROCESSES);

	switch (g_test_rand_int_range(0, 8)) {
	case 0:
	case 1:
		put(processes[i], va, (uint8_t)i);
		break;
	case 2:
	case 3:
		get(processes[i], va);
		break;
	case 4:
		vm_machine_reclaim(p->f.machine, (uint64_t)g_test_rand_int_range(1, 8));
		break;
	case 5:
		g_assert_cmpint(vm_process_clear_refs(processes[i], g_test_rand_int_range(1, 6)),
		                ==, 0);
		break;
	case 6:
		g_assert_cmpint(vm_mprotect(processes[i], va, PAGE, RW), ==, 0);
		break;
	default:
		if (other == i)
			break;
		g_clear_pointer(&processes[other], end);
		processes[other] = fork_of(processes[i]);
	}
}

static void test_all(void)
{
	struct vm_process *processes[PROCESSES] = {NULL};
	struct pressure p;

	pressure_begin_small(&p, 64, 256);
	g_autofree char *path = make_file(&p.f, "file", AREA_PAGES / 3 * PAGE, 'a');
	uint64_t third = AREA_PAGES / 3 * PAGE;
	map(p.f.process, ARENA, AREA_PAGES / 3, RW, PRIVATE_ANON);
	map(p.f.process, ARENA + third, AREA_PAGES / 3, RW, SHARED_ANON);
	map_path(&p.f, p.f.process, path, O_RDWR, ARENA + 2 * third, AREA_PAGES / 3, RW,
	         MAP_PRIVATE);
	processes[0] = p.f.process;
	for (int i = 0; i < WALK; i++) {
		int at = g_test_rand_int_range(0, PROCESSES);
		if (processes[at] == NULL)
			at = 0;
		step(&p, processes, at);
		assert_sums(&p, processes);
		assert_pagemap(&p, processes[at]);
	}
	for (int i = 1; i < PROCESSES; i++)
		g_clear_pointer(&processes[i], end);
	pressure_end(&p);
}

/* --- Frames ----------------------------------------------------------------------------------- */

static void test_frames(void)
{
	uint64_t counts[130], flags[130];
	struct vm_entry_info entry;
	struct pressure p;

	pressure_begin(&p, &roomy);
	uint64_t a = map_pattern(p.f.process, ARENA, 1, PRIVATE_ANON, 1);
	struct vm_process *child = fork_of(p.f.process), *second = fork_of(child);
	g_assert_true(entry_of(p.f.process, a, &entry));
	vm_machine_page_counts(p.f.machine, 0, 130, counts);
	vm_machine_page_flags(p.f.machine, 0, 130, flags);
	g_assert_cmpuint(counts[entry.pfn], ==, 3);
	/* Frame 0 is reserved: KPF_RESERVED is not in the header. */
	g_assert_cmphex(flags[0], ==, UINT64_C(1) << 32);
	for (uint64_t pfn = 1; pfn <= roomy.frames; pfn++)
		if (counts[pfn] == 0)
			g_assert_cmphex(flags[pfn], ==, UINT64_C(1) << KPF_BUDDY);
	uint64_t wanted = UINT64_C(1) << KPF_ANON | UINT64_C(1) << KPF_MMAP |
	                  UINT64_C(1) << KPF_SWAPBACKED | UINT64_C(1) << KPF_UPTODATE |
	                  UINT64_C(1) << KPF_LRU | UINT64_C(1) << KPF_DIRTY;
	g_assert_cmphex(flags[entry.pfn] & wanted, ==, wanted);
	/* A frame that became free again. */
	put(p.f.process, a, 2);
	g_assert_true(entry_of(p.f.process, a, &entry));
	g_assert_cmpint(vm_munmap(p.f.process, a, PAGE), ==, 0);
	vm_machine_page_flags(p.f.machine, entry.pfn, 1, flags);
	g_assert_cmphex(flags[0], ==, UINT64_C(1) << KPF_BUDDY);
	vm_machine_page_flags(p.f.machine, UINT64_MAX - 3, 2, flags);
	g_assert_cmphex(flags[0], ==, UINT64_C(1) << KPF_NOPAGE);
	vm_machine_page_counts(p.f.machine, UINT64_MAX - 3, 2, counts);
	g_assert_cmpuint(counts[0], ==, 0);
	end(second);
	end(child);
	pressure_end(&p);
}

/* --- clear_refs ------------------------------------------------------------------------------- */

static uint64_t referenced(struct vm_process *process, uint64_t va)
{
	return usage_at(process, va).referenced / PAGE;
}

static void test_clear_refs(void)
{
	static const struct {
		int what;
		uint64_t anon, file, shmem; /* pages that are still referenced, of two each */
	} cases[] = {{1, 0, 0, 0}, {2, 0, 2, 2}, {3, 2, 0, 0}, {4, 2, 2, 2}, {5, 2, 2, 2}};
	struct pressure p;

	pressure_begin(&p, &roomy);
	g_autofree char *path = make_file(&p.f, "file", 2 * PAGE, 'a');
	uint64_t a = map(p.f.process, ARENA, 2, RW, PRIVATE_ANON),
	         b = map_path(&p.f, p.f.process, path, O_RDWR, 0, 2, RW, MAP_SHARED);
	/* The kernel treats shared anonymous memory as a file. */
	uint64_t c = map(p.f.process, ARENA + MIB, 2, RW, SHARED_ANON);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		fill(p.f.process, a, 2, 1);
		fill(p.f.process, b, 2, 1);
		fill(p.f.process, c, 2, 1);
		g_assert_cmpuint(referenced(p.f.process, a), ==, 2);
		g_assert_cmpuint(referenced(p.f.process, b), ==, 2);
		g_assert_cmpint(vm_process_clear_refs(p.f.process, cases[i].what), ==, 0);
		g_assert_cmpuint(referenced(p.f.process, a), ==, cases[i].anon);
		g_assert_cmpuint(referenced(p.f.process, b), ==, cases[i].file);
		g_assert_cmpuint(referenced(p.f.process, c), ==, cases[i].shmem);
	}
	g_assert_cmpint(vm_process_clear_refs(p.f.process, 0), ==, -EINVAL);
	g_assert_cmpint(vm_process_clear_refs(p.f.process, 6), ==, -EINVAL);
	pressure_end(&p);
}

/* Each process has accessed bits of its own, even if it shares tables after a fork. */
static void test_clear_refs_fork(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	uint64_t a = map_filled(p.f.process, ARENA, 2, PRIVATE_ANON, 1);
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpint(vm_process_clear_refs(child, 1), ==, 0);
	g_assert_cmpuint(referenced(child, a), ==, 0);
	g_assert_cmpuint(referenced(p.f.process, a), ==, 2);
	end(child);
	pressure_end(&p);
}

static void test_soft_dirty(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	uint64_t a = map(p.f.process, ARENA, 4, RW, PRIVATE_ANON);
	fill(p.f.process, a, 2, 1);
	g_assert_cmpuint(soft_dirty(p.f.process, a + 3 * PAGE), ==, 1);
	g_assert_cmpint(vm_process_clear_refs(p.f.process, 4), ==, 0);
	put(p.f.process, a, 2);
	get(p.f.process, a + PAGE);
	put(p.f.process, a + 2 * PAGE, 2);
	/* Soft-dirty survives a trip to swap and back, and a fork inherits it. */
	push_out(&p);
	struct vm_process *child = fork_of(p.f.process);
	for (int round = 0; round < 2; round++) {
		g_assert_cmpuint(soft_dirty(p.f.process, a), ==, 1);
		g_assert_cmpuint(soft_dirty(p.f.process, a + PAGE), ==, 0);
		g_assert_cmpuint(soft_dirty(p.f.process, a + 2 * PAGE), ==, 1);
		g_assert_cmpuint(soft_dirty(p.f.process, a + 3 * PAGE), ==, 0);
		g_assert_cmpuint(soft_dirty(child, a), ==, 1);
		g_assert_cmpuint(soft_dirty(child, a + PAGE), ==, 0);
		for (uint64_t i = 0; i < 3; i++)
			get(p.f.process, a + i * PAGE);
	}
	/* A new mapping is soft-dirty. */
	map(p.f.process, a + PAGE, 1, RW, PRIVATE_ANON);
	g_assert_cmpuint(soft_dirty(p.f.process, a + PAGE), ==, 1);
	end(child);
	pressure_end(&p);
}

static void test_peak(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	uint64_t a = map_filled(p.f.process, ARENA, 8, PRIVATE_ANON, 1);
	g_assert_cmpint(vm_munmap(p.f.process, a, 6 * PAGE), ==, 0);
	g_assert_cmpuint(process_info(p.f.process).rss_peak, ==, 8);
	g_assert_cmpint(vm_process_clear_refs(p.f.process, 5), ==, 0);
	g_assert_cmpuint(process_info(p.f.process).rss_peak, ==, 2);
	pressure_end(&p);
}

static void test_ended(void)
{
	struct pressure p;
	uint64_t word;

	pressure_begin(&p, &roomy);
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpint(vm_process_exit(child, 0), ==, 0);
	g_assert_cmpint(vm_process_usage(child, 0, add_usage, &(struct sums){.pss = 0}), ==,
	                -ESRCH);
	g_assert_cmpint(vm_process_pagemap(child, 0, 1, &word), ==, -ESRCH);
	for (int what = 1; what <= 5; what++)
		g_assert_cmpint(vm_process_clear_refs(child, what), ==, -ESRCH);
	vm_process_unref(child);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pagemap/all", test_all);
	g_test_add_func("/pagemap/frames", test_frames);
	g_test_add_func("/pagemap/clear-refs", test_clear_refs);
	g_test_add_func("/pagemap/clear-refs-fork", test_clear_refs_fork);
	g_test_add_func("/pagemap/soft-dirty", test_soft_dirty);
	g_test_add_func("/pagemap/peak", test_peak);
	g_test_add_func("/pagemap/ended", test_ended);
	return g_test_run();
}
