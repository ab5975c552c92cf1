/*
 * render.h - the text files, one function each (fs_render_fn). proc_*.c hold the process's,
 * machine_*.c the root's.
 */
#ifndef FS_TEXT_RENDER_H
#define FS_TEXT_RENDER_H

#include "fs/fs.h"

int render_maps(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_smaps(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_smaps_rollup(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_pagetable(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_faults(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_tlb(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_status(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_stat(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_statm(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_comm(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_cmdline(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_environ(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_auxv(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_limits(GString *out, struct fs_mount *mount, struct vm_process *process);

int render_frames(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_objects(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_meminfo(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_vmstat(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_swaps(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_machine_stat(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_uptime(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_loadavg(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_cpuinfo(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_mounts(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_version(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_readme(GString *out, struct fs_mount *mount, struct vm_process *process);

/* What a write to a file of one value does (fs_store_fn). */
int store_comm(struct fs_mount *mount, struct vm_process *process, const char *text);
int store_clear_refs(struct fs_mount *mount, struct vm_process *process, const char *text);

/* What INFO says of a process that has not ended; -ESRCH if it has. */
int living_process_info(struct vm_process *process, struct vm_process_info *info);

/* Pages of a process in memory, of all kinds. */
uint64_t resident_pages(const struct vm_process_info *info);

/* PID/stat, and the part of PID/status that Linux has too, of what INFO tells. */
void stat_text(GString *out, const struct vm_process_info *info);
void status_text(GString *out, const struct vm_process_info *info);

/* The line of one area as maps and smaps show it, and the room that it needs at most. */
void maps_line(GString *out, const struct vm_area_info *area);
size_t maps_line_room(const struct vm_area_info *area);

/*
 * The line of one fault as faults, events and ctl's access show it, without a newline. WITH_HEAD:
 * SEQ TIME PID ACCESS first.
 */
void fault_line(GString *out, const struct vm_fault *fault, bool with_head);

#endif
