/*
 * proc_limits.c - PID/limits: what Linux starts a process with.
 */
#include "fs/render.h"

#include <errno.h>
#include <inttypes.h>

#define NO_LIMIT UINT64_MAX

static void add_limit(GString *out, uint64_t value)
{
	if (value == NO_LIMIT)
		g_string_append_printf(out, "%-20s ", "unlimited");
	else
		g_string_append_printf(out, "%-20" PRIu64 " ", value);
}

int render_limits(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	static const struct {
		const char *name;
		uint64_t soft, hard;
		const char *unit; /* NULL: none */
	} rows[] = {
	    {"Max cpu time", NO_LIMIT, NO_LIMIT, "seconds"},
	    {"Max file size", NO_LIMIT, NO_LIMIT, "bytes"},
	    {"Max data size", NO_LIMIT, NO_LIMIT, "bytes"},
	    {"Max stack size", 8 << 20, NO_LIMIT, "bytes"},
	    {"Max core file size", NO_LIMIT, NO_LIMIT, "bytes"},
	    {"Max resident set", NO_LIMIT, NO_LIMIT, "bytes"},
	    {"Max processes", NO_LIMIT, NO_LIMIT, "processes"},
	    {"Max open files", 1024, 1024, "files"},
	    {"Max locked memory", 8 << 20, 8 << 20, "bytes"},
	    {"Max address space", NO_LIMIT, NO_LIMIT, "bytes"},
	    {"Max file locks", NO_LIMIT, NO_LIMIT, "locks"},
	    {"Max pending signals", NO_LIMIT, NO_LIMIT, "signals"},
	    {"Max msgqueue size", 819200, 819200, "bytes"},
	    {"Max nice priority", 0, 0, NULL},
	    {"Max realtime priority", 0, 0, NULL},
	    {"Max realtime timeout", NO_LIMIT, NO_LIMIT, "us"},
	};

	g_string_append(out, "Limit                     Soft Limit           Hard Limit           Units     \n");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_string_append_printf(out, "%-25s ", rows[i].name);
		add_limit(out, rows[i].soft);
		add_limit(out, rows[i].hard);
		if (rows[i].unit != NULL)
			g_string_append_printf(out, "%-10s", rows[i].unit);
		g_string_append_c(out, '\n');
	}
	return 0;
}
