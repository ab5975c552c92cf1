#include "vm/space/limits.h"
#include "vm/base/lock.h"
#include "vm/base/reason.h"

#include <errno.h>

void limits_init(struct vm_process *process)
{
	for (int i = 0; i < VM_LIMITS; i++)
		process->limits[i] = (struct vm_rlimit){VM_UNLIMITED, VM_UNLIMITED};
	process->limits[VM_LIMIT_STACK].soft = VM_STACK_DEFAULT;
	process->limits[VM_LIMIT_MEMLOCK] =
	    (struct vm_rlimit){UINT64_C(8) << 20, UINT64_C(8) << 20};
	process->limits[VM_LIMIT_NOFILE] = (struct vm_rlimit){VM_MAX_FDS, VM_MAX_FDS};
}

uint64_t limits_soft(const struct vm_process *process, enum vm_limit limit)
{
	return process->limits[limit].soft;
}

/* Note that PAGES more, with USED pages, would go past LIMIT bytes. */
static void limit_reached(enum vm_why why, uint64_t pages, uint64_t used, uint64_t limit)
{
	reason_set(-ENOMEM, why, pages << VM_PAGE_SHIFT, used << VM_PAGE_SHIFT, limit);
}

bool limits_allow_pages(const struct vm_space *space, unsigned flags, uint64_t pages)
{
	const struct vm_process *process = space->process;
	bool is_data = (flags & (AREA_WRITE | AREA_SHARED | AREA_GROWSDOWN)) == AREA_WRITE;

	if (space->total_pages + pages > limits_soft(process, VM_LIMIT_AS) >> VM_PAGE_SHIFT) {
		limit_reached(VM_WHY_AS, pages, space->total_pages,
		              limits_soft(process, VM_LIMIT_AS));
		return false;
	}
	uint64_t data = space->data_pages + pages;
	if (!is_data || data <= limits_soft(process, VM_LIMIT_DATA) >> VM_PAGE_SHIFT)
		return true;
	/*
	 * If the soft limit is 0, only the hard one counts. Valgrind sets it to 0 so that brk does
	 * not grow.
	 */
	if (limits_soft(process, VM_LIMIT_DATA) == 0 &&
	    data <= process->limits[VM_LIMIT_DATA].hard >> VM_PAGE_SHIFT)
		return true;
	limit_reached(VM_WHY_DATA, pages, space->data_pages, limits_soft(process, VM_LIMIT_DATA));
	return false;
}

bool limits_allow_lock(const struct vm_space *space, uint64_t pages)
{
	const struct vm_process *process = space->process;

	uint64_t limit = limits_soft(process, VM_LIMIT_MEMLOCK);

	if (process->cred.uid == 0 || space->locked_pages + pages <= limit >> VM_PAGE_SHIFT)
		return true;
	limit_reached(VM_WHY_MEMLOCK, pages, space->locked_pages, limit);
	return false;
}

bool limits_can_lock(const struct vm_process *process)
{
	if (process->cred.uid == 0 || limits_soft(process, VM_LIMIT_MEMLOCK) > 0)
		return true;
	reason_set(-EPERM, VM_WHY_MEMLOCK_ZERO, 0, 0, 0);
	return false;
}

int vm_process_set_limit(struct vm_process *process, enum vm_limit limit, uint64_t soft,
                         uint64_t hard)
{
	int error = 0;

	if (soft > hard)
		return -EINVAL;
	process_write_lock(process);
	struct vm_rlimit *now = &process->limits[limit];
	if (process->space == NULL)
		error = -ESRCH;
	else if (hard > now->hard && (process->cred.uid != 0 || limit == VM_LIMIT_NOFILE))
		error = -EPERM;
	else
		*now = (struct vm_rlimit){soft, hard};
	process_unlock(process);
	return error;
}

void vm_process_limit(struct vm_process *process, enum vm_limit limit, uint64_t *soft,
                      uint64_t *hard)
{
	process_read_lock(process);
	*soft = process->limits[limit].soft;
	*hard = process->limits[limit].hard;
	process_unlock(process);
}
