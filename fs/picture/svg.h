/*
 * svg.h - the frame of a drawing: size, style, the squares that it refers to; and text in it.
 */
#ifndef FS_PICTURE_SVG_H
#define FS_PICTURE_SVG_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Begin a drawing of WIDTH x HEIGHT units with the accessible name NAME (plain text of ours).
 * ALONE: it is a file, with the style and the squares in it. Otherwise it is part of a page, which
 * has both.
 */
void svg_begin(GString *out, int width, int height, const char *name, bool alone);
void svg_end(GString *out);

/* Append <text class='CLASS'> at X, Y with TEXT, a printf format. Nothing of it is escaped. */
void svg_text(GString *out, const char *class, int x, int y, const char *text, ...)
    G_GNUC_PRINTF(5, 6);

#endif
