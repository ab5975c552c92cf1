/*
 * area_tree.c - the tree and the list of areas (area.h): find, insert, remove, search for gaps.
 *
 * gap(a), the free bytes below area a, depends on the area before it. So whoever changes an area
 * also repairs the path from the next area to the root. Guard gaps below stacks count as free in
 * the tree. A search that ends in one continues on its other side.
 *
 * The tree is for threads that hold the process lock. Others find areas through their object.
 */
#include "vm/space/area.h"

/* --- The balanced tree ------------------------------------------------------------------------ */

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

/* Where the gap below AREA begins. */
static uint64_t gap_floor(const struct vm_area *area)
{
	return area->prev != NULL ? area->prev->end : 0;
}

static uint64_t gap_below(const struct vm_area *area)
{
	return area->start - gap_floor(area);
}

/* Compute AREA's height and largest gap again, from those of its children. */
static void refresh(struct vm_area *area)
{
	area->height = MAX(height(area->left), height(area->right)) + 1;
	area->max_gap = MAX(gap_below(area), MAX(max_gap(area->left), max_gap(area->right)));
}

/* Put NEW (may be NULL) in the place of OLD, a child of PARENT, or the root if PARENT is NULL. */
static void replace_child(struct vm_space *space, struct vm_area *parent, struct vm_area *old,
                          struct vm_area *new)
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

/* Rotate AREA down and its left (LEFT_UP) or right child up. Returns the child, the new root. */
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

/* Balance AREA, whose subtrees are balanced and differ by at most 2 in height. Returns the root. */
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

void area_tree_insert(struct vm_area *area)
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
	area_tree_refresh(area);
}

/*
 * Put the next area in the place of AREA, which has two children, in the tree. Returns the lowest
 * node whose subtree changed.
 */
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

void area_tree_remove(struct vm_area *area)
{
	struct vm_space *space = area->space;
	struct vm_area *changed;

	if (area->left != NULL && area->right != NULL) {
		changed = replace_by_successor(area);
	} else {
		changed = area->parent;
		replace_child(space, area->parent, area,
		              area->left != NULL ? area->left : area->right);
	}
	*(area->prev != NULL ? &area->prev->next : &space->first) = area->next;
	*(area->next != NULL ? &area->next->prev : &space->last) = area->prev;
	repair_up(space, changed);
	repair_up(space, area->next);
}

void area_tree_refresh(struct vm_area *area)
{
	repair_up(area->space, area);
	repair_up(area->space, area->next);
}

/* --- Looking ---------------------------------------------------------------------------------- */

struct vm_area *area_find(const struct vm_space *space, uint64_t va)
{
	struct vm_area *area = space->root, *found = NULL;

	while (area != NULL) {
		if (area->end > va) {
			found = area;
			if (area->start <= va)
				break;
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

/*
 * The highest address in [LOW, HIGH) at which LEN bytes are free, in the gaps below the areas of
 * the subtree AREA, or AREA_NO_GAP. A gap that is large enough may be cut by LOW or HIGH, so a
 * search can only be in vain along the paths to these two.
 */
static uint64_t highest_below(const struct vm_area *area, uint64_t len, uint64_t low, uint64_t high)
{
	if (max_gap(area) < len)
		return AREA_NO_GAP;
	if (area->end < high) {
		uint64_t found = highest_below(area->right, len, low, high);
		if (found != AREA_NO_GAP)
			return found;
	}
	uint64_t floor = MAX(gap_floor(area), low), ceiling = MIN(area->start, high);
	if (ceiling >= floor && ceiling - floor >= len)
		return ceiling - len;
	return area->start > low ? highest_below(area->left, len, low, high) : AREA_NO_GAP;
}

/* The same for the lowest address. */
static uint64_t lowest_below(const struct vm_area *area, uint64_t len, uint64_t low, uint64_t high)
{
	if (max_gap(area) < len)
		return AREA_NO_GAP;
	if (area->start > low) {
		uint64_t found = lowest_below(area->left, len, low, high);
		if (found != AREA_NO_GAP)
			return found;
	}
	uint64_t floor = MAX(gap_floor(area), low), ceiling = MIN(area->start, high);
	if (ceiling >= floor && ceiling - floor >= len)
		return floor;
	return area->end < high ? lowest_below(area->right, len, low, high) : AREA_NO_GAP;
}

/* The same for all of SPACE, the gap above its last area included. Guard gaps count as free. */
static uint64_t highest_gap(const struct vm_space *space, uint64_t len, uint64_t low, uint64_t high)
{
	uint64_t floor = space->last != NULL ? MAX(space->last->end, low) : low;

	if (high >= floor && high - floor >= len)
		return high - len;
	return highest_below(space->root, len, low, high);
}

static uint64_t lowest_gap(const struct vm_space *space, uint64_t len, uint64_t low, uint64_t high)
{
	uint64_t found = lowest_below(space->root, len, low, high);
	uint64_t floor = space->last != NULL ? MAX(space->last->end, low) : low;

	if (found == AREA_NO_GAP && high >= floor && high - floor >= len)
		return floor;
	return found;
}

/*
 * The stack whose guard gap [AT, AT+LEN), a free range, reaches into, or NULL. It is the next area
 * above.
 */
static const struct vm_area *guard_in_the_way(const struct vm_space *space, uint64_t at,
                                              uint64_t len)
{
	const struct vm_area *above = area_find(space, at);

	return above != NULL && area_start_gap(above) < at + len ? above : NULL;
}

uint64_t area_highest_gap(const struct vm_space *space, uint64_t len, uint64_t low, uint64_t high)
{
	const struct vm_area *stack;
	uint64_t at;

	/*
	 * Continue below the guard gap. Gaps between areas inside the guard gap are passed over, as
	 * in Linux.
	 */
	while ((at = highest_gap(space, len, low, high)) != AREA_NO_GAP &&
	       (stack = guard_in_the_way(space, at, len)) != NULL)
		high = area_start_gap(stack);
	return at;
}

uint64_t area_lowest_gap(const struct vm_space *space, uint64_t len, uint64_t low, uint64_t high)
{
	const struct vm_area *stack;
	uint64_t at;

	while ((at = lowest_gap(space, len, low, high)) != AREA_NO_GAP &&
	       (stack = guard_in_the_way(space, at, len)) != NULL)
		low = stack->end;
	return at;
}

/* --- Checking --------------------------------------------------------------------------------- */

static const char *check_node(const struct vm_area *area)
{
	if (area->start >= area->end || ((area->start | area->end) & (VM_PAGE_SIZE - 1)) ||
	    area->end > VM_USER_END)
		return "range";
	if (area->prev != NULL && area->prev->end > area->start)
		return "overlap";
	if (area->height != MAX(height(area->left), height(area->right)) + 1)
		return "height";
	if (ABS(height(area->left) - height(area->right)) > 1)
		return "balance";
	if (area->max_gap != MAX(gap_below(area), MAX(max_gap(area->left), max_gap(area->right))))
		return "max_gap";
	if ((area->left != NULL && area->left->parent != area) ||
	    (area->right != NULL && area->right->parent != area))
		return "parent";
	return NULL;
}

char *area_check(const struct vm_space *space)
{
	const struct vm_area *prev = NULL;
	uint64_t count = 0, pages = 0;

	for (const struct vm_area *area = space->first; area != NULL;
	     prev = area, area = area->next) {
		const char *wrong = area->prev != prev ? "list" : check_node(area);
		if (wrong == NULL && area_find(space, area->start) != area)
			wrong = "not found";
		if (wrong != NULL)
			return g_strdup_printf("area %" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER
			                       "x: %s",
			                       area->start, area->end, wrong);
		count++;
		pages += area_pages(area);
	}
	if (space->last != prev || count != space->area_count || pages != space->total_pages)
		return g_strdup_printf("area counts: %" G_GUINT64_FORMAT " areas", count);
	return NULL;
}
