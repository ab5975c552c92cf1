/*
 * link.h - the symbolic links, one function each (fs_link_fn).
 */
#ifndef FS_LINK_H
#define FS_LINK_H

#include "fs/fs.h"

char *link_exe(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller, int *error);

#endif
