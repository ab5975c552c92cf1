/*
 * description.c - what an open file description has besides a host file: an offset, status flags;
 * and special files. vm.h documents the calls.
 */
#include "vm/base/lock.h"
#include "vm/base/user.h"
#include "vm/cache/file.h"

#include <errno.h>

/* Charge CHARGE for FILE. 0, -ENFILE, -ENOMEM. */
static int take_charge(struct vm_file *file, const struct vm_charge *charge)
{
	struct vm_machine *machine = file->machine;

	if (charge->units == 0)
		return 0;
	machine_lock(machine);
	struct vm_user *user = user_get_locked(machine, charge->uid);
	int error =
	    user != NULL ? user_charge(machine, user, charge->what, charge->units) : -ENOMEM;
	if (error != 0 && user != NULL)
		user_put_locked(machine, user);
	machine_unlock(machine);
	file->user = error == 0 ? user : NULL;
	file->what = charge->what;
	file->charged = charge->units;
	return error;
}

struct vm_file *vm_file_new_special(struct vm_machine *machine, const struct vm_file_ops *ops,
                                    void *ctx, int access, const struct vm_charge *charge,
                                    int *error)
{
	struct vm_file *file = file_alloc(machine, access);

	*error = file == NULL ? -ENOMEM : take_charge(file, charge);
	if (*error != 0) {
		if (file != NULL)
			file_free(file);
		return NULL;
	}
	file->filesystem.unmappable = true;
	file->ops = ops;
	file->ctx = ctx;
	return file;
}

void *vm_file_special(const struct vm_file *file, const struct vm_file_ops *ops)
{
	return file->ops == ops ? file->ctx : NULL;
}

int vm_file_access(const struct vm_file *file)
{
	return file->access;
}

unsigned vm_file_flags(const struct vm_file *file)
{
	return __atomic_load_n(&file->flags, __ATOMIC_RELAXED);
}

void vm_file_set_flags(struct vm_file *file, unsigned flags)
{
	__atomic_store_n(&file->flags, flags, __ATOMIC_RELAXED);
}

uint64_t vm_file_seek_begin(struct vm_file *file)
{
	pthread_mutex_lock(&file->offset_lock);
	return file->offset;
}

void vm_file_seek_end(struct vm_file *file, uint64_t offset)
{
	__atomic_store_n(&file->offset, offset, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&file->offset_lock);
}

uint64_t vm_file_offset(const struct vm_file *file)
{
	return __atomic_load_n(&file->offset, __ATOMIC_RELAXED);
}

int vm_file_host(const struct vm_file *file)
{
	return file->handle != NULL ? file->handle->medium.fd : -1;
}
