/*
 * draw_frames.c - the drawing of physical memory: a square for each frame, or for a block of them.
 * Where frames are few, the squares are large and say whose page is in them.
 */
#include "fs/picture/draw.h"
#include "fs/picture/markup.h"
#include "fs/picture/svg.h"

#include <inttypes.h>

enum {
	LEFT = 2 * SQUARE,
	WIDTH = 890,
	RIGHT = WIDTH - 2 * SQUARE,
	/* up to so many frames the squares are large, with words in them */
	LARGE_FRAMES = 72,
};

/* The sides of squares, with the gap: in units of SQUARE, as all drawings. */
struct scale {
	int width, height;
	unsigned columns;
	bool words;
};

struct grid {
	GString *out;
	const struct frames *frames;
	struct scale scale;
	int top;
};

static struct scale scale_of(const struct frames *frames)
{
	if (frames->cell_count <= LARGE_FRAMES)
		return (struct scale){9 * SQUARE, 5 * SQUARE, 9, true};
	return (struct scale){SQUARE, SQUARE, 84, false};
}

static int x_of(const struct grid *grid, unsigned index)
{
	return LEFT + (int)(index % grid->scale.columns) * grid->scale.width;
}

static int y_of(const struct grid *grid, unsigned index)
{
	return grid->top + (int)(index / grid->scale.columns) * grid->scale.height;
}

/* --- Squares ---------------------------------------------------------------------------------- */

static const char *kind_name(enum vm_frame_kind kind)
{
	static const char *const names[] = {
	    [VM_FRAME_ANON] = "anon", [VM_FRAME_FILE] = "file", [VM_FRAME_SHMEM] = "shmem"};

	return names[kind];
}

static char *frame_title(const struct frame_cell *cell)
{
	const struct vm_frame_info *frame = &cell->frame;
	GString *out = g_string_new(NULL);

	g_string_append_printf(out, "frame 0x%" PRIx64 " %s", frame->pfn, kind_name(frame->kind));
	if (frame->pid != 0)
		g_string_append_printf(out, ", process %d", (int)frame->pid);
	if (cell->visible)
		g_string_append_printf(out, " at %" PRIx64, frame->va);
	if (frame->users != 1)
		g_string_append_printf(out, ", %" PRIu64 " users", frame->users);
	g_string_append(out, frame->dirty ? ", dirty" : "");
	g_string_append(out, frame->writeback ? ", being written" : "");
	g_string_append(out, frame->pins > 0 ? ", in use by a transfer" : "");
	return g_string_free(out, FALSE);
}

static char *block_title(const struct grid *grid, unsigned index)
{
	const struct frame_cell *cell = &grid->frames->cells[index];
	uint64_t first = frames_start(grid->frames, index), end = frames_end(grid->frames, index);

	return g_strdup_printf("frames 0x%" PRIx64 "-0x%" PRIx64
	                       ": %u in use, %u dirty or anonymous, %u shared",
	                       first, end - 1, cell->in_use, cell->dirty, cell->shared);
}

/* What a large square says: the frame, the owner, and the end of the address. */
static void add_words(const struct grid *grid, unsigned index)
{
	const struct frame_cell *cell = &grid->frames->cells[index];
	int x = x_of(grid, index), y = y_of(grid, index);

	svg_text(grid->out, "mono", x + 15, y + 18, "0x%x", index);
	if (cell->in_use == 0)
		svg_text(grid->out, "l", x + 15, y + 36, "free");
	else if (cell->frame.pid != 0)
		svg_text(grid->out, "l", x + 15, y + 36, "%s %d", kind_name(cell->frame.kind),
		         (int)cell->frame.pid);
	else
		svg_text(grid->out, "l", x + 15, y + 36, "%s", kind_name(cell->frame.kind));
}

/* A square that stands for a block of frames, as full as they are. */
static void add_block(const struct grid *grid, unsigned index)
{
	const struct frame_cell *cell = &grid->frames->cells[index];
	uint64_t block = grid->frames->per_cell;
	int x = x_of(grid, index), y = y_of(grid, index);
	int height = (int)MAX(9 * MIN(cell->in_use, block) / block, 3);
	g_autofree char *title = block_title(grid, index);
	char attributes[32];

	g_snprintf(attributes, sizeof attributes, " data-k='n%x'", index);
	if (height < 9)
		palette_run(grid->out, STATE_FREE, x, y, 1, NULL);
	palette_part(grid->out, frames_state(cell), x, y, height, attributes, title);
	g_string_append_c(grid->out, '\n');
}

static void add_box(const struct grid *grid, int x, int y)
{
	g_string_append_printf(grid->out,
	                       "<rect class='box' x='%d' y='%d' width='%d' height='%d'/>", x, y,
	                       grid->scale.width - 1, grid->scale.height - 1);
}

/* The line in the accent of the owner: below a square, or along the lower edge of a large one. */
static void add_owner(const struct grid *grid, pid_t pid, int x, int y)
{
	bool large = grid->scale.words;

	g_string_append_printf(grid->out,
	                       "<rect class='owner%u' x='%d' y='%d' width='%d' height='%d'/>",
	                       owner_accent(pid), x, y + grid->scale.height - (large ? 6 : 3),
	                       large ? grid->scale.width - 1 : 9, large ? 5 : 2);
}

/* A frame in use, a link to its line of text. */
static void add_frame(const struct grid *grid, unsigned index)
{
	const struct frame_cell *cell = &grid->frames->cells[index];
	int x = x_of(grid, index), y = y_of(grid, index);
	g_autofree char *title = frame_title(cell);
	char attributes[48];

	g_snprintf(attributes, sizeof attributes, " data-k='n%x' data-p='%d'", index,
	           (int)cell->frame.pid);
	g_string_append_printf(grid->out, "<a href='frames#:~:text=0x%" PRIx64 "%%20%s'>",
	                       cell->frame.pfn, kind_name(cell->frame.kind));
	if (grid->scale.words)
		add_box(grid, x, y);
	palette_square(grid->out, frames_state(cell), grid->scale.words ? x + 4 : x,
	               grid->scale.words ? y + 8 : y, attributes, title);
	if (cell->frame.pid != 0)
		add_owner(grid, cell->frame.pid, x, y);
	if (grid->scale.words)
		add_words(grid, index);
	g_string_append(grid->out, "</a>\n");
}

static void add_used(const struct grid *grid, unsigned index)
{
	if (grid->frames->per_cell > 1)
		add_block(grid, index);
	else
		add_frame(grid, index);
}

/* How many free squares follow in the same line. */
static unsigned free_run(const struct grid *grid, unsigned first)
{
	const struct frames *frames = grid->frames;
	unsigned count = 0, columns = grid->scale.columns;

	while (first + count < frames->cell_count && frames->cells[first + count].in_use == 0 &&
	       (count == 0 || (!grid->scale.words && (first + count) % columns != 0)))
		count++;
	return count;
}

static void add_free(const struct grid *grid, unsigned index, unsigned count)
{
	int x = x_of(grid, index), y = y_of(grid, index);

	if (grid->scale.words) {
		add_box(grid, x, y);
		add_words(grid, index);
	} else {
		palette_run(grid->out, STATE_FREE, x, y, count, NULL);
		g_string_append_c(grid->out, '\n');
	}
}

static void add_squares(const struct grid *grid)
{
	for (unsigned i = 0, run; i < grid->frames->cell_count; i += MAX(run, 1)) {
		run = free_run(grid, i);
		if (run > 0)
			add_free(grid, i, run);
		else
			add_used(grid, i);
	}
}

/* --- Marks ------------------------------------------------------------------------------------ */

/* A frame around the square of PFN, and its meaning. */
static void add_mark(const struct grid *grid, uint64_t pfn, const char *what)
{
	const struct scale *scale = &grid->scale;

	if (pfn == VM_NO_FRAME)
		return;
	unsigned index = (unsigned)frames_index(grid->frames, pfn);
	g_string_append_printf(grid->out,
	                       "<rect class='frame' x='%d' y='%d' width='%d' height='%d'>"
	                       "<title>%s: frame 0x%" PRIx64 "</title></rect>\n",
	                       x_of(grid, index) - 1, y_of(grid, index) - 1, scale->width + 1,
	                       scale->height + 1, what, pfn);
}

/* The line that says where the ends of the queue are. Returns the place below it. */
static int add_queue_line(const struct grid *grid, int y)
{
	const struct frames *frames = grid->frames;
	const char *first = frames->has_hand ? "the hand is at" : "next to go:";

	g_string_append_printf(grid->out, "<text x='%d' y='%d'>Policy %s", LEFT, y + 10,
	                       frames->policy);
	if (frames->next == VM_NO_FRAME)
		g_string_append(grid->out, ": no page can be replaced yet.");
	else
		g_string_append_printf(grid->out, "; %s frame 0x%" PRIx64, first, frames->next);
	if (frames->newest != VM_NO_FRAME && frames->newest != frames->next)
		g_string_append_printf(grid->out, ", last in the queue: 0x%" PRIx64,
		                       frames->newest);
	g_string_append(grid->out,
	                frames->next == VM_NO_FRAME ? "</text>\n" : " (framed)</text>\n");
	return y + 2 * SQUARE;
}

static int add_owners(const struct grid *grid, int y)
{
	const struct frames *frames = grid->frames;

	for (unsigned i = 0; i < frames->owner_count; i++) {
		const struct frame_owner *owner = &frames->owners[i];
		int x = LEFT + (int)(i % 4) * 210;
		if (i == 4)
			y += 2 * SQUARE;
		g_string_append_printf(grid->out,
		                       "<rect class='owner%u' x='%d' y='%d' width='16' "
		                       "height='4'/><text class='l' x='%d' y='%d'>%d ",
		                       owner_accent(owner->pid), x, y + 4, x + 22, y + 10,
		                       (int)owner->pid);
		markup_short(grid->out, owner->comm, 16);
		g_string_append(grid->out, "</text>\n");
	}
	return frames->owner_count > 0 ? y + 2 * SQUARE : y;
}

/* --- All -------------------------------------------------------------------------------------- */

static int add_heading(const struct grid *grid, int y)
{
	const struct vm_machine_info *machine = &grid->frames->machine;
	GString *out = grid->out;

	g_string_append_printf(out, "<text class='q' x='%d' y='%d'>", LEFT, y + 10);
	markup_count(out, machine->frames_total);
	g_string_append(out, " frames of 4 KiB, ");
	markup_count(out, machine->frames_free);
	g_string_append(out, " free. A square is ");
	if (grid->frames->per_cell == 1)
		g_string_append(out, "a frame; the line below it is its owner's colour.");
	else
		g_string_append_printf(out, "%" PRIu64 " frames, as full as they are.",
		                       grid->frames->per_cell);
	if (grid->frames->sampled)
		g_string_append(out, " Some of each were looked at.");
	g_string_append(out, "</text>\n");
	return y + 2 * SQUARE;
}

static int add_legend(GString *out, int y)
{
	static const struct {
		enum page_state state;
		const char *word;
	} words[] = {{STATE_FREE, "free"},
	             {STATE_CLEAN, "file, clean"},
	             {STATE_DIRTY, "anonymous, or dirty"},
	             {STATE_SHARED, "mapped by several"}};

	for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
		palette_square(out, words[i].state, LEFT + (int)i * 210, y, "", NULL);
		g_string_append_printf(out, "<text class='l' x='%d' y='%d'>%s</text>\n",
		                       LEFT + (int)i * 210 + 22, y + 10, words[i].word);
	}
	return y + 2 * SQUARE;
}

void draw_frames(GString *out, const struct frames *frames, bool alone)
{
	struct grid grid = {.out = g_string_new(NULL), .frames = frames, .scale = scale_of(frames)};
	unsigned lines = (frames->cell_count + grid.scale.columns - 1) / grid.scale.columns;
	int y = SQUARE;

	if (alone) {
		svg_text(grid.out, "h", LEFT, y + 20, "Physical memory");
		y += 4 * SQUARE;
	}
	y = add_heading(&grid, y);
	y = add_queue_line(&grid, y);
	y = add_legend(grid.out, y);
	if (frames->per_cell == 1)
		y = add_owners(&grid, y);
	grid.top = y + SQUARE;
	add_squares(&grid);
	add_mark(&grid, frames->next, frames->has_hand ? "the hand" : "next to go");
	if (frames->newest != frames->next)
		add_mark(&grid, frames->newest, "last in the queue");
	svg_begin(out, WIDTH, grid.top + (int)lines * grid.scale.height + SQUARE, "physical memory",
	          alone);
	g_string_append_len(out, grid.out->str, (gssize)grid.out->len);
	svg_end(out);
	g_string_free(grid.out, TRUE);
}
