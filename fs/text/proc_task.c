/*
 * proc_task.c - the short files of a process that tools look for: io, wchan, syscall, stack,
 * schedstat, children, personality, the badness for the OOM killer, coredump_filter. The formats
 * are those of fs/proc/base.c and fs/proc/array.c in Linux.
 */
#include "fs/text/render.h"
#include "fs/text/rights.h"
#include "fs/text/task_state.h"
#include "util/number.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>

/* The state of PROCESS, and of the program that it runs. 0 or -ESRCH. */
static int get_state(struct fs_mount *mount, struct vm_process *process,
                     struct vm_process_info *info, struct task_state *state)
{
	int error = listed_process_info(process, info);

	if (error == 0)
		*state = task_state_of(mount, info);
	return error;
}

/*
 * Of what is read from storage only the pages are known that major faults have brought: one each.
 * Pages go back to storage in their own time, for nobody in particular.
 */
int render_io(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_process_info info;
	struct task_state state;
	int error = get_state(mount, process, &info, &state);

	if (error == 0)
		g_string_append_printf(out,
		                       "rchar: %" PRIu64 "\nwchar: %" PRIu64 "\nsyscr: %" PRIu64
		                       "\nsyscw: %" PRIu64 "\nread_bytes: %" PRIu64
		                       "\nwrite_bytes: 0\ncancelled_write_bytes: 0\n",
		                       state.rchar, state.wchar, state.syscr, state.syscw,
		                       info.major_faults * VM_PAGE_SIZE);
	return error;
}

/* --- Where it waits --------------------------------------------------------------------------- */

/* Whether descriptor FD of PROCESS is a pipe. Otherwise, if it can sleep, it is a terminal. */
static bool is_pipe(struct vm_process *process, uint64_t fd)
{
	struct vm_file *file = vm_process_file(process, (int)MIN(fd, INT_MAX));
	g_autofree char *name = file != NULL ? vm_file_name(file) : NULL;

	if (file != NULL)
		vm_file_unref(file);
	return name != NULL && g_str_has_prefix(name, "pipe:");
}

/*
 * The function of Linux in which PROCESS, of STATE, sleeps in a system call. Most calls do not
 * sleep.
 */
static const char *sleeps_in(struct vm_process *process, const struct task_state *state)
{
	static const struct {
		int64_t number;
		const char *function;
	} rows[] = {
	    {SYS_wait4, "do_wait"},
	    {SYS_waitid, "do_wait"},
	    {SYS_vfork, "kernel_clone"},
	    {SYS_clone, "kernel_clone"},
	    {SYS_clone3, "kernel_clone"},
	    {SYS_nanosleep, "hrtimer_nanosleep"},
	    {SYS_clock_nanosleep, "hrtimer_nanosleep"},
	    {SYS_restart_syscall, "hrtimer_nanosleep"},
	    {SYS_futex, "futex_wait_queue"},
	    {SYS_poll, "poll_schedule_timeout"},
	    {SYS_ppoll, "poll_schedule_timeout"},
	    {SYS_select, "poll_schedule_timeout"},
	    {SYS_pselect6, "poll_schedule_timeout"},
	    {SYS_pause, "do_sys_pause"},
	    {SYS_rt_sigsuspend, "sigsuspend"},
	    {SYS_rt_sigtimedwait, "do_sigtimedwait"},
	    {SYS_flock, "locks_lock_inode_wait"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].number == state->call)
			return rows[i].function;
	if (!is_pipe(process, state->arg[0]))
		return "wait_woken";
	return state->call == SYS_write || state->call == SYS_writev ? "pipe_write" : "pipe_read";
}

/* No newline, as in Linux. 0: it does not wait in a system call, or the reader may not know. */
int view_wchan(GString *out, struct fs_mount *mount, struct vm_process *process,
               const struct fs_caller *caller)
{
	struct vm_process_info info;
	struct task_state state;
	int error = get_state(mount, process, &info, &state);

	if (error != 0)
		return error;
	bool shown = state.call >= 0 && rights_trace(mount, caller, &info.cred);
	g_string_append(out, shown ? sleeps_in(process, &state) : "0");
	return 0;
}

/* There is no code of a kernel here, so no function has an offset or a size. */
int render_stack(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_process_info info;
	struct task_state state;
	int error = get_state(mount, process, &info, &state);

	if (error == 0 && state.call >= 0)
		g_string_append_printf(out,
		                       "[<0>] %s+0x0/0x0\n"
		                       "[<0>] do_syscall_64+0x0/0x0\n"
		                       "[<0>] entry_SYSCALL_64_after_hwframe+0x0/0x0\n",
		                       sleeps_in(process, &state));
	return error;
}

int render_syscall(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_process_info info;
	struct task_state state;
	int error = get_state(mount, process, &info, &state);

	if (error != 0)
		return error;
	if (state.runs) {
		g_string_append(out, "running\n");
		return 0;
	}
	g_string_append_printf(out, "%" PRId64, state.call);
	for (size_t i = 0; i < G_N_ELEMENTS(state.arg) && state.call >= 0; i++)
		g_string_append_printf(out, " 0x%" PRIx64, state.arg[i]);
	g_string_append_printf(out, " 0x%" PRIx64 " 0x%" PRIx64 "\n", info.layout.sp,
	                       info.layout.pc);
	return 0;
}

/* --- Its family, its life --------------------------------------------------------------------- */

int render_children(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	pid_t parent = vm_process_pid(process);

	for (pid_t pid = 0; (pid = vm_machine_next_pid(mount->machine, pid)) != 0;) {
		struct vm_process *child = vm_process_find(mount->machine, pid);
		struct vm_process_info info = {0};

		if (child == NULL)
			continue;
		vm_process_summary(child, &info);
		if (info.ppid == parent)
			g_string_append_printf(out, "%d ", (int)pid);
		vm_process_unref(child);
	}
	return 0;
}

/* Time on the processor and in wait for it, ns, and time slices: only the first is counted. */
int render_schedstat(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_process_info info;
	struct task_state state;
	int error = get_state(mount, process, &info, &state);

	if (error == 0)
		g_string_append_printf(out, "%" PRId64 " 0 0\n", state.user + state.system);
	return error;
}

int render_personality(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_process_info info;
	struct task_state state;
	int error = get_state(mount, process, &info, &state);

	if (error == 0)
		g_string_append_printf(out, "%08x\n", state.persona);
	return error;
}

/* --- Values ----------------------------------------------------------------------------------- */

int render_oom_score(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	g_string_append_printf(out, "%lu\n", vm_process_oom_score(process));
	return 0;
}

int render_oom_score_adj(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_process_info info;
	int error = listed_process_info(process, &info);

	if (error == 0)
		g_string_append_printf(out, "%d\n", info.oom_adj);
	return error;
}

int store_oom_score_adj(struct fs_mount *mount, struct vm_process *process,
                        const struct fs_caller *caller, const char *text)
{
	bool negative = text[0] == '-';
	uint64_t value;

	if (!number_parse(text + negative, &value) || value > INT_MAX)
		return -EINVAL;
	return vm_process_set_oom_adj(process, negative ? -(int)value : (int)value,
	                              rights_administer(mount, caller));
}

int render_coredump_filter(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_process_info info;
	int error = listed_process_info(process, &info);

	if (error == 0)
		g_string_append_printf(out, "%08x\n", info.dump_filter);
	return error;
}

int store_coredump_filter(struct fs_mount *mount, struct vm_process *process, const char *text)
{
	uint64_t filter;

	if (!number_parse(text, &filter) || filter > UINT_MAX)
		return -EINVAL;
	return vm_process_set_dump_filter(process, (unsigned)filter);
}
