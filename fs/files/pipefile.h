/*
 * pipefile.h - a pipe of the caller, opened by what its link in fd/ of the caller's own directory
 * leads to (own.h): so that `diff <(a) <(b)` and `cat /dev/stdin` work where the mount is /proc.
 */
#ifndef FS_FILES_PIPEFILE_H
#define FS_FILES_PIPEFILE_H

#include "fs/files/file.h"

extern const struct file_class pipefile_class;

#endif
