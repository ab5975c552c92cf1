/*
 * test_area_model.c - the set of areas, against a model that has no areas: an array with one cell
 * for each page.
 *
 * The model covers three windows of the address space: a large one, in which the guard gaps of
 * stacks matter, one far above it, and the last pages of user space. After every operation, each
 * cell must lie in an area with the cell's flags, file and page number. And two neighbouring areas
 * must not stay apart if Linux would merge them.
 */
#include "tests/fixture/vm_fixture.h"
#include "vm/base/lock.h"
#include "vm/process/process.h"
#include "vm/space/area.h"

#include <math.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(COVERAGE)
enum { SEEDS = 2 };
#else
enum { SEEDS = 8 };
#endif

enum {
	MAIN_PAGES = 640,
	FAR_PAGES = 64,
	TOP_PAGES = 16,
	CELLS = MAIN_PAGES + FAR_PAGES + TOP_PAGES
};

/* What the model knows of a page. All zeros: nothing is mapped. */
struct cell {
	unsigned flags;
	struct vm_file *file;
	uint64_t pgoff;
};

struct model {
	struct vm_process *process;
	struct vm_space *space;
	struct vm_file *files[3]; /* the first one is NULL */
	GRand *rand;
	struct cell cell[CELLS];
};

static const struct window {
	uint64_t base;
	int first, pages;
} windows[] = {
    {UINT64_C(0x10000000), 0, MAIN_PAGES},
    {UINT64_C(0x700000000000), MAIN_PAGES, FAR_PAGES},
    {VM_USER_END - TOP_PAGES * PAGE, MAIN_PAGES + FAR_PAGES, TOP_PAGES},
};

static const unsigned some_flags[] = {
    AREA_READ | AREA_MAYREAD, AREA_READ | AREA_WRITE | AREA_ACCOUNT,
    AREA_READ | AREA_EXEC,    AREA_READ | AREA_WRITE | AREA_GROWSDOWN,
    AREA_READ | AREA_LOCKED,  AREA_READ | AREA_WRITE | AREA_SHARED | AREA_MAYSHARE,
};

static uint64_t cell_va(int i)
{
	const struct window *w = &windows[i < MAIN_PAGES ? 0 : i < MAIN_PAGES + FAR_PAGES ? 1 : 2];

	return w->base + (uint64_t)(i - w->first) * PAGE;
}

/* --- The model's answers ---------------------------------------------------------------------- */

static bool same_area(const struct vm_area *area, const struct cell *cell, uint64_t va)
{
	return area != NULL && area->flags == cell->flags && area->file == cell->file &&
	       area_index(area, va) == cell->pgoff;
}

static void check_cells(const struct model *m, int first, int last)
{
	for (int i = first; i < last; i++) {
		uint64_t va = cell_va(i);
		const struct vm_area *area = area_at(m->space, va + (uint64_t)(i % 4096));
		if (m->cell[i].flags == 0)
			g_assert_null(area);
		else
			g_assert_true(same_area(area, &m->cell[i], va));
	}
}

/* Whether Linux merges two areas that touch. Written independently of area_can_merge. */
static bool should_be_one(const struct vm_area *a, const struct vm_area *b)
{
	bool families = a->anon_vma == b->anon_vma || ((a->anon_vma == 0 || b->anon_vma == 0) &&
	                                               !a->anon_inherited && !b->anon_inherited);

	return a->end == b->start && a->flags == b->flags && a->file == b->file &&
	       area_index(a, a->end) == b->pgoff && families;
}

static void check_areas(const struct model *m)
{
	char *wrong = area_check(m->space);

	g_assert_cmpstr(wrong, ==, NULL);
	for (const struct vm_area *area = m->space->first; area != NULL; area = area->next)
		g_assert_false(area->next != NULL && should_be_one(area, area->next));
}

/* The first mapped page at or after VA. *GUARD is where its guard gap begins, if it grows down. */
static uint64_t next_obstacle(const struct model *m, uint64_t va, uint64_t *guard)
{
	for (int i = 0; i < CELLS; i++) {
		if (m->cell[i].flags == 0 || cell_va(i) + PAGE <= va)
			continue;
		*guard = cell_va(i) - (m->cell[i].flags & AREA_GROWSDOWN ? AREA_GUARD_GAP : 0);
		return cell_va(i);
	}
	return *guard = UINT64_MAX;
}

/*
 * The lowest or highest free place in [LOW, HIGH), found by walking from one obstacle to the next.
 * This ignores guard gaps.
 */
static uint64_t brute_free(const struct model *m, uint64_t len, uint64_t low, uint64_t high,
                           bool highest)
{
	uint64_t found = AREA_NO_GAP, at = low, guard;

	while (at < high) {
		uint64_t obstacle = next_obstacle(m, at, &guard), start = MIN(obstacle, high);
		uint64_t end = obstacle < high ? obstacle + PAGE : high;
		if (start > at && start - at >= len) {
			found = highest ? start - len : at;
			if (!highest)
				break;
		}
		at = MAX(at, end);
	}
	return found;
}

/*
 * The same with Linux's guard gaps: a place that reaches into one does not count, and the search
 * continues beyond it.
 */
static uint64_t brute_gap(const struct model *m, uint64_t len, uint64_t low, uint64_t high,
                          bool highest)
{
	uint64_t at, guard;

	while ((at = brute_free(m, len, low, high, highest)) != AREA_NO_GAP) {
		uint64_t obstacle = next_obstacle(m, at, &guard);
		if (guard >= at + len)
			break;
		if (highest)
			high = guard;
		else
			low = obstacle + PAGE;
	}
	return at;
}

/* --- Operations ------------------------------------------------------------------------------- */

static bool range_is_free(const struct model *m, int first, int last)
{
	for (int i = first; i < last; i++)
		if (m->cell[i].flags != 0)
			return false;
	return true;
}

static void random_range(struct model *m, int *first, int *last)
{
	const struct window *w =
	    &windows[g_rand_int_range(m->rand, 0, 8) < 6 ? 0 : g_rand_int_range(m->rand, 1, 3)];
	int longest = g_rand_int_range(m->rand, 0, 20) == 0 ? w->pages : 12;

	*first = w->first + g_rand_int_range(m->rand, 0, w->pages);
	*last = *first + 1 + g_rand_int_range(m->rand, 0, longest);
	*last = MIN(*last, w->first + w->pages);
}

static void do_delete(struct model *m, int first, int last)
{
	uint64_t start = cell_va(first), end = cell_va(last - 1) + PAGE;
	struct vm_area *area, *dead = NULL;

	g_assert_cmpint(area_isolate(m->space, start, end), ==, 0);
	while ((area = area_overlap(m->space, start, end)) != NULL)
		area_delete(area, &dead);
	area_release(dead);
	memset(&m->cell[first], 0, (size_t)(last - first) * sizeof m->cell[0]);
}

static void do_insert(struct model *m, int first, int last)
{
	unsigned flags = some_flags[g_rand_int_range(m->rand, 0, G_N_ELEMENTS(some_flags))];
	struct vm_file *file =
	    flags & AREA_SHARED ? m->files[2] : m->files[g_rand_int_range(m->rand, 0, 2)];
	uint64_t start = cell_va(first), end = cell_va(last - 1) + PAGE;
	/* Mostly numbers with which neighbours can merge. */
	uint64_t pgoff =
	    (start >> VM_PAGE_SHIFT) + (uint64_t)(g_rand_int_range(m->rand, 0, 8) == 0);

	if (!range_is_free(m, first, last))
		do_delete(m, first, last);
	area_insert(area_new(m->space, start, end, flags, file, pgoff));
	area_merge(m->space, start, end);
	for (int i = first; i < last; i++)
		m->cell[i] = (struct cell){flags, file, pgoff + (uint64_t)(i - first)};
}

static void do_change(struct model *m, int first, int last)
{
	unsigned flags = some_flags[g_rand_int_range(m->rand, 0, 5)];
	uint64_t start = cell_va(first), end = cell_va(last - 1) + PAGE;

	g_assert_cmpint(area_isolate(m->space, start, end), ==, 0);
	for (struct vm_area *a = area_overlap(m->space, start, end); a != NULL && a->start < end;
	     a = a->next)
		if (!(a->flags & AREA_SHARED))
			area_set_flags(a, flags);
	area_merge(m->space, start, end);
	for (int i = first; i < last; i++)
		if (m->cell[i].flags != 0 && !(m->cell[i].flags & AREA_SHARED))
			m->cell[i].flags = flags;
}

/*
 * An area gets an anonymous page. Sometimes it then has a new family with inherited pages, as after
 * a fork.
 */
static void do_family(struct model *m, int first, int last)
{
	struct vm_machine *machine = m->process->machine;
	struct vm_area *area = area_find(m->space, cell_va(first));

	if (area == NULL || (area->flags & AREA_SHARED))
		return;
	machine_lock(machine);
	if (area->anon_vma != 0 && last - first == 1) {
		area->anon_vma = area_new_family(machine);
		area->anon_inherited = true;
	}
	area_prepare_anon_locked(area);
	g_assert_cmpuint(area->anon_vma, !=, 0);
	machine_unlock(machine);
}

/* Split at both ends and change nothing: the merge must undo the split. */
static void do_nothing(struct model *m, int first, int last)
{
	uint64_t start = cell_va(first), end = cell_va(last - 1) + PAGE;

	g_assert_cmpint(area_isolate(m->space, start, end), ==, 0);
	area_merge(m->space, start, end);
}

static void check_find(const struct model *m, int first, int last)
{
	uint64_t start = cell_va(first), end = cell_va(last - 1) + PAGE;
	const struct vm_area *area = area_find(m->space, start);
	int i = first;

	while (i < CELLS && m->cell[i].flags == 0)
		i++;
	if (i == CELLS)
		g_assert_null(area);
	else
		g_assert_true(area->start <= cell_va(i) && area->end > cell_va(i) &&
		              (i == first || area->start == cell_va(i)));
	g_assert_true(area_overlap(m->space, start, end) ==
	              (range_is_free(m, first, last) ? NULL : area));
}

static void check_gaps(struct model *m, int first, int last)
{
	uint64_t len =
	    (uint64_t)g_rand_int_range(m->rand, 1, g_rand_int_range(m->rand, 2, 400)) * PAGE;
	uint64_t low = g_rand_boolean(m->rand) ? 0 : cell_va(first);
	uint64_t high = g_rand_boolean(m->rand) ? VM_USER_END : cell_va(last - 1) + PAGE;

	if (g_rand_int_range(m->rand, 0, 4) == 0)
		high = windows[0].base + MAIN_PAGES * PAGE;
	if (high < low)
		return;
	g_assert_cmphex(area_highest_gap(m->space, len, low, high), ==,
	                brute_gap(m, len, low, high, true));
	g_assert_cmphex(area_lowest_gap(m->space, len, low, high), ==,
	                brute_gap(m, len, low, high, false));
}

/* --- The tests -------------------------------------------------------------------------------- */

static void model_begin(struct model *m, struct vm_fixture *f, guint32 seed)
{
	g_autofree char *path = make_file(f, "model", PAGE, 'a');

	*m = (struct model){.rand = g_rand_new_with_seed(seed)};
	m->files[1] = open_file(f, path, O_RDONLY);
	m->files[2] = open_file(f, path, O_RDWR);
	m->process = process_new_nascent(f->machine, &f->cred);
	g_assert_nonnull(m->process);
	m->space = m->process->space;
}

static void model_end(struct model *m)
{
	vm_process_unref(m->process);
	vm_file_unref(m->files[1]);
	vm_file_unref(m->files[2]);
	g_rand_free(m->rand);
}

static void check_counts(const struct model *m)
{
	uint64_t total = 0, locked = 0, stack = 0;

	for (int i = 0; i < CELLS; i++) {
		total += m->cell[i].flags != 0;
		locked += !!(m->cell[i].flags & AREA_LOCKED);
		stack += !!(m->cell[i].flags & AREA_GROWSDOWN);
	}
	g_assert_cmpuint(m->space->total_pages, ==, total);
	g_assert_cmpuint(m->space->locked_pages, ==, locked);
	g_assert_cmpuint(m->space->stack_pages, ==, stack);
}

static void step(struct model *m, int i)
{
	static void (*const operations[])(struct model *, int,
	                                  int) = {do_insert, do_insert, do_insert, do_delete,
	                                          do_change, do_change, do_family, do_nothing};
	int first, last;

	random_range(m, &first, &last);
	process_write_lock(m->process);
	operations[g_rand_int_range(m->rand, 0, G_N_ELEMENTS(operations))](m, first, last);
	check_areas(m);
	check_cells(m, first, last);
	check_find(m, first, last);
	if (i % 16 == 0)
		check_gaps(m, first, last);
	if (i % 256 == 0) {
		check_cells(m, 0, CELLS);
		check_counts(m);
	}
	process_unlock(m->process);
}

static void test_model(struct vm_fixture *f, gconstpointer data)
{
	struct model m;

	for (guint32 seed = 1; seed <= SEEDS; seed++) {
		model_begin(&m, f, seed);
		for (int i = 0; i < 25000; i++)
			step(&m, i);
		model_end(&m);
	}
}

/* The tree is not higher than an AVL tree may be. */
static void check_height(const struct vm_space *space)
{
	g_assert_cmpfloat(space->root != NULL ? space->root->height : 0, <=,
	                  1.45 * log2((double)space->area_count + 2));
}

static int nth(int order, int i, int count)
{
	return order == 0   ? i
	       : order == 1 ? count - 1 - i
	                    : (int)((uint64_t)i * 7919 % (uint64_t)count);
}

static void test_height(struct vm_fixture *f, gconstpointer data)
{
	enum { COUNT = 100000 };
	struct model m;

	for (int order = 0; order < 3; order++) {
		model_begin(&m, f, 1);
		struct vm_area *dead = NULL;
		process_write_lock(m.process);
		for (int i = 0; i < COUNT; i++) {
			uint64_t va = ARENA + (uint64_t)nth(order, i, COUNT) * 2 * PAGE;
			area_insert(
			    area_new(m.space, va, va + PAGE, AREA_READ, NULL, va >> VM_PAGE_SHIFT));
		}
		check_height(m.space);
		check_areas(&m);
		for (int i = 0; i < COUNT / 2; i++)
			area_delete(
			    area_at(m.space, ARENA + (uint64_t)nth(order, i, COUNT) * 2 * PAGE),
			    &dead);
		check_height(m.space);
		check_areas(&m);
		process_unlock(m.process);
		model_end(&m);
	}
}

/* A call that may not split reports this and leaves the areas as they were. */
static void test_limit(struct vm_fixture *f, gconstpointer data)
{
	struct model m;

	model_begin(&m, f, 1);
	process_write_lock(m.process);
	area_insert(area_new(m.space, ARENA, ARENA + 9 * PAGE, AREA_READ, NULL, 0));
	area_insert(area_new(m.space, ARENA + 10 * PAGE, ARENA + 19 * PAGE, AREA_READ, NULL, 0));
	g_assert_cmpint(area_isolate(m.space, ARENA + PAGE, ARENA + 2 * PAGE), ==, -ENOMEM);
	area_merge(m.space, ARENA + PAGE, ARENA + 2 * PAGE);
	check_areas(&m);
	g_assert_cmpuint(m.space->area_count, ==, 2);
	process_unlock(m.process);
	model_end(&m);
}

/* The kernel's own areas are neither split nor merged. */
static void test_special(struct vm_fixture *f, gconstpointer data)
{
	unsigned flags = AREA_READ | AREA_SPECIAL;
	struct model m;

	model_begin(&m, f, 1);
	process_write_lock(m.process);
	area_insert(area_new(m.space, ARENA, ARENA + 2 * PAGE, flags, NULL, 0));
	area_insert(area_new(m.space, ARENA + 2 * PAGE, ARENA + 4 * PAGE, flags, NULL, 2));
	area_merge(m.space, ARENA, ARENA + 4 * PAGE);
	g_assert_cmpuint(m.space->area_count, ==, 2);
	g_assert_cmpint(area_isolate(m.space, ARENA, ARENA + 2 * PAGE), ==, 0);
	g_assert_cmpint(area_isolate(m.space, ARENA, ARENA + PAGE), ==, -EINVAL);
	g_assert_cmpint(area_isolate_unlimited(m.space, ARENA + 3 * PAGE, ARENA + 4 * PAGE), ==,
	                -EINVAL);
	g_assert_cmpuint(m.space->area_count, ==, 2);
	process_unlock(m.process);
	model_end(&m);
}

static void test_empty(struct vm_fixture *f, gconstpointer data)
{
	struct model m;

	model_begin(&m, f, 1);
	process_write_lock(m.process);
	g_assert_null(area_find(m.space, 0));
	g_assert_null(area_overlap(m.space, 0, VM_USER_END));
	g_assert_cmphex(area_highest_gap(m.space, PAGE, 0, VM_USER_END), ==, VM_USER_END - PAGE);
	g_assert_cmphex(area_lowest_gap(m.space, PAGE, PAGE, VM_USER_END), ==, PAGE);
	g_assert_cmphex(area_highest_gap(m.space, 2 * PAGE, 0, PAGE), ==, AREA_NO_GAP);
	g_assert_cmpint(area_isolate(m.space, 0, VM_USER_END), ==, 0);
	area_merge(m.space, 0, VM_USER_END);
	check_areas(&m);
	process_unlock(m.process);
	model_end(&m);
}

int main(int argc, char **argv)
{
	static const struct vm_limits many = {.max_map_count = 200000},
	                              three = {.max_map_count = 3};

	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/area/empty", NULL, test_empty);
	FIXTURE_TEST("/area/model", NULL, test_model);
	FIXTURE_TEST("/area/height", &many, test_height);
	FIXTURE_TEST("/area/limit", &three, test_limit);
	FIXTURE_TEST("/area/special", NULL, test_special);
	return g_test_run();
}
