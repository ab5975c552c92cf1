/*
 * nslink.h - the links in PID/ns: the namespaces that a process is in. The machine has one of each
 * kind, with the number that Linux gives the first one.
 *
 * `readlink ns/pid` is pid:[4026531836], and that is the name of a file beside it which has this
 * inode number. So stat and open of the link work as in Linux, where it leads nowhere by name.
 */
#ifndef FS_FILES_NSLINK_H
#define FS_FILES_NSLINK_H

#include "fs/files/file.h"

/* For struct tree_numbers: a number for each kind. */
bool nslink_each(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                 tree_add_fn add, void *ctx);
bool nslink_has(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                int number);
void nslink_name(struct vm_process *process, int number, uint64_t place,
                 char name[static TREE_NAME]);
int nslink_number(struct fs_mount *mount, struct vm_process *process,
                  const struct fs_caller *caller, const char *name);
/* The number of a target. */
int nslink_target_number(struct fs_mount *mount, struct vm_process *process,
                         const struct fs_caller *caller, const char *name);
/* The inode number of the namespace. */
ino_t nslink_ino(int number);

/* fs_link_fn */
char *nslink_target(struct fs_mount *mount, struct vm_process *process, unsigned index,
                    const struct fs_caller *caller, int *error);

#endif
