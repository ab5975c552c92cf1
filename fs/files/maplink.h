/*
 * maplink.h - the links in PID/map_files: one for each area of a file, named START-END.
 */
#ifndef FS_FILES_MAPLINK_H
#define FS_FILES_MAPLINK_H

#include "fs/files/file.h"

/* For struct tree_numbers. The number of an area is made of its address (maplink.c). */
bool maplink_each(struct fs_mount *mount, struct vm_process *process,
                  const struct fs_caller *caller, tree_add_fn add, void *ctx);
bool maplink_has(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                 int number);
void maplink_name(struct vm_process *process, int number, uint64_t place,
                  char name[static TREE_NAME]);
int maplink_number(struct fs_mount *mount, struct vm_process *process,
                   const struct fs_caller *caller, const char *name);

/* The target: the name of the file (fs_link_fn). */
char *maplink_target(struct fs_mount *mount, struct vm_process *process, unsigned index,
                     const struct fs_caller *caller, int *error);
/* The bits of the mode: how the file was opened. */
mode_t maplink_mode(struct vm_process *process, unsigned index);

#endif
