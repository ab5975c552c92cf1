#include "vm/cache/handle.h"
#include "vm/base/lock.h"
#include "vm/base/user.h"

#include <fcntl.h>
#include <string.h>

struct vm_handle *handle_find_same_locked(struct vm_object *object, const struct vm_user *user,
                                          int access, const char *name)
{
	for (struct list_link *l = object->handles.next; l != &object->handles; l = l->next) {
		struct vm_handle *handle = LIST_ENTRY(l, struct vm_handle, link);
		if (handle->user == user && handle->access == access &&
		    strcmp(handle->name, name) == 0) {
			handle->users++;
			return handle;
		}
	}
	return NULL;
}

/* Any handle but those opened with WRONG_ACCESS (-1: any at all), with one more user, or NULL. */
static struct vm_handle *get_locked(struct vm_object *object, int wrong_access)
{
	for (struct list_link *l = object->handles.next; l != &object->handles; l = l->next) {
		struct vm_handle *handle = LIST_ENTRY(l, struct vm_handle, link);
		if (handle->access != wrong_access) {
			handle->users++;
			return handle;
		}
	}
	return NULL;
}

struct vm_handle *handle_get_writer_locked(struct vm_object *object)
{
	return get_locked(object, O_RDONLY);
}

struct vm_handle *handle_get_locked(struct vm_object *object, bool need_read)
{
	return get_locked(object, need_read ? O_WRONLY : -1);
}

void handle_put(struct vm_object *object, struct vm_handle *handle)
{
	struct vm_machine *machine = object->machine;

	machine_lock(machine);
	bool last = --handle->users == 0;
	if (last)
		list_remove(&handle->link);
	machine_unlock(machine);
	if (!last)
		return;
	handle->medium.ops->close(&handle->medium);
	/* Not before the descriptor is free. */
	user_uncharge(machine, handle->user, VM_HANDLES, 1);
	machine_lock(machine);
	user_put_locked(machine, handle->user);
	machine_unlock(machine);
	g_free(handle);
}
