/*
 * link.h - the symbolic links, one function each (fs_link_fn), and the links in fd/.
 */
#ifndef FS_FILES_LINK_H
#define FS_FILES_LINK_H

#include "fs/fs.h"

char *link_exe(struct fs_mount *mount, struct vm_process *process, unsigned index,
               const struct fs_caller *caller, int *error);
/* The file behind the descriptor INDEX. */
char *link_fd(struct fs_mount *mount, struct vm_process *process, unsigned index,
              const struct fs_caller *caller, int *error);
/* cwd and root: a process has no other than the root directory. */
char *link_root(struct fs_mount *mount, struct vm_process *process, unsigned index,
                const struct fs_caller *caller, int *error);
/* The caller's own pid (own.h). */
char *link_self(struct fs_mount *mount, struct vm_process *process, unsigned index,
                const struct fs_caller *caller, int *error);

/* The open descriptors, as struct tree_numbers wants them. */
GArray *link_list_fds(struct fs_mount *mount, struct vm_process *process);
bool link_has_fd(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                 int number);

#endif
