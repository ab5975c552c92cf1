/*
 * draw.h - drawings of what space, frames and tables found. ALONE: as a file of its own.
 */
#ifndef FS_PICTURE_DRAW_H
#define FS_PICTURE_DRAW_H

#include "fs/picture/frames.h"
#include "fs/picture/space.h"
#include "fs/picture/tables.h"

/* The address space, from its top to its bottom. */
void draw_map(GString *out, const struct space *space, bool alone);
/* A row of a table: where memory of the process is, as one line of WIDTH units. */
void draw_small_map(GString *out, const struct space *space, int width);

/* Physical memory. */
void draw_frames(GString *out, const struct frames *frames, bool alone);
/* The tree of the page tables of a process. */
void draw_tables(GString *out, const struct tables *tables, bool alone);

#endif
