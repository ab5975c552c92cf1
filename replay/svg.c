/*
 * svg.c - miss ratios by frames as a picture: a line for each policy and trace.
 *
 * Lines are told apart by colour, dashes and markers. Colours follow the reader's light or dark
 * scheme. A scale is logarithmic where the values span a large range.
 */
#include "replay/axis.h"
#include "replay/output.h"

#include "util/text.h"

#include <math.h>
#include <string.h>

enum {
	WIDTH = 960,
	HEIGHT = 540,
	LEFT = 84,
	RIGHT = 740, /* of the plot; then comes the legend */
	TOP = 64,
	BOTTOM = 470,
	LEGEND = 762,
	LEGEND_STEP = 24,
	LABEL = 22, /* letters of a name in the legend */
	STYLES = 8,
	MARK_STEP = 56, /* pixels between two markers of a curve, at least */
};
#define LOG_X 16 /* the ratio of the ends from which on a scale is logarithmic */
#define LOG_Y 20

struct point {
	uint64_t frames, faults;
	double ratio;
};

struct line {
	const struct result *result;
	const struct row *row;
	GArray *points; /* struct point, by frames */
};

struct picture {
	GString *out;
	GArray *lines; /* struct line */
	bool many_traces;
	double low_x, high_x, low_y, high_y; /* of all points; ratios of 0 do not count */
	unsigned base_x, base_y;             /* 0: linear */
	struct axis x, y;
};

/* --- Points ----------------------------------------------------------------------------------- */

/* The sizes at which a curve with every size is looked at: one for each pixel is enough. */
static GArray *curve_sizes(uint64_t largest)
{
	GArray *sizes = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	uint64_t last = 0;

	for (int pixel = 0; pixel <= RIGHT - LEFT; pixel++) {
		double part = (double)pixel / (RIGHT - LEFT);
		uint64_t frames = (uint64_t)(largest >= LOG_X ? pow((double)largest, part) + 0.5
		                                              : (double)largest * part + 0.5);

		frames = CLAMP(frames, 1, largest);
		if (frames == last)
			continue;
		g_array_append_val(sizes, frames);
		last = frames;
	}
	return sizes;
}

static void add_point(struct picture *picture, struct line *line, uint64_t frames)
{
	struct point point = {.frames = frames};

	row_faults(line->row, frames, &point.faults);
	point.ratio = result_ratio(line->result, point.faults);
	picture->low_x = MIN(picture->low_x, (double)frames);
	picture->high_x = MAX(picture->high_x, (double)frames);
	picture->high_y = MAX(picture->high_y, point.ratio);
	if (point.ratio > 0)
		picture->low_y = MIN(picture->low_y, point.ratio);
	g_array_append_val(line->points, point);
}

static void add_line(struct picture *picture, const struct result *result, const struct row *row)
{
	struct line line = {result, row, g_array_new(FALSE, FALSE, sizeof(struct point))};
	uint64_t largest = result_largest_size(result);
	g_autoptr(GArray) sizes = row->curve != NULL && result->every_size && largest > 0
	                              ? curve_sizes(largest)
	                              : result_sizes(result, row);

	for (guint i = 0; i < sizes->len; i++)
		add_point(picture, &line, g_array_index(sizes, uint64_t, i));
	g_array_append_val(picture->lines, line);
}

static void set_axes(struct picture *p)
{
	if (p->high_x == 0) /* no point at all */
		p->low_x = p->high_x = 1;
	if (p->high_y == 0)
		p->low_y = p->high_y = 1;
	p->base_x = p->high_x / p->low_x >= LOG_X ? 2 : 0;
	p->base_y = p->high_y / p->low_y >= LOG_Y ? 10 : 0;
	p->x = axis_for(p->low_x, p->high_x, LEFT, RIGHT, p->base_x);
	p->y = axis_for(p->base_y != 0 ? p->low_y : 0, p->high_y, BOTTOM, TOP, p->base_y);
}

/* --- Text ------------------------------------------------------------------------------------- */

static void append_name(GString *out, const char *name)
{
	g_autoptr(GString) harmless = g_string_new(NULL);

	text_escaped(harmless, name, "");
	g_autofree char *valid = g_utf8_make_valid(harmless->str, -1);
	g_autofree char *escaped = g_markup_escape_text(valid, -1);
	g_string_append(out, escaped);
}

/* A number of pixels, or what is printed at a tick, with a point in every locale. */
static void append_double(GString *out, const char *format, double value)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];

	g_string_append(out, g_ascii_formatd(text, sizeof text, format, value));
}

static void append_place(GString *out, const char *key, double value)
{
	g_string_append_printf(out, " %s=\"", key);
	append_double(out, "%.1f", value);
	g_string_append_c(out, '"');
}

/* The name of a line: its policy, and its trace if there are several. */
static void append_line_name(GString *out, const struct picture *picture, const struct line *line,
                             size_t letters)
{
	g_autoptr(GString) name = g_string_new(line->row->policy);

	if (picture->many_traces) {
		g_autofree char *base = g_path_get_basename(line->result->trace);
		g_string_append_printf(name, " %s", base);
	}
	g_autofree char *valid = g_utf8_make_valid(name->str, -1);
	if ((size_t)g_utf8_strlen(valid, -1) > letters) {
		g_autofree char *start = g_utf8_substring(valid, 0, (glong)letters - 1);
		g_autofree char *cut = g_strconcat(start, "\xe2\x80\xa6", NULL);
		append_name(out, cut);
	} else {
		append_name(out, valid);
	}
}

/* --- Style ------------------------------------------------------------------------------------ */

static const struct {
	const char *light, *dark, *dashes;
} styles[STYLES] = {
    {"#0b62a4", "#63b3f7", "none"},    {"#c04a12", "#ff9a6b", "9 4"},
    {"#147a48", "#5fd39a", "2 3"},     {"#7a3fd1", "#c3a0ff", "12 4 2 4"},
    {"#7a5c00", "#e3b341", "5 3"},     {"#00767f", "#4fd1dc", "14 4"},
    {"#b4165a", "#ff86b0", "8 3 2 3"}, {"#4d4d4d", "#c8c8c8", "4 2 1 2"},
};

/* Drawn around 0,0. */
static const char *const marks[STYLES] = {
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-3.5-3.5h7v7h-7z",
    "M0-5l4.6 8.4h-9.2z",
    "M0-5l5 5-5 5-5-5z",
    "M0 5l4.6-8.4h-9.2z",
    "M-5-1.4h3.6V-5h2.8v3.6H5v2.8H1.4V5h-2.8V1.4H-5z",
    "M-5 0l2.5-4.3h5L5 0 2.5 4.3h-5z",
    "M-4-4l4 2.4L4-4 1.6 0 4 4 0 1.6-4 4-1.6 0z",
};

static void append_style(GString *out)
{
	g_string_append(out, "<style>\n"
	                     "text{font:13px system-ui,'DejaVu Sans',sans-serif;fill:#24292f}\n"
	                     ".title{font-size:17px;font-weight:600}.small{font-size:12px}\n"
	                     ".back{fill:#fff}.grid{stroke:#d8dee4;stroke-width:1}\n"
	                     ".axis{stroke:#57606a;stroke-width:1.2;fill:none}\n"
	                     ".line{stroke:currentColor;stroke-width:2;fill:none;"
	                     "stroke-linejoin:round}.mark{fill:currentColor}\n");
	for (int i = 0; i < STYLES; i++)
		g_string_append_printf(out, ".c%d{color:%s}.c%d .line{stroke-dasharray:%s}\n", i,
		                       styles[i].light, i, styles[i].dashes);
	g_string_append(out, "@media (prefers-color-scheme:dark){text{fill:#e6edf3}"
	                     ".back{fill:#0d1117}.grid{stroke:#2d333b}.axis{stroke:#9aa4af}\n");
	for (int i = 0; i < STYLES; i++)
		g_string_append_printf(out, ".c%d{color:%s}", i, styles[i].dark);
	g_string_append(out, "}\n</style>\n");
}

/* --- Axes ------------------------------------------------------------------------------------- */

static void append_grid_line(GString *out, double x1, double y1, double x2, double y2)
{
	g_string_append(out, "<line class=\"grid\"");
	append_place(out, "x1", x1);
	append_place(out, "y1", y1);
	append_place(out, "x2", x2);
	append_place(out, "y2", y2);
	g_string_append(out, "/>");
}

static void append_x_axis(const struct picture *picture)
{
	GString *out = picture->out;
	g_autoptr(GArray) ticks = axis_ticks(&picture->x, picture->base_x);

	for (guint i = 0; i < ticks->len; i++) {
		double value = g_array_index(ticks, double, i), x = axis_place(&picture->x, value);

		append_grid_line(out, x, TOP, x, BOTTOM);
		g_string_append(out, "<text class=\"small\" text-anchor=\"middle\"");
		append_place(out, "x", x);
		append_place(out, "y", BOTTOM + 20);
		g_string_append_c(out, '>');
		append_double(out, "%.10g", value);
		g_string_append(out, "</text>\n");
	}
	g_string_append_printf(out,
	                       "<text text-anchor=\"middle\" x=\"%d\" y=\"%d\">frames of 4 KiB"
	                       "</text>\n",
	                       (LEFT + RIGHT) / 2, BOTTOM + 46);
}

static void append_y_axis(const struct picture *picture)
{
	GString *out = picture->out;
	g_autoptr(GArray) ticks = axis_ticks(&picture->y, picture->base_y);

	for (guint i = 0; i < ticks->len; i++) {
		double value = g_array_index(ticks, double, i), y = axis_place(&picture->y, value);

		append_grid_line(out, LEFT, y, RIGHT, y);
		g_string_append_printf(out, "<text class=\"small\" text-anchor=\"end\" x=\"%d\"",
		                       LEFT - 8);
		append_place(out, "y", y + 4);
		g_string_append_c(out, '>');
		append_double(out, "%.6g", value * 100);
		g_string_append(out, " %</text>\n");
	}
	g_string_append_printf(out,
	                       "<text text-anchor=\"middle\" transform=\"translate(20 %d) "
	                       "rotate(-90)\">faults per access to a page</text>\n",
	                       (TOP + BOTTOM) / 2);
}

/* --- Lines ------------------------------------------------------------------------------------ */

static void append_mark(const struct picture *picture, const struct line *line, unsigned style,
                        const struct point *point)
{
	GString *out = picture->out;

	g_string_append_printf(out, "<path class=\"mark\" d=\"%s\" transform=\"translate(",
	                       marks[style]);
	append_double(out, "%.1f", axis_place(&picture->x, (double)point->frames));
	g_string_append_c(out, ' ');
	append_double(out, "%.1f", axis_place(&picture->y, point->ratio));
	g_string_append(out, ")\"><title>");
	append_line_name(out, picture, line, G_MAXINT);
	g_string_append_printf(out,
	                       ", %" G_GUINT64_FORMAT " frames: %" G_GUINT64_FORMAT " faults, ",
	                       point->frames, point->faults);
	append_double(out, "%.4g", point->ratio * 100);
	g_string_append(out, " %</title></path>\n");
}

/* Lines do not have their markers at the same places: the first of line N is moved by N. */
static void append_marks(const struct picture *picture, const struct line *line, unsigned number)
{
	bool curve = line->row->curve != NULL && line->result->every_size;
	double next = LEFT + (double)(number % 4) * MARK_STEP / 4;

	for (guint i = 0; i < line->points->len; i++) {
		const struct point *point = &g_array_index(line->points, struct point, i);
		double x = axis_place(&picture->x, (double)point->frames);

		if (curve && x < next)
			continue;
		append_mark(picture, line, number % STYLES, point);
		next = x + MARK_STEP;
	}
}

static void append_line(const struct picture *picture, const struct line *line, unsigned number)
{
	GString *out = picture->out;

	g_string_append_printf(out, "<g class=\"c%u\"><polyline class=\"line\" points=\"",
	                       number % STYLES);
	for (guint i = 0; i < line->points->len; i++) {
		const struct point *point = &g_array_index(line->points, struct point, i);

		append_double(out, "%.1f", axis_place(&picture->x, (double)point->frames));
		g_string_append_c(out, ',');
		append_double(out, "%.1f ", axis_place(&picture->y, point->ratio));
	}
	g_string_append(out, "\"/>\n");
	append_marks(picture, line, number);
	g_string_append(out, "</g>\n");
}

static void append_legend(const struct picture *picture)
{
	GString *out = picture->out;

	for (guint i = 0; i < picture->lines->len; i++) {
		int y = TOP + 12 + (int)i * LEGEND_STEP;

		g_string_append_printf(out,
		                       "<g class=\"c%u\"><path class=\"line\" d=\"M%d %dh36\"/>"
		                       "<path class=\"mark\" d=\"%s\" transform=\"translate(%d %d)"
		                       "\"/></g><text x=\"%d\" y=\"%d\">",
		                       i % STYLES, LEGEND, y, marks[i % STYLES], LEGEND + 18, y,
		                       LEGEND + 46, y + 4);
		append_line_name(out, picture, &g_array_index(picture->lines, struct line, i),
		                 LABEL);
		g_string_append(out, "</text>\n");
	}
}

/* --- The picture ------------------------------------------------------------------------------ */

static void append_title(GString *out, const struct result *const *results, size_t count)
{
	g_string_append_printf(out, "<text class=\"title\" x=\"%d\" y=\"30\">Page faults: ", LEFT);
	if (count == 1) {
		g_autofree char *base = g_path_get_basename(results[0]->trace);

		append_name(out, g_str_equal(base, "-") ? "standard input" : base);
		g_string_append_printf(
		    out,
		    "</text><text class=\"small\" x=\"%d\" y=\"50\">%" G_GUINT64_FORMAT
		    " references, %" G_GUINT64_FORMAT " accesses to pages",
		    LEFT, results[0]->references, results[0]->pages);
	} else {
		g_string_append_printf(out, "%zu traces", count);
	}
	g_string_append(out, "</text>\n");
}

static void append_picture(const struct picture *picture, const struct result *const *results,
                           size_t count)
{
	GString *out = picture->out;
	int height = MAX(HEIGHT, TOP + 24 + (int)picture->lines->len * LEGEND_STEP);

	g_string_append_printf(out,
	                       "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
	                       "width=\"%d\" height=\"%d\" role=\"img\">\n",
	                       WIDTH, height, WIDTH, height);
	append_style(out);
	g_string_append(out, "<rect class=\"back\" width=\"100%\" height=\"100%\"/>\n");
	append_title(out, results, count);
	append_x_axis(picture);
	append_y_axis(picture);
	g_string_append_printf(out, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP,
	                       BOTTOM, RIGHT);
	for (guint i = 0; i < picture->lines->len; i++)
		append_line(picture, &g_array_index(picture->lines, struct line, i), i);
	append_legend(picture);
	g_string_append(out, "</svg>\n");
}

void write_svg(GString *out, const struct result *const *results, size_t count)
{
	struct picture picture = {.out = out, .many_traces = count > 1};

	picture.lines = g_array_new(FALSE, FALSE, sizeof(struct line));
	picture.low_x = picture.low_y = G_MAXDOUBLE;
	for (size_t i = 0; i < count; i++)
		for (size_t r = 0; r < results[i]->nr_rows; r++)
			add_line(&picture, results[i], &results[i]->rows[r]);
	set_axes(&picture);
	append_picture(&picture, results, count);
	for (guint i = 0; i < picture.lines->len; i++)
		g_array_unref(g_array_index(picture.lines, struct line, i).points);
	g_array_unref(picture.lines);
}
