#include "vm/cache/view.h"
#include "util/refstring.h"
#include "vm/base/io.h"
#include "vm/base/lock.h"
#include "vm/base/user.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct view {
	struct vm_file *source; /* a reference */
	struct vm_user *user;   /* charged for this; the handle has the reference */
	uint64_t snapshot;      /* bytes of VM_SNAPSHOTS that are charged */
	size_t count;
	struct view_range ranges[];
};

static size_t view_size(size_t count)
{
	return sizeof(struct view) + count * sizeof(struct view_range);
}

/* The first range that ends above AT, or NULL. */
static const struct view_range *range_above(const struct view *view, uint64_t at)
{
	size_t low = 0, high = view->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (view->ranges[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low < view->count ? &view->ranges[low] : NULL;
}

/* --- The medium ------------------------------------------------------------------------------- */

/* -ENODATA: the source does not have the byte at OFFSET. */
static ssize_t view_read(const struct vm_medium *medium, void *buf, size_t len, uint64_t offset)
{
	const struct view *view = medium->ctx;
	const struct view_range *range = range_above(view, offset);

	if (range == NULL || range->start > offset)
		return -ENODATA;
	ssize_t got = vm_file_pread(view->source, buf, MIN(len, range->end - offset),
	                            range->offset + (offset - range->start));
	return got == 0 ? -ENODATA : got;
}

static ssize_t view_write(const struct vm_medium *medium, const void *buf, size_t len,
                          uint64_t offset, bool inside)
{
	return -EBADF;
}

static int view_sync(const struct vm_medium *medium)
{
	return 0;
}

static void view_free(struct view *view)
{
	struct vm_file *source = view->source;

	user_uncharge(source->machine, view->user, VM_NOTES, view_size(view->count));
	user_uncharge(source->machine, view->user, VM_SNAPSHOTS, view->snapshot);
	g_free(view);
	vm_file_unref(source);
}

static void view_close(const struct vm_medium *medium)
{
	view_free(medium->ctx);
}

static const struct vm_medium_ops view_ops = {view_read, view_write, view_sync, view_close};

/* --- Making one ------------------------------------------------------------------------------- */

/* A copy of the ranges, charged to the opener of SOURCE. NULL: -ENOMEM. */
static struct view *view_alloc(struct vm_file *source, const struct view_range *ranges,
                               size_t count)
{
	struct vm_user *user = source->handle->user;

	if (user_charge(source->machine, user, VM_NOTES, view_size(count)) != 0)
		return NULL;
	struct view *view = g_try_malloc(view_size(count));
	if (view == NULL) {
		user_uncharge(source->machine, user, VM_NOTES, view_size(count));
		return NULL;
	}
	*view = (struct view){.source = vm_file_ref(source), .user = user, .count = count};
	if (count > 0)
		memcpy(view->ranges, ranges, count * sizeof *ranges);
	return view;
}

/* The handle by which VIEW is read, with one user. NULL with *ERROR. */
static struct vm_handle *handle_new(struct view *view, int *error)
{
	struct vm_machine *machine = view->source->machine;
	const struct vm_handle *model = view->source->handle;

	*error = user_charge(machine, view->user, VM_HANDLES, 1);
	if (*error != 0)
		return NULL;
	struct vm_handle *handle = g_try_malloc0(sizeof *handle + 1);
	if (handle == NULL) {
		user_uncharge(machine, view->user, VM_HANDLES, 1);
		*error = -ENOMEM;
		return NULL;
	}
	handle->medium = (struct vm_medium){&view_ops, model->medium.fd, view};
	handle->access = O_RDONLY;
	handle->users = 1;
	machine_lock(machine);
	handle->user = user_ref_locked(view->user);
	machine_unlock(machine);
	return handle;
}

struct vm_file *view_new(struct vm_file *source, const struct view_range *ranges, size_t count,
                         int *error)
{
	struct vm_file *file = file_alloc(source->machine, O_RDONLY);
	struct view *view = file != NULL ? view_alloc(source, ranges, count) : NULL;
	struct vm_handle *handle = NULL;

	*error = -ENOMEM;
	if (view != NULL)
		handle = handle_new(view, error);
	if (handle == NULL) {
		if (view != NULL)
			view_free(view);
		if (file != NULL)
			file_free(file);
		return NULL;
	}
	file->handle = handle;
	file->object = object_new_view(source->object, handle);
	if (file->object != NULL)
		return file;
	*error = -ENOMEM;
	/* As handle_put does it, but the handle has no object. */
	view_free(view);
	user_uncharge(source->machine, handle->user, VM_HANDLES, 1);
	machine_lock(source->machine);
	user_put_locked(source->machine, handle->user);
	machine_unlock(source->machine);
	g_free(handle);
	file_free(file);
	return NULL;
}

void view_take_charge(struct vm_file *file, uint64_t bytes)
{
	struct view *view = file->handle->medium.ctx;

	view->snapshot += bytes;
}

/* --- What it has ------------------------------------------------------------------------------ */

static const struct view *view_of(const struct vm_file *file)
{
	return file->handle->medium.ctx;
}

uint64_t view_extent(const struct vm_file *file, uint64_t start, uint64_t end)
{
	const struct view *view = view_of(file);
	const struct view_range *range = range_above(view, start),
	                        *last = view->ranges + view->count;
	uint64_t at = start;

	for (; range != NULL && range < last && range->start <= at && at < end; range++)
		at = MIN(range->end, end);
	return at - start;
}

/* Where [AT, STOP), in RANGE, next has data or a hole in the source; STOP if it has none. */
static uint64_t seek_in_range(const struct view *view, const struct view_range *range, uint64_t at,
                              uint64_t stop, bool hole)
{
	uint64_t from = range->offset + (at - range->start);
	off_t found =
	    lseek(view->source->handle->medium.fd, (off_t)from, hole ? SEEK_HOLE : SEEK_DATA);

	/* Past the end there is no data; a file system that knows of no holes has data all over. */
	if (found < 0)
		return errno == ENXIO && !hole ? stop : hole ? stop : at;
	return MIN(stop, at + ((uint64_t)found - from));
}

uint64_t view_next(const struct vm_file *file, uint64_t at, uint64_t end, bool hole)
{
	const struct view *view = view_of(file);
	uint64_t place = at;

	while (place < end) {
		const struct view_range *range = range_above(view, place);
		if (range == NULL || range->start >= end)
			return hole ? MIN(end, page_align(place)) : end;
		if (range->start > place) {
			if (hole && page_align(place) + VM_PAGE_SIZE <= range->start)
				return page_align(place);
			place = range->start;
			continue;
		}
		uint64_t stop = MIN(end, range->end);
		uint64_t found = seek_in_range(view, range, place, stop, hole);
		if (found < stop && !hole)
			return MAX(at, page_down(found));
		/* A hole counts if a whole page lies in it. */
		if (found < stop) {
			uint64_t over = seek_in_range(view, range, found, stop, false);
			uint64_t page = page_align(found);
			if (page + VM_PAGE_SIZE <= over || over == end)
				return MIN(end, page);
			found = MAX(over, found + 1);
		}
		place = found;
	}
	return end;
}
