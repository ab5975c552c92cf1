/*
 * machine_stat.c - what tools read of a machine besides its memory: stat, uptime, loadavg, cpuinfo,
 * mounts. There is one processor; programs that run use it, and otherwise it is idle.
 */
#include "fs/run/run.h"
#include "fs/text/render.h"
#include "fs/text/units.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* How long the processor did nothing in UPTIME. Its clock is another one than that of LOAD. */
static int64_t idle_time(int64_t uptime, const struct run_load *load)
{
	return MAX(uptime - load->user - load->system, 0);
}

/* As in Linux, the reader counts as a process that runs: tools subtract themselves. */
int render_machine_stat(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	static const char *const processors[] = {"cpu ", "cpu0"};
	struct run_load load = run_load(mount->run);
	struct vm_machine_info info;

	vm_machine_info(mount->machine, &info);
	uint64_t idle = ticks(idle_time(info.uptime, &load));
	for (size_t i = 0; i < G_N_ELEMENTS(processors); i++)
		g_string_append_printf(out,
		                       "%s %" PRIu64 " 0 %" PRIu64 " %" PRIu64 " 0 0 0 0 0 0\n",
		                       processors[i], ticks(load.user), ticks(load.system), idle);
	g_string_append_printf(out,
	                       "intr 0\nctxt 0\nbtime %jd\nprocesses %" PRIu64
	                       "\nprocs_running %u\nprocs_blocked 0\n"
	                       "softirq 0 0 0 0 0 0 0 0 0 0 0\n",
	                       (intmax_t)(info.start / NS_PER_SEC), info.forks, load.runnable + 1);
	return 0;
}

/* The time since the start, then the time in which the processor was idle. */
int render_uptime(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct run_load load = run_load(mount->run);
	struct vm_machine_info info;

	vm_machine_info(mount->machine, &info);
	const uint64_t times[] = {ticks(info.uptime), ticks(idle_time(info.uptime, &load))};
	for (size_t i = 0; i < G_N_ELEMENTS(times); i++)
		g_string_append_printf(out, "%" PRIu64 ".%02" PRIu64 "%c", times[i] / TICKS_PER_SEC,
		                       times[i] % TICKS_PER_SEC, i == 0 ? ' ' : '\n');
	return 0;
}

/*
 * The last field should be the last pid given. It is the largest pid of a process that is still
 * there.
 */
int render_loadavg(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct run_load load = run_load(mount->run);
	unsigned count = 0;
	pid_t last = 0;

	for (pid_t pid = 0; (pid = vm_machine_next_pid(mount->machine, pid)) != 0; count++)
		last = pid;
	for (size_t i = 0; i < G_N_ELEMENTS(load.average); i++) {
		char number[G_ASCII_DTOSTR_BUF_SIZE];

		g_ascii_formatd(number, sizeof number, "%.2f", load.average[i]);
		g_string_append_printf(out, "%s ", number);
	}
	g_string_append_printf(out, "%u/%u %d\n", load.runnable, count, (int)last);
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
