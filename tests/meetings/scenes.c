/*
 * scenes.c - the scenes in which calls meet. In each, two processes, the parent and its child, have
 * the same three pages at MEMORY. Page I holds 'a' + I.
 */
#include "tests/meetings/meetings.h"

#include <glib/gstdio.h>
#include <unistd.h>

static void begin(struct world *w, unsigned frames)
{
	*w = (struct world){.path = NULL};
	pressure_begin(&w->p, &(struct pressure_size){.frames = frames,
	                                              .slots = 64,
	                                              .policy = "fifo",
	                                              .overcommit = VM_OVERCOMMIT_ALWAYS});
	w->parent = w->p.f.process;
}

static void private_shared_tables(struct world *w)
{
	begin(w, 64);
	map_pattern(w->parent, MEMORY, MEETING_PAGES, PRIVATE_ANON, 'a');
	w->child = fork_of(w->parent);
}

/* Each side has tables of its own, and the pages are still shared. */
static void private_own_tables(struct world *w)
{
	private_shared_tables(w);
	uint64_t near = MEMORY + MEETING_PAGES * PAGE;
	for (int i = 0; i < 2; i++) {
		map(i ? w->child : w->parent, near, 1, RW, PRIVATE_ANON);
		put(i ? w->child : w->parent, near, 'n');
	}
}

static void private_swapped(struct world *w)
{
	private_shared_tables(w);
	push_out(&w->p);
}

static void shared_anonymous(struct world *w)
{
	begin(w, 64);
	map_pattern(w->parent, MEMORY, MEETING_PAGES, SHARED_ANON, 'a');
	w->child = fork_of(w->parent);
}

static void shared_swapped(struct world *w)
{
	shared_anonymous(w);
	push_out(&w->p);
}

static void with_file(struct world *w, int flags)
{
	begin(w, 64);
	w->path = make_file(&w->p.f, "meeting", MEETING_PAGES * PAGE, 'a');
	struct vm_file *file = open_file(&w->p.f, w->path, O_RDWR);
	w->child = spawn(&w->p.f);
	map_file(w->parent, MEMORY, MEETING_PAGES, RW, flags, file, 0);
	map_file(w->child, MEMORY, MEETING_PAGES, RW, MAP_SHARED, file, 0);
	vm_file_unref(file);
}

static void file_clean(struct world *w)
{
	with_file(w, MAP_SHARED);
	assert_pattern(w->parent, MEMORY, MEETING_PAGES, 'a');
}

static void file_dirty(struct world *w)
{
	with_file(w, MAP_SHARED);
	fill_pattern(w->parent, MEMORY, MEETING_PAGES, 'A');
}

/* The engine finds at its next look that somebody else has changed the file. */
static void file_changed(struct world *w)
{
	file_dirty(w);
	g_assert_cmpint(vm_msync(w->parent, MEMORY, 2 * PAGE, MS_SYNC), ==, 0);
	write_file(w->path, 2 * PAGE - 1, 1, 'o');
	put(w->parent, MEMORY, 'D');
}

/* The same where nothing is dirty. */
static void file_clean_changed(struct world *w)
{
	file_clean(w);
	write_file(w->path, 2 * PAGE - 1, 1, 'o');
}

static void file_private(struct world *w)
{
	with_file(w, MAP_PRIVATE);
	put(w->parent, MEMORY, 'p');
}

static void file_refuses_writes(struct world *w)
{
	file_dirty(w);
	w->fails = true;
	medium_fails(&w->p, FILE_WRITE, 1, 1000000, -EIO);
}

/* No frame is free, and all that is not the scene's own is locked. */
static void tight(struct world *w)
{
	begin(w, 12);
	map_pattern(w->parent, MEMORY, MEETING_PAGES, PRIVATE_ANON, 'a');
	w->child = fork_of(w->parent);
	unsigned left = 0;
	while (frames_used(&w->p) < 12)
		put(w->parent, map(w->parent, FILLER + left++ * PAGE, 1, RW, PRIVATE_ANON), 'f');
	g_assert_cmpint(vm_mlock(w->parent, FILLER, (left - 1) * PAGE, 0), ==, 0);
}

const struct scene scenes[] = {
    {"private, tables shared", private_shared_tables},
    {"private, tables of their own", private_own_tables},
    {"private, in swap", private_swapped},
    {"shared anonymous", shared_anonymous},
    {"shared anonymous, in swap", shared_swapped},
    {"file, clean", file_clean},
    {"file, dirty", file_dirty},
    {"file, dirty, and changed by others", file_changed},
    {"file, clean, and changed by others", file_clean_changed},
    {"file, private and shared", file_private},
    {"file that refuses writes", file_refuses_writes},
    {"private, no frame free", tight},
};
const unsigned scene_count = G_N_ELEMENTS(scenes);

void world_begin(struct world *w, const struct scene *scene)
{
	scene->begin(w);
}

/* --- The outcome ------------------------------------------------------------------------------ */

/*
 * The bytes of PROCESS that the scene is about: a letter a page, or the first of why there is none.
 */
static void add_process(GString *text, const char *name, struct vm_process *process)
{
	if (process == NULL || !vm_process_alive(process))
		return;
	g_string_append_printf(text, "%s: ", name);
	for (int place = 0; place < 2; place++) {
		uint64_t at = place ? OTHER : MEMORY;
		for (uint64_t va = at; va < at + MEETING_PAGES * PAGE; va += PAGE) {
			uint8_t bytes[2];
			ssize_t first = load(process, va, bytes, 1);
			ssize_t last = load(process, va + PAGE - 1, bytes + 1, 1);
			if (first != 1 || last != 1)
				g_string_append_printf(text, "%s ", g_strerror(-(int)first));
			else
				g_string_append_printf(text, "%c%c ", bytes[0] ? bytes[0] : '0',
				                       bytes[1] ? bytes[1] : '0');
		}
		g_string_append(text, "| ");
	}
	g_autofree char *areas = areas_text(process);
	g_string_append(text, areas);
}

static void end_process(struct world *w, struct vm_process **process)
{
	if (*process == NULL)
		return;
	vm_process_exit(*process, 0);
	if (*process == w->p.f.process)
		w->p.f.process = NULL;
	g_clear_pointer(process, vm_process_unref);
}

static void add_first_byte(GString *text, struct vm_process *process)
{
	uint8_t byte = 0;
	ssize_t got = process != NULL ? load(process, MEMORY, &byte, 1) : -ESRCH;

	g_string_append_printf(text, "%zd %#x, ", got, byte);
}

static void look_at_file(struct vm_process *process)
{
	if (process != NULL)
		vm_msync(process, MEMORY, MEETING_PAGES * PAGE, MS_INVALIDATE);
}

char *world_outcome(struct world *w)
{
	GString *text = g_string_new(NULL);

	medium_heals(&w->p);
	assert_sound(w->p.f.machine);
	/* The first page is changed by nobody else: its bytes are right at once. */
	add_first_byte(text, w->parent);
	add_first_byte(text, w->child);
	/* What others did to the file shows at a fault, or when one asks: ask. */
	look_at_file(w->parent);
	look_at_file(w->child);
	add_process(text, "parent", w->parent);
	add_process(text, "child", w->child);
	for (int i = 0; i < 2; i++)
		add_process(text, "born", w->born[i]);
	end_process(w, &w->parent);
	end_process(w, &w->child);
	end_process(w, &w->born[0]);
	end_process(w, &w->born[1]);
	vm_machine_sync(w->p.f.machine);
	g_string_append(text, "file: ");
	for (uint64_t i = 0; w->path != NULL && i < file_size(w->path) / PAGE; i++)
		g_string_append_printf(text, "%c%c ", file_byte(w->path, i * PAGE),
		                       file_byte(w->path, (i + 1) * PAGE - 1));
	return g_string_free(text, FALSE);
}

void world_end(struct world *w)
{
	medium_heals(&w->p);
	end_process(w, &w->parent);
	end_process(w, &w->child);
	end_process(w, &w->born[0]);
	end_process(w, &w->born[1]);
	if (w->path != NULL)
		g_unlink(w->path);
	g_free(w->path);
	pressure_end(&w->p);
}
