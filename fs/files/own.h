/*
 * own.h - a caller's own directory.
 *
 * A user may bind the mount over /proc and run tools there that look at their own process. ps, for
 * one, fails without /proc/self/stat and the directory of its own pid. So `self` leads each caller
 * to the caller's pid. If no process of the machine has that pid, the caller finds a directory
 * there, which nobody else sees. It says only that there is such a process.
 */
#ifndef FS_FILES_OWN_H
#define FS_FILES_OWN_H

#include "fs/fs.h"

/*
 * The pid of the caller's process in the pid namespace of the caller. (CALLER has the pid of a
 * thread.)
 */
pid_t own_pid(const struct fs_mount *mount, const struct fs_caller *caller);

/* The files, one function for each (fs_own_fn). */
void own_cmdline(GString *out, const struct vm_process_info *info);
void own_comm(GString *out, const struct vm_process_info *info);
void own_nothing(GString *out, const struct vm_process_info *info);
void own_stat(GString *out, const struct vm_process_info *info);
void own_statm(GString *out, const struct vm_process_info *info);
void own_status(GString *out, const struct vm_process_info *info);

#endif
