/*
 * replayfile.h - PID/replay (file_class): a trace goes in, counts come out.
 */
#ifndef FS_FILES_REPLAYFILE_H
#define FS_FILES_REPLAYFILE_H

#include "fs/files/file.h"

extern const struct file_class replayfile_class;

#endif
