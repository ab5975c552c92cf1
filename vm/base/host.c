#include "vm/base/host.h"
#include "util/nanoseconds.h"
#include "util/proc.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

/* getauxval would not do, because glibc changes the value of AT_HWCAP. */
static void read_auxv(struct vm_machine *machine)
{
	int fd = proc_open_file(machine->proc, O_RDONLY, "self/auxv");

	if (fd < 0)
		return;
	ssize_t got = read(fd, machine->host_auxv, sizeof machine->host_auxv);
	if (got > 0)
		machine->host_auxv_len = (size_t)got / sizeof machine->host_auxv[0];
	close(fd);
}

void machine_open_host(struct vm_machine *machine)
{
	int given = machine->config.proc;

	machine->proc = given >= 0 ? fcntl(given, F_DUPFD_CLOEXEC, 3) : proc_open();
	read_auxv(machine);
}

void machine_close_host(struct vm_machine *machine)
{
	if (machine->proc >= 0)
		close(machine->proc);
}

int64_t machine_uptime(const struct vm_machine *machine)
{
	if (machine->config.clock >= 0)
		return __atomic_load_n(&machine->ticked, __ATOMIC_RELAXED);
	return ns_now(CLOCK_MONOTONIC) - machine->start_mono;
}

int64_t vm_machine_uptime(const struct vm_machine *machine)
{
	return machine_uptime(machine);
}

void *machine_reserve(size_t len)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory != MAP_FAILED ? memory : NULL;
}

/*
 * Enough for the small allocations of all requests, and for some twenty threads that are started
 * for them: each takes a stack, and those of libfuse a buffer of 1 MiB, without which it ends the
 * mount.
 */
enum { RESERVE = 64 << 20 };

bool machine_host_has_room(uint64_t bytes)
{
	/* Only what can be written counts for overcommit. */
	void *memory =
	    mmap(NULL, bytes + RESERVE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	munmap(memory, bytes + RESERVE);
	return true;
}

void machine_unreserve(void *memory, size_t len)
{
	if (memory != NULL)
		munmap(memory, len);
}
