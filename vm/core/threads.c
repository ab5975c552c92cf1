/*
 * threads.c - looking at the threads of a process that was loaded: see vm_core.h.
 */
#include "vm/space/threads.h"
#include "vm/base/lock.h"

pid_t vm_process_next_thread(struct vm_process *process, pid_t after)
{
	pid_t next = process->pid > after ? process->pid : 0;

	if (process_enter(process) != 0)
		return next;
	const struct vm_threads *threads = process->space->threads;
	if (threads != NULL && next == 0 && after - process->pid < (pid_t)threads->count - 1)
		next = after + 1;
	process_unlock(process);
	return next;
}

bool vm_process_thread(struct vm_process *process, unsigned index, struct vm_thread *thread)
{
	if (process_enter(process) != 0)
		return false;
	const struct vm_threads *threads = process->space->threads;
	bool there = threads != NULL && index < threads->count;
	if (there) {
		*thread = threads->thread[index];
		thread->tid = threads->first + (pid_t)index;
	}
	process_unlock(process);
	return there;
}
