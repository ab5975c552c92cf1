#include "vm/base/account.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/base/reason.h"

#include <errno.h>

void machine_account(struct vm_machine *machine, uint64_t committed, uint64_t locked)
{
	machine_lock(machine);
	machine->count.committed += committed;
	machine->count.locked += locked;
	machine_unlock(machine);
}

uint64_t account_commit_limit(const struct vm_machine *machine)
{
	uint64_t swap = machine->swap.on ? machine->swap.total : 0;

	return machine_ram_pages(machine) * machine->config.overcommit_ratio / 100 + swap;
}

bool machine_may_commit(const struct vm_space *space, uint64_t pages)
{
	struct vm_machine *machine = space->process->machine;
	/*
	 * A space that is still being built has pid 0. Its stack of 132 KiB may be larger than all
	 * RAM of a very small machine, but a program must be able to start there, too.
	 */
	bool starts = space->process->pid == 0;
	bool may = true;

	machine_lock(machine);
	uint64_t limit = machine_ram_pages(machine) + (machine->swap.on ? machine->swap.total : 0);
	enum vm_why why = VM_WHY_COMMIT_ONE;
	if (machine->config.overcommit_memory == VM_OVERCOMMIT_GUESS) {
		may = starts || pages <= limit;
	} else if (machine->config.overcommit_memory == VM_OVERCOMMIT_NEVER) {
		why = VM_WHY_COMMIT_ALL;
		limit = account_commit_limit(machine);
		may = machine->count.committed + pages < limit;
	}
	uint64_t used = machine->count.committed;
	machine_unlock(machine);
	if (!may)
		reason_set(-ENOMEM, why, pages << VM_PAGE_SHIFT, used << VM_PAGE_SHIFT,
		           limit << VM_PAGE_SHIFT);
	return may;
}
