/*
 * consolefile.h - PID/console and PID/wait (file_class): the terminal of a program, and what became
 * of it.
 */
#ifndef FS_FILES_CONSOLEFILE_H
#define FS_FILES_CONSOLEFILE_H

#include "fs/files/file.h"

extern const struct file_class consolefile_class;
extern const struct file_class waitfile_class;

#endif
