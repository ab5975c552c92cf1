/*
 * textfile.h - files of text (file_class).
 *
 * A text is rendered whole: at open and again at each read at offset 0, so that a reader sees one
 * state however it cuts its reads, and can rewind for the next one.
 */
#ifndef FS_FILES_TEXTFILE_H
#define FS_FILES_TEXTFILE_H

#include "fs/files/file.h"

/* What cannot be written. */
extern const struct file_class textfile_class;

/*
 * Files of one value as those of /proc/sys: each write is a whole value, wherever it is put. The
 * row's `store` takes it; without `render` it cannot be read.
 */
extern const struct file_class valuefile_class;

/* Text that tells a caller about itself (own.h): the row's `own`. */
extern const struct file_class ownfile_class;

#endif
