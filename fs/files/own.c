/*
 * own.c - a caller's own directory: how the pid is found, and the few files in it.
 */
#include "fs/files/own.h"

#include "fs/host/hostprocess.h"
#include "fs/text/render.h"
#include "fs/text/task_state.h"

#include <string.h>

pid_t own_pid(const struct fs_mount *mount, const struct fs_caller *caller)
{
	/* The line has the pid in each namespace of the process, the innermost last. */
	g_autoptr(GArray) pids = hostprocess_numbers(mount, caller->pid, "NStgid");
	bool known = pids != NULL && pids->len > 0;
	pid_t pid = known ? (pid_t)g_array_index(pids, uint32_t, pids->len - 1) : 0;

	return pid != 0 ? pid : caller->pid;
}

void own_cmdline(GString *out, const struct vm_process_info *info)
{
	g_string_append_len(out, info->comm, (gssize)strlen(info->comm) + 1);
}

void own_comm(GString *out, const struct vm_process_info *info)
{
	g_string_append_printf(out, "%s\n", info->comm);
}

void own_nothing(GString *out, const struct vm_process_info *info)
{
}

void own_stat(GString *out, const struct vm_process_info *info)
{
	struct task_state state = task_state_none();

	stat_text(out, info, &state);
}

void own_statm(GString *out, const struct vm_process_info *info)
{
	g_string_append(out, "0 0 0 0 0 0 0\n");
}

void own_status(GString *out, const struct vm_process_info *info)
{
	struct task_state state = task_state_none();

	status_text(out, info, &state);
}
