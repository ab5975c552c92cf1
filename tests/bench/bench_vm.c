#include "tests/bench/bench_vm.h"
#include "tests/bench/bench.h"

#include <errno.h>
#include <sys/mman.h>

struct vm_machine *bench_machine(uint64_t ram)
{
	struct vm_config config;

	vm_config_init(&config);
	config.ram = ram;
	config.max_map_count = 1 << 21;
	config.dirty_writeback_centisecs = 0;
	struct vm_machine *machine = vm_machine_new(&config, NULL);
	if (machine == NULL)
		bench_die("vm_machine_new");
	return machine;
}

static void *check(void *result, int error, const char *what)
{
	errno = -error;
	if (result == NULL)
		bench_die(what);
	return result;
}

struct vm_process *bench_spawn(struct vm_machine *machine)
{
	struct vm_cred cred = {1000, 1000};
	int error = 0;
	struct vm_process *process = vm_process_spawn(machine, &cred, "bench", &error);

	return check(process, error, "vm_process_spawn");
}

struct vm_process *bench_fork_process(struct vm_process *process)
{
	struct vm_cred cred = {1000, 1000};
	int error = 0;
	struct vm_process *child = vm_fork(process, &cred, &error);

	return check(child, error, "vm_fork");
}

void bench_end(struct vm_process *process)
{
	vm_process_exit(process, 0);
	vm_process_unref(process);
}

uint64_t bench_map(struct vm_process *process, uint64_t addr, uint64_t len, int prot)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (addr != 0 ? MAP_FIXED : 0);
	int64_t at = vm_mmap(process, addr, len, prot, flags, NULL, 0);

	errno = (int)-at;
	if (at < 0)
		bench_die("vm_mmap");
	return (uint64_t)at;
}

double bench_touch(struct vm_process *process, uint64_t va, uint64_t len)
{
	uint64_t value = 1;
	double start = bench_cpu();

	for (uint64_t at = va; at < va + len; at += VM_PAGE_SIZE)
		if (vm_write(process, at, &value, sizeof value) != sizeof value)
			bench_die("vm_write");
	return (bench_cpu() - start) / (double)(len >> VM_PAGE_SHIFT);
}
