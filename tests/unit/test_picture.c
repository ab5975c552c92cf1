/*
 * test_picture.c - fs/picture/: escapes, and layouts that stay bounded.
 */
#include "fs/picture/frames.h"
#include "fs/picture/markup.h"
#include "fs/picture/picture.h"
#include "fs/picture/space.h"
#include "fs/picture/tables.h"
#include "tests/fixture/render_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* --- Markup ----------------------------------------------------------------------------------- */

static void assert_text(const char *text, const char *expected)
{
	g_autoptr(GString) out = g_string_new(NULL);

	markup_text(out, text);
	g_assert_cmpstr(out->str, ==, expected);
}

static void test_escapes(void)
{
	assert_text("<a href='x'>&\"", "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
	assert_text("\x01\t\n\x7f\x1b[2J", "\\001\\011\\012\\177\\033[2J");
	/* What is no UTF-8: a half, an overlong form, a surrogate. */
	assert_text("\xc3|\xc0\xaf|\xed\xa0\x80", "\\303|\\300\\257|\\355\\240\\200");
	/* What XML does not allow, and what turns the direction of writing. */
	assert_text("\xc2\x85\ufffe\uffff\u202e\u200b", "\\302\\205\\357\\277\\276\\357\\277\\277"
	                                                "\\342\\200\\256\\342\\200\\213");
	assert_text("\u00e4\u20ac\U0001f600", "\u00e4\u20ac\U0001f600");
}

static void test_short(void)
{
	g_autoptr(GString) out = g_string_new(NULL);

	markup_short(out, "abcd", 4);
	markup_short(out, "abcde", 4);
	markup_short(out, "\u00e4<<<<", 3);
	markup_short(out, "", 3);
	g_assert_cmpstr(out->str, ==, "abcdabc\u2026\u00e4&lt;\u2026");
}

static void test_numbers(void)
{
	g_autoptr(GString) out = g_string_new(NULL);
	const uint64_t sizes[] = {0, 4096, 1953 << 10, UINT64_C(1) << 30, UINT64_C(43) << 40};

	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		markup_size(out, sizes[i]);
		g_string_append_c(out, '|');
	}
	markup_count(out, 999);
	g_string_append_c(out, '|');
	markup_count(out, 1002003);
	g_assert_cmpstr(out->str, ==, "0 KiB|4 KiB|1.9 MiB|1 GiB|43 TiB|999|1,002,003");
}

/* --- The address space ------------------------------------------------------------------------ */

static uint64_t sum_of(const struct space *space, enum page_state state)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < space->row_count; i++)
		sum += space->rows[i].sum.count[state];
	return sum;
}

static void test_states(struct render_fixture *f, gconstpointer data)
{
	struct space space;
	uint64_t va = map_anon(f, UINT64_C(0x10000000), 8 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE);

	poke(f, va);
	poke(f, va + 2 * VM_PAGE_SIZE);
	g_assert_cmpint(space_look(&space, f->process, &space_whole), ==, 0);
	g_assert_cmpuint(space.rows[0].start, ==, va);
	g_assert_cmpuint(space.rows[0].cells, ==, 8);
	g_assert_cmpuint(space_cells(&space, &space.rows[0])[2].va, ==, va + 2 * VM_PAGE_SIZE);
	g_assert_cmpuint(space_cells(&space, &space.rows[0])[1].looked, ==, 0);
	g_assert_cmpuint(space.rows[0].sum.count[STATE_DIRTY], ==, 2);
	g_assert_cmpuint(space.kinds[KIND_ANONYMOUS].dirty, ==, 2);
	g_assert_false(space.sampled);
	space_clear(&space);
}

/* More areas than rows are folded; none is lost, and the stack stays by itself. */
static void test_many_areas(struct render_fixture *f, gconstpointer data)
{
	enum { AREAS = 1000 };
	uint64_t pages = 0, areas = 0;
	struct space space;

	for (unsigned i = 0; i < AREAS; i++) {
		uint64_t va = UINT64_C(0x10000000) + i * 2 * VM_PAGE_SIZE;
		map_anon(f, va, VM_PAGE_SIZE, PROT_READ | PROT_WRITE);
		if (i < 300)
			poke(f, va);
	}
	g_assert_cmpint(space_look(&space, f->process, &space_whole), ==, 0);
	for (unsigned i = 0; i < space.row_count; i++) {
		pages += space.rows[i].pages;
		areas += space.rows[i].areas;
	}
	g_assert_cmpuint(space.row_count, <=, space_whole.rows + 40);
	g_assert_cmpuint(areas, ==, space.info.areas);
	g_assert_cmpuint(pages, ==, space.info.vm_total);
	g_assert_cmpuint(sum_of(&space, STATE_DIRTY), ==, 300);
	const struct space_row *stack = &space.rows[space.row_count - 1];
	g_assert_cmpuint(stack->areas, ==, 1);
	g_assert_cmpint(stack->kind, ==, KIND_STACK);
	space_clear(&space);
}

/* A large area has no more squares than fit, and the squares of a group mean the same. */
static void test_large_area(struct render_fixture *f, gconstpointer data)
{
	struct space space;
	uint64_t va = UINT64_C(0x10000000);

	vm_machine_set_knob(f->mount.machine, VM_KNOB_OVERCOMMIT_MEMORY, 1);
	map_anon(f, va, UINT64_C(1) << 40, PROT_READ | PROT_WRITE);
	poke(f, va + (UINT64_C(1) << 39));
	g_assert_cmpint(space_look(&space, f->process, &space_whole), ==, 0);
	g_assert_cmpuint(space.rows[0].cells, <=, space_whole.cells_per_row);
	g_assert_cmpuint(space.rows[0].cells * space.rows[0].per_cell, >=, space.rows[0].pages);
	g_assert_cmpuint(sum_of(&space, STATE_DIRTY), ==, 1);
	space_clear(&space);
}

static void test_ended(struct render_fixture *f, gconstpointer data)
{
	const struct fs_caller caller = {.uid = 0};
	struct space space;
	int error;

	vm_process_exit(f->process, 0);
	g_assert_cmpint(space_look(&space, f->process, &space_whole), ==, -ESRCH);
	g_assert_null(tables_look(&f->mount, f->process, &caller, &error));
	g_assert_cmpint(error, ==, -ESRCH);
}

/* A zombie has pictures that say so. */
static void test_zombie(struct render_fixture *f, gconstpointer data)
{
	static const fs_view_fn views[] = {view_map_svg, view_pagetable_svg, view_process_page};
	const struct fs_caller root = {.uid = 0};

	vm_process_keep(f->process);
	vm_process_exit(f->process, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(views); i++) {
		g_autoptr(GString) out = g_string_new(NULL);
		g_assert_cmpint(views[i](out, &f->mount, f->process, &root), ==, 0);
		g_assert_nonnull(strstr(out->str, "has ended"));
	}
	vm_process_release(f->process);
	g_autoptr(GString) none = g_string_new(NULL);
	g_assert_cmpint(view_process_page(none, &f->mount, f->process, &root), ==, -ESRCH);
}

/* --- Tables and frames ------------------------------------------------------------------------ */

static void test_tables(struct render_fixture *f, gconstpointer data)
{
	const struct fs_caller root = {.uid = 0}, other = {.uid = 4711, .gid = 4711};
	uint64_t va = map_anon(f, UINT64_C(0x10000000), VM_PAGE_SIZE, PROT_READ | PROT_WRITE);
	int error;

	poke(f, va);
	struct vm_cred cred = vm_process_cred(f->process);
	struct vm_process *child = vm_fork(f->process, &cred, &error);
	g_assert_nonnull(child);
	g_autofree struct tables *tables = tables_look(&f->mount, f->process, &root, &error);
	g_assert_nonnull(tables);
	g_assert_cmpuint(tables->count, ==, 4);
	for (unsigned i = 0; i < 4; i++)
		g_assert_cmpint(tables->table[i].parent, ==, (int)i - 1);
	g_assert_cmpuint(tables->table[3].in_use, ==, 1);
	g_assert_cmpuint(tables->table[1].users, ==, 2);
	g_assert_cmpuint(tables->table[1].parent_count, ==, 1);
	g_assert_cmpint(tables->table[1].parents[0].pid, ==, vm_process_pid(child));
	g_assert_cmpuint(tables->table[2].parent_count, ==, 0);
	/* Who may not look into the child does not hear of it. */
	g_autofree struct tables *seen = tables_look(&f->mount, f->process, &other, &error);
	g_assert_cmpuint(seen->table[1].parent_count, ==, 0);
	vm_process_exit(child, 0);
	vm_process_unref(child);
}

static void test_frames(struct render_fixture *f, gconstpointer data)
{
	const struct fs_caller root = {.uid = 0}, other = {.uid = 4711, .gid = 4711};
	uint64_t va = map_anon(f, UINT64_C(0x10000000), VM_PAGE_SIZE, PROT_READ | PROT_WRITE);

	poke(f, va);
	g_autofree struct frames *frames = frames_look(&f->mount, &root);
	g_autofree struct frames *seen = frames_look(&f->mount, &other);
	g_assert_cmpuint(frames->cell_count, ==, RENDER_RAM_KIB / 4);
	/* Frames are counted from 1 on, squares from 0: the last frame has a square, too. */
	g_assert_cmpuint(frames_index(frames, RENDER_RAM_KIB / 4), ==, frames->cell_count - 1);
	uint64_t index = frames_index(frames, frames->next);
	g_assert_cmpuint(index, <, frames->cell_count);
	const struct frame_cell *cell = &frames->cells[index];
	g_assert_cmpuint(cell->in_use, ==, 1);
	g_assert_cmpint(frames_state(cell), ==, STATE_DIRTY);
	g_assert_true(cell->visible);
	g_assert_cmpuint(cell->frame.va, ==, va);
	g_assert_false(seen->cells[index].visible);
	g_assert_cmpuint(frames->owner_count, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/picture/escapes", test_escapes);
	g_test_add_func("/picture/short", test_short);
	g_test_add_func("/picture/numbers", test_numbers);
#define SCENE(name, function) \
	g_test_add("/picture/" name, struct render_fixture, NULL, render_setup, function, \
	           render_teardown)
	SCENE("states", test_states);
	SCENE("many-areas", test_many_areas);
	SCENE("large-area", test_large_area);
	SCENE("ended", test_ended);
	SCENE("zombie", test_zombie);
	SCENE("tables", test_tables);
	SCENE("frames", test_frames);
	return g_test_run();
}
