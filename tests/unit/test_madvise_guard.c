/*
 * test_madvise_guard.c - guard pages (MADV_GUARD_INSTALL) in the page tables, and where they show.
 */
#include "tests/fixture/madvise_all.h"
#include "tests/fixture/pressure.h"

static void test_guard_entries(void)
{
	struct pressure p;
	struct vm_entry_info entry;
	struct vm_translation translation;
	uint64_t word;

	pressure_begin(&p, &roomy);
	map_pattern(p.f.process, ARENA, 4, PRIVATE_ANON, 'a');
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpint(vm_madvise(p.f.process, A(1), 2 * PAGE, MADV_GUARD_INSTALL), ==, 0);
	assert_sound(p.f.machine);
	assert_pattern(child, ARENA, 4, 'a');
	end(child);
	g_assert_cmpuint(process_info(p.f.process).rss_anon, ==, 2);
	g_assert_true(entry_of(p.f.process, A(1), &entry));
	g_assert_cmpint(entry.kind, ==, VM_ENTRY_GUARD);
	g_assert_cmpint(vm_translate(p.f.process, A(1), &translation), ==, 0);
	g_assert_false(translation.present);
	g_assert_cmpint(translation.kind, ==, VM_FAULT_SEGV_MAPERR);
	g_assert_cmpint(vm_process_pagemap(p.f.process, A(1) >> VM_PAGE_SHIFT, 1, &word), ==, 0);
	g_assert_cmphex(word & (UINT64_C(0xf) << 58), ==, UINT64_C(1) << 58);
	assert_touch(p.f.process, A(1), VM_ACCESS_READ, VM_FATAL, VM_FAULT_SEGV_MAPERR);
	g_assert_cmpint(vm_process_clear_refs(p.f.process, 4), ==, 0);
	child = fork_of(p.f.process);
	push_out(&p);
	assert_touch(child, A(2), VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_MAPERR);
	end(child);
	g_assert_cmpint(vm_madvise(p.f.process, A(0), 4 * PAGE, MADV_GUARD_REMOVE), ==, 0);
	assert_sound(p.f.machine);
	assert_filled(p.f.process, A(1), 2, 0);
	assert_pattern(p.f.process, A(3), 1, 'd');
	pressure_end(&p);
}

/* When a file shrinks, private copies past its end are dropped, but guard pages stay. */
static void test_guard_and_truncation(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	g_autofree char *path = make_file(&p.f, "shrinks", 4 * PAGE, 'A');
	map_path(&p.f, p.f.process, path, O_RDONLY, ARENA, 4, RW, MAP_PRIVATE);
	fill(p.f.process, ARENA, 4, 'a');
	g_assert_cmpint(vm_madvise(p.f.process, A(2), PAGE, MADV_GUARD_INSTALL), ==, 0);
	resize_file(path, PAGE);
	/* The next fault on the file notices the new size. */
	g_assert_cmpint(vm_madvise(p.f.process, A(0), PAGE, MADV_DONTNEED), ==, 0);
	g_assert_cmpint(get(p.f.process, A(0)), ==, 'A');
	assert_touch(p.f.process, A(1), VM_ACCESS_READ, VM_FATAL, VM_FAULT_SIGBUS);
	assert_touch(p.f.process, A(2), VM_ACCESS_READ, VM_FATAL, VM_FAULT_SEGV_MAPERR);
	assert_sound(p.f.machine);
	pressure_end(&p);
}

/* Without free page tables the call fails, and the machine stays sound. */
static void test_guard_without_tables(struct vm_fixture *f, gconstpointer data)
{
	uint64_t far = ARENA + 64 * MIB;

	vm_mmap(f->process, ARENA, 128 * MIB, RW, FIXED_ANON | MAP_NORESERVE, NULL, 0);
	g_assert_cmpint(vm_madvise(f->process, ARENA, 128 * MIB, MADV_GUARD_INSTALL), ==, -ENOMEM);
	assert_sound(f->machine);
	assert_touch(f->process, ARENA, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SEGV_MAPERR);
	g_assert_cmpint(vm_madvise(f->process, ARENA, 128 * MIB, MADV_GUARD_REMOVE), ==, 0);
	assert_sound(f->machine);
	put(f->process, far, 'a');
}

int main(int argc, char **argv)
{
	static const struct vm_limits few_tables = {.max_tables = 24};

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/madvise-guard/entries", test_guard_entries);
	g_test_add_func("/madvise-guard/and-truncation", test_guard_and_truncation);
	FIXTURE_TEST("/madvise-guard/without-tables", &few_tables, test_guard_without_tables);
	return g_test_run();
}
