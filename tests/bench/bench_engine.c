/*
 * bench_engine.c - what the engine costs, compared with what the host needs for the same.
 *
 *     bench_engine [WORD]      only the parts whose name contains WORD
 */
#include "tests/bench/bench.h"
#include "tests/bench/bench_vm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Memory of the host, of the same kind as the frames. */
static uint8_t *host_memory(uint64_t len, int advice)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, len, advice) != 0)
		bench_die("mmap");
	return memory;
}

/* --- Accesses that hit ------------------------------------------------------------------------ */

enum { HIT_PAGES = 64, HITS = 300000 };

static uint64_t sum; /* keeps the compiler from dropping the loads */

static void take(void *ctx, const struct iovec *iov, int count)
{
	uint64_t value;

	memcpy(&value, iov[0].iov_base, sizeof value);
	sum += value;
}

/* What we compare with: compute an address, call, load. */
__attribute__((noinline)) static uint64_t load(const uint8_t *memory, uint64_t at)
{
	uint64_t value;

	memcpy(&value, memory + at, sizeof value);
	__asm__ volatile("" : : : "memory");
	return value;
}

static void hit_access(struct vm_process *process, uint64_t va)
{
	vm_access(process, va, 1, VM_ACCESS_READ, NULL, NULL);
}

static void hit_read(struct vm_process *process, uint64_t va)
{
	vm_read(process, va, 8, take, NULL);
}

static void hit_write(struct vm_process *process, uint64_t va)
{
	vm_write(process, va, &va, sizeof va);
}

/* A random offset in one of HIT_PAGES pages. */
static uint64_t some_offset(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1;
	return (*seed >> 40) % HIT_PAGES * VM_PAGE_SIZE + (*seed >> 33) % 512 * 8;
}

static double time_hits(struct vm_process *process, uint64_t va,
                        void (*hit)(struct vm_process *, uint64_t))
{
	uint64_t seed = 1;
	double start = bench_cpu();

	for (int i = 0; i < HITS; i++)
		hit(process, va + some_offset(&seed));
	return (bench_cpu() - start) / HITS;
}

static double time_loads(const uint8_t *memory)
{
	uint64_t seed = 1;
	double start = bench_cpu();

	for (int i = 0; i < HITS; i++)
		sum += load(memory, some_offset(&seed));
	return (bench_cpu() - start) / HITS;
}

static void bench_hits(void)
{
	static const struct {
		const char *label;
		void (*hit)(struct vm_process *, uint64_t);
	} kinds[] = {{"without data", hit_access},
	             {"read of 8 bytes", hit_read},
	             {"write of 8 bytes", hit_write}};
	struct vm_machine *machine = bench_machine(16 * MIB);
	struct vm_process *process = bench_spawn(machine);
	uint64_t len = HIT_PAGES * VM_PAGE_SIZE,
	         va = bench_map(process, 0, len, PROT_READ | PROT_WRITE);
	uint8_t *memory = host_memory(len, MADV_HUGEPAGE);
	double ours[G_N_ELEMENTS(kinds)][BENCH_ROUNDS], theirs[BENCH_ROUNDS];

	bench_touch(process, va, len);
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		theirs[round] = time_loads(memory);
		for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
			ours[i][round] = time_hits(process, va, kinds[i].hit);
	}
	g_autofree char *against =
	    g_strdup_printf("a load: %.1f ns", bench_median(theirs, BENCH_ROUNDS) * 1e9);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *label = g_strdup_printf("access that hits, %s", kinds[i].label);
		bench_below(label, "%.1f ns", bench_median(ours[i], BENCH_ROUNDS) * 1e9, 30,
		            against);
	}
	munmap(memory, len);
	vm_process_unref(process);
	vm_machine_free(machine);
}

/* --- Demand-zero ------------------------------------------------------------------------------ */

#define FAULT_BYTES (512 * MIB)

static double time_memset(uint8_t *memory)
{
	void *(*volatile set)(void *, int, size_t) = memset;
	double start = bench_cpu();

	for (uint64_t at = 0; at < FAULT_BYTES; at += VM_PAGE_SIZE)
		set(memory + at, 0, VM_PAGE_SIZE);
	return (bench_cpu() - start) / (double)(FAULT_BYTES >> VM_PAGE_SHIFT);
}

static void zero_round_ours(double *fresh, double *used)
{
	struct vm_machine *machine = bench_machine(FAULT_BYTES + 16 * MIB);
	struct vm_process *process = bench_spawn(machine);

	uint64_t va = bench_map(process, 0, FAULT_BYTES, PROT_READ | PROT_WRITE);
	*fresh = bench_touch(process, va, FAULT_BYTES);
	vm_munmap(process, va, FAULT_BYTES);
	va = bench_map(process, 0, FAULT_BYTES, PROT_READ | PROT_WRITE);
	*used = bench_touch(process, va, FAULT_BYTES);
	vm_process_unref(process);
	vm_machine_free(machine);
}

static void zero_round_theirs(double *fresh, double *used)
{
	uint8_t *memory = host_memory(FAULT_BYTES, MADV_HUGEPAGE);

	*fresh = time_memset(memory);
	*used = time_memset(memory);
	munmap(memory, FAULT_BYTES);
}

static void bench_zero(void)
{
	struct bench_pair fresh, used;

	for (int round = 0; round < BENCH_ROUNDS; round++) {
		zero_round_ours(&fresh.ours[round], &used.ours[round]);
		zero_round_theirs(&fresh.theirs[round], &used.theirs[round]);
	}
	bench_at_most("demand-zero fault, memory never touched", &fresh, "memset", 3);
	bench_at_most("demand-zero fault, memory used before", &used, "memset", 3);
}

/* --- Copy-on-write ---------------------------------------------------------------------------- */

static void cow_round_ours(double *fresh, double *used)
{
	struct vm_machine *machine = bench_machine(2 * FAULT_BYTES + 16 * MIB);
	struct vm_process *process = bench_spawn(machine);
	uint64_t va = bench_map(process, 0, FAULT_BYTES, PROT_READ | PROT_WRITE);

	bench_touch(process, va, FAULT_BYTES);
	struct vm_process *child = bench_fork_process(process);
	*fresh = bench_touch(process, va, FAULT_BYTES);
	bench_end(child);
	child = bench_fork_process(process);
	*used = bench_touch(process, va, FAULT_BYTES);
	bench_end(child);
	vm_process_unref(process);
	vm_machine_free(machine);
}

static double time_memcpy(uint8_t *to, const uint8_t *from)
{
	void *(*volatile copy)(void *, const void *, size_t) = memcpy;
	double start = bench_cpu();

	for (uint64_t at = 0; at < FAULT_BYTES; at += VM_PAGE_SIZE)
		copy(to + at, from + at, VM_PAGE_SIZE);
	return (bench_cpu() - start) / (double)(FAULT_BYTES >> VM_PAGE_SHIFT);
}

static void cow_round_theirs(double *fresh, double *used)
{
	uint8_t *from = host_memory(FAULT_BYTES, MADV_HUGEPAGE),
	        *to = host_memory(FAULT_BYTES, MADV_HUGEPAGE);

	memset(from, 1, FAULT_BYTES);
	*fresh = time_memcpy(to, from);
	*used = time_memcpy(to, from);
	munmap(from, FAULT_BYTES);
	munmap(to, FAULT_BYTES);
}

static void bench_cow(void)
{
	struct bench_pair fresh, used;

	for (int round = 0; round < BENCH_ROUNDS; round++) {
		cow_round_ours(&fresh.ours[round], &used.ours[round]);
		cow_round_theirs(&fresh.theirs[round], &used.theirs[round]);
	}
	bench_at_most("copy-on-write fault, memory never touched", &fresh, "memcpy", 3);
	bench_at_most("copy-on-write fault, memory used before", &used, "memcpy", 3);
}

/* --- Fork ------------------------------------------------------------------------------------- */

#define FORK_BYTES (1024 * MIB)

static double time_host_fork(void)
{
	double start = bench_cpu();
	pid_t child = fork();

	if (child < 0)
		bench_die("fork");
	if (child == 0)
		_exit(0);
	double end = bench_cpu();
	waitpid(child, NULL, 0);
	return end - start;
}

/*
 * A process of the host that has only the memory to fork. It forks once for each byte from GO, and
 * writes the seconds to ANSWER.
 */
static void forker(int go, int answer)
{
	uint8_t *memory = host_memory(FORK_BYTES, MADV_NOHUGEPAGE);
	double seconds;
	char byte;

	for (uint64_t at = 0; at < FORK_BYTES; at += VM_PAGE_SIZE)
		memory[at] = 1;
	while (read(go, &byte, 1) == 1) {
		seconds = time_host_fork();
		if (write(answer, &seconds, sizeof seconds) != sizeof seconds)
			bench_die("write");
	}
	_exit(0);
}

struct forker {
	int go, answer;
	pid_t pid;
};

static void forker_start(struct forker *host)
{
	int go[2], answer[2];

	if (pipe2(go, O_CLOEXEC) != 0 || pipe2(answer, O_CLOEXEC) != 0)
		bench_die("pipe");
	host->pid = fork();
	if (host->pid == 0) {
		close(go[1]);
		forker(go[0], answer[1]);
	}
	close(go[0]);
	close(answer[1]);
	host->go = go[1];
	host->answer = answer[0];
}

static double forker_run(const struct forker *host)
{
	double seconds;

	if (write(host->go, "", 1) != 1 ||
	    read(host->answer, &seconds, sizeof seconds) != sizeof seconds)
		bench_die("the host's process");
	return seconds;
}

static void bench_fork(void)
{
	struct bench_pair pair;
	struct forker host;

	forker_start(&host);
	struct vm_machine *machine = bench_machine(FORK_BYTES + 16 * MIB);
	struct vm_process *process = bench_spawn(machine);
	bench_touch(process, bench_map(process, 0, FORK_BYTES, PROT_READ | PROT_WRITE), FORK_BYTES);
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		pair.theirs[round] = forker_run(&host);
		double start = bench_cpu();
		struct vm_process *child = bench_fork_process(process);
		pair.ours[round] = bench_cpu() - start;
		bench_end(child);
	}
	bench_at_least("fork with 1 GiB resident", &pair, "host", 100);
	close(host.go);
	close(host.answer);
	waitpid(host.pid, NULL, 0);
	vm_process_unref(process);
	vm_machine_free(machine);
}

/* ---------------------------------------------------------------------------------------------- */

static const struct bench_part parts[] = {
    {"hits", bench_hits}, {"zero", bench_zero}, {"cow", bench_cow},
    {"fork", bench_fork}, {NULL, NULL},
};

int main(int argc, char **argv)
{
	bench_main("The engine", parts, argc, argv);
	return EXIT_SUCCESS;
}
