/*
 * svg.c - the frame of a drawing. See svg.h.
 */
#include "fs/picture/svg.h"
#include "fs/picture/palette.h"
#include "picture_css.h"

/* What is left empty on the left of a drawing. */
enum { MARGIN = 2 * SQUARE };

/* A file is shown so much larger than its units, in tenths: it is read from the last row. */
enum { ENLARGED = 14 };

void svg_begin(GString *out, int width, int height, const char *name, bool alone)
{
	if (alone)
		g_string_append(out, "<?xml version='1.0' encoding='UTF-8'?>\n");
	/* A page has margins of its own. */
	int left = alone ? 0 : MARGIN, tenths = alone ? ENLARGED : 10;

	g_string_append_printf(out,
	                       "<svg xmlns='http://www.w3.org/2000/svg' class='picture%s' "
	                       "width='%d' height='%d' viewBox='%d 0 %d %d' role='img' "
	                       "aria-label='%s'>\n",
	                       alone ? " alone" : "", (width - left) * tenths / 10,
	                       height * tenths / 10, left, width - left, height, name);
	if (!alone)
		return;
	g_string_append(out, "<style>\n");
	palette_css(out);
	g_string_append(out, PICTURE_CSS "</style>\n");
	palette_defs(out);
	g_string_append(out, "<rect class='paper' width='100%' height='100%'/>\n");
}

void svg_end(GString *out)
{
	g_string_append(out, "</svg>\n");
}

void svg_text(GString *out, const char *class, int x, int y, const char *text, ...)
{
	va_list args;

	g_string_append_printf(out, "<text class='%s' x='%d' y='%d'>", class, x, y);
	va_start(args, text);
	g_string_append_vprintf(out, text, args);
	va_end(args);
	g_string_append(out, "</text>\n");
}
