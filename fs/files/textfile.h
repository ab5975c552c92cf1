/*
 * textfile.h - files of text (file_class).
 *
 * The whole text is rendered at open, and again at each read at offset 0. So a reader sees one
 * state, however it cuts its reads, and gets a new one when it rewinds.
 */
#ifndef FS_FILES_TEXTFILE_H
#define FS_FILES_TEXTFILE_H

#include "fs/files/file.h"

/* Text that cannot be written. */
extern const struct file_class textfile_class;

/*
 * Pictures and pages (fs/picture/). They are rendered at open and stay so while they are open: a
 * web server tells the length before it reads. Where the length takes too much to know, it is told
 * as the longest that there can be; a reader finds the end before it.
 */
extern const struct file_class picturefile_class;

/*
 * Files that hold one value, as those in /proc/sys. Each write is a whole value, whatever its
 * offset. `store` of the row takes it. A file without `render` cannot be read.
 */
extern const struct file_class valuefile_class;

/* The files in a caller's own directory (own.h). `own` of the row renders them. */
extern const struct file_class ownfile_class;

#endif
