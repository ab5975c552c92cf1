/*
 * shrink.c - see shrink.h. This is delta debugging. Chunks of steps are left out; when no chunk of
 * one size can go, the size is halved. Then, where the program still fails, each step is given to
 * the first process and loses flags and length.
 */
#include "tests/differential/shrink.h"

#include <string.h>

static void without(const struct program *program, uint32_t from, uint32_t count,
                    struct program *shorter)
{
	*shorter = *program;
	memmove(&shorter->step[from], &program->step[from + count],
	        (program->steps - from - count) * sizeof *program->step);
	shorter->steps -= count;
}

static bool drop_chunks(struct program *program, uint32_t chunk, fails_fn fails, void *ctx)
{
	struct program shorter;
	bool dropped = false;

	for (uint32_t at = 0; at < program->steps;) {
		uint32_t count = MIN(chunk, program->steps - at);
		without(program, at, count, &shorter);
		if (shorter.steps > 0 && fails(ctx, &shorter)) {
			*program = shorter;
			dropped = true;
		} else {
			at += count;
		}
	}
	return dropped;
}

static void drop_steps(struct program *program, fails_fn fails, void *ctx)
{
	for (uint32_t chunk = program->steps / 2; chunk > 0;)
		if (!drop_chunks(program, chunk, fails, ctx) || chunk > 1)
			chunk /= 2;
}

static bool try_value(struct program *program, uint64_t *value, uint64_t simpler, fails_fn fails,
                      void *ctx)
{
	uint64_t old = *value;

	if (old == simpler)
		return false;
	*value = simpler;
	if (fails(ctx, program))
		return true;
	*value = old;
	return false;
}

/* Try fewer pages, and try to clear single bits. */
static void simplify_argument(struct program *program, uint64_t *value, fails_fn fails, void *ctx)
{
	if (try_value(program, value, 0, fails, ctx))
		return;
	if (*value < UINT64_C(0x1000000)) {
		while (*value > PAGE && try_value(program, value, *value - PAGE, fails, ctx))
			;
		for (uint64_t bit = 1; bit <= *value; bit <<= 1)
			if (*value & bit)
				try_value(program, value, *value & ~bit, fails, ctx);
	} else {
		try_value(program, value, *value & -PAGE, fails, ctx);
	}
}

static void simplify_step(struct program *program, struct step *step, fails_fn fails, void *ctx)
{
	uint32_t slot = step->slot;

	step->slot = 0;
	if (slot != 0 && !fails(ctx, program))
		step->slot = slot;
	for (unsigned i = 0; i < MAX_ARGS; i++)
		simplify_argument(program, &step->arg[i], fails, ctx);
}

void shrink(struct program *program, fails_fn fails, void *ctx)
{
	drop_steps(program, fails, ctx);
	for (uint32_t i = 0; i < program->steps; i++)
		simplify_step(program, &program->step[i], fails, ctx);
	drop_steps(program, fails, ctx);
}
