/*
 * page.h - what both pages have: head, style, script, bars.
 */
#ifndef FS_PICTURE_PAGE_H
#define FS_PICTURE_PAGE_H

#include "fs/fs.h"
#include "fs/picture/palette.h"

/*
 * Begin a page of class CLASS with TITLE, a name from outside, up to and with <body>. After it come
 * <header>, <main>, and page_end.
 */
void page_begin(GString *out, const char *class, const char *title);
/* What stands in every page before its end, and the script. */
void page_end(GString *out);

/* A part of a bar. */
struct bar_part {
	enum page_state state;
	uint64_t amount;
};

/*
 * Append a bar of WIDTH units for TOTAL, filled with COUNT parts. A part that is not 0 can be seen.
 */
void page_bar(GString *out, int width, uint64_t total, const struct bar_part *parts,
              unsigned count);

#endif
