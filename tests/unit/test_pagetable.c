/*
 * test_pagetable.c - page tables as an x86-64 MMU would walk them: indexes, raw bits, the kernel's
 * half. Tables come and go with what they map.
 */
#include "tests/fixture/vm_fixture.h"
#include "vm/memory/pte.h"

#define A(page) (ARENA + (page)*PAGE)

static uint64_t tables_of(struct vm_process *process)
{
	struct vm_process_info info;

	vm_process_info(process, &info);
	return info.tables;
}

static uint64_t raw_of(struct vm_process *process, uint64_t va)
{
	struct vm_entry_info entry;

	return entry_of(process, va, &entry) ? entry.raw : 0;
}

/* --- Bits ------------------------------------------------------------------------------------- */

static void test_indexes(struct vm_fixture *f, gconstpointer data)
{
	/* The indexes are 5, 6, 7 and 8 in the four levels. */
	const uint64_t va =
	    UINT64_C(5) << 39 | UINT64_C(6) << 30 | UINT64_C(7) << 21 | UINT64_C(8) << 12;
	struct vm_entry_info entry, below;

	map(f->process, va, 1, RW, PRIVATE_ANON);
	put(f->process, va, 'x');
	for (int level = VM_PGD; level >= VM_PTE; level--) {
		g_assert_true(entry_at(f->process, va, (enum vm_level)level, &entry));
		g_assert_cmpuint(entry.index, ==, 8 - (unsigned)level);
		g_assert_cmpint(entry.kind, ==, level == VM_PTE ? VM_ENTRY_PAGE : VM_ENTRY_TABLE);
		g_assert_cmphex((entry.raw & PTE_PFN_MASK) >> 12, ==, entry.pfn);
		g_assert_cmpuint(entry.users, ==, 1);
	}
	g_assert_true(entry_of(f->process, va, &below));
	g_assert_cmpuint(tables_of(f->process), ==, 3);
}

static void test_bits(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 1, RW, PRIVATE_ANON);
	map(f->process, A(1), 1, PROT_READ | PROT_EXEC, PRIVATE_ANON);
	get(f->process, A(0));
	/* The zero page is read-only and lies above RAM. */
	uint64_t raw = raw_of(f->process, A(0));
	g_assert_cmphex(raw & ~PTE_PFN_MASK, ==, PTE_P | PTE_US | PTE_A | PTE_NX);
	g_assert_cmphex(raw & PTE_PFN_MASK, >=, 64 * MIB);
	put(f->process, A(0), 'x');
	g_assert_cmphex(raw_of(f->process, A(0)) & ~PTE_PFN_MASK, ==,
	                PTE_P | PTE_US | PTE_RW | PTE_A | PTE_D | PTE_NX);
	get(f->process, A(1));
	g_assert_cmphex(raw_of(f->process, A(1)) & ~PTE_PFN_MASK, ==, PTE_P | PTE_US | PTE_A);
	/* A page without any right belongs to the kernel. */
	g_assert_cmpint(vm_mprotect(f->process, A(0), PAGE, PROT_NONE), ==, 0);
	g_assert_cmphex(raw_of(f->process, A(0)) & (PTE_P | PTE_US | PTE_RW), ==, PTE_P);
	g_assert_cmpint(vm_mprotect(f->process, A(0), PAGE, PROT_READ), ==, 0);
	g_assert_cmpint(get(f->process, A(0)), ==, 'x');
}

/* A page that was read in and then only read is not dirty. */
static void test_dirty_bit(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "file", PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDWR);

	map_file(f->process, A(0), 1, RW, MAP_SHARED, file, 0);
	get(f->process, A(0));
	g_assert_cmphex(raw_of(f->process, A(0)) & (PTE_RW | PTE_D | PTE_A), ==, PTE_A);
	put(f->process, A(0), 'x');
	g_assert_cmphex(raw_of(f->process, A(0)) & (PTE_RW | PTE_D), ==, PTE_RW | PTE_D);
	g_assert_cmpint(vm_msync(f->process, A(0), PAGE, MS_SYNC), ==, 0);
	g_assert_cmphex(raw_of(f->process, A(0)) & (PTE_RW | PTE_D), ==, 0);
	vm_file_unref(file);
}

/* --- Order and the kernel's half -------------------------------------------------------------- */

struct walk {
	uint64_t last_va;
	int last_level, entries, kernel;
	bool started;
};

static bool check_order(void *ctx, const struct vm_entry_info *entry)
{
	struct walk *walk = ctx;

	/* Entries come by address. At the same address the parent comes first. */
	if (walk->started && entry->va == walk->last_va)
		g_assert_cmpint((int)entry->level, <, walk->last_level);
	else if (walk->started)
		g_assert_cmphex(entry->va, >, walk->last_va);
	walk->started = true;
	walk->last_va = entry->va;
	walk->last_level = (int)entry->level;
	walk->entries++;
	if (entry->va < UINT64_C(1) << 47)
		return true;
	walk->kernel++;
	g_assert_cmphex(entry->va >> 47, ==, 0x1ffff);
	if (entry->level == VM_PGD)
		g_assert_cmpuint(entry->index, >=, 256);
	g_assert_cmphex(entry->raw & PTE_US, ==, 0);
	g_assert_cmphex(entry->raw & PTE_P, ==, PTE_P);
	if (entry->kind == VM_ENTRY_HUGE)
		g_assert_cmphex(entry->raw & PTE_PS, ==, PTE_PS);
	return true;
}

static void test_order(struct vm_fixture *f, gconstpointer data)
{
	struct walk walk = {.started = false};

	for (uint64_t gib = 1; gib < 100; gib += 7)
		for (uint64_t i = 0; i < 3; i++) {
			uint64_t va = (gib << 37) + i * 3 * MIB;
			map(f->process, va, 1, RW, PRIVATE_ANON);
			put(f->process, va, 'x');
		}
	g_assert_cmpint(vm_process_entries(f->process, 0, check_order, &walk), ==, 0);
	g_assert_cmpint(walk.entries, >, 100);
	g_assert_cmpint(walk.kernel, >=, 2);
}

/* --- Coming and going ------------------------------------------------------------------------- */

static void test_come_and_go(struct vm_fixture *f, gconstpointer data)
{
	map(f->process, A(0), 2048, RW, PRIVATE_ANON);
	g_assert_cmpuint(tables_of(f->process), ==, 0);
	put(f->process, A(0), 'x');
	g_assert_cmpuint(tables_of(f->process), ==, 3);
	put(f->process, A(511), 'x');
	g_assert_cmpuint(tables_of(f->process), ==, 3);
	put(f->process, A(512), 'x');
	put(f->process, A(2047), 'x');
	g_assert_cmpuint(tables_of(f->process), ==, 5);
	g_assert_cmpint(vm_munmap(f->process, A(512), 512 * PAGE), ==, 0);
	g_assert_cmpuint(tables_of(f->process), ==, 4);
	g_assert_cmpint(vm_munmap(f->process, A(1), 2047 * PAGE), ==, 0);
	g_assert_cmpuint(tables_of(f->process), ==, 3);
	g_assert_cmpint(get(f->process, A(0)), ==, 'x');
	g_assert_cmpint(vm_munmap(f->process, A(0), PAGE), ==, 0);
	g_assert_cmpuint(tables_of(f->process), ==, 0);
}

/* An access fails without free page tables, and works again when there are some. */
static void test_exhaustion(struct vm_fixture *f, gconstpointer data)
{
	uint64_t i;

	for (i = 0; i < 64; i++)
		map(f->process, (i + 1) << 32, 1, RW, PRIVATE_ANON);
	for (i = 0; vm_write(f->process, (i + 1) << 32, "x", 1) == 1; i++)
		;
	g_assert_cmpuint(i, >, 0);
	g_assert_cmpuint(i, <, 64);
	assert_touch(f->process, (i + 1) << 32, VM_ACCESS_READ, VM_FATAL, VM_FAULT_OOM);
	assert_sound(f->machine);
	g_assert_cmpint(vm_munmap(f->process, UINT64_C(1) << 32, PAGE), ==, 0);
	put(f->process, (i + 1) << 32, 'y');
	g_assert_cmpint(get(f->process, UINT64_C(2) << 32), ==, 'x');
}

/* --- A random population ---------------------------------------------------------------------- */

static void test_random(struct vm_fixture *f, gconstpointer data)
{
	enum { PLACES = 300 };
	uint8_t byte[PLACES] = {0};
	GRand *rand = g_rand_new_with_seed(3);

	for (int i = 0; i < 5000; i++) {
		int place = g_rand_int_range(rand, 0, PLACES);
		/* Some pages share a last-level table, others only upper tables. */
		uint64_t va = ARENA + ((uint64_t)(place % 10) << 35) +
		              ((uint64_t)(place / 10 % 6) << 21) + (uint64_t)(place / 60) * PAGE;
		if (byte[place] == 0) {
			byte[place] = (uint8_t)g_rand_int_range(rand, 1, 256);
			map(f->process, va, 1, RW, PRIVATE_ANON);
			put(f->process, va, byte[place]);
		} else {
			g_assert_cmpint(get(f->process, va), ==, byte[place]);
			g_assert_cmpint(vm_munmap(f->process, va, PAGE), ==, 0);
			byte[place] = 0;
		}
		if (i % 50 == 0)
			assert_sound(f->machine);
	}
	g_rand_free(rand);
}

int main(int argc, char **argv)
{
	static const struct vm_limits few_tables = {.max_tables = 24};

	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/pagetable/indexes", NULL, test_indexes);
	FIXTURE_TEST("/pagetable/bits", NULL, test_bits);
	FIXTURE_TEST("/pagetable/dirty-bit", NULL, test_dirty_bit);
	FIXTURE_TEST("/pagetable/order", NULL, test_order);
	FIXTURE_TEST("/pagetable/come-and-go", NULL, test_come_and_go);
	FIXTURE_TEST("/pagetable/exhaustion", &few_tables, test_exhaustion);
	FIXTURE_TEST("/pagetable/random", NULL, test_random);
	return g_test_run();
}
