/*
 * render.h - the text files, one function each (fs_render_fn). proc_*.c hold the process's, machine_*.c the root's.
 */
#ifndef FS_RENDER_H
#define FS_RENDER_H

#include "fs/fs.h"

int render_maps(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_pagetable(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_faults(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_status(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_stat(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_statm(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_comm(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_cmdline(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_environ(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_auxv(GString *out, struct fs_mount *mount, struct vm_process *process);

int render_frames(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_objects(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_meminfo(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_vmstat(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_version(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_readme(GString *out, struct fs_mount *mount, struct vm_process *process);

/* The line of one fault as faults, events and ctl's access show it, without a newline. WITH_HEAD: SEQ TIME PID ACCESS first. */
void fault_line(GString *out, const struct vm_fault *fault, bool with_head);

#endif
