/*
 * corefile.h - PID/core: an ELF core file of the process, made as it is read.
 */
#ifndef FS_FILES_COREFILE_H
#define FS_FILES_COREFILE_H

#include "fs/files/file.h"

extern const struct file_class corefile_class;

#endif
