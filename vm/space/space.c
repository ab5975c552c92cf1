#include "vm/space/space.h"
#include "vm/base/lock.h"
#include "vm/base/reason.h"
#include "vm/cache/file.h"
#include "vm/memory/pagetable_range.h"
#include "vm/space/area.h"
#include "vm/space/place.h"
#include "vm/space/threads.h"

#include <errno.h>

/*
 * The room that Linux leaves at least above mmap_base for the stack to grow (MIN_GAP of
 * arch/x86/mm/mmap.c), bytes.
 */
#define STACK_GAP (UINT64_C(128) << 20)

struct vm_space *space_new(struct vm_process *process)
{
	struct vm_space *space = g_try_new0(struct vm_space, 1);
	struct vm_machine *machine = process->machine;

	if (space == NULL)
		return NULL;
	space->process = process;
	space->mmap_base = VM_USER_END - STACK_GAP;
	machine_lock(machine);
	space->number = ++machine->next_space;
	int error = pagetable_create_locked(space);
	machine_unlock(machine);
	if (error != 0)
		g_clear_pointer(&space, g_free);
	return space;
}

void space_set_exe(struct vm_space *space, struct vm_file *file)
{
	/* Cannot fail, because the caller denies it, too. */
	if (file_deny_write(file) == 0)
		space->exe = vm_file_ref(file);
}

struct vm_file *space_free(struct vm_space *space, struct vm_area **dead)
{
	struct vm_file *exe = space->exe;

	/*
	 * Delete the areas before the tables: when a file has shrunk, another thread finds tables
	 * through the areas that map the file (shrink.c).
	 */
	while (space->first != NULL)
		area_delete(space->first, dead);
	pagetable_destroy(space);
	if (exe != NULL)
		file_allow_write(exe);
	threads_free(space->threads);
	g_free(space);
	return exe;
}

int space_isolate_for_unmap(struct vm_space *space, uint64_t start, uint64_t end)
{
	const struct vm_area *first = area_at(space, start);
	bool cuts_hole = first != NULL && first->start < start && first->end > end;

	uint64_t most = machine_knob(space->process->machine, max_map_count);

	if (cuts_hole && space->area_count >= most)
		return reason_set(-ENOMEM, VM_WHY_AREAS, 0, space->area_count, most);
	return area_isolate_unlimited(space, start, end);
}

int space_unmap(struct vm_space *space, uint64_t start, uint64_t end, struct vm_area **dead)
{
	struct vm_area *area;
	int error;

	if (area_overlap(space, start, end) == NULL)
		return 0;
	/* First all that can fail. */
	error = pagetable_own_range(space, start, end, VM_PMD);
	if (error == 0)
		error = space_isolate_for_unmap(space, start, end);
	if (error != 0) {
		area_merge(space, start, end);
		return error;
	}
	pagetable_clear_range(space, start, end);
	while ((area = area_overlap(space, start, end)) != NULL)
		area_delete(area, dead);
	return 0;
}

int64_t space_map_special(struct vm_space *space, uint64_t addr, uint64_t len, unsigned flags,
                          const char *name, struct vm_object *object, uint64_t pgoff)
{
	int64_t at = space_find_place(space, addr, len, 0, NULL, 0);

	if (at < 0)
		return at;
	struct vm_area *area = area_new(space, (uint64_t)at, (uint64_t)at + len,
	                                flags | AREA_SPECIAL | AREA_DONTEXPAND, NULL, pgoff);
	if (area == NULL)
		return -ENOMEM;
	area->name = name;
	area->object = object;
	area_insert(area);
	return at;
}
