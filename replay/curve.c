#include "replay/curve.h"

#include <glib.h>

#include <string.h>

bool curve_first(struct curve *curve)
{
	curve->firsts++;
	if (++curve->pages < curve->room)
		return true;
	uint32_t room = curve->room == 0 ? 1024 : 2 * curve->room;
	uint64_t *at = room > curve->room ? g_try_renew(uint64_t, curve->at, room) : NULL;
	if (at == NULL)
		return false;
	memset(at + curve->room, 0, (room - curve->room) * sizeof *at);
	curve->at = at;
	curve->room = room;
	return true;
}

void curve_settle(struct curve *curve)
{
	for (int i = 0; curve->pages > 0 && i < CURVE_WAITING; i++) {
		curve->at[curve->waiting[i]]++;
		curve->waiting[i] = 0;
	}
}

void curve_add_up(struct curve *curve)
{
	uint64_t faults = curve->firsts;

	curve_settle(curve);
	for (uint32_t depth = curve->pages; depth > 0; depth--) {
		uint64_t touches = curve->at[depth];

		curve->at[depth] = faults;
		faults += touches;
	}
	curve->added_up = true;
}

uint64_t curve_faults(const struct curve *curve, uint64_t frames)
{
	g_assert(curve->added_up && frames > 0);
	return frames > curve->pages ? curve->firsts : curve->at[frames];
}

void curve_clear(struct curve *curve)
{
	g_free(curve->at);
	*curve = (struct curve){0};
}
