/*
 * memfile.h - PID/mem: the address space of a process as a file (file_class). The offset is the
 * virtual address. Every read and write is an access by the process.
 */
#ifndef FS_FILES_MEMFILE_H
#define FS_FILES_MEMFILE_H

#include "fs/files/file.h"

extern const struct file_class memfile_class;

#endif
