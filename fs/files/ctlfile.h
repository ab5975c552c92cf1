/*
 * ctlfile.h - the ctl files (file_class): turns requests of FUSE into calls of ctl/ctl.h.
 */
#ifndef FS_FILES_CTLFILE_H
#define FS_FILES_CTLFILE_H

#include "fs/files/file.h"

extern const struct file_class ctlfile_class;

#endif
