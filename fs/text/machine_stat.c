/*
 * machine_stat.c - what tools read of a machine besides its memory: stat, uptime, loadavg, cpuinfo,
 * mounts. There is one processor, and it is always idle, because nothing runs here.
 */
#include "fs/text/render.h"
#include "fs/text/units.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

int render_machine_stat(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_machine_info info;
	uint64_t idle;

	vm_machine_info(mount->machine, &info);
	idle = ticks(info.uptime);
	g_string_append_printf(
	    out, "cpu  0 0 0 %" PRIu64 " 0 0 0 0 0 0\ncpu0 0 0 0 %" PRIu64 " 0 0 0 0 0 0\n", idle,
	    idle);
	g_string_append_printf(out,
	                       "intr 0\nctxt 0\nbtime %jd\nprocesses %" PRIu64
	                       "\nprocs_running 1\nprocs_blocked 0\n"
	                       "softirq 0 0 0 0 0 0 0 0 0 0 0\n",
	                       (intmax_t)(info.start / NS_PER_SEC), info.forks);
	return 0;
}

/* The time since the start, then the idle time, which is the same. */
int render_uptime(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_machine_info info;
	uint64_t up;

	vm_machine_info(mount->machine, &info);
	up = ticks(info.uptime);
	for (int i = 0; i < 2; i++)
		g_string_append_printf(out, "%" PRIu64 ".%02" PRIu64 "%c", up / TICKS_PER_SEC,
		                       up % TICKS_PER_SEC, i == 0 ? ' ' : '\n');
	return 0;
}

/*
 * The last field should be the last pid given. It is the largest pid of a process that is still
 * there.
 */
int render_loadavg(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	unsigned count = 0;
	pid_t last = 0;

	for (pid_t pid = 0; (pid = vm_machine_next_pid(mount->machine, pid)) != 0; count++)
		last = pid;
	g_string_append_printf(out, "0.00 0.00 0.00 0/%u %d\n", count, (int)last);
	return 0;
}

/* The blank line at the end is needed: tools take it for the end of a processor. */
int render_cpuinfo(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	g_string_append(out, "processor\t: 0\n"
	                     "vendor_id\t: vasfs\n"
	                     "cpu family\t: 6\n"
	                     "model\t\t: 0\n"
	                     "model name\t: x86-64, simulated by vasfs " VASFS_VERSION "\n"
	                     "stepping\t: 0\n"
	                     "physical id\t: 0\n"
	                     "siblings\t: 1\n"
	                     "core id\t\t: 0\n"
	                     "cpu cores\t: 1\n"
	                     "flags\t\t: pse pae pge nx lm\n"
	                     "address sizes\t: 52 bits physical, 48 bits virtual\n"
	                     "\n");
	return 0;
}
