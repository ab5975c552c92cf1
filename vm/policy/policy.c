#include "vm/policy/policy.h"
#include "vm/memory/frame.h"

#include <string.h>

static const struct vm_policy *const policies[] = {&policy_clock, &policy_lru, &policy_fifo,
                                                   &policy_random};

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
 * Report all pages that are in frames to POLICY, the oldest first, as if they were loaded now. This
 * is one hold of the lock, however many pages there are, or the policy would hear of pages before
 * they are reported. None of the policies here has a `loaded`.
 */
static void introduce_locked(struct vm_machine *machine, const struct vm_policy *policy)
{
	vm_pfn pfn = policy->loaded != NULL ? machine->oldest : VM_PFN_NONE, next;

	for (; pfn != VM_PFN_NONE; pfn = next) {
		struct vm_page_key key = frame_key_locked(machine, pfn);
		next = machine->frames[pfn].newer;
		policy->loaded(machine, pfn, &key);
	}
}

int policy_set_locked(struct vm_machine *machine, const struct vm_policy *policy)
{
	void *old_state = machine->policy_state;

	/* Make the new state first. If that fails, the old policy has lost nothing. */
	machine->policy_state = NULL;
	int error = policy->init != NULL ? policy->init(machine) : 0;
	if (error != 0) {
		machine->policy_state = old_state;
		return error;
	}
	/* The old policy frees its own state, so it must find it in place. */
	void *new_state = machine->policy_state;
	machine->policy_state = old_state;
	policy_free(machine);
	machine->policy = policy;
	machine->policy_state = new_state;
	introduce_locked(machine, policy);
	return 0;
}

void policy_free(struct vm_machine *machine)
{
	if (machine->policy != NULL && machine->policy->free != NULL)
		machine->policy->free(machine);
	machine->policy_state = NULL;
}
