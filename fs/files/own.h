/*
 * own.h - a caller's own directory.
 *
 * Who binds the mount over /proc may run tools there that look themselves up: ps wants
 * /proc/self/stat and the directory of its own pid, and fails without. So `self` leads each caller
 * to its own pid, and whoever asks for that pid, if it is no process of the machine, finds a
 * directory that nobody else sees. It says no more than that there is such a process.
 */
#ifndef FS_FILES_OWN_H
#define FS_FILES_OWN_H

#include "fs/fs.h"

/*
 * The caller's pid as the caller knows it: in its own pid namespace, and that of the process, not
 * of a thread.
 */
pid_t own_pid(const struct fs_caller *caller);

/* The files, one function each (fs_own_fn). */
void own_cmdline(GString *out, const struct vm_process_info *info);
void own_comm(GString *out, const struct vm_process_info *info);
void own_nothing(GString *out, const struct vm_process_info *info);
void own_stat(GString *out, const struct vm_process_info *info);
void own_statm(GString *out, const struct vm_process_info *info);
void own_status(GString *out, const struct vm_process_info *info);

#endif
