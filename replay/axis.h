/*
 * axis.h - an axis of a picture: where a value stands, and which values get a tick.
 */
#ifndef REPLAY_AXIS_H
#define REPLAY_AXIS_H

#include <glib.h>
#include <stdbool.h>

struct axis {
	double from, to;   /* values at its ends; from < to */
	double start, end; /* where the ends are, in pixels */
	bool log;          /* by powers; `from` is above 0 then */
};

/*
 * An axis for values of LOW to HIGH, from START to END. BASE: 0, it is linear; 10 or 2, it is
 * logarithmic, and has ticks at powers of BASE. Its ends are round numbers, but with base 2.
 */
struct axis axis_for(double low, double high, double start, double end, unsigned base);

double axis_place(const struct axis *axis, double value);

/* The values of its ticks (double), upwards. */
GArray *axis_ticks(const struct axis *axis, unsigned base);

#endif
