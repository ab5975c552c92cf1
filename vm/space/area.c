/*
 * area.c - make, change, split and merge areas (area.h).
 */
#include "vm/space/area.h"
#include "vm/base/account.h"
#include "vm/base/lock.h"
#include "vm/base/reason.h"
#include "vm/base/user.h"
#include "vm/cache/file.h"
#include "vm/memory/pte.h"
#include "vm/space/label.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

void area_perm(const struct vm_area *area, char perm[5])
{
	perm[0] = area->flags & AREA_READ ? 'r' : '-';
	perm[1] = area->flags & AREA_WRITE ? 'w' : '-';
	perm[2] = area->flags & AREA_EXEC ? 'x' : '-';
	bool shared = area->label != NULL ? area->label->shared : area->flags & AREA_MAYSHARE;
	perm[3] = shared ? 's' : 'p';
	perm[4] = '\0';
}

/* --- Changing --------------------------------------------------------------------------------- */

/*
 * Add AREA to the counters of its space and machine (SIGN 1), or subtract it (SIGN -1). They depend
 * on its size and flags, so subtract it before these change and add it after (vm_stat_account).
 */
static void account(const struct vm_area *area, int sign)
{
	struct vm_space *space = area->space;
	uint64_t pages = sign > 0 ? area_pages(area) : -area_pages(area);
	unsigned flags = area->flags;

	space->total_pages += pages;
	space->peak_pages = MAX(space->peak_pages, space->total_pages);
	if ((flags & (AREA_EXEC | AREA_WRITE | AREA_GROWSDOWN)) == AREA_EXEC)
		space->exec_pages += pages;
	else if (flags & AREA_GROWSDOWN)
		space->stack_pages += pages;
	else if ((flags & (AREA_WRITE | AREA_SHARED)) == AREA_WRITE)
		space->data_pages += pages;
	if (flags & AREA_LOCKED)
		space->locked_pages += pages;
	if (flags & (AREA_ACCOUNT | AREA_LOCKED))
		machine_account(space->process->machine, flags & AREA_ACCOUNT ? pages : 0,
		                flags & AREA_LOCKED ? pages : 0);
}

/* Put AREA in the list of its object's areas; take it out. */
static void link_object(struct vm_area *area)
{
	struct vm_machine *machine = area->space->process->machine;

	machine_lock(machine);
	list_append(&area->object->areas, &area->object_link);
	area->object->area_count++;
	machine_unlock(machine);
}

static void unlink_object(struct vm_area *area)
{
	struct vm_machine *machine = area->space->process->machine;

	machine_lock(machine);
	list_remove_walked(area->object->walks, &area->object_link);
	area->object->area_count--;
	machine_unlock(machine);
}

struct vm_area *area_new(struct vm_space *space, uint64_t start, uint64_t end, unsigned flags,
                         struct vm_file *file, uint64_t pgoff)
{
	struct vm_process *process = space->process;

	if (user_charge(process->machine, process->user, VM_AREAS, 1) != 0)
		return NULL;
	struct vm_area *area = g_try_new0(struct vm_area, 1);
	if (area == NULL) {
		user_uncharge(process->machine, process->user, VM_AREAS, 1);
		reason_set(-ENOMEM, VM_WHY_HOST, 0, 0, 0);
		return NULL;
	}
	area->space = space;
	area->start = start;
	area->end = end;
	area->flags = flags;
	area->pgoff = pgoff;
	area->soft_dirty = true;
	if (file != NULL) {
		area->file = vm_file_ref(file);
		area->object = file->object;
	}
	return area;
}

/* AREA, which is in no set and no list, is one of its space's no more. */
static void uncharge(const struct vm_area *area)
{
	struct vm_process *process = area->space->process;

	user_uncharge(process->machine, process->user, VM_AREAS, 1);
}

void area_discard(struct vm_area *area, struct vm_area **dead)
{
	uncharge(area);
	label_unref(g_steal_pointer(&area->label));
	if (area->file == NULL) {
		g_free(area);
		return;
	}
	area->next = *dead;
	*dead = area;
}

void area_release(struct vm_area *dead)
{
	while (dead != NULL) {
		struct vm_area *next = dead->next;
		file_release_mapping(dead->file);
		g_free(dead);
		dead = next;
	}
}

struct vm_area *area_copy(const struct vm_area *area, struct vm_space *space, uint64_t start,
                          uint64_t end, uint64_t pgoff)
{
	struct vm_area *copy = area_new(space, start, end, area->flags, area->file, pgoff);

	if (copy == NULL)
		return NULL;
	copy->object = area->object;
	copy->name = area->name;
	copy->label = area->label != NULL ? label_ref(area->label) : NULL;
	copy->soft_dirty = area->soft_dirty;
	copy->may_guard = area->may_guard;
	copy->anon_vma = area->anon_vma;
	copy->anon_inherited = area->anon_inherited;
	return copy;
}

/* Put AREA in the tree, but not in its object's list. */
static void enter(struct vm_area *area)
{
	area_tree_insert(area);
	area->space->area_count++;
	account(area, 1);
}

void area_insert(struct vm_area *area)
{
	if (area->object != NULL)
		link_object(area);
	enter(area);
}

/* Take AREA out of the tree, but not out of its object's list. */
static void leave(struct vm_area *area)
{
	account(area, -1);
	area->space->area_count--;
	area_tree_remove(area);
}

void area_delete(struct vm_area *area, struct vm_area **dead)
{
	leave(area);
	if (area->object != NULL)
		unlink_object(area);
	area_discard(area, dead);
}

/* Set AREA's range. If others can find the area through its object, do it under both locks. */
static void store_range(struct vm_area *area, uint64_t start, uint64_t end, uint64_t pgoff)
{
	struct vm_machine *machine = area->space->process->machine;

	if (area->object != NULL)
		machine_lock(machine);
	/* A walk over the object's areas may have seen it, but not what it now takes over. */
	if (area->object != NULL && end - start > area->end - area->start) {
		list_remove_walked(area->object->walks, &area->object_link);
		list_append(&area->object->areas, &area->object_link);
	}
	area->start = start;
	area->end = end;
	area->pgoff = pgoff;
	if (area->object != NULL)
		machine_unlock(machine);
	area_tree_refresh(area);
}

void area_set_range(struct vm_area *area, uint64_t start, uint64_t end)
{
	uint64_t pgoff = area->pgoff + (start >> VM_PAGE_SHIFT) - (area->start >> VM_PAGE_SHIFT);

	account(area, -1);
	store_range(area, start, end, pgoff);
	account(area, 1);
}

void area_set_flags(struct vm_area *area, unsigned flags)
{
	account(area, -1);
	area->flags = flags;
	account(area, 1);
}

/* Split AREA at AT, an address inside it. AREA keeps the lower part. 0 or -ENOMEM. */
static int split(struct vm_area *area, uint64_t at)
{
	struct vm_space *space = area->space;
	struct vm_area *upper = area_copy(area, space, at, area->end, area_index(area, at));

	if (upper == NULL)
		return -ENOMEM;
	/*
	 * Others look at the areas of the object under the machine lock, which we take and drop in
	 * between. They must find the whole range at any moment. So link the upper part before the
	 * lower one shrinks.
	 */
	if (upper->object != NULL)
		link_object(upper);
	account(area, -1);
	store_range(area, area->start, at, area->pgoff);
	account(area, 1);
	enter(upper);
	return 0;
}

/*
 * Split the area that crosses AT, if there is one. -ENOMEM: SPACE has LIMIT areas or more, or no
 * memory. -EINVAL: it is a special area.
 */
static int split_at(struct vm_space *space, uint64_t at, uint64_t limit)
{
	struct vm_area *area = area_at(space, at);

	if (area == NULL || area->start == at)
		return 0;
	if (space->area_count >= limit)
		return reason_set(-ENOMEM, VM_WHY_AREAS, 0, space->area_count, limit);
	return area->flags & AREA_SPECIAL ? -EINVAL : split(area, at);
}

static int isolate(struct vm_space *space, uint64_t start, uint64_t end, uint64_t limit)
{
	int error = split_at(space, start, limit);

	return error != 0 ? error : split_at(space, end, limit);
}

int area_isolate(struct vm_space *space, uint64_t start, uint64_t end)
{
	return isolate(space, start, end, machine_knob(space->process->machine, max_map_count));
}

int area_isolate_unlimited(struct vm_space *space, uint64_t start, uint64_t end)
{
	return isolate(space, start, end, UINT64_MAX);
}

/*
 * Whether the anonymous pages of A and B may come into one area (is_mergeable_anon_vma). Pages of
 * two families may not. Pages that are shared with the other side of a fork may not join an area
 * without a family.
 */
static bool anon_compatible(const struct vm_area *a, const struct vm_area *b)
{
	if (a->anon_vma == b->anon_vma)
		return true;
	if (a->anon_vma != 0 && b->anon_vma != 0)
		return false;
	return !a->anon_inherited && !b->anon_inherited;
}

/* Whether UPPER continues LOWER, if their families are left out: range, flags, file, pgoff. */
static bool continues(const struct vm_area *lower, const struct vm_area *upper)
{
	return lower->end == upper->start && lower->flags == upper->flags &&
	       !(lower->flags & AREA_SPECIAL) && lower->file == upper->file &&
	       lower->label == upper->label && lower->pgoff + area_pages(lower) == upper->pgoff;
}

bool area_can_merge(const struct vm_area *lower, const struct vm_area *upper)
{
	return continues(lower, upper) && anon_compatible(lower, upper);
}

struct vm_area *area_carve(struct vm_area *area, uint64_t start, uint64_t end, unsigned flags,
                           int *error)
{
	struct vm_space *space = area->space;
	/* The range with its new flags, as far as area_can_merge looks at it. */
	const struct vm_area part = {.start = start,
	                             .end = end,
	                             .pgoff = area_index(area, start),
	                             .file = area->file,
	                             .label = area->label,
	                             .flags = flags,
	                             .anon_vma = area->anon_vma,
	                             .anon_inherited = area->anon_inherited};

	bool taken_in = (area->prev != NULL && area_can_merge(area->prev, &part)) ||
	                (area->next != NULL && area_can_merge(&part, area->next));
	*error =
	    taken_in ? area_isolate_unlimited(space, start, end) : area_isolate(space, start, end);
	return *error == 0 ? area_at(space, start) : NULL;
}

/*
 * Merge UPPER into LOWER and free UPPER. Each has a reference to the file, so the one dropped here
 * is not the last, and may be dropped under the process lock.
 */
static void absorb(struct vm_area *lower, struct vm_area *upper)
{
	struct vm_file *file = upper->file;

	if (lower->anon_vma == 0)
		lower->anon_vma = upper->anon_vma;
	lower->anon_inherited |= upper->anon_inherited;
	lower->soft_dirty |= upper->soft_dirty;
	lower->may_guard |= upper->may_guard;
	/* As in split: LOWER covers all before UPPER leaves the object's list. */
	leave(upper);
	area_set_range(lower, lower->start, upper->end);
	if (upper->object != NULL)
		unlink_object(upper);
	uncharge(upper);
	label_unref(upper->label);
	g_free(upper);
	if (file != NULL)
		vm_file_unref(file);
}

void area_merge(struct vm_space *space, uint64_t start, uint64_t end)
{
	/* Begin with the area that ends at START, if there is one. */
	struct vm_area *area = area_find(space, start > 0 ? start - 1 : 0);

	while (area != NULL && area->next != NULL && area->end <= end) {
		if (area_can_merge(area, area->next))
			absorb(area, area->next);
		else
			area = area->next;
	}
}

void area_extend(struct vm_area *area, uint64_t end)
{
	area_set_range(area, area->start, end);
	struct vm_area *next = area->next;
	if (next == NULL || !continues(area, next))
		return;
	if (next->anon_vma == 0 || anon_compatible(area, next))
		absorb(area, next);
}

/* --- Families of anonymous pages -------------------------------------------------------------- */

/*
 * Whether one of the neighbours LOWER and UPPER may take over the family of the other, NEIGHBOUR,
 * so that they can merge once their rights are equal (reusable_anon_vma, anon_vma_compatible).
 */
static bool family_reusable(const struct vm_area *lower, const struct vm_area *upper,
                            const struct vm_area *neighbour)
{
	return neighbour->anon_vma != 0 && !neighbour->anon_inherited &&
	       lower->end == upper->start && lower->file == upper->file &&
	       !((lower->flags ^ upper->flags) & ~(unsigned)AREA_ACCESS) &&
	       lower->pgoff + area_pages(lower) == upper->pgoff;
}

uint64_t area_new_family(struct vm_machine *machine)
{
	return __atomic_add_fetch(&machine->next_anon_vma, 1, __ATOMIC_RELAXED);
}

void area_prepare_anon_locked(struct vm_area *area)
{
	if (area->anon_vma != 0)
		return;
	if (area->next != NULL && family_reusable(area, area->next, area->next))
		area->anon_vma = area->next->anon_vma;
	else if (area->prev != NULL && family_reusable(area->prev, area, area->prev))
		area->anon_vma = area->prev->anon_vma;
	else
		area->anon_vma = area_new_family(area->space->process->machine);
}

/* --- Flags ------------------------------------------------------------------------------------ */

unsigned area_flags_of_prot(int prot)
{
	return (prot & PROT_READ ? AREA_READ : 0u) | (prot & PROT_WRITE ? AREA_WRITE : 0u) |
	       (prot & PROT_EXEC ? AREA_EXEC : 0u);
}

bool area_is_accountable(unsigned flags)
{
	return (flags & (AREA_NORESERVE | AREA_SHARED | AREA_WRITE)) == AREA_WRITE;
}

bool area_waits_for_store(const struct vm_area *area, uint64_t entry)
{
	return !area->soft_dirty && (entry & PTE_SOFT_CLEAN);
}

uint64_t area_entry_flags(const struct vm_area *area)
{
	/*
	 * On x86 a present user page can always be read. So a page without any rights is marked as
	 * the kernel's (no US).
	 */
	return PTE_P | (area->flags & AREA_ACCESS ? PTE_US : 0) |
	       (area->flags & AREA_EXEC ? 0 : PTE_NX) |
	       (area->flags & AREA_LOCKED ? PTE_LOCKED : 0);
}
