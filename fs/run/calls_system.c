/*
 * calls_system.c - what a program asks about the machine: its size, its name, random bytes.
 */
#include "fs/run/calls.h"
#include "util/nanoseconds.h"

#include <string.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

/*
 * The release is the host's, because a C library refuses to run on a kernel that is older than it
 * knows.
 */
int64_t sys_uname(struct call *call)
{
	struct utsname name;

	uname(&name);
	memset(name.nodename, 0, sizeof name.nodename);
	g_strlcpy(name.nodename, "vasfs", sizeof name.nodename);
	return call_put(call, call->arg[0], &name, sizeof name);
}

int64_t sys_sysinfo(struct call *call)
{
	struct vm_machine_info machine;
	struct sysinfo info = {.mem_unit = 1};

	vm_machine_info(run_machine(call->run), &machine);
	info.uptime = (long)(machine.uptime / NS_PER_SEC);
	info.totalram = machine.frames_total * VM_PAGE_SIZE;
	info.freeram = machine.frames_free * VM_PAGE_SIZE;
	info.sharedram = machine.frames_shmem * VM_PAGE_SIZE;
	info.totalswap = machine.swap_total * VM_PAGE_SIZE;
	info.freeswap = (machine.swap_total - machine.swap_used) * VM_PAGE_SIZE;
	info.procs = (unsigned short)MIN(machine.processes, UINT16_MAX);
	return call_put(call, call->arg[0], &info, sizeof info);
}

/* --- Random bytes ----------------------------------------------------------------------------- */

/*
 * On a machine with a clock of its own nothing is left to chance: the bytes follow from its seed,
 * from who asks, and when.
 */
static void fill_same(struct call *call, uint8_t *buf, size_t len)
{
	struct vm_machine_info info;
	int64_t now = run_now(call->run);

	vm_machine_info(run_machine(call->run), &info);
	const guint32 seed[] = {(guint32)info.seed, (guint32)call->program->pid, (guint32)now,
	                        (guint32)(now >> 32)};
	GRand *rand = g_rand_new_with_seed_array(seed, G_N_ELEMENTS(seed));

	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)g_rand_int(rand);
	g_rand_free(rand);
}

/* What one call gives at most, so that it does not take long. */
enum { RANDOM_MOST = 1 << 20 };

int64_t sys_getrandom(struct call *call)
{
	const unsigned known = GRND_NONBLOCK | GRND_RANDOM | 4; /* GRND_INSECURE */
	size_t wanted = MIN(call->arg[1], RANDOM_MOST), done = 0;
	uint8_t buf[1024];

	if (call->arg[2] & ~(uint64_t)known)
		return -EINVAL;
	while (done < wanted) {
		size_t len = MIN(wanted - done, sizeof buf);
		if (run_mount(call->run)->own_clock)
			fill_same(call, buf, len);
		else if (getrandom(buf, len, 0) != (ssize_t)len)
			return -EAGAIN;
		if (call_put(call, call->arg[0] + done, buf, len) != 0)
			return done > 0 ? (int64_t)done : -EFAULT;
		done += len;
	}
	return (int64_t)done;
}
