#include "replay/axis.h"

#include <math.h>

enum { MOST_TICKS = 11 };

/* 1, 2 or 5 times a power of ten: the step of about five ticks. */
static double step_for(double range)
{
	double power = pow(10, floor(log10(range / 5))), times = range / 5 / power;

	return power * (times > 5 ? 10 : times > 2 ? 5 : times > 1 ? 2 : 1);
}

/* 1, 2 or 5 times a power of ten, at or below VALUE, and at or above it. */
static double round_down(double value)
{
	double power = pow(10, floor(log10(value) + 1e-9)), times = value / power + 1e-9;

	return power * (times >= 5 ? 5 : times >= 2 ? 2 : 1);
}

static double round_up(double value)
{
	double power = pow(10, floor(log10(value) + 1e-9)), times = value / power - 1e-9;

	return power * (times > 5 ? 10 : times > 2 ? 5 : times > 1 ? 2 : 1);
}

struct axis axis_for(double low, double high, double start, double end, unsigned base)
{
	struct axis axis = {low, high, start, end, base != 0};

	if (axis.log) {
		axis.from = base == 10 ? round_down(low) : low;
		axis.to = base == 10 ? round_up(high) : high;
		return axis;
	}
	if (high <= low)
		axis.to = high = low + 1;
	double step = step_for(high - low);
	axis.from = floor(low / step + 1e-9) * step;
	axis.to = ceil(high / step - 1e-9) * step;
	return axis;
}

double axis_place(const struct axis *axis, double value)
{
	double part = axis->log ? log(value / axis->from) / log(axis->to / axis->from)
	                        : (value - axis->from) / (axis->to - axis->from);

	return axis->start + CLAMP(part, 0, 1) * (axis->end - axis->start);
}

/* Powers of BASE, so few that they can be read; and twice and five times one if they are few. */
static void add_powers(GArray *ticks, const struct axis *axis, unsigned base)
{
	double count = log(axis->to / axis->from) / log(base);
	double step = pow(base, ceil(count / MOST_TICKS));
	double first = pow(base, floor(log(axis->from) / log(base) + 1e-9));
	unsigned parts = base == 10 && count < 3.5 ? 3 : 1;
	static const double times[] = {1, 2, 5};

	for (double power = first; power <= axis->to * 1.0001; power *= step)
		for (unsigned i = 0; i < parts; i++) {
			double value = power * times[i];

			if (value >= axis->from * 0.9999 && value <= axis->to * 1.0001)
				g_array_append_val(ticks, value);
		}
}

GArray *axis_ticks(const struct axis *axis, unsigned base)
{
	GArray *ticks = g_array_new(FALSE, FALSE, sizeof(double));

	if (axis->log) {
		add_powers(ticks, axis, base);
		return ticks;
	}
	double step = step_for(axis->to - axis->from);
	for (double i = round(axis->from / step); i * step <= axis->to + step / 2; i++) {
		double value = i * step;

		g_array_append_val(ticks, value);
	}
	return ticks;
}
