#include "vm/space/label.h"
#include "vm/base/lock.h"
#include "vm/base/user.h"

#include <string.h>

struct vm_label *label_new(struct vm_machine *machine, struct vm_user *user, const char *name)
{
	size_t len = strlen(name) + 1, size = sizeof(struct vm_label) + len;

	if (user_charge(machine, user, VM_NOTES, size) != 0)
		return NULL;
	struct vm_label *label = g_try_malloc0(size);
	if (label == NULL) {
		user_uncharge(machine, user, VM_NOTES, size);
		return NULL;
	}
	*label = (struct vm_label){.machine = machine, .refs = 1, .size = size};
	memcpy(label->name, name, len);
	machine_lock(machine);
	label->user = user_ref_locked(user);
	machine_unlock(machine);
	return label;
}

struct vm_label *label_ref(struct vm_label *label)
{
	g_atomic_int_inc(&label->refs);
	return label;
}

void label_unref(struct vm_label *label)
{
	if (label == NULL || !g_atomic_int_dec_and_test(&label->refs))
		return;
	user_uncharge(label->machine, label->user, VM_NOTES, label->size);
	machine_lock(label->machine);
	user_put_locked(label->machine, label->user);
	machine_unlock(label->machine);
	g_free(label);
}
