/*
 * read_write.c - read(2), write(2) and their kind of host files, coherent with the page cache.
 *
 * Bytes go to the host file and come from it. Two things are added. What was stored to pages that
 * are not written back yet is laid over what was read: a page with a twin (twin.h) has such bytes.
 * And what was written is stored to the pages that are in the cache.
 *
 * Calls that change a file wait for each other (object->changing; Linux: inode_lock), and for the
 * write-backs of its pages, which wait for them: else older bytes could come after newer ones.
 */
#include "vm/base/io.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/cache/shrink.h"
#include "vm/cache/twin.h"
#include "vm/memory/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Reading ---------------------------------------------------------------------------------- */

/* Bytes of one page that were stored here. */
struct stored {
	bool any;
	uint8_t bytes[VM_PAGE_SIZE];
	struct twin_map map;
};

/* Find what was stored to page INDEX and is perhaps not in the file. */
static void find_stored(struct vm_object *object, uint64_t index, struct stored *stored)
{
	struct vm_machine *machine = object->machine;

	machine_lock(machine);
	vm_pfn pfn = object_lookup_locked(object, index);
	stored->any = pfn != VM_PFN_NONE && machine->twins[pfn] != NULL;
	if (stored->any) {
		memory_copy(stored->bytes, machine_page(machine, pfn), VM_PAGE_SIZE);
		twin_compare_locked(machine, pfn, stored->bytes, &stored->map);
	}
	machine_unlock(machine);
}

/* Lay what was STORED over the LEN bytes BUF of the page, from byte SKIP of it on. */
static void lay_over(const struct stored *stored, uint8_t *buf, size_t skip, size_t len)
{
	unsigned start, end = (unsigned)skip;

	while (stored->any && twin_next_piece(&stored->map, end, &start, &end) &&
	       start < skip + len)
		memcpy(buf + (start - skip), stored->bytes + start, MIN(end, skip + len) - start);
}

/*
 * Read LEN bytes within one page. What was stored is looked at before and after: a page that is
 * dirty before may be written back while the file is read.
 */
static ssize_t read_in_page(struct vm_file *file, uint8_t *buf, size_t len, uint64_t offset)
{
	uint64_t index = offset >> VM_PAGE_SHIFT;
	size_t skip = offset % VM_PAGE_SIZE;
	struct stored before, after;

	find_stored(file->object, index, &before);
	ssize_t n = io_read(&file->handle->medium, buf, len, offset);
	if (n <= 0)
		return n;
	find_stored(file->object, index, &after);
	lay_over(&before, buf, skip, (size_t)n);
	lay_over(&after, buf, skip, (size_t)n);
	return n;
}

/* Whether some page of OBJECT is not written back. */
static bool has_stored(struct vm_object *object)
{
	machine_lock(object->machine);
	bool has = object->dirty_pages > 0 || object->writers > 0;
	machine_unlock(object->machine);
	return has;
}

ssize_t vm_file_read(struct vm_file *file, void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	if (file->handle == NULL || offset > INT64_MAX || len > INT64_MAX - offset)
		return -EINVAL;
	if (file->access == O_WRONLY)
		return -EBADF;
	if (!has_stored(file->object))
		return io_read(&file->handle->medium, buf, len, offset);
	while (done < len) {
		size_t piece =
		    MIN(len - done, VM_PAGE_SIZE - (size_t)((offset + done) % VM_PAGE_SIZE));
		ssize_t n = read_in_page(file, (uint8_t *)buf + done, piece, offset + done);
		if (n < 0 && done == 0)
			return n;
		done += (size_t)MAX(n, 0);
		if (n < (ssize_t)piece)
			break;
	}
	return (ssize_t)done;
}

/* --- Changing --------------------------------------------------------------------------------- */

/* A change of a file that is under way. */
struct change {
	struct stat before;
};

/* Begin to change FILE: wait for others. 0, or a negative errno of fstat: it is not begun. */
static int change_begin(struct vm_file *file, struct change *change)
{
	struct vm_object *object = file->object;
	struct vm_machine *machine = object->machine;

	machine_lock(machine);
	while (object->changing)
		machine_wait_io_locked(machine);
	object->changing = true;
	/* No write-back begins from now on (write_back.c). */
	while (object->writers > 0)
		machine_wait_io_locked(machine);
	machine_unlock(machine);
	if (fstat(file->handle->medium.fd, &change->before) == 0)
		return 0;
	int error = -errno;
	machine_lock(machine);
	object->changing = false;
	machine_wake_io_locked(machine);
	machine_unlock(machine);
	return error;
}

/* See the size that the file has now. The times are seen if only our change can have made them. */
static void see_size_locked(struct vm_file *file, const struct change *change)
{
	struct vm_object *object = file->object;
	struct stat after;

	machine_unlock(object->machine);
	bool looked = fstat(file->handle->medium.fd, &after) == 0;
	machine_lock(object->machine);
	if (!looked)
		return;
	bool as_seen = object_stamp_equals_locked(object, &change->before);
	object_take_size_locked(object, file->handle->medium.fd, &after);
	if (as_seen) {
		object_set_times_locked(object, &after);
		object->settled = false;
	}
}

static void change_end_locked(struct vm_object *object)
{
	object->unsynced = true;
	object->changing = false;
	machine_wake_io_locked(object->machine);
}

/*
 * LEN bytes BUF, all within one page, were written to the file at OFFSET: store them to the page,
 * if it is in the cache. The lock is dropped while it is being read.
 */
static void store_in_page_locked(struct vm_object *object, const uint8_t *buf, size_t len,
                                 uint64_t offset)
{
	struct vm_machine *machine = object->machine;
	vm_pfn pfn;

	while ((pfn = object_lookup_locked(object, offset >> VM_PAGE_SHIFT)) != VM_PFN_NONE &&
	       (machine->frames[pfn].flags & FRAME_BUSY))
		machine_wait_io_locked(machine);
	if (pfn != VM_PFN_NONE)
		twin_store_locked(machine, pfn, (unsigned)(offset % VM_PAGE_SIZE), buf, len);
}

/* The same for any number of pages. The lock is dropped now and then. */
static void store_locked(struct vm_object *object, const uint8_t *buf, size_t len, uint64_t offset)
{
	uint64_t step = 0;

	for (size_t done = 0; done < len;) {
		size_t piece =
		    MIN(len - done, VM_PAGE_SIZE - (size_t)((offset + done) % VM_PAGE_SIZE));
		store_in_page_locked(object, buf + done, piece, offset + done);
		done += piece;
		machine_yield_locked(object->machine, step++);
	}
}

/* Write LEN bytes at OFFSET. Returns how many, or if it is none a negative errno. No lock held. */
static ssize_t write_all(const struct vm_medium *medium, const uint8_t *buf, size_t len,
                         uint64_t offset)
{
	enum { MOST = 64 * 1024 }; /* an error leaves unknown how much of a piece was written */
	size_t done = 0;

	while (done < len) {
		size_t piece = MIN(len - done, MOST);
		int error = io_write(medium, buf + done, piece, offset + done);
		if (error != 0)
			return done > 0 ? (ssize_t)done : error;
		done += piece;
	}
	return (ssize_t)done;
}

ssize_t vm_file_write(struct vm_file *file, const void *buf, size_t len, uint64_t *offset,
                      bool append)
{
	struct vm_object *object = file->object;
	struct change change;

	if (file->handle == NULL || *offset > INT64_MAX || len > INT64_MAX - *offset)
		return -EINVAL;
	if (file->access == O_RDONLY)
		return -EBADF;
	if (len == 0)
		return 0;
	int error = change_begin(file, &change);
	if (error != 0)
		return error;
	if (append)
		*offset = (uint64_t)change.before.st_size;
	ssize_t n = write_all(&file->handle->medium, buf, len, *offset);
	machine_lock(object->machine);
	see_size_locked(file, &change);
	if (n > 0)
		store_locked(object, buf, (size_t)n, *offset);
	change_end_locked(object);
	machine_unlock(object->machine);
	/* Of the piece that failed some bytes may be in the file. */
	if (n < (ssize_t)len)
		object_refresh(object, true);
	return n;
}

int vm_file_truncate(struct vm_file *file, uint64_t size)
{
	struct change change;

	if (file->handle == NULL || file->access == O_RDONLY || size > INT64_MAX)
		return -EINVAL;
	int error = change_begin(file, &change);
	if (error != 0)
		return error;
	if (ftruncate(file->handle->medium.fd, (off_t)size) != 0)
		error = -errno;
	machine_lock(file->machine);
	see_size_locked(file, &change);
	change_end_locked(file->object);
	machine_unlock(file->machine);
	return error;
}

int vm_file_allocate(struct vm_file *file, int mode, uint64_t offset, uint64_t len)
{
	struct change change;

	if (file->handle == NULL || file->access == O_RDONLY)
		return -EBADF;
	if (mode & ~FALLOC_FL_KEEP_SIZE)
		return -EOPNOTSUPP;
	int error = change_begin(file, &change);
	if (error != 0)
		return error;
	if (fallocate(file->handle->medium.fd, mode, (off_t)offset, (off_t)len) != 0)
		error = -errno;
	machine_lock(file->machine);
	see_size_locked(file, &change);
	change_end_locked(file->object);
	machine_unlock(file->machine);
	return error;
}

int vm_file_sync(struct vm_file *file)
{
	struct vm_object *object = file->object;

	if (file->handle == NULL)
		return -EINVAL;
	int error = object_write_back(object, 0, UINT64_MAX);
	if (error == 0)
		error = object_sync(object);
	int earlier = object_take_error(object);
	return error != 0 ? error : earlier;
}
