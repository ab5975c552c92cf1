#include "vm/base/user.h"
#include "vm/base/host.h"
#include "vm/base/reason.h"

#include <errno.h>
#include <sys/resource.h>

static struct vm_user **bucket(struct vm_machine *machine, uid_t uid)
{
	return &machine->users[uid % G_N_ELEMENTS(machine->users)];
}

struct vm_user *user_get_locked(struct vm_machine *machine, uid_t uid)
{
	struct vm_user **head = bucket(machine, uid);

	for (struct vm_user *user = *head; user != NULL; user = user->next)
		if (user->uid == uid)
			return user_ref_locked(user);
	struct vm_user *user = g_try_new0(struct vm_user, 1);
	if (user == NULL)
		return NULL;
	*user = (struct vm_user){.uid = uid, .refs = 1, .next = *head};
	*head = user;
	return user;
}

struct vm_user *user_ref_locked(struct vm_user *user)
{
	user->refs++;
	return user;
}

void user_put_locked(struct vm_machine *machine, struct vm_user *user)
{
	struct vm_user **at = bucket(machine, user->uid);

	if (--user->refs > 0)
		return;
	while (*at != user)
		at = &(*at)->next;
	*at = user->next;
	g_free(user);
}

/* The most host descriptors that the daemon may have, which can be changed while it runs. */
static uint64_t host_descriptors(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : UINT64_MAX;
}

/* How many units of WHAT there may be. */
static uint64_t most(const struct vm_machine *machine, enum vm_resource what)
{
	uint64_t limit = machine->config.most[what];

	return what == VM_HANDLES ? MIN(limit, host_descriptors()) : limit;
}

/* Bytes of the heap that one unit of WHAT takes, roughly. */
static uint64_t unit_bytes(enum vm_resource what)
{
	static const uint64_t bytes[VM_RESOURCES] = {
	    [VM_AREAS] = sizeof(struct vm_area),
	    [VM_PROCESSES] = sizeof(struct vm_process) + sizeof(struct vm_space),
	    [VM_FDS] = sizeof(struct vm_file),
	    [VM_HANDLES] = sizeof(struct vm_handle) + sizeof(struct vm_object),
	    [VM_NOTES] = 1,
	};

	return bytes[what];
}

/* The host is asked for room each time that so many bytes more were charged. */
enum { PROBE_BYTES = 256 << 10 };

/*
 * Whether the host has room for BYTES more. It is asked now and then, and each time after it had
 * none.
 */
static bool host_has_room(struct vm_machine *machine, uint64_t bytes)
{
	uint64_t unprobed = __atomic_add_fetch(&machine->unprobed, bytes, __ATOMIC_RELAXED);

	if (unprobed < PROBE_BYTES && !__atomic_load_n(&machine->no_room, __ATOMIC_RELAXED))
		return true;
	__atomic_store_n(&machine->unprobed, 0, __ATOMIC_RELAXED);
	bool room = machine_host_has_room(bytes);
	__atomic_store_n(&machine->no_room, !room, __ATOMIC_RELAXED);
	return room;
}

int user_charge(struct vm_machine *machine, struct vm_user *user, enum vm_resource what, uint64_t n)
{
	static const int errors[VM_RESOURCES] = {[VM_AREAS] = -ENOMEM,
	                                         [VM_PROCESSES] = -EAGAIN,
	                                         [VM_FDS] = -ENFILE,
	                                         [VM_HANDLES] = -ENFILE,
	                                         [VM_NOTES] = -ENOMEM,
	                                         [VM_SNAPSHOTS] = -ENOMEM};
	uint64_t own = __atomic_add_fetch(&user->held[what], n, __ATOMIC_RELAXED);
	uint64_t all = __atomic_add_fetch(&machine->held[what], n, __ATOMIC_RELAXED);
	uint64_t limit = most(machine, what);
	bool whole = user->uid == 0 || user->uid == machine->config.owner;

	bool fits = whole ? all <= limit : own <= limit - limit / 2 && all <= limit - limit / 4;
	int error = !fits                                           ? errors[what]
	            : !host_has_room(machine, n * unit_bytes(what)) ? -ENOMEM
	                                                            : 0;

	if (error == 0)
		return 0;
	user_uncharge(machine, user, what, n);
	if (fits)
		return reason_set(error, VM_WHY_HOST, 0, 0, 0);
	if (what == VM_SNAPSHOTS)
		reason_set(error, VM_WHY_SNAPSHOTS, n, all - n, limit);
	if (what == VM_AREAS || what == VM_PROCESSES)
		reason_set(error, what == VM_AREAS ? VM_WHY_ALL_AREAS : VM_WHY_PROCESSES, own - n,
		           all - n, limit);
	return error;
}

void user_uncharge(struct vm_machine *machine, struct vm_user *user, enum vm_resource what,
                   uint64_t n)
{
	__atomic_sub_fetch(&user->held[what], n, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&machine->held[what], n, __ATOMIC_RELAXED);
}

uint64_t user_total(const struct vm_machine *machine, enum vm_resource what)
{
	return __atomic_load_n(&machine->held[what], __ATOMIC_RELAXED);
}
