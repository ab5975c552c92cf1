#include "vm/base/host.h"
#include "util/nanoseconds.h"

#include <sys/mman.h>

int64_t machine_uptime(const struct vm_machine *machine)
{
	return ns_now(CLOCK_MONOTONIC) - machine->start_mono;
}

void *machine_reserve(size_t len)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory != MAP_FAILED ? memory : NULL;
}

void machine_unreserve(void *memory, size_t len)
{
	if (memory != NULL)
		munmap(memory, len);
}
