#include "vm/reclaim/oom.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/base/record.h"
#include "vm/process/event.h"
#include "vm/process/process.h"

#include <errno.h>
#include <signal.h>

/* oom_adj of a process that is spared, and the scale of all of them. */
enum { SPARED = -1000, SCALE = 1000 };

/* --- Points ----------------------------------------------------------------------------------- */

/* All memory and swap, in pages: what oom_adj is a part of. */
static int64_t all_pages_locked(const struct vm_machine *machine)
{
	return (int64_t)(machine_ram_pages(machine) +
	                 (machine->swap.on ? machine->swap.total : machine->swap.used));
}

/* The points of PROCESS, or INT64_MIN: it is never ended (oom_badness). */
static int64_t badness_locked(const struct vm_process *process)
{
	const struct vm_space *space = process->oom_space;

	/* A zombie has nothing. */
	if (space == NULL || process->oom_adj == SPARED)
		return INT64_MIN;
	int64_t pages =
	    (int64_t)(space->rss[0] + space->rss[1] + space->rss[2] + space->swap + space->tables);
	/* Linux divides first. Then it would not count in a machine of less than 1000 pages. */
	return pages + process->oom_adj * all_pages_locked(process->machine) / SCALE;
}

int vm_process_set_oom_adj(struct vm_process *process, int adj, bool privileged)
{
	int error = 0;

	if (adj < -SCALE || adj > SCALE)
		return -EINVAL;
	if (!vm_process_alive(process))
		return -ESRCH;
	machine_lock(process->machine);
	if (adj < process->oom_adj_least && !privileged) {
		error = -EACCES;
	} else {
		process->oom_adj = adj;
		if (privileged)
			process->oom_adj_least = adj;
	}
	machine_unlock(process->machine);
	return error;
}

/* proc_oom_score: 0 to 2000 thousandths, in which 0 points are 667. */
unsigned long vm_process_oom_score(struct vm_process *process)
{
	machine_lock(process->machine);
	int64_t points = badness_locked(process), all = all_pages_locked(process->machine);
	machine_unlock(process->machine);
	if (points == INT64_MIN)
		return 0;
	points = (SCALE + points * SCALE / MAX(all, 1)) * 2 / 3;
	return (unsigned long)MAX(points, 0);
}

/* --- Choosing --------------------------------------------------------------------------------- */

/*
 * The pid of the process with the most points, of several the youngest, as in Linux
 * (oom_evaluate_task); 0: none may be ended that has any page. The lock is dropped meanwhile.
 */
static pid_t find_worst_locked(struct vm_machine *machine)
{
	const struct vm_process *process;
	int64_t most = INT64_MIN;
	uint64_t step = 0;
	pid_t pid = 0, worst = 0;

	while ((process = process_next_locked(machine, pid)) != NULL) {
		const struct vm_space *space = process->oom_space;
		int64_t points = badness_locked(process);
		bool has_pages = space != NULL &&
		                 (space->rss[0] + space->rss[1] + space->rss[2] + space->swap) > 0;
		pid = process->pid;
		if (has_pages && points != INT64_MIN && points >= most) {
			most = points;
			worst = pid;
		}
		machine_yield_locked(machine, step++);
	}
	return worst;
}

bool oom_kill_worst(struct vm_machine *machine)
{
	machine_lock(machine);
	pid_t pid = find_worst_locked(machine);
	struct vm_process *process = process_find_locked(machine, pid);
	if (process != NULL) {
		struct vm_fault record = record_unknown(0, VM_ACCESS_READ);
		record.outcome = VM_FATAL;
		record.kind = VM_FAULT_OOM;
		vm_process_ref(process);
		machine->count.oom_kills++;
		event_record_locked(process, &record, EVENT_BY_PROCESS, NULL);
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
