/*
 * bench_engine.c - what the engine costs, each figure against what the host takes for the same, or against a smaller case.
 *
 *     bench_engine [WORD]      only the parts whose name contains WORD
 */
#include "tests/bench.h"
#include "vm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static struct vm_machine *new_machine(uint64_t ram)
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

static struct vm_process *spawn(struct vm_machine *machine)
{
	struct vm_cred cred = {1000, 1000};
	int error = 0;
	struct vm_process *process = vm_process_spawn(machine, &cred, "bench", &error);

	return check(process, error, "vm_process_spawn");
}

static struct vm_process *fork_process(struct vm_process *process)
{
	struct vm_cred cred = {1000, 1000};
	int error = 0;
	struct vm_process *child = vm_fork(process, &cred, &error);

	return check(child, error, "vm_fork");
}

static void end_process(struct vm_process *process)
{
	vm_process_exit(process, 0);
	vm_process_unref(process);
}

/* Private anonymous memory of LEN bytes: at ADDR, or wherever there is room if that is 0. */
static uint64_t map_at(struct vm_process *process, uint64_t addr, uint64_t len, int prot)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (addr != 0 ? MAP_FIXED : 0);
	int64_t at = vm_mmap(process, addr, len, prot, flags, NULL, 0);

	errno = (int)-at;
	if (at < 0)
		bench_die("vm_mmap");
	return (uint64_t)at;
}

/* Store eight bytes in each page. Seconds a page. */
static double touch(struct vm_process *process, uint64_t va, uint64_t len)
{
	uint64_t value = 1;
	double start = bench_cpu();

	for (uint64_t at = va; at < va + len; at += VM_PAGE_SIZE)
		if (vm_write(process, at, &value, sizeof value) != sizeof value)
			bench_die("vm_write");
	return (bench_cpu() - start) / (double)(len >> VM_PAGE_SHIFT);
}

/* The host's memory, of the same kind as the frames are. */
static uint8_t *host_memory(uint64_t len, int advice)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, len, advice) != 0)
		bench_die("mmap");
	return memory;
}

/* --- Accesses that hit ------------------------------------------------------------------------------ */

enum { HIT_PAGES = 64, HITS = 300000 };

static uint64_t sum; /* read from somewhere, so that no load is left out */

static void take(void *ctx, const struct iovec *iov, int count)
{
	uint64_t value;

	memcpy(&value, iov[0].iov_base, sizeof value);
	sum += value;
}

/* The opponent: an address, a call, a load. */
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

/* An address in one of HIT_PAGES pages. */
static uint64_t some_offset(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1;
	return (*seed >> 40) % HIT_PAGES * VM_PAGE_SIZE + (*seed >> 33) % 512 * 8;
}

static double time_hits(struct vm_process *process, uint64_t va, void (*hit)(struct vm_process *, uint64_t))
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
	} kinds[] = {{"without data", hit_access}, {"read of 8 bytes", hit_read}, {"write of 8 bytes", hit_write}};
	struct vm_machine *machine = new_machine(16 * MIB);
	struct vm_process *process = spawn(machine);
	uint64_t len = HIT_PAGES * VM_PAGE_SIZE, va = map_at(process, 0, len, PROT_READ | PROT_WRITE);
	uint8_t *memory = host_memory(len, MADV_HUGEPAGE);
	double ours[G_N_ELEMENTS(kinds)][BENCH_ROUNDS], theirs[BENCH_ROUNDS];

	touch(process, va, len);
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		theirs[round] = time_loads(memory);
		for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
			ours[i][round] = time_hits(process, va, kinds[i].hit);
	}
	g_autofree char *against = g_strdup_printf("a load: %.1f ns", bench_median(theirs, BENCH_ROUNDS) * 1e9);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *label = g_strdup_printf("access that hits, %s", kinds[i].label);
		bench_below(label, "%.1f ns", bench_median(ours[i], BENCH_ROUNDS) * 1e9, 30, against);
	}
	munmap(memory, len);
	vm_process_unref(process);
	vm_machine_free(machine);
}

/* --- Demand-zero ------------------------------------------------------------------------------------ */

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
	struct vm_machine *machine = new_machine(FAULT_BYTES + 16 * MIB);
	struct vm_process *process = spawn(machine);

	uint64_t va = map_at(process, 0, FAULT_BYTES, PROT_READ | PROT_WRITE);
	*fresh = touch(process, va, FAULT_BYTES);
	vm_munmap(process, va, FAULT_BYTES);
	va = map_at(process, 0, FAULT_BYTES, PROT_READ | PROT_WRITE);
	*used = touch(process, va, FAULT_BYTES);
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

/* --- Copy-on-write ---------------------------------------------------------------------------------- */

static void cow_round_ours(double *fresh, double *used)
{
	struct vm_machine *machine = new_machine(2 * FAULT_BYTES + 16 * MIB);
	struct vm_process *process = spawn(machine);
	uint64_t va = map_at(process, 0, FAULT_BYTES, PROT_READ | PROT_WRITE);

	touch(process, va, FAULT_BYTES);
	struct vm_process *child = fork_process(process);
	*fresh = touch(process, va, FAULT_BYTES);
	end_process(child);
	child = fork_process(process);
	*used = touch(process, va, FAULT_BYTES);
	end_process(child);
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
	uint8_t *from = host_memory(FAULT_BYTES, MADV_HUGEPAGE), *to = host_memory(FAULT_BYTES, MADV_HUGEPAGE);

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

/* --- Fork ------------------------------------------------------------------------------------------- */

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

/* A process of the host with nothing but the memory to fork; it forks for every byte of GO and answers the seconds. */
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

	if (write(host->go, "", 1) != 1 || read(host->answer, &seconds, sizeof seconds) != sizeof seconds)
		bench_die("the host's process");
	return seconds;
}

static void bench_fork(void)
{
	struct bench_pair pair;
	struct forker host;

	forker_start(&host);
	struct vm_machine *machine = new_machine(FORK_BYTES + 16 * MIB);
	struct vm_process *process = spawn(machine);
	touch(process, map_at(process, 0, FORK_BYTES, PROT_READ | PROT_WRITE), FORK_BYTES);
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		pair.theirs[round] = forker_run(&host);
		double start = bench_cpu();
		struct vm_process *child = fork_process(process);
		pair.ours[round] = bench_cpu() - start;
		end_process(child);
	}
	bench_at_least("fork with 1 GiB resident", &pair, "host", 100);
	close(host.go);
	close(host.answer);
	waitpid(host.pid, NULL, 0);
	vm_process_unref(process);
	vm_machine_free(machine);
}

/* --- Areas ------------------------------------------------------------------------------------------ */

/* A batch leaves as many holes, so it must be much less than the areas of the small case. */
enum { SMALL_AREAS = 1000, MANY_AREAS = 1000000, BATCH = 100, BATCHES = 100 };

/* Adjacent areas of one page each, alternately r-- and rw-, so that none merge. */
struct areas {
	struct vm_machine *machine;
	struct vm_process *process;
	uint64_t base;
	uint64_t count, seed;
};

static int prot_of(uint64_t index)
{
	return index % 2 ? PROT_READ | PROT_WRITE : PROT_READ;
}

static void areas_init(struct areas *areas, uint64_t count)
{
	areas->machine = new_machine(16 * MIB);
	areas->process = spawn(areas->machine);
	areas->count = count;
	areas->seed = 1;
	for (uint64_t i = 0; i < count; i++)
		areas->base = map_at(areas->process, 0, VM_PAGE_SIZE, prot_of(count - 1 - i));
	vm_access(areas->process, areas->base, count * VM_PAGE_SIZE, VM_ACCESS_READ, NULL, NULL);
}

static void areas_clear(struct areas *areas)
{
	vm_process_unref(areas->process);
	vm_machine_free(areas->machine);
}

enum area_call { CALL_MUNMAP, CALL_MMAP, CALL_FAULT, CALLS };

/* Take BATCH areas somewhere away, map as much again, which fills the holes, and fault there; then make it as it was. */
static void areas_batch(struct areas *areas, double seconds[CALLS])
{
	uint64_t index[BATCH];
	double at[CALLS + 1];

	for (int i = 0; i < BATCH; i++)
		index[i] = bench_random(&areas->seed, areas->count);
	at[0] = bench_cpu();
	for (int i = 0; i < BATCH; i++)
		vm_munmap(areas->process, areas->base + index[i] * VM_PAGE_SIZE, VM_PAGE_SIZE);
	at[1] = bench_cpu();
	for (int i = 0; i < BATCH; i++)
		map_at(areas->process, 0, VM_PAGE_SIZE, PROT_READ | PROT_EXEC);
	at[2] = bench_cpu();
	for (int i = 0; i < BATCH; i++)
		vm_access(areas->process, areas->base + index[i] * VM_PAGE_SIZE, 1, VM_ACCESS_READ, NULL, NULL);
	at[3] = bench_cpu();
	for (int call = 0; call < CALLS; call++)
		seconds[call] += at[call + 1] - at[call];
	for (int i = 0; i < BATCH; i++) {
		uint64_t va = areas->base + index[i] * VM_PAGE_SIZE;
		map_at(areas->process, va, VM_PAGE_SIZE, prot_of(index[i]));
		vm_access(areas->process, va, 1, VM_ACCESS_READ, NULL, NULL);
	}
}

static void areas_round(struct areas *areas, double seconds[CALLS])
{
	memset(seconds, 0, CALLS * sizeof *seconds);
	for (int i = 0; i < BATCHES; i++)
		areas_batch(areas, seconds);
	for (int call = 0; call < CALLS; call++)
		seconds[call] /= BATCH * BATCHES;
}

static void bench_areas(void)
{
	static const char *const labels[CALLS] = {[CALL_MUNMAP] = "munmap with 1,000,000 areas",
	                                          [CALL_MMAP] = "mmap without a hint with 1,000,000 areas",
	                                          [CALL_FAULT] = "fault with 1,000,000 areas"};
	struct bench_pair pairs[CALLS];
	struct areas many, small;
	double seconds[CALLS];

	areas_init(&many, MANY_AREAS);
	areas_init(&small, SMALL_AREAS);
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		areas_round(&many, seconds);
		for (int call = 0; call < CALLS; call++)
			pairs[call].ours[round] = seconds[call];
		areas_round(&small, seconds);
		for (int call = 0; call < CALLS; call++)
			pairs[call].theirs[round] = seconds[call];
	}
	for (int call = 0; call < CALLS; call++)
		bench_at_most(labels[call], &pairs[call], "with 1,000", 3);
	areas_clear(&many);
	areas_clear(&small);
}

/* --- Many processes --------------------------------------------------------------------------------- */

enum { PROCESSES = 100000, THOUSAND = 1000 };

static struct vm_file *open_file(void *ctx, const char *path, bool executable, int *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*error = fd < 0 ? -errno : 0;
	return fd < 0 ? NULL : vm_file_new(ctx, fd, O_RDONLY, error);
}

static struct vm_process *exec_ls(struct vm_machine *machine)
{
	static const char *const argv[] = {"ls", NULL}, *const envp[] = {"PATH=/bin", NULL};
	struct vm_process *process = spawn(machine);
	struct vm_exec_args args = {
	    .path = "/bin/ls", .argv = argv, .envp = envp, .opener = {.open = open_file, .ctx = machine}};
	uint64_t entry;
	int error = vm_exec(process, &args, &entry);

	errno = -error;
	if (error != 0)
		bench_die("vm_exec");
	return process;
}

/* Fork PROCESS COUNT times. Seconds a fork. */
static double fork_many(struct vm_process *process, int count)
{
	double start = bench_cpu();

	for (int i = 0; i < count; i++)
		vm_process_unref(fork_process(process));
	return (bench_cpu() - start) / count;
}

/* The last COUNT processes end. */
static void end_last(struct vm_machine *machine, guint count)
{
	GArray *pids = vm_machine_pids(machine);

	for (guint i = pids->len - count; i < pids->len; i++)
		end_process(vm_process_find(machine, g_array_index(pids, pid_t, i)));
	g_array_unref(pids);
}

static double time_pids(struct vm_machine *machine)
{
	double start = bench_cpu();

	g_array_unref(vm_machine_pids(machine));
	return bench_cpu() - start;
}

/* In one machine there are few processes, in the other so many that a thousand more make 100,000. */
static void bench_many(const char *kind, struct vm_process *(*make)(struct vm_machine *))
{
	uint64_t before = bench_resident(getpid());
	struct vm_machine *many = new_machine(16 * MIB), *few = new_machine(16 * MIB);
	struct vm_process *crowded = make(many), *alone = make(few);
	double listing[BENCH_ROUNDS];
	struct bench_pair pair;

	fork_many(crowded, PROCESSES - THOUSAND - 1);
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		pair.theirs[round] = fork_many(alone, THOUSAND);
		pair.ours[round] = fork_many(crowded, THOUSAND);
		listing[round] = time_pids(many);
		end_last(few, THOUSAND);
		if (round < BENCH_ROUNDS - 1)
			end_last(many, THOUSAND);
	}
	g_autofree char *title = g_strdup_printf("100,000 forks of %s", kind);
	bench_title(title);
	bench_below("memory", "%.2f GiB", (double)(bench_resident(getpid()) - before) / (1024.0 * MIB), 1.5, NULL);
	bench_below("listing the pids", "%.4f s", bench_median(listing, BENCH_ROUNDS), 2, NULL);
	bench_at_most("the last thousand forks, one of them", &pair, "of the first", 1.25);
	vm_process_unref(crowded);
	vm_process_unref(alone);
	vm_machine_free(few);
	vm_machine_free(many);
}

static void bench_spawned(void)
{
	bench_many("a spawned process", spawn);
}

static void bench_execed(void)
{
	bench_many("/bin/ls", exec_ls);
}

/* ---------------------------------------------------------------------------------------------------- */

static const struct bench_part parts[] = {
    {"hits", bench_hits},   {"zero", bench_zero},       {"cow", bench_cow},       {"fork", bench_fork},
    {"areas", bench_areas}, {"spawned", bench_spawned}, {"execed", bench_execed}, {NULL, NULL},
};

int main(int argc, char **argv)
{
	bench_main("The engine", parts, argc, argv);
	return EXIT_SUCCESS;
}
