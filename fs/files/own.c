/*
 * own.c - a caller's own directory: the pid, and the little there is to read.
 */
#include "fs/files/own.h"
#include "fs/text/render.h"

#include <stdlib.h>
#include <string.h>

/* The last of the numbers after KEY in a text as /proc/PID/status, or 0. */
static pid_t last_number(const char *status, const char *key)
{
	const char *text = strstr(status, key);
	char *end;
	pid_t last = 0;

	if (text == NULL)
		return 0;
	text += strlen(key);
	for (;; text = end) {
		text += strspn(text, " \t");
		if (!g_ascii_isdigit(*text))
			return last;
		last = (pid_t)strtol(text, &end, 10);
	}
}

pid_t own_pid(const struct fs_caller *caller)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)caller->pid);
	g_autofree char *status = NULL;
	pid_t pid = 0;

	/* One number for each namespace that the process is in, the innermost last. */
	if (caller->pid != 0 && g_file_get_contents(path, &status, NULL, NULL))
		pid = last_number(status, "\nNStgid:");
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
	stat_text(out, info);
}

void own_statm(GString *out, const struct vm_process_info *info)
{
	g_string_append(out, "0 0 0 0 0 0 0\n");
}

void own_status(GString *out, const struct vm_process_info *info)
{
	status_text(out, info);
}
