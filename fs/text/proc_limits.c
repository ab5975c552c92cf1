/*
 * proc_limits.c - PID/limits: the limits that concern memory, and for the others the values with
 * which Linux starts a process.
 */
#include "fs/text/render.h"

#include <errno.h>
#include <inttypes.h>

#define NO_LIMIT VM_UNLIMITED

static void add_limit(GString *out, uint64_t value)
{
	if (value == NO_LIMIT)
		g_string_append_printf(out, "%-20s ", "unlimited");
	else
		g_string_append_printf(out, "%-20" PRIu64 " ", value);
}

/* A limit that the engine knows, or a fixed one. */
struct row {
	const char *name;
	enum vm_limit limit; /* VM_LIMITS for a fixed one */
	uint64_t soft, hard;
	const char *unit; /* NULL if it has none */
};

static void add_row(GString *out, struct vm_process *process, const struct row *row)
{
	uint64_t soft = row->soft, hard = row->hard;

	if (row->limit != VM_LIMITS)
		vm_process_limit(process, row->limit, &soft, &hard);
	g_string_append_printf(out, "%-25s ", row->name);
	add_limit(out, soft);
	add_limit(out, hard);
	if (row->unit != NULL)
		g_string_append_printf(out, "%-10s", row->unit);
	g_string_append_c(out, '\n');
}

int render_limits(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	static const struct row rows[] = {
	    {"Max cpu time", VM_LIMITS, NO_LIMIT, NO_LIMIT, "seconds"},
	    {"Max file size", VM_LIMITS, NO_LIMIT, NO_LIMIT, "bytes"},
	    {"Max data size", VM_LIMIT_DATA, .unit = "bytes"},
	    {"Max stack size", VM_LIMIT_STACK, .unit = "bytes"},
	    {"Max core file size", VM_LIMIT_CORE, .unit = "bytes"},
	    {"Max resident set", VM_LIMITS, NO_LIMIT, NO_LIMIT, "bytes"},
	    {"Max processes", VM_LIMITS, NO_LIMIT, NO_LIMIT, "processes"},
	    {"Max open files", VM_LIMIT_NOFILE, .unit = "files"},
	    {"Max locked memory", VM_LIMIT_MEMLOCK, .unit = "bytes"},
	    {"Max address space", VM_LIMIT_AS, .unit = "bytes"},
	    {"Max file locks", VM_LIMITS, NO_LIMIT, NO_LIMIT, "locks"},
	    {"Max pending signals", VM_LIMITS, NO_LIMIT, NO_LIMIT, "signals"},
	    {"Max msgqueue size", VM_LIMITS, 819200, 819200, "bytes"},
	    {"Max nice priority", VM_LIMITS, 0, 0, NULL},
	    {"Max realtime priority", VM_LIMITS, 0, 0, NULL},
	    {"Max realtime timeout", VM_LIMITS, NO_LIMIT, NO_LIMIT, "us"},
	};

	g_string_append(
	    out,
	    "Limit                     Soft Limit           Hard Limit           Units     \n");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		add_row(out, process, &rows[i]);
	return 0;
}
