/*
 * msync.c - msync. Linux: mm/msync.c.
 *
 * Each area is looked up under the process lock. The lock is dropped to write its file, and the
 * next area is looked up again, by address.
 */
#include "vm/base/lock.h"
#include "vm/base/reason.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/space/area.h"

#include <errno.h>
#include <sys/mman.h>

/* What one area has to write. */
struct part {
	struct vm_file *file; /* a reference; NULL: nothing to write */
	uint64_t first, last; /* pages [first, last) */
	bool shared;          /* the area is, so that dirty pages of it may be its own */
};

#define NO_HOLE UINT64_MAX

/*
 * Find the first area at or after *VA that begins below END, and move *VA to its end. PART gets its
 * pages if it is a shared mapping of a host file. *HOLE, if it is NO_HOLE, becomes *VA if nothing
 * is mapped there; if there is no such area, *VA becomes END. -EBUSY: MS_INVALIDATE of a locked
 * area. The process is locked.
 */
static int next_part(struct vm_space *space, uint64_t *va, uint64_t end, int flags,
                     struct part *part, uint64_t *hole)
{
	const struct vm_area *area = area_find(space, *va);

	part->file = NULL;
	if (*hole == NO_HOLE && (area == NULL || area->start > *va))
		*hole = *va;
	if (area == NULL || area->start >= end) {
		*va = end;
		return 0;
	}
	uint64_t start = MAX(*va, area->start), stop = MIN(end, area->end);
	*va = stop;
	if ((flags & MS_INVALIDATE) && (area->flags & AREA_LOCKED))
		return -EBUSY;
	part->shared = area->flags & AREA_MAYSHARE;
	/* What others wrote shows in the untouched pages of private areas too. */
	if (area->file != NULL && !area->object->shmem &&
	    (part->shared || (flags & MS_INVALIDATE))) {
		part->file = vm_file_ref(area->file);
		part->first = area_index(area, start);
		part->last = part->first + ((stop - start) >> VM_PAGE_SHIFT);
	}
	return 0;
}

/*
 * Write PART to its file (MS_SYNC), take over what others changed in it (MS_INVALIDATE). No lock is
 * held. The error of the write-back, or 0.
 */
static int sync_part(const struct part *part, int flags)
{
	int error = 0;

	if ((flags & MS_SYNC) && part->shared) {
		error = object_write_back(part->file->object, part->first, part->last);
		if (error == 0)
			error = object_sync(part->file->object);
		/* An earlier failure of the write-back thread is reported once (errseq). */
		int earlier = object_take_error(part->file->object);
		if (error == 0)
			error = earlier;
	}
	if (flags & MS_INVALIDATE)
		object_refresh(part->file->object, true);
	return error;
}

int vm_msync(struct vm_process *process, uint64_t addr, uint64_t len, int flags)
{
	uint64_t end = addr + page_align(len);
	uint64_t hole = NO_HOLE;
	int error = 0;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (addr & (VM_PAGE_SIZE - 1)) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	if (end < addr)
		return -ENOMEM;
	while (error == 0 && addr < end) {
		struct part part = {.file = NULL};
		process_read_lock(process);
		error = process->space != NULL
		            ? next_part(process->space, &addr, end, flags, &part, &hole)
		            : -ESRCH;
		process_unlock(process);
		if (part.file != NULL) {
			error = sync_part(&part, flags);
			vm_file_unref(part.file);
		}
	}
	if (error == 0 && hole != NO_HOLE)
		error = reason_set(-ENOMEM, VM_WHY_HOLE, hole, 0, 0);
	return error;
}
