/*
 * render.h - the functions that render text files, one for each file. Those of a
 * process's files are in proc_*.c and fault_text.c, those of the root's in machine_*.c and
 * readme.c.
 *
 * Errors: -ESRCH if the process has ended, -ENOMEM if the text has no room, or those of pread.
 */
#ifndef FS_TEXT_RENDER_H
#define FS_TEXT_RENDER_H

#include "fs/fs.h"

int render_smaps_rollup(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_statm(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_comm(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_auxv(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_limits(GString *out, struct fs_mount *mount, struct vm_process *process);

int render_io(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_stack(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_syscall(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_children(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_schedstat(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_personality(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_oom_score(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_oom_score_adj(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_coredump_filter(GString *out, struct fs_mount *mount, struct vm_process *process);
int item_fdinfo(GString *out, struct fs_mount *mount, struct vm_process *process, unsigned index);

int render_meminfo(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_vmstat(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_swaps(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_machine_stat(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_uptime(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_loadavg(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_cpuinfo(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_buddyinfo(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_zoneinfo(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_machine_cmdline(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_osrelease(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_pid_max(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_file_nr(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_filesystems(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_slabinfo(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_mountinfo(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_mounts(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_version(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_policies(GString *out, struct fs_mount *mount, struct vm_process *process);
int render_readme(GString *out, struct fs_mount *mount, struct vm_process *process);

/*
 * Those that depend on the reader (fs_view_fn). Who may not look into a process (rights.h) gets `-`
 * for an address or the name of a file, and in stat what Linux has there.
 */
int view_status(GString *out, struct fs_mount *mount, struct vm_process *process,
                const struct fs_caller *caller);
int view_stat(GString *out, struct fs_mount *mount, struct vm_process *process,
              const struct fs_caller *caller);
int view_wchan(GString *out, struct fs_mount *mount, struct vm_process *process,
               const struct fs_caller *caller);
/* Those of a program that runs. Without one, regs has what the process has of registers. */
int view_calls(GString *out, struct fs_mount *mount, struct vm_process *process,
               const struct fs_caller *caller);
int view_regs(GString *out, struct fs_mount *mount, struct vm_process *process,
              const struct fs_caller *caller);

/*
 * Those of files that may be long (fs_lines_fn). The place of a line is the end of the area before
 * it, or the number of its frame, object or fault.
 */
int lines_maps(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
               const struct fs_caller *caller);
int lines_smaps(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                const struct fs_caller *caller);
int lines_numa_maps(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                    const struct fs_caller *caller);
int lines_pagetable(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                    const struct fs_caller *caller);
int lines_faults(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                 const struct fs_caller *caller);
int lines_tlb(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
              const struct fs_caller *caller);
int lines_cmdline(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                  const struct fs_caller *caller);
int lines_environ(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                  const struct fs_caller *caller);
int lines_frames(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                 const struct fs_caller *caller);
int lines_queue(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                const struct fs_caller *caller);
int lines_objects(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                  const struct fs_caller *caller);

/*
 * How long cmdline and environ are (fs_length_fn). Their text is in the memory of the process,
 * which may be in a host file that does not answer, and stat must not wait for it. They are shorter
 * than told if part of the memory is gone, or setproctitle(3) has changed it.
 */
off_t length_cmdline(struct vm_process *process);
off_t length_environ(struct vm_process *process);

/*
 * The functions that take a new value (fs_store_fn). They return 0, -EINVAL for a value that is not
 * allowed, or what vm_process_set_comm, _clear_refs, _set_oom_adj or _set_dump_filter returns.
 */
int store_comm(struct fs_mount *mount, struct vm_process *process, const char *text);
int store_clear_refs(struct fs_mount *mount, struct vm_process *process, const char *text);
int store_coredump_filter(struct fs_mount *mount, struct vm_process *process, const char *text);
int store_oom_score_adj(struct fs_mount *mount, struct vm_process *process,
                        const struct fs_caller *caller, const char *text);

/* Fill INFO with the state of PROCESS. Returns 0, or -ESRCH if it has ended. */
int living_process_info(struct vm_process *process, struct vm_process_info *info);
/* The same, but a zombie has a state, too. */
int listed_process_info(struct vm_process *process, struct vm_process_info *info);

/* The pages that a process has in memory, of all kinds. */
uint64_t resident_pages(const struct vm_process_info *info);

/* Append PID/stat, or those lines of PID/status that Linux has too, from INFO. */
struct task_state;
void stat_text(GString *out, const struct vm_process_info *info, const struct task_state *state);
void status_text(GString *out, const struct vm_process_info *info, const struct task_state *state);

/*
 * Append the line of one area, as in maps and smaps. maps_line_room is the most bytes it can take.
 */
void maps_line(GString *out, const struct vm_area_info *area);
size_t maps_line_room(const struct vm_area_info *area);

/*
 * Append the line of one fault, as in faults, events and the answer of access, without a newline.
 * WITH_HEAD: it starts with SEQ TIME PID ACCESS.
 */
void fault_line(GString *out, const struct vm_fault *fault, bool with_head);

/* Append the names of the bits that are set in RAW, an entry of LEVEL, joined by |. */
void entry_flags(GString *out, uint64_t raw, enum vm_level level);

/*
 * Append LINE, which fault_line made with its head, as those see it who may not look into the
 * process: `-` for the address, and only the keys that are neither addresses nor names. PARTY_ONLY:
 * the reader may look into that process, but not into the one of evicted= or for=.
 */
void fault_line_masked(GString *out, const char *line, bool party_only);

#endif
