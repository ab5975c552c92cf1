#include "vm/reclaim/oom.h"
#include "vm/base/lock.h"
#include "vm/base/record.h"
#include "vm/process/event.h"

#include <signal.h>

struct candidate {
	struct vm_process *process;
	uint64_t pages;
};

/* Remember the process VALUE if it is larger than the largest so far. FALSE: go on. */
static gboolean weigh(gpointer key, gpointer value, gpointer ctx)
{
	struct vm_process *process = value;
	struct candidate *worst = ctx;
	const struct vm_space *space = process->oom_space;

	if (space == NULL)
		return FALSE;
	uint64_t pages = space->rss[0] + space->rss[1] + space->rss[2] + space->swap;
	if (worst->process == NULL || pages > worst->pages)
		*worst = (struct candidate){process, pages};
	return FALSE;
}

bool oom_kill_largest(struct vm_machine *machine)
{
	struct candidate worst = {NULL, 0};

	machine_lock(machine);
	g_tree_foreach(machine->processes, weigh, &worst);
	if (worst.process != NULL && worst.pages > 0) {
		struct vm_fault record = record_unknown(0, VM_ACCESS_READ);
		record.outcome = VM_FATAL;
		record.kind = VM_FAULT_OOM;
		vm_process_ref(worst.process);
		machine->count.oom_kills++;
		event_record_locked(worst.process, &record, true, NULL);
	}
	machine_unlock(machine);
	/*
	 * Our reference keeps the process. Another thread may end it before us; then its pages are
	 * freed as well.
	 */
	if (worst.process == NULL || worst.pages == 0)
		return false;
	vm_process_exit(worst.process, 128 + SIGKILL);
	vm_process_unref(worst.process);
	return true;
}
