#include "replay/opt.h"

#include "replay/opt_size.h"

#include <glib.h>

#include <string.h>

/* Times are numbers of recorded touches. */
#define NEVER UINT32_MAX
#define NOWHERE UINT32_MAX

bool opt_touch(struct opt *opt, uint32_t page)
{
	if (opt->count > 0 && opt->touches[opt->count - 1] == page) {
		opt->again++;
		return true;
	}
	if (opt->count == opt->room) {
		size_t room = opt->room == 0 ? 4096 : opt->room + opt->room / 2;
		uint32_t *touches = room < NEVER ? g_try_renew(uint32_t, opt->touches, room) : NULL;

		if (touches == NULL)
			return false;
		opt->touches = touches;
		opt->room = room;
	}
	opt->touches[opt->count++] = page;
	opt->pages = MAX(opt->pages, page + 1);
	return true;
}

void opt_clear(struct opt *opt)
{
	curve_clear(&opt->curve);
	g_free(opt->touches);
	*opt = (struct opt){0};
}

/* --- The stack -------------------------------------------------------------------------------- */

enum { FAN = 16, LEVELS = 8 }; /* FAN^LEVELS is more than there are numbers of pages */

/* Depths are counted from 0 here. */
struct stack {
	uint32_t *depth; /* by page; NOWHERE: not touched yet */
	uint32_t *page;  /* by depth */
	/*
	 * The next touch of the page at each depth but 0, and over it maxima of FAN neighbours
	 * each, level by level. A level is a multiple of FAN long; the highest is one group
	 */
	uint32_t *later[LEVELS];
	size_t places[LEVELS];
	unsigned levels;
	uint32_t top_later; /* of the page at depth 0 */
	uint32_t used;
};

static uint32_t most_of(const uint32_t *group)
{
	uint32_t most = 0;

	for (unsigned i = 0; i < FAN; i++)
		most = MAX(most, group[i]);
	return most;
}

static void set_later(struct stack *stack, uint32_t depth, uint32_t later)
{
	uint32_t old = stack->later[0][depth];

	stack->later[0][depth] = later;
	for (unsigned level = 1; level < stack->levels; level++) {
		uint32_t *most = &stack->later[level][depth /= FAN], old_most = *most;

		if (later >= old_most)
			*most = later;
		else if (old == old_most)
			*most = later = most_of(&stack->later[level - 1][(size_t)depth * FAN]);
		else
			return;
		if (*most == old_most)
			return;
		old = old_most;
	}
}

/* The first place of LEVEL from FROM to the end of its group with more than LATER, or that end. */
static uint32_t find_in_group(const struct stack *stack, unsigned level, uint32_t from,
                              uint32_t later)
{
	uint32_t end = (from | (FAN - 1)) + 1;

	while (from < end && stack->later[level][from] <= later)
		from++;
	return from;
}

/* The first depth from FROM on whose page is touched after LATER; END or more: none before END. */
static uint32_t find_later(const struct stack *stack, uint32_t from, uint32_t end, uint32_t later)
{
	unsigned level = 0;
	uint32_t place;

	if (from >= end)
		return end;
	/* Up and to the right, until a group has one. */
	while ((place = find_in_group(stack, level, from, later)) == (from | (FAN - 1)) + 1) {
		from = place / FAN;
		if (++level == stack->levels || from >= stack->places[level])
			return end;
	}
	/* Down, to the first in it. */
	while (level > 0)
		place = find_in_group(stack, --level, place * FAN, later);
	return place;
}

/* Put PAGE, which is touched next at LATER, at DEPTH, which is not the top. */
static void place(struct stack *stack, uint32_t depth, uint32_t page, uint32_t later)
{
	stack->page[depth] = page;
	stack->depth[page] = depth;
	set_later(stack, depth, later);
}

/* The page at the top goes down to END at most, where there is room. */
static void push_down(struct stack *stack, uint32_t end)
{
	uint32_t page = stack->page[0], later = stack->top_later, depth = 0;

	while ((depth = find_later(stack, depth + 1, end, later)) < end) {
		uint32_t met = stack->page[depth], met_later = stack->later[0][depth];

		place(stack, depth, page, later);
		page = met;
		later = met_later;
	}
	place(stack, end, page, later);
}

/* PAGE is touched, and next at LATER. Returns its depth, or NOWHERE. */
static uint32_t touch(struct stack *stack, uint32_t page, uint32_t later)
{
	uint32_t depth = stack->depth[page];
	uint32_t end = depth == NOWHERE ? stack->used++ : depth;

	if (end > 0)
		push_down(stack, end);
	stack->page[0] = page;
	stack->depth[page] = 0;
	stack->top_later = later;
	return depth;
}

static bool stack_init(struct stack *stack, uint32_t pages)
{
	*stack = (struct stack){0};
	stack->depth = g_try_new(uint32_t, pages);
	stack->page = g_try_new(uint32_t, pages);
	if (stack->depth == NULL || stack->page == NULL)
		return false;
	memset(stack->depth, 0xff, pages * sizeof *stack->depth);
	for (size_t count = pages; stack->levels == 0 || count > 1;) {
		count = (count + FAN - 1) / FAN;
		stack->places[stack->levels] = count * FAN;
		stack->later[stack->levels] = g_try_new0(uint32_t, count * FAN);
		if (stack->later[stack->levels++] == NULL)
			return false;
	}
	return true;
}

static void stack_clear(struct stack *stack)
{
	g_free(stack->depth);
	g_free(stack->page);
	for (unsigned level = 0; level < stack->levels; level++)
		g_free(stack->later[level]);
}

/* --- The passes ------------------------------------------------------------------------------- */

/* For each touch the time of the next touch of its page. NULL: no memory. */
static uint32_t *find_next(const struct opt *opt)
{
	uint32_t *next = g_try_new(uint32_t, opt->count);
	g_autofree uint32_t *seen = g_try_new(uint32_t, opt->pages);

	if (next == NULL || seen == NULL) {
		g_free(next);
		return NULL;
	}
	memset(seen, 0xff, opt->pages * sizeof *seen);
	for (size_t time = opt->count; time-- > 0;) {
		next[time] = seen[opt->touches[time]];
		seen[opt->touches[time]] = (uint32_t)time;
	}
	return next;
}

static bool run(struct opt *opt, struct stack *stack, const uint32_t *next)
{
	for (size_t time = 0; time < opt->count; time++) {
		uint32_t depth = touch(stack, opt->touches[time], next[time]);

		if (depth != NOWHERE)
			curve_touch(&opt->curve, depth + 1);
		else if (!curve_first(&opt->curve))
			return false;
	}
	opt->curve.at[1] += opt->again;
	curve_add_up(&opt->curve);
	return true;
}

static bool run_all_sizes(struct opt *opt, const uint32_t *next)
{
	struct stack stack;
	bool done = stack_init(&stack, opt->pages) && run(opt, &stack, next);

	stack_clear(&stack);
	return done;
}

/* The curve at COUNT numbers of frames, FRAMES; it means nothing at others. */
static bool run_some_sizes(struct opt *opt, const uint32_t *next, const uint64_t *frames,
                           size_t count)
{
	for (uint32_t page = 0; page < opt->pages; page++)
		if (!curve_first(&opt->curve))
			return false;
	curve_add_up(&opt->curve);
	for (size_t i = 0; i < count; i++)
		if (frames[i] < opt->pages &&
		    !opt_size_faults(next, opt->count, frames[i], &opt->curve.at[frames[i]]))
			return false;
	return true;
}

bool opt_run(struct opt *opt, const uint64_t *frames, size_t count)
{
	if (opt->count == 0) {
		curve_add_up(&opt->curve);
		return true;
	}
	g_autofree uint32_t *next = find_next(opt);
	if (next == NULL)
		return false;
	return count > 0 ? run_some_sizes(opt, next, frames, count) : run_all_sizes(opt, next);
}
