/*
 * physfile.h - physmem: the physical memory of the machine (file_class).
 *
 * The offset is the physical address: frames of RAM, then the page tables, up to the last one that
 * was ever in use. A read shows the bytes as they are at that moment, is no access by any process,
 * and changes nothing.
 */
#ifndef FS_FILES_PHYSFILE_H
#define FS_FILES_PHYSFILE_H

#include "fs/files/file.h"

extern const struct file_class physfile_class;

#endif
