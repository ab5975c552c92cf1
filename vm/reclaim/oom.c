#include "vm/reclaim/oom.h"
#include "vm/base/lock.h"
#include "vm/base/record.h"
#include "vm/process/event.h"
#include "vm/process/process.h"

#include <signal.h>

/* The pid of the largest process, or 0: none has any page. The lock is dropped meanwhile. */
static pid_t find_largest_locked(struct vm_machine *machine)
{
	const struct vm_process *process;
	uint64_t most = 0, step = 0;
	pid_t pid = 0, largest = 0;

	while ((process = process_next_locked(machine, pid)) != NULL) {
		const struct vm_space *space = process->oom_space;
		uint64_t pages = 0;
		/* A zombie has none. */
		if (space != NULL)
			pages = space->rss[0] + space->rss[1] + space->rss[2] + space->swap;
		pid = process->pid;
		if (pages > most) {
			most = pages;
			largest = pid;
		}
		machine_yield_locked(machine, step++);
	}
	return largest;
}

bool oom_kill_largest(struct vm_machine *machine)
{
	machine_lock(machine);
	pid_t pid = find_largest_locked(machine);
	struct vm_process *process = process_find_locked(machine, pid);
	if (process != NULL) {
		struct vm_fault record = record_unknown(0, VM_ACCESS_READ);
		record.outcome = VM_FATAL;
		record.kind = VM_FAULT_OOM;
		vm_process_ref(process);
		machine->count.oom_kills++;
		event_record_locked(process, &record, true, NULL);
	}
	machine_unlock(machine);
	/*
	 * Our reference keeps the process. Another thread may have ended it, or end it before us;
	 * then its pages are freed as well.
	 */
	if (process != NULL) {
		process_end_by_signal(process, SIGKILL);
		vm_process_unref(process);
	}
	return pid != 0;
}
