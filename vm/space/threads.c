#include "vm/space/threads.h"
#include "vm/base/lock.h"
#include "vm/base/user.h"

uint64_t threads_size(const struct vm_threads *threads)
{
	return sizeof *threads + threads->count * sizeof threads->thread[0];
}

struct vm_threads *threads_new(struct vm_machine *machine, struct vm_user *user, unsigned count)
{
	const struct vm_threads model = {.machine = machine, .count = count};

	if (user_charge(machine, user, VM_NOTES, threads_size(&model)) != 0)
		return NULL;
	struct vm_threads *threads = g_try_malloc0(threads_size(&model));
	if (threads == NULL) {
		user_uncharge(machine, user, VM_NOTES, threads_size(&model));
		return NULL;
	}
	*threads = model;
	machine_lock(machine);
	threads->user = user_ref_locked(user);
	machine_unlock(machine);
	return threads;
}

/* The number of the last thread. */
static pid_t last_of(const struct vm_threads *threads)
{
	return threads->first + (pid_t)threads->count - 1;
}

static void withdraw_locked(struct vm_threads *threads)
{
	if (threads->space != NULL)
		treap_remove(&threads->machine->threads, (uint64_t)last_of(threads));
	threads->space = NULL;
}

void threads_withdraw_locked(struct vm_space *space)
{
	if (space != NULL && space->threads != NULL)
		withdraw_locked(space->threads);
}

void threads_free(struct vm_threads *threads)
{
	if (threads == NULL)
		return;
	struct vm_machine *machine = threads->machine;
	user_uncharge(machine, threads->user, VM_NOTES, threads_size(threads));
	machine_lock(machine);
	withdraw_locked(threads);
	user_put_locked(machine, threads->user);
	machine_unlock(machine);
	g_free(threads);
}

bool threads_fit(const struct vm_space *space, pid_t first)
{
	unsigned count = space->threads != NULL ? space->threads->count : 1;

	return first <= G_MAXINT - (pid_t)count;
}

pid_t threads_publish_locked(struct vm_space *space, pid_t first)
{
	struct vm_threads *threads = space->threads;

	if (threads == NULL)
		return first + 1;
	threads->first = first;
	threads->space = space;
	treap_insert(&threads->machine->threads, &threads->link, (uint64_t)last_of(threads));
	return last_of(threads) + 1;
}

struct vm_process *threads_find_locked(const struct vm_machine *machine, pid_t tid)
{
	if (tid <= 0)
		return NULL;
	struct treap_link *link = treap_above(machine->threads, (uint64_t)tid - 1);
	if (link == NULL)
		return NULL;
	const struct vm_threads *threads = LIST_ENTRY(link, struct vm_threads, link);
	return threads->first <= tid ? threads->space->process : NULL;
}
