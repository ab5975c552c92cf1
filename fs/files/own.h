/*
 * own.h - a caller's own directory.
 *
 * A user may bind the mount over /proc and run tools there that look at their own process. ps, for
 * one, fails without /proc/self/stat and the directory of its own pid. So `self` leads each caller
 * to the caller's pid. If no process of the machine has that pid, the caller finds a directory
 * there, which nobody else sees. It says only that there is such a process; but what a shell needs
 * of its own descriptors works: /dev/stdin, /dev/stdout, <(command). The descriptors, mounts,
 * threads and links in it are always those of who asks, whatever the directory is called.
 */
#ifndef FS_FILES_OWN_H
#define FS_FILES_OWN_H

#include "fs/files/file.h"

/*
 * The pid of the caller's process in the pid namespace of the caller. (CALLER has the pid of a
 * thread.)
 */
pid_t own_pid(const struct fs_mount *mount, const struct fs_caller *caller);

/* The same of its thread. */
pid_t own_tid(const struct fs_mount *mount, const struct fs_caller *caller);

/* The files, one function for each (fs_own_fn). */
void own_cmdline(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
                 const struct vm_process_info *info);
void own_comm(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
              const struct vm_process_info *info);
void own_io(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
            const struct vm_process_info *info);
void own_mountinfo(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
                   const struct vm_process_info *info);
void own_mounts(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
                const struct vm_process_info *info);
void own_nothing(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
                 const struct vm_process_info *info);
void own_stat(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
              const struct vm_process_info *info);
void own_statm(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
               const struct vm_process_info *info);
void own_status(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
                const struct vm_process_info *info);

/* The links (fs_link_fn). own_fd: that of the descriptor INDEX. */
char *own_cwd(struct fs_mount *mount, struct vm_process *process, unsigned index,
              const struct fs_caller *caller, int *error);
char *own_exe(struct fs_mount *mount, struct vm_process *process, unsigned index,
              const struct fs_caller *caller, int *error);
char *own_fd(struct fs_mount *mount, struct vm_process *process, unsigned index,
             const struct fs_caller *caller, int *error);

/* For struct tree_numbers: the caller's threads, with the numbers of its namespace; descriptors. */
bool own_each_thread(struct fs_mount *mount, struct vm_process *process,
                     const struct fs_caller *caller, tree_add_fn add, void *ctx);
bool own_has_thread(struct fs_mount *mount, struct vm_process *process,
                    const struct fs_caller *caller, int number);
bool own_each_fd(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                 tree_add_fn add, void *ctx);
bool own_has_fd(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                int number);
/* The descriptor that NAME, what a link in fd leads to, stands for: `pipe:[1234]`. -1: none. */
int own_pipe_number(struct fs_mount *mount, struct vm_process *process,
                    const struct fs_caller *caller, const char *name);

#endif
