#include "replay/opt_size.h"

#include <glib.h>

enum { BITS = 64, SHIFT = 6, LEVELS = 6 }; /* BITS^LEVELS is more than there are times */

#define NEVER UINT32_MAX

/* A set of times. A bit of a level says that the word below it is not 0. The top is one word. */
struct times {
	uint64_t *level[LEVELS];
	unsigned levels;
};

static bool times_init(struct times *times, size_t count)
{
	*times = (struct times){.levels = 0};
	for (size_t words = count; times->levels == 0 || words > 1;) {
		words = (words + BITS - 1) / BITS;
		times->level[times->levels] = g_try_new0(uint64_t, MAX(words, 1));
		if (times->level[times->levels++] == NULL)
			return false;
	}
	return true;
}

static void times_clear(struct times *times)
{
	for (unsigned i = 0; i < times->levels; i++)
		g_free(times->level[i]);
}

static bool times_has(const struct times *times, size_t time)
{
	return times->level[0][time / BITS] >> time % BITS & 1;
}

static void times_add(struct times *times, size_t time)
{
	for (unsigned i = 0; i < times->levels; i++, time >>= SHIFT) {
		uint64_t *word = &times->level[i][time / BITS], before = *word;

		*word |= UINT64_C(1) << time % BITS;
		if (before != 0)
			return;
	}
}

static void times_take(struct times *times, size_t time)
{
	for (unsigned i = 0; i < times->levels; i++, time >>= SHIFT) {
		uint64_t *word = &times->level[i][time / BITS];

		*word &= ~(UINT64_C(1) << time % BITS);
		if (*word != 0)
			return;
	}
}

/* The latest time in TIMES, which has one. */
static size_t times_latest(const struct times *times)
{
	size_t at = 0;

	for (unsigned i = times->levels; i-- > 0;)
		at = at * BITS + (BITS - 1) - (size_t)__builtin_clzll(times->level[i][at]);
	return at;
}

bool opt_size_faults(const uint32_t *next, size_t count, uint64_t frames, uint64_t *faults)
{
	/* Pages in memory that are touched never again are not in TIMES. */
	uint64_t used = 0, done_with = 0;
	struct times times;
	bool good = times_init(&times, count);

	*faults = 0;
	for (size_t time = 0; good && time < count; time++) {
		if (times_has(&times, time)) {
			times_take(&times, time);
		} else {
			++*faults;
			if (used < frames)
				used++;
			else if (done_with > 0)
				done_with--;
			else
				times_take(&times, times_latest(&times));
		}
		if (next[time] == NEVER)
			done_with++;
		else
			times_add(&times, next[time]);
	}
	times_clear(&times);
	return good;
}
