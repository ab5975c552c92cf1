/*
 * machine_sys.c - what the machine is: cmdline, and values below sys that are not knobs.
 */
#include "fs/text/render.h"

#include <inttypes.h>
#include <limits.h>
#include <sys/utsname.h>

/* The line with which a kernel is started: the options that make this machine. */
int render_machine_cmdline(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_machine_info info;

	vm_machine_info(mount->machine, &info);
	g_string_append_printf(
	    out, "ram=%" PRIu64 "K swapsize=%" PRIu64 "K policy=%s seed=%" PRIu64 "\n",
	    info.frames_total * (VM_PAGE_SIZE / 1024), info.swap_total * (VM_PAGE_SIZE / 1024),
	    vm_machine_policy(mount->machine), info.seed);
	return 0;
}

/* What uname(2) answers programs that run: the host's. */
int render_osrelease(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct utsname name;

	uname(&name);
	g_string_append_printf(out, "%s\n", name.release);
	return 0;
}

/*
 * Pids do not wrap. Tools make columns as wide as this says, so it is Linux's largest as long as
 * that is enough.
 */
int render_pid_max(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	enum { PID_MAX_LIMIT = 4 << 20 };
	bool fits = vm_machine_next_pid(mount->machine, PID_MAX_LIMIT - 1) == 0;

	g_string_append_printf(out, "%d\n", fits ? PID_MAX_LIMIT : INT_MAX);
	return 0;
}

/* Open files, unused ones, the most there may be. Each descriptor counts as one. */
int render_file_nr(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_machine_info info;

	vm_machine_info(mount->machine, &info);
	g_string_append_printf(out, "%" PRIu64 "\t0\t%d\n", info.descriptors, INT_MAX);
	return 0;
}
