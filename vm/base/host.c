#include "vm/base/host.h"

#include <sys/mman.h>

static struct timespec time_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_sec -= start->tv_sec;
	now.tv_nsec -= start->tv_nsec;
	if (now.tv_nsec < 0) {
		now.tv_nsec += 1000000000;
		now.tv_sec--;
	}
	return now;
}

struct timespec machine_uptime(const struct vm_machine *machine)
{
	return time_since(&machine->start_mono);
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
