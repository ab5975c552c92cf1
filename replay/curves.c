#include "replay/curves.h"

enum {
	TOGETHER = 256, /* touches */
	AHEAD = 12,
};

/*
 * Touch the pages of these numbers. They are a few at a time, so that the processor can fetch what
 * it needs for the next ones.
 */
static char *touch(struct curves *curves, const uint32_t *numbers, unsigned count)
{
	for (unsigned i = 0; curves->wants_lru && i < count; i++) {
		if (i + AHEAD < count)
			lru_prefetch(&curves->lru, numbers[i + AHEAD]);
		if (!lru_touch(&curves->lru, numbers[i]))
			return g_strdup("no memory for the curve of lru");
	}
	for (unsigned i = 0; curves->wants_opt && i < count; i++)
		if (!opt_touch(&curves->opt, numbers[i]))
			return g_strdup("no memory to record the trace, which opt needs");
	return NULL;
}

static char *curves_take(struct job *job, const struct trace_batch *batch)
{
	struct curves *curves = (struct curves *)job;
	uint32_t numbers[TOGETHER];
	unsigned count = 0;
	char *error = NULL;

	for (size_t i = 0; i < batch->count; i++) {
		const struct vm_reference *r = &batch->reference[i];
		uint64_t last = (r->va + r->len - 1) >> VM_PAGE_SHIFT;

		for (uint64_t page = r->va >> VM_PAGE_SHIFT; page <= last; page++) {
			numbers[count] = pages_number(&curves->pages, page);
			if (numbers[count++] == PAGES_NONE)
				return g_strdup("no memory for the pages of the trace");
			if (count < TOGETHER)
				continue;
			if ((error = touch(curves, numbers, count)) != NULL)
				return error;
			count = 0;
		}
	}
	return touch(curves, numbers, count);
}

static char *curves_finish(struct job *job)
{
	struct curves *curves = (struct curves *)job;

	if (curves->wants_lru)
		curve_add_up(&curves->lru.curve);
	if (curves->wants_opt && !opt_run(&curves->opt, curves->frames, curves->nr_frames))
		return g_strdup("no memory for the curve of opt");
	return NULL;
}

void curves_init(struct curves *curves, bool wants_lru, bool wants_opt, const uint64_t *frames,
                 size_t nr_frames)
{
	*curves = (struct curves){.job = {curves_take, curves_finish, NULL}};
	curves->wants_lru = wants_lru;
	curves->wants_opt = wants_opt;
	curves->frames = frames;
	curves->nr_frames = nr_frames;
}

void curves_clear(struct curves *curves)
{
	pages_clear(&curves->pages);
	lru_clear(&curves->lru);
	opt_clear(&curves->opt);
	g_free(curves->job.error);
	*curves = (struct curves){0};
}
