/*
 * fork.c - fork. Linux: dup_mmap, copy_page_range.
 *
 * Areas are copied. Page tables are shared, whole subtrees at a time (pagetable.h). So a fork takes
 * one step for each area and one for each 512 GiB in use. The rest of the work is done later, when
 * one side changes something; or at once, if the knob fork_copy says so.
 *
 * Rule: the parent is write-locked from the first area to the last table, so a fork sees one state.
 * Nobody can find the child (builder.h).
 */
#include "vm/base/account.h"
#include "vm/base/lock.h"
#include "vm/cache/file.h"
#include "vm/calls/builder.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/pagetable_range.h"
#include "vm/process/descriptors.h"
#include "vm/process/environ.h"
#include "vm/space/area.h"
#include "vm/space/protect.h"
#include "vm/space/space.h"

#include <errno.h>
#include <string.h>

/*
 * Copy AREA to CHILD, without its locks. If AREA has anonymous pages, the copy inherits them and
 * gets a new family for them (anon_vma_fork). -ENOMEM: overcommit, or no memory.
 */
static int copy_area(struct vm_space *child, const struct vm_area *area)
{
	/* Charged area by area, as in dup_mmap. */
	if ((area->flags & AREA_ACCOUNT) && !machine_may_commit(area->space, area_pages(area)))
		return -ENOMEM;
	struct vm_area *copy = area_copy(area, child, area->start, area->end, area->pgoff);

	if (copy == NULL)
		return -ENOMEM;
	copy->flags &= ~(unsigned)(AREA_LOCKED | AREA_LOCKONFAULT);
	bool inherits = area->anon_vma != 0 && !(area->flags & AREA_WIPEONFORK);
	copy->anon_vma = inherits ? area_new_family(child->process->machine) : 0;
	copy->anon_inherited = inherits;
	area_insert(copy);
	return 0;
}

static void copy_layout(struct vm_space *child, const struct vm_space *parent)
{
	child->mmap_base = parent->mmap_base;
	child->layout = parent->layout;
	child->kernel_only = parent->kernel_only;
	if (parent->exe != NULL)
		space_set_exe(child, parent->exe);
	memcpy(child->auxv, parent->auxv, sizeof child->auxv);
	child->auxv_len = parent->auxv_len;
}

/*
 * Correct the child's entries where the shared tables do not fit. Areas with AREA_DONTCOPY or
 * AREA_WIPEONFORK have no pages in the child, and locked areas are not locked in it. -ENOMEM: no
 * table page.
 */
static int fix_entries(struct vm_space *child, const struct vm_space *parent)
{
	int error = 0;

	for (const struct vm_area *area = parent->first; error == 0 && area != NULL;
	     area = area->next) {
		bool empty = area->flags & (AREA_DONTCOPY | AREA_WIPEONFORK);
		if (!empty && !(area->flags & AREA_LOCKED))
			continue;
		error = pagetable_own_range(child, area->start, area->end, empty ? VM_PMD : VM_PTE);
		if (error == 0 && !empty)
			protect_entries(area_at(child, area->start));
		else if (error == 0)
			pagetable_clear_range(child, area->start, area->end);
	}
	return error;
}

/* Give SPACE tables of its own, with RW in all but the entries of pages. */
static int own_tables(struct vm_space *space)
{
	int error = 0;

	for (const struct vm_area *area = space->first; error == 0 && area != NULL;
	     area = area->next)
		error = pagetable_own_range(space, area->start, area->end, VM_PTE);
	return error;
}

/*
 * As Linux and the books have it (knob fork_copy): no table stays shared, and what must be copied
 * at a write has no RW in its own entry. -ENOMEM: no table page.
 */
static int copy_tables(struct vm_space *child, struct vm_space *parent)
{
	int error = own_tables(child);

	return error != 0 ? error : own_tables(parent);
}

/* Fill CHILD from PARENT. After -ENOMEM the child is incomplete, and the caller frees it. */
static int copy_space(struct vm_space *child, struct vm_space *parent)
{
	struct vm_machine *machine = parent->process->machine;
	int error = 0;

	for (const struct vm_area *area = parent->first; error == 0 && area != NULL;
	     area = area->next)
		if (!(area->flags & AREA_DONTCOPY))
			error = copy_area(child, area);
	if (error != 0)
		return error;
	copy_layout(child, parent);
	machine_lock(machine);
	pagetable_share_locked(parent, child);
	machine_unlock(machine);
	error = fix_entries(child, parent);
	if (error == 0 && machine_knob(machine, fork_copy))
		error = copy_tables(child, parent);
	return error;
}

struct vm_process *vm_fork(struct vm_process *process, const struct vm_cred *cred, int *error)
{
	struct vm_process *result = NULL;
	struct builder child;

	*error = builder_begin(&child, process->machine, cred);
	if (*error != 0)
		return NULL;
	process_write_lock(process);
	*error = process->space != NULL ? copy_space(child.space, process->space) : -ESRCH;
	if (*error == 0)
		*error = descriptors_copy(child.process, process);
	if (*error == 0) {
		builder_take_limits(&child, process);
		child.process->environ = environ_ref(process->environ);
		result = builder_publish(&child, process->pid, process->comm, error);
	}
	process_unlock(process);
	builder_end(&child);
	return result;
}
