/*
 * load.c - vm_process_load: a process of an image (vm_core.h).
 *
 * Its areas are entered as they are, past the checks of mmap: max_map_count, overcommit and the
 * limits of the process say what a process may ask for, and this one asks for nothing. What they
 * cost is charged to its owner all the same (VM_AREAS, VM_NOTES).
 */
#include "vm/base/reason.h"
#include "vm/cache/view.h"
#include "vm/calls/builder.h"
#include "vm/space/area.h"
#include "vm/space/label.h"
#include "vm/space/space.h"
#include "vm/space/threads.h"
#include "vm/vm_core.h"

#include <errno.h>
#include <string.h>

G_STATIC_ASSERT(sizeof(struct vm_image_piece) == sizeof(struct view_range));

/* --- In order --------------------------------------------------------------------------------- */

static int compare_pieces(const void *a, const void *b)
{
	const struct view_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/*
 * The pieces of IMAGE by address, without overlaps, and only those in user space: *COUNT of them.
 * NULL: no memory. Free with g_free.
 */
static struct view_range *sorted_pieces(const struct vm_image *image, size_t *count)
{
	size_t len = image->pieces.len;
	struct view_range *ranges = g_try_new(struct view_range, MAX(len, 1));
	uint64_t low = 0;

	*count = 0;
	if (ranges == NULL)
		return NULL;
	if (len > 0)
		memcpy(ranges, image->pieces.items, len * sizeof *ranges);
	qsort(ranges, len, sizeof *ranges, compare_pieces);
	for (size_t i = 0; i < len; i++) {
		struct view_range range = ranges[i];
		uint64_t skip = range.start < low ? low - range.start : 0;
		range.end = MIN(range.end, VM_USER_END);
		if (range.start >= range.end || skip >= range.end - range.start)
			continue;
		range.start += skip;
		range.offset += skip;
		low = range.end;
		ranges[(*count)++] = range;
	}
	return ranges;
}

static int compare_areas(const void *a, const void *b)
{
	const struct vm_image_area *const *x = a, *const *y = b;

	return ((*x)->start > (*y)->start) - ((*x)->start < (*y)->start);
}

/* The areas of IMAGE by address. NULL: no memory. Free with g_free. */
static const struct vm_image_area **sorted_areas(const struct vm_image *image)
{
	size_t len = image->areas.len;
	const struct vm_image_area **areas = g_try_new(const struct vm_image_area *, MAX(len, 1));

	if (areas == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++)
		areas[i] = &ARRAY_AT(&image->areas, struct vm_image_area, i);
	qsort(areas, len, sizeof *areas, compare_areas);
	return areas;
}

/* --- Areas ------------------------------------------------------------------------------------ */

/* The label of MODEL, whose first page is page PGOFF of what it maps. NULL: no memory. */
static struct vm_label *label_of(struct vm_space *space, const struct vm_image_area *model,
                                 uint64_t offset, uint64_t pgoff)
{
	struct vm_label *label = label_new(space->process->machine, space->process->user,
	                                   model->name != NULL ? model->name : "");

	if (label == NULL)
		return NULL;
	label->pgoff = pgoff;
	label->offset = offset;
	label->dev = model->dev;
	label->ino = model->ino;
	label->shared = model->shared;
	return label;
}

/* Enter MODEL from START on. VIEW has the bytes that are in no file. 0 or -ENOMEM. */
static int add_area(struct vm_space *space, const struct vm_image_area *model, uint64_t start,
                    struct vm_file *view)
{
	uint64_t offset = model->offset + (start - model->start);
	uint64_t pgoff = (model->file != NULL ? offset : start) >> VM_PAGE_SHIFT;
	struct vm_file *file = model->untouched ? NULL : model->file != NULL ? model->file : view;
	unsigned flags =
	    area_flags_of_prot(model->prot) | AREA_MAYREAD | AREA_MAYWRITE | AREA_MAYEXEC;
	struct vm_area *area =
	    area_new(space, start, MIN(model->end, VM_USER_END), flags, file, pgoff);
	struct vm_area *dead = NULL;

	if (area == NULL)
		return -ENOMEM;
	/* What is as maps shows it anyway needs none. */
	if (file == view || model->shared) {
		area->label = label_of(space, model, offset, pgoff);
		if (area->label == NULL) {
			area_discard(area, &dead);
			area_release(dead);
			return -ENOMEM;
		}
	}
	area_insert(area);
	return 0;
}

static bool is_area(const struct vm_image_area *area)
{
	return (area->start | area->end | area->offset) % VM_PAGE_SIZE == 0 &&
	       area->start < area->end && area->start < VM_USER_END;
}

/* 0, -ENOMEM, -EINTR, or -ENOEXEC: there is none. */
static int add_areas(struct vm_space *space, const struct vm_image *image, struct vm_file *view)
{
	g_autofree const struct vm_image_area **areas = sorted_areas(image);
	uint64_t low = 0;
	int error = areas != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; error == 0 && i < image->areas.len; i++) {
		uint64_t start = MAX(areas[i]->start, low);
		if (!is_area(areas[i]) || start >= MIN(areas[i]->end, VM_USER_END))
			continue;
		error = vm_interrupted() ? -EINTR : add_area(space, areas[i], start, view);
		low = MIN(areas[i]->end, VM_USER_END);
	}
	if (error == 0 && low == 0)
		error = reason_set(-ENOEXEC, VM_WHY_CORE_EMPTY, 0, 0, 0);
	return error;
}

/* --- The rest --------------------------------------------------------------------------------- */

static int add_threads(struct vm_space *space, const struct vm_image *image)
{
	struct vm_process *process = space->process;
	size_t count = image->threads.len;

	if (count == 0)
		return 0;
	space->threads = threads_new(process->machine, process->user, (unsigned)count);
	if (space->threads == NULL)
		return -ENOMEM;
	memcpy(space->threads->thread, image->threads.items, count * sizeof(struct vm_thread));
	return 0;
}

static void set_layout(struct vm_space *space, const struct vm_image *image)
{
	space->layout = image->layout;
	space->layout.brk = MAX(space->layout.brk, space->layout.start_brk);
	space->auxv_len = MIN(image->auxv_len, G_N_ELEMENTS(space->auxv)) & ~1u;
	memcpy(space->auxv, image->auxv, space->auxv_len * sizeof space->auxv[0]);
	if (image->exe != NULL)
		space_set_exe(space, image->exe);
}

static int build(struct builder *builder, struct vm_image *image)
{
	size_t count;
	g_autofree struct view_range *ranges = sorted_pieces(image, &count);
	int error = -ENOMEM;
	struct vm_file *view =
	    ranges != NULL ? view_new(image->source, ranges, count, &error) : NULL;

	if (view == NULL)
		return error;
	view_take_charge(view, image->reserved);
	image->reserved = 0;
	error = add_areas(builder->space, image, view);
	vm_file_unref(view);
	if (error == 0)
		error = add_threads(builder->space, image);
	set_layout(builder->space, image);
	builder->process->last_signal = image->signal;
	builder->process->last_code = image->code;
	builder->process->last_address = image->address;
	return error;
}

struct vm_process *vm_process_load(struct vm_machine *machine, const struct vm_cred *cred,
                                   struct vm_image *image, int *error)
{
	struct vm_process *result = NULL;
	struct builder builder;

	*error = builder_begin(&builder, machine, cred);
	if (*error != 0)
		return NULL;
	*error = build(&builder, image);
	if (*error == 0)
		result = builder_publish(&builder, 0, image->comm, error);
	builder_end(&builder);
	return result;
}
