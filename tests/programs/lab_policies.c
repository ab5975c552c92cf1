/*
 * lab_policies.c - the table of policies with three more, as students write them in lab 8. The test
 * of the labs runs a daemon with them.
 *
 * The names are those that three students get. What bob has is right. cyd has what bob has, and dan
 * counts wrong.
 */
#include "vm/memory/frame.h"
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

static vm_pfn from_newest(struct vm_machine *machine, int left)
{
	vm_pfn found = VM_PFN_NONE;

	for (vm_pfn pfn = machine->newest; pfn != VM_PFN_NONE && left > 0;
	     pfn = machine->order[pfn].older)
		if (evictable_locked(machine, pfn)) {
			found = pfn;
			left--;
		}
	return found;
}

static vm_pfn second_newest(struct vm_machine *machine)
{
	return from_newest(machine, 2);
}

static vm_pfn third_newest(struct vm_machine *machine)
{
	return from_newest(machine, 3);
}

static const struct vm_policy policy_bob = {.name = "lab8_4b83",
                                            .about = "the page before the one used last",
                                            .used = frame_renew_locked,
                                            .choose = second_newest};
static const struct vm_policy policy_cyd = {.name = "lab8_030d",
                                            .about = "bob's, under another name",
                                            .used = frame_renew_locked,
                                            .choose = second_newest};
static const struct vm_policy policy_dan = {.name = "lab8_5143",
                                            .about = "counts wrong",
                                            .used = frame_renew_locked,
                                            .choose = third_newest};

/* The table is the engine's own. Its last entry brings ours along. */
#define policy_random policy_bob, &policy_cyd, &policy_dan, &policy_random
#include "vm/policy/policy.c"
