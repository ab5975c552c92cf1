/*
 * area.c - the set of areas (see area.h).
 *
 * gap(a), the free bytes below an area, depends on its predecessor, so whoever changes an area also refreshes the path
 * above its successor.
 */
#include "vm/area.h"
#include "vm/file.h"
#include "vm/machine.h"

#include <errno.h>
#include <string.h>

/* --- The balanced tree ------------------------------------------------------------------------- */

static int height(const struct vm_area *area)
{
	return area != NULL ? area->height : 0;
}

static uint64_t max_gap(const struct vm_area *area)
{
	return area != NULL ? area->max_gap : 0;
}

uint64_t area_start_gap(const struct vm_area *area)
{
	if (!(area->flags & AREA_GROWSDOWN))
		return area->start;
	return area->start > AREA_GUARD_GAP ? area->start - AREA_GUARD_GAP : 0;
}

static uint64_t gap_floor(const struct vm_area *area)
{
	return area->prev != NULL ? area->prev->end : 0;
}

static uint64_t gap_below(const struct vm_area *area)
{
	uint64_t floor = gap_floor(area), start = area_start_gap(area);

	return start > floor ? start - floor : 0;
}

static void refresh(struct vm_area *area)
{
	area->height = MAX(height(area->left), height(area->right)) + 1;
	area->max_gap = MAX(gap_below(area), MAX(max_gap(area->left), max_gap(area->right)));
}

static void replace_child(struct vm_space *space, struct vm_area *parent, struct vm_area *old, struct vm_area *new)
{
	if (parent == NULL)
		space->root = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
	if (new != NULL)
		new->parent = parent;
}

/* Lift AREA's left (or right) child over it; the child is the subtree's root then. */
static struct vm_area *rotate(struct vm_space *space, struct vm_area *area, bool left_up)
{
	struct vm_area *up = left_up ? area->left : area->right;
	struct vm_area *middle = left_up ? up->right : up->left;

	replace_child(space, area->parent, area, up);
	if (left_up) {
		area->left = middle;
		up->right = area;
	} else {
		area->right = middle;
		up->left = area;
	}
	area->parent = up;
	if (middle != NULL)
		middle->parent = area;
	refresh(area);
	refresh(up);
	return up;
}

static struct vm_area *balance(struct vm_space *space, struct vm_area *area)
{
	int lean = height(area->left) - height(area->right);

	if (lean > 1) {
		if (height(area->left->left) < height(area->left->right))
			rotate(space, area->left, false);
		return rotate(space, area, true);
	}
	if (lean < -1) {
		if (height(area->right->right) < height(area->right->left))
			rotate(space, area->right, true);
		return rotate(space, area, false);
	}
	return area;
}

/* Restore heights, gaps and balance from AREA up to the root. */
static void repair_up(struct vm_space *space, struct vm_area *area)
{
	while (area != NULL) {
		refresh(area);
		area = balance(space, area)->parent;
	}
}

static void list_link_area(struct vm_area *area, struct vm_area *prev)
{
	struct vm_space *space = area->space;

	area->prev = prev;
	area->next = prev != NULL ? prev->next : space->first;
	*(prev != NULL ? &prev->next : &space->first) = area;
	*(area->next != NULL ? &area->next->prev : &space->last) = area;
}

static void tree_insert(struct vm_area *area)
{
	struct vm_space *space = area->space;
	struct vm_area *parent = NULL, *prev = NULL, **slot = &space->root;

	while (*slot != NULL) {
		parent = *slot;
		if (area->start < parent->start) {
			slot = &parent->left;
		} else {
			prev = parent;
			slot = &parent->right;
		}
	}
	*slot = area;
	area->parent = parent;
	list_link_area(area, prev);
	repair_up(space, area);
	repair_up(space, area->next);
}

/* Put the successor in AREA's place in the tree; returns the lowest node whose subtree changed. */
static struct vm_area *replace_by_successor(struct vm_area *area)
{
	struct vm_space *space = area->space;
	struct vm_area *heir = area->next; /* the leftmost node of the right subtree */
	struct vm_area *changed = heir->parent == area ? heir : heir->parent;

	replace_child(space, heir->parent, heir, heir->right);
	replace_child(space, area->parent, area, heir);
	heir->left = area->left;
	heir->left->parent = heir;
	heir->right = area->right;
	if (heir->right != NULL)
		heir->right->parent = heir;
	return changed;
}

static void tree_remove(struct vm_area *area)
{
	struct vm_space *space = area->space;
	struct vm_area *changed;

	if (area->left != NULL && area->right != NULL) {
		changed = replace_by_successor(area);
	} else {
		changed = area->parent;
		replace_child(space, area->parent, area, area->left != NULL ? area->left : area->right);
	}
	*(area->prev != NULL ? &area->prev->next : &space->first) = area->next;
	*(area->next != NULL ? &area->next->prev : &space->last) = area->prev;
	repair_up(space, changed);
	repair_up(space, area->next);
}

/* --- Looking ------------------------------------------------------------------------------------ */

struct vm_area *area_find(const struct vm_space *space, uint64_t va)
{
	struct vm_area *area = space->root, *found = NULL;

	while (area != NULL) {
		if (area->end > va) {
			found = area;
			area = area->left;
		} else {
			area = area->right;
		}
	}
	return found;
}

struct vm_area *area_at(const struct vm_space *space, uint64_t va)
{
	struct vm_area *area = area_find(space, va);

	return area != NULL && area->start <= va ? area : NULL;
}

struct vm_area *area_overlap(const struct vm_space *space, uint64_t start, uint64_t end)
{
	struct vm_area *area = area_find(space, start);

	return area != NULL && area->start < end ? area : NULL;
}

/* The highest free place among the gaps below the areas of a subtree; only the paths along LOW and HIGH are searched in vain. */
static uint64_t highest_below(const struct vm_area *area, uint64_t len, uint64_t low, uint64_t high)
{
	if (max_gap(area) < len)
		return AREA_NO_GAP;
	if (area->end < high) {
		uint64_t found = highest_below(area->right, len, low, high);
		if (found != AREA_NO_GAP)
			return found;
	}
	uint64_t floor = MAX(gap_floor(area), low), ceiling = MIN(area_start_gap(area), high);
	if (ceiling >= floor && ceiling - floor >= len)
		return ceiling - len;
	return area->start > low ? highest_below(area->left, len, low, high) : AREA_NO_GAP;
}

static uint64_t lowest_below(const struct vm_area *area, uint64_t len, uint64_t low, uint64_t high)
{
	if (max_gap(area) < len)
		return AREA_NO_GAP;
	if (area->start > low) {
		uint64_t found = lowest_below(area->left, len, low, high);
		if (found != AREA_NO_GAP)
			return found;
	}
	uint64_t floor = MAX(gap_floor(area), low), ceiling = MIN(area_start_gap(area), high);
	if (ceiling >= floor && ceiling - floor >= len)
		return floor;
	return area->end < high ? lowest_below(area->right, len, low, high) : AREA_NO_GAP;
}

uint64_t area_highest_gap(const struct vm_space *space, uint64_t len, uint64_t low, uint64_t high)
{
	uint64_t floor = space->last != NULL ? MAX(space->last->end, low) : low;

	if (high >= floor && high - floor >= len)
		return high - len;
	return highest_below(space->root, len, low, high);
}

uint64_t area_lowest_gap(const struct vm_space *space, uint64_t len, uint64_t low, uint64_t high)
{
	uint64_t found = lowest_below(space->root, len, low, high);
	uint64_t floor = space->last != NULL ? MAX(space->last->end, low) : low;

	if (found == AREA_NO_GAP && high >= floor && high - floor >= len)
		return floor;
	return found;
}

void area_perm(const struct vm_area *area, char perm[5])
{
	perm[0] = area->flags & AREA_READ ? 'r' : '-';
	perm[1] = area->flags & AREA_WRITE ? 'w' : '-';
	perm[2] = area->flags & AREA_EXEC ? 'x' : '-';
	perm[3] = area->flags & AREA_MAYSHARE ? 's' : 'p';
	perm[4] = '\0';
}

/* --- Changing ----------------------------------------------------------------------------------- */

/* Add AREA to (SIGN 1) or take it from (-1) the counters that follow its size and flags (vm_stat_account). */
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
	if (flags & AREA_ACCOUNT)
		machine_commit(space->process->machine, (int64_t)pages);
}

/* Enter AREA in, or take it from, the list of its object's areas. */
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
	list_remove(&area->object_link);
	area->object->area_count--;
	machine_unlock(machine);
}

struct vm_area *area_new(struct vm_space *space, uint64_t start, uint64_t end, unsigned flags, struct vm_file *file,
                         uint64_t pgoff)
{
	struct vm_area *area = g_try_new0(struct vm_area, 1);

	if (area == NULL)
		return NULL;
	area->space = space;
	area->start = start;
	area->end = end;
	area->flags = flags;
	area->pgoff = pgoff;
	if (file != NULL) {
		area->file = vm_file_ref(file);
		area->object = file->object;
	}
	return area;
}

void area_insert(struct vm_area *area)
{
	tree_insert(area);
	area->space->area_count++;
	account(area, 1);
	if (area->object != NULL)
		link_object(area);
}

struct vm_file *area_delete(struct vm_area *area)
{
	struct vm_file *file = area->file;

	if (area->object != NULL)
		unlink_object(area);
	account(area, -1);
	area->space->area_count--;
	tree_remove(area);
	g_free(area);
	return file;
}

/* Set the range under both locks where others may look through the object. */
static void store_range(struct vm_area *area, uint64_t start, uint64_t end, uint64_t pgoff)
{
	struct vm_machine *machine = area->space->process->machine;

	if (area->object != NULL)
		machine_lock(machine);
	area->start = start;
	area->end = end;
	area->pgoff = pgoff;
	if (area->object != NULL)
		machine_unlock(machine);
	repair_up(area->space, area);
	repair_up(area->space, area->next);
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
	repair_up(area->space, area); /* a stack's guard gap may have come or gone */
}

/* Split AREA at AT, inside it: AREA keeps the lower part. */
static int split(struct vm_area *area, uint64_t at)
{
	struct vm_space *space = area->space;
	struct vm_area *upper;

	if (space->area_count >= space->process->machine->config.max_map_count)
		return -ENOMEM;
	upper = area_new(space, at, area->end, area->flags, area->file, area_index(area, at));
	if (upper == NULL)
		return -ENOMEM;
	upper->object = area->object;
	upper->name = area->name;
	upper->anon_vma = area->anon_vma;
	upper->anon_inherited = area->anon_inherited;
	area_set_range(area, area->start, at);
	area_insert(upper);
	return 0;
}

int area_isolate(struct vm_space *space, uint64_t start, uint64_t end)
{
	struct vm_area *area = area_at(space, start);
	int error;

	if (area != NULL && area->start < start) {
		error = split(area, start);
		if (error != 0)
			return error;
	}
	area = area_at(space, end);
	return area != NULL && area->start < end ? split(area, end) : 0;
}

/* Linux's is_mergeable_anon_vma: pages of two families may not come into one area, nor inherited ones into a new one. */
static bool anon_compatible(const struct vm_area *a, const struct vm_area *b)
{
	if (a->anon_vma == b->anon_vma)
		return true;
	if (a->anon_vma != 0 && b->anon_vma != 0)
		return false;
	return !a->anon_inherited && !b->anon_inherited;
}

bool area_can_merge(const struct vm_area *lower, const struct vm_area *upper)
{
	return lower->end == upper->start && lower->flags == upper->flags && !(lower->flags & AREA_SPECIAL) &&
	       lower->file == upper->file && lower->pgoff + area_pages(lower) == upper->pgoff &&
	       anon_compatible(lower, upper);
}

/* UPPER becomes part of LOWER. Their references to the file are two, so none is the last. */
static void absorb(struct vm_area *lower, struct vm_area *upper)
{
	uint64_t end = upper->end;

	if (lower->anon_vma == 0)
		lower->anon_vma = upper->anon_vma;
	lower->anon_inherited |= upper->anon_inherited;
	struct vm_file *file = area_delete(upper);
	if (file != NULL)
		vm_file_unref(file);
	area_set_range(lower, lower->start, end);
}

void area_merge(struct vm_space *space, uint64_t start, uint64_t end)
{
	struct vm_area *area = area_find(space, start > 0 ? start - 1 : 0);

	while (area != NULL && area->next != NULL && area->end <= end) {
		if (area_can_merge(area, area->next))
			absorb(area, area->next);
		else
			area = area->next;
	}
}

/* --- Families of anonymous pages ----------------------------------------------------------------- */

/* Whether AREA may take over its neighbour's family, so that the two can merge later (reusable_anon_vma). */
static bool family_reusable(const struct vm_area *lower, const struct vm_area *upper, const struct vm_area *neighbour)
{
	return neighbour->anon_vma != 0 && !neighbour->anon_inherited && lower->end == upper->start &&
	       lower->file == upper->file && !((lower->flags ^ upper->flags) & ~(unsigned)AREA_ACCESS) &&
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

/* --- Checking ------------------------------------------------------------------------------------ */

/* A heap that starts where the program's bss ends stays apart from it until a call touches both (see brk.c). */
static bool starts_heap(const struct vm_area *area)
{
	return area->start == page_align(area->space->start_brk);
}

static const char *check_node(const struct vm_area *area)
{
	if (area->start >= area->end || ((area->start | area->end) & (VM_PAGE_SIZE - 1)) || area->end > VM_USER_END)
		return "range";
	if (area->prev != NULL && area->prev->end > area->start)
		return "overlap";
	if (area->prev != NULL && area_can_merge(area->prev, area) && !starts_heap(area))
		return "unmerged neighbours";
	if (area->height != MAX(height(area->left), height(area->right)) + 1)
		return "height";
	if (ABS(height(area->left) - height(area->right)) > 1)
		return "balance";
	if (area->max_gap != MAX(gap_below(area), MAX(max_gap(area->left), max_gap(area->right))))
		return "max_gap";
	if ((area->left != NULL && area->left->parent != area) || (area->right != NULL && area->right->parent != area))
		return "parent";
	return NULL;
}

char *area_check(const struct vm_space *space)
{
	const struct vm_area *prev = NULL;
	uint64_t count = 0, pages = 0;

	for (const struct vm_area *area = space->first; area != NULL; prev = area, area = area->next) {
		const char *wrong = area->prev != prev ? "list" : check_node(area);
		if (wrong == NULL && area_find(space, area->start) != area)
			wrong = "not found";
		if (wrong != NULL)
			return g_strdup_printf("area %" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x: %s", area->start,
			                       area->end, wrong);
		count++;
		pages += area_pages(area);
	}
	if (space->last != prev || count != space->area_count || pages != space->total_pages)
		return g_strdup_printf("area counts: %" G_GUINT64_FORMAT " areas", count);
	return NULL;
}
