/*
 * textfile.h - files whose text is rendered whole (file_class): at open and again at each read at offset 0, so that a
 * reader sees one state however it cuts its reads, and can rewind for the next one.
 */
#ifndef FS_TEXTFILE_H
#define FS_TEXTFILE_H

#include "fs/tree.h"

extern const struct file_class textfile_class;

#endif
