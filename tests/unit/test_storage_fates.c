/*
 * test_storage_fates.c - others truncate, grow, replace or unlink a file while it is mapped, in
 * every state of its pages.
 */
#include "tests/fixture/pressure.h"

#include <glib/gstdio.h>

/* --- What others do to the file --------------------------------------------------------------- */

/*
 * A file with the pages a, b, c, d is mapped shared and private. Page 2 is brought into a STATE,
 * and then an EVENT happens to the file. Then the process and its child look at all pages.
 */
struct fate {
	struct pressure p;
	struct vm_process *child;
	bool shared_stored, private_stored; /* page 2 was stored to through that mapping */
	bool child_stored;                  /* the child stored to its private page 2 */
	uint64_t size;                      /* the file's size after the event */
	bool replaced;
	int old; /* a descriptor of the original file */
};

#define PAGE2 (2 * PAGE)

static void state_untouched(struct fate *fate)
{
}

static void state_clean(struct fate *fate)
{
	for (unsigned page = 0; page < 4; page++) {
		get(fate->p.f.process, SHARED_AT + page * PAGE);
		get(fate->p.f.process, PRIVATE_AT + page * PAGE);
	}
}

static void state_dirty(struct fate *fate)
{
	state_clean(fate);
	put(fate->p.f.process, SHARED_AT + PAGE2, 'S');
	fate->shared_stored = true;
}

static void state_copied(struct fate *fate)
{
	state_clean(fate);
	put(fate->p.f.process, PRIVATE_AT + PAGE2, 'P');
	fate->private_stored = true;
}

static void state_copied_and_dirty(struct fate *fate)
{
	state_copied(fate);
	state_dirty(fate);
}

static void state_swapped(struct fate *fate)
{
	state_copied_and_dirty(fate);
	push_out(&fate->p);
}

static void state_child_copied(struct fate *fate)
{
	state_copied_and_dirty(fate);
	put(fate->child, PRIVATE_AT + PAGE2, 'C');
	fate->child_stored = true;
}

static void state_child_swapped(struct fate *fate)
{
	state_child_copied(fate);
	push_out(&fate->p);
}

static void truncate_to(struct fate *fate, uint64_t size)
{
	resize_file(fate->p.path, size);
	fate->size = size;
}

static void event_truncate_all(struct fate *fate)
{
	truncate_to(fate, 0);
}

static void event_truncate_before(struct fate *fate)
{
	truncate_to(fate, PAGE);
}

static void event_truncate_within(struct fate *fate)
{
	truncate_to(fate, PAGE2 + 100);
}

static void event_grow(struct fate *fate)
{
	truncate_to(fate, 6 * PAGE);
}

static void event_unlink(struct fate *fate)
{
	g_assert_cmpint(g_unlink(fate->p.path), ==, 0);
	fate->replaced = true;
}

static void event_replace(struct fate *fate)
{
	g_autofree char *other = make_file(&fate->p.f, "other", 4 * PAGE, 'A');

	g_assert_cmpint(g_rename(other, fate->p.path), ==, 0);
	fate->replaced = true;
}

/* The byte that PAGE of a mapping must show, or -EIO. */
static int expected(const struct fate *fate, unsigned page, bool private, bool is_child)
{
	if (page * PAGE >= fate->size)
		return -EIO;
	if (page >= 4)
		return 0;
	if (page == 2 && private && is_child && fate->child_stored)
		return 'C';
	if (page == 2 && private && fate->private_stored)
		return 'P';
	return page == 2 && fate->shared_stored ? 'S' : 'a' + (int)page;
}

static void check_fate(struct fate *fate, struct vm_process *process, bool is_child)
{
	for (unsigned page = 0; page < 6; page++) {
		g_assert_cmpint(get(process, SHARED_AT + page * PAGE), ==,
		                expected(fate, page, false, is_child));
		g_assert_cmpint(get(process, PRIVATE_AT + page * PAGE), ==,
		                expected(fate, page, true, is_child));
	}
	/* The last page is zero past the end of the file. */
	if (fate->size == PAGE2 + 100)
		g_assert_cmpint(get(process, SHARED_AT + PAGE2 + 200), ==, 0);
}

static int byte_of_fd(int fd, uint64_t offset)
{
	uint8_t byte;

	return pread(fd, &byte, 1, (off_t)offset) == 1 ? byte : -EIO;
}

static void check_file(struct fate *fate)
{
	struct stat status;

	g_assert_cmpint(fstat(fate->old, &status), ==, 0);
	g_assert_cmpint(status.st_size, ==, fate->size);
	for (unsigned page = 0; page < 6; page++)
		g_assert_cmpint(byte_of_fd(fate->old, page * PAGE), ==,
		                expected(fate, page, false, false));
	if (fate->replaced && file_byte(fate->p.path, 0) >= 0)
		g_assert_cmpint(file_byte(fate->p.path, PAGE2), ==, 'C');
}

static void fate_begin(struct fate *fate, unsigned frames)
{
	memset(fate, 0, sizeof *fate);
	pressure_begin_file(&fate->p, frames);
	struct vm_process *process = fate->p.f.process;
	/* Replace the fixture's mapping by one that extends past the end of the file. */
	map_path(&fate->p.f, process, fate->p.path, O_RDWR, SHARED_AT, 6, RW, MAP_SHARED);
	map_path(&fate->p.f, process, fate->p.path, O_RDWR, PRIVATE_AT, 6, RW, MAP_PRIVATE);
	fate->size = 4 * PAGE;
	fate->old = open(fate->p.path, O_RDONLY | O_CLOEXEC);
}

static void fate_end(struct fate *fate)
{
	close(fate->old);
	pressure_end(&fate->p);
}

typedef void (*fate_fn)(struct fate *fate);

static const fate_fn states[] = {
    state_untouched,        state_clean,   state_dirty,        state_copied,
    state_copied_and_dirty, state_swapped, state_child_copied, state_child_swapped};
static const fate_fn events[] = {event_truncate_all, event_truncate_before, event_truncate_within,
                                 event_grow,         event_unlink,          event_replace};

/* EARLY: fork a witness before the state is reached. It only looks at the shared pages. */
static void suffer(fate_fn state, fate_fn event, unsigned frames, bool early)
{
	bool child_stores = state == state_child_copied || state == state_child_swapped;
	struct fate fate;

	fate_begin(&fate, frames);
	struct vm_process *process = fate.p.f.process;
	struct vm_process *witness = early ? fork_of(process) : NULL;
	if (child_stores) {
		/* Then the child must exist before the state is reached. */
		fate.child = fork_of(process);
		put(process, PRIVATE_AT + PAGE, 'b');
	}
	state(&fate);
	if (fate.child == NULL)
		fate.child = fork_of(process);
	event(&fate);
	g_assert_cmpint(vm_msync(process, SHARED_AT, PAGE, MS_INVALIDATE), ==, 0);
	assert_sound(fate.p.f.machine);
	check_fate(&fate, process, false);
	check_fate(&fate, fate.child, child_stores);
	if (witness != NULL)
		for (unsigned page = 0; page < 6; page++)
			g_assert_cmpint(get(witness, SHARED_AT + page * PAGE), ==,
			                expected(&fate, page, false, false));
	assert_sound(fate.p.f.machine);
	end(fate.child);
	if (witness != NULL)
		end(witness);
	g_assert_cmpint(vm_munmap(process, ARENA, ARENA_END - ARENA), ==, 0);
	check_file(&fate);
	fate_end(&fate);
}

static void test_fates(gconstpointer data)
{
	unsigned frames = GPOINTER_TO_UINT(data);

	for (size_t state = 0; state < G_N_ELEMENTS(states); state++)
		for (size_t event = 0; event < G_N_ELEMENTS(events); event++)
			for (int early = 0; early < 2; early++) {
				g_test_message("state %zu, event %zu, early %d", state, event,
				               early);
				suffer(states[state], events[event], frames, early);
			}
}

int main(int argc, char **argv)
{
	static const unsigned frames[] = {1, 2, 5, 64};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(frames); i++) {
		g_autofree char *name = g_strdup_printf("/storage/fates/%u-frames", frames[i]);
		g_test_add_data_func(name, GUINT_TO_POINTER(frames[i]), test_fates);
	}
	return g_test_run();
}
