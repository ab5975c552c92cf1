#include "vm/cache/file.h"
#include "util/proc.h"
#include "util/refstring.h"
#include "vm/base/filesystem.h"
#include "vm/base/io.h"
#include "vm/base/lock.h"
#include "vm/base/record.h"
#include "vm/base/user.h"
#include "vm/cache/handle.h"
#include "vm/cache/object.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Store in NAME the present name of the file that FD refers to: at most PATH_MAX bytes and a NUL.
 * False, with errno set: it cannot be read.
 */
static bool descriptor_name(const struct vm_machine *machine, int fd, char name[PATH_MAX + 2])
{
	return proc_read_link(machine->proc, name, PATH_MAX + 2, "self/fd/%d", fd);
}

struct vm_file *file_alloc(struct vm_machine *machine, int access)
{
	struct vm_file *file = g_try_new0(struct vm_file, 1);

	if (file == NULL)
		return NULL;
	file->machine = machine;
	file->access = access;
	file->refs = 1;
	pthread_mutex_init(&file->offset_lock, NULL);
	return file;
}

void file_free(struct vm_file *file)
{
	pthread_mutex_destroy(&file->offset_lock);
	g_free(file);
}

/* --- Writers and programs --------------------------------------------------------------------- */

/* Whether FILE is a host file. */
static bool is_host_file(const struct vm_file *file)
{
	return file->handle != NULL;
}

/* Whether FILE counts among those that may write its object. Nobody runs anonymous memory. */
static bool is_writer(const struct vm_file *file)
{
	return file->access != O_RDONLY && file->object != NULL && !file->object->shmem;
}

/* Count FILE among the writers. -ETXTBSY: a program runs it (get_write_access). */
static int begin_writing_locked(struct vm_file *file)
{
	if (!is_writer(file))
		return 0;
	if (file->object->write_count < 0)
		return -ETXTBSY;
	file->object->write_count++;
	return 0;
}

static void end_writing(struct vm_file *file)
{
	if (!is_writer(file))
		return;
	machine_lock(file->machine);
	file->object->write_count--;
	machine_unlock(file->machine);
}

int file_deny_write(struct vm_file *file)
{
	/* Nothing else can be run. */
	if (!is_host_file(file))
		return -EACCES;
	machine_lock(file->machine);
	int error = file->object->write_count > 0 ? -ETXTBSY : 0;
	if (error == 0)
		file->object->write_count--;
	machine_unlock(file->machine);
	return error;
}

void file_allow_write(struct vm_file *file)
{
	machine_lock(file->machine);
	file->object->write_count++;
	machine_unlock(file->machine);
}

/* --- Opening and closing ---------------------------------------------------------------------- */

/* A handle of FD, opened under the name NAME with ACCESS, that has no user yet. NULL: no memory. */
static struct vm_handle *handle_alloc(const struct vm_machine *machine, int fd, int access,
                                      const char *name)
{
	size_t size = strlen(name) + 1;
	struct vm_handle *handle = g_try_malloc0(sizeof *handle + size);

	if (handle == NULL)
		return NULL;
	handle->medium = (struct vm_medium){machine->config.file_ops, fd, machine->config.file_ctx};
	handle->access = access;
	memcpy(handle->name, name, size);
	return handle;
}

/*
 * Give FILE, whose object is set, a handle that USER opened: one that he has already, or else
 * FRESH, which is charged to him. FRESH then owns its descriptor.
 *
 * => 0: FILE has a handle. -ENFILE: he has too many. -ENOMEM
 */
static int choose_handle_locked(struct vm_file *file, struct vm_user *user, struct vm_handle *fresh)
{
	struct vm_object *object = file->object;

	file->handle = handle_find_same_locked(object, user, file->access, fresh->name);
	if (file->handle != NULL)
		return 0;
	int error = user_charge(file->machine, user, VM_HANDLES, 1);
	if (error != 0)
		return error;
	fresh->user = user_ref_locked(user);
	fresh->users = 1;
	list_append(&object->handles, &fresh->link);
	file->handle = fresh;
	/* Without memory, records of faults do not name the file. */
	if (object->name == NULL)
		object->name = refstring_new(fresh->name);
	return 0;
}

/*
 * Enter FILE, which OPENER has opened, in the object of the host file that STATUS shows, on
 * SUPERBLOCK. Its handle is FRESH or another. -ENOMEM, -ENFILE, -ETXTBSY: FILE is not entered.
 */
static int attach_locked(struct vm_file *file, uid_t opener, const struct stat *status,
                         dev_t superblock, struct vm_handle *fresh)
{
	struct vm_user *user = user_get_locked(file->machine, opener);

	if (user == NULL)
		return -ENOMEM;
	int error = -ENOMEM;
	file->object = object_of_file_locked(file->machine, status);
	if (file->object != NULL) {
		__atomic_store_n(&file->object->superblock, superblock, __ATOMIC_RELAXED);
		error = begin_writing_locked(file);
	}
	if (error == 0) {
		file->object->files++;
		error = choose_handle_locked(file, user, fresh);
		if (error != 0) {
			file->object->write_count -= is_writer(file);
			object_put_locked(file->object);
		}
	}
	user_put_locked(file->machine, user);
	return error;
}

struct vm_file *vm_file_new(struct vm_machine *machine, int fd, int access, uid_t opener,
                            int *error)
{
	struct vm_file *file = file_alloc(machine, access);
	struct vm_handle *fresh = NULL;
	char name[PATH_MAX + 2];
	struct stat status;

	*error = file == NULL                          ? -ENOMEM
	         : fstat(fd, &status) != 0             ? -errno
	         : !S_ISREG(status.st_mode)            ? -ENODEV
	         : !descriptor_name(machine, fd, name) ? -errno
	                                               : 0;
	if (*error == 0 && (fresh = handle_alloc(machine, fd, access, name)) == NULL)
		*error = -ENOMEM;
	if (*error == 0) {
		file->filesystem = filesystem_of(fd);
		dev_t superblock = file->filesystem.renumbers
		                       ? filesystem_device(machine->proc, fd, status.st_dev)
		                       : status.st_dev;
		machine_lock(machine);
		*error = attach_locked(file, opener, &status, superblock, fresh);
		machine_unlock(machine);
	}
	if (*error != 0 || file->handle != fresh) {
		g_free(fresh);
		close(fd);
	}
	if (*error != 0 && file != NULL)
		g_clear_pointer(&file, file_free);
	return file;
}

struct vm_file *file_new_shmem(struct vm_machine *machine, uint64_t len, bool charged)
{
	struct vm_file *file = file_alloc(machine, O_RDWR);

	if (file == NULL)
		return NULL;
	file->object = object_new_shmem(machine, len, charged);
	if (file->object == NULL)
		g_clear_pointer(&file, file_free);
	return file;
}

struct vm_file *vm_file_ref(struct vm_file *file)
{
	g_atomic_int_inc(&file->refs);
	return file;
}

/* Drop one use of HANDLE (may be NULL) and one reference to OBJECT. The last one frees it. */
static void leave_object(struct vm_object *object, struct vm_handle *handle)
{
	struct vm_machine *machine = object->machine;

	if (handle != NULL)
		handle_put(object, handle);
	machine_lock(machine);
	object_put_locked(object);
	machine_unlock(machine);
}

/*
 * Dirty pages that could not be written are the only copy of their contents. Let the object keep
 * FILE's handle, which can write, and a reference to itself, so that the flusher can try again. If
 * there are no such pages, or it keeps a handle already, nothing happens.
 */
static void keep_for_dirty_pages(struct vm_file *file)
{
	struct vm_object *object = file->object;

	machine_lock(file->machine);
	if (object->dirty_pages + object->writers > 0 && object->kept == NULL) {
		object->kept = file->handle;
		file->handle->users++;
		object->files++;
	}
	machine_unlock(file->machine);
}

/* The last reference to FILE, a special one, has gone. */
static void release_special(struct vm_file *file)
{
	file->ops->release(file->ctx);
	if (file->user != NULL) {
		user_uncharge(file->machine, file->user, file->what, file->charged);
		machine_lock(file->machine);
		user_put_locked(file->machine, file->user);
		machine_unlock(file->machine);
	}
	file_free(file);
}

void vm_file_unref(struct vm_file *file)
{
	struct vm_object *object = file->object;

	if (!g_atomic_int_dec_and_test(&file->refs))
		return;
	if (object == NULL) {
		release_special(file);
		return;
	}
	/* Dirty pages need a handle that can write them, and this may be the last one. */
	if (file->access != O_RDONLY && !object->shmem) {
		int error = object_write_back(object, 0, UINT64_MAX);
		keep_for_dirty_pages(file);
		if (error != 0)
			file_drop_unseen(object);
	}
	end_writing(file);
	leave_object(object, file->handle);
	file_free(file);
}

/* Whether OBJECT has dirty pages, and only its kept handle and the caller have references to it. */
static bool is_unused_locked(const struct vm_object *object)
{
	return object->kept != NULL && object->files == 2 && object->area_count == 0 &&
	       object->writers == 0 && object->dirty_pages > 0;
}

/* Drop the dirty pages of OBJECT as long as nobody else uses it, and record that. */
static void drop_dirty_pages_locked(struct vm_object *object)
{
	struct vm_machine *machine = object->machine;
	struct vm_fault record = record_unknown(0, VM_ACCESS_NONE);
	uint64_t first = UINT64_MAX;

	while (is_unused_locked(object)) {
		struct vm_frame *frame = LIST_ENTRY(object->dirty.next, struct vm_frame, link);
		first = MIN(first, frame->index);
		object_remove_locked(object, (vm_pfn)(frame - machine->frames));
		machine_yield_locked(machine, record.pages++);
	}
	if (record.pages == 0)
		return;
	record.outcome = VM_EVICT;
	record.kind = VM_FAULT_LOST;
	record.offset = first << VM_PAGE_SHIFT;
	record_tell_locked(machine, &record, object->name);
	/* Others may wait for a frame. */
	machine_wake_io_locked(machine);
}

void file_drop_unseen(struct vm_object *object)
{
	struct vm_machine *machine = object->machine;
	struct vm_handle *handle = NULL;
	struct stat status;

	machine_lock(machine);
	if (is_unused_locked(object)) {
		handle = object->kept;
		handle->users++;
	}
	machine_unlock(machine);
	if (handle == NULL)
		return;
	/* The host does not tell who else has the file open: without a name it counts as gone. */
	if (fstat(handle->medium.fd, &status) == 0 && status.st_nlink == 0) {
		machine_lock(machine);
		drop_dirty_pages_locked(object);
		machine_unlock(machine);
		file_release_kept(object, false);
	}
	handle_put(object, handle);
}

void file_release_kept(struct vm_object *object, bool lose)
{
	struct vm_handle *handle = NULL;

	machine_lock(object->machine);
	if (lose || object->dirty_pages + object->writers == 0)
		handle = g_steal_pointer(&object->kept);
	machine_unlock(object->machine);
	if (handle != NULL)
		leave_object(object, handle);
}

void file_release_mapping(struct vm_file *file)
{
	if (file == NULL)
		return;
	machine_lock(file->machine);
	bool last = file->object->area_count == 0 && !file->object->shmem;
	machine_unlock(file->machine);
	if (last)
		object_write_back(file->object, 0, UINT64_MAX);
	vm_file_unref(file);
}

char *vm_file_name(const struct vm_file *file)
{
	char name[PATH_MAX + 2];

	if (file->object == NULL)
		return file->ops->name(file->ctx);
	if (!is_host_file(file))
		return g_strdup("/dev/zero (deleted)");
	int fd = file->handle->medium.fd;
	return g_strdup(descriptor_name(file->machine, fd, name) ? name : "");
}

ssize_t vm_file_pread(struct vm_file *file, void *buf, size_t len, uint64_t offset)
{
	return is_host_file(file) ? io_read(&file->handle->medium, buf, len, offset) : -EINVAL;
}

bool file_may_write(const struct vm_file *file, const struct vm_cred *cred)
{
	struct stat status;

	if (file->handle == NULL || cred->uid == 0)
		return true;
	if (fstat(file->handle->medium.fd, &status) != 0)
		return false;
	if (status.st_uid == cred->uid)
		return true;
	return status.st_mode & (status.st_gid == cred->gid ? S_IWGRP : S_IWOTH);
}
