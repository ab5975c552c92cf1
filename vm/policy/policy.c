#include "vm/policy/policy.h"
#include "vm/base/lock.h"
#include "vm/memory/frame.h"

#include <string.h>

static const struct vm_policy *const policies[] = {
    &policy_clock,  &policy_lru,  &policy_fifo, &policy_random, &policy_clock0,
    &policy_lfu,    &policy_mru,  &policy_2q,   &policy_arc,    &policy_sieve,
    &policy_s3fifo, &policy_lirs, &policy_linux};

const struct vm_policy *policy_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(policies); i++)
		if (strcmp(policies[i]->name, name) == 0)
			return policies[i];
	return NULL;
}

const char *vm_policy_name(unsigned index)
{
	return index < G_N_ELEMENTS(policies) ? policies[index]->name : NULL;
}

const char *vm_policy_about(unsigned index)
{
	return index < G_N_ELEMENTS(policies) ? policies[index]->about : NULL;
}

char *vm_policy_names(void)
{
	GString *names = g_string_new(policies[0]->name);

	for (size_t i = 1; i < G_N_ELEMENTS(policies); i++)
		g_string_append_printf(names, ", %s", policies[i]->name);
	return g_string_free(names, FALSE);
}

/*
 * Report all pages that are in frames to the new policy, the oldest first, as if they were loaded
 * and used now. The lock is dropped now and then: by the end there may be another policy.
 */
static void introduce_locked(struct vm_machine *machine)
{
	uint64_t change = machine->policy_changes, spent = 0;
	struct frame_walk walk;
	vm_pfn pfn;

	frame_walk_begin_locked(machine, &walk);
	while ((pfn = frame_walk_step_locked(machine, &walk)) != VM_PFN_NONE) {
		struct vm_frame *frame = &machine->frames[pfn];
		frame->flags = (uint16_t)((frame->flags | FRAME_MET) & ~FRAME_COLD);
		machine->policy->loaded(machine, pfn);
		/* Its lists are touched for the first time, which takes the host some faults. */
		if (machine_spend_locked(machine, &spent, 4) && machine->policy_changes != change)
			break;
	}
	frame_walk_end_locked(machine, &walk);
}

int policy_set_locked(struct vm_machine *machine, const struct vm_policy *policy)
{
	const struct vm_policy *old = machine->policy;
	void *old_state = machine->policy_state;

	/* Make the new state first. If that fails, the old policy has lost nothing. */
	machine->policy_state = NULL;
	int error = policy->init != NULL ? policy->init(machine) : 0;
	if (error != 0) {
		machine->policy_state = old_state;
		return error;
	}
	machine->policy = policy;
	machine->policy_changes++;
	/* What found no page to evict, or was about to, looks again. */
	machine->may_evict++;
	if (policy->loaded != NULL)
		introduce_locked(machine);
	if (old_state != NULL) {
		machine_unlock(machine);
		old->free(machine, old_state);
		machine_lock(machine);
	}
	return 0;
}

void policy_free(struct vm_machine *machine)
{
	if (machine->policy_state != NULL)
		machine->policy->free(machine, machine->policy_state);
	machine->policy_state = NULL;
}
