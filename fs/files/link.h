/*
 * link.h - the symbolic links, one function for each (fs_link_fn). Each returns the target, or NULL
 * with *ERROR set to -ENOENT.
 */
#ifndef FS_FILES_LINK_H
#define FS_FILES_LINK_H

#include "fs/fs.h"

char *link_exe(struct fs_mount *mount, struct vm_process *process, unsigned index,
               const struct fs_caller *caller, int *error);
/* The name of the file behind the descriptor INDEX. */
char *link_fd(struct fs_mount *mount, struct vm_process *process, unsigned index,
              const struct fs_caller *caller, int *error);
/* How the descriptor INDEX was opened, as the bits of the mode. */
mode_t link_fd_mode(struct vm_process *process, unsigned index);
/* The working directory of who made the process, or that of its program; / if not known. */
char *link_cwd(struct fs_mount *mount, struct vm_process *process, unsigned index,
               const struct fs_caller *caller, int *error);
/* Every process has the host's root directory. */
char *link_root(struct fs_mount *mount, struct vm_process *process, unsigned index,
                const struct fs_caller *caller, int *error);
/* The caller's own pid (own.h). */
char *link_self(struct fs_mount *mount, struct vm_process *process, unsigned index,
                const struct fs_caller *caller, int *error);

/* The caller's own thread: PID/task/TID. */
char *link_thread_self(struct fs_mount *mount, struct vm_process *process, unsigned index,
                       const struct fs_caller *caller, int *error);

/* The open descriptors of PROCESS, for struct tree_numbers. */
int link_next_fd(struct fs_mount *mount, struct vm_process *process, int after);
bool link_has_fd(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                 int number);

#endif
