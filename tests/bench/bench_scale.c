/*
 * bench_scale.c - what the engine costs with many areas or many processes, compared with few.
 *
 *     bench_scale [WORD]      only the parts whose name contains WORD
 */
#include "tests/bench/bench.h"
#include "tests/bench/bench_vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- Areas ------------------------------------------------------------------------------------ */

/*
 * A batch leaves as many holes as it has steps, so it must be much smaller than the number of
 * areas.
 */
enum { FEW = 1000, MANY = 1000000, AREA_BYTES = 8 * VM_PAGE_SIZE, BATCH = 100, BATCHES = 100 };

/*
 * Processes with adjacent areas, alternately r-- and rw-, so that none of them merge. The first
 * page of each area is resident.
 */
struct areas {
	struct vm_machine *machine;
	GPtrArray *processes;
	uint64_t each; /* areas in each process */
	uint64_t base; /* address of the lowest area, the same in each process */
	uint64_t seed;
};

/* One of the areas. */
struct place {
	struct vm_process *process;
	uint64_t va;
	int prot;
};

static struct place place_of(const struct areas *areas, uint64_t index)
{
	uint64_t in_process = index % areas->each;

	return (struct place){.process = areas->processes->pdata[index / areas->each],
	                      .va = areas->base + in_process * AREA_BYTES,
	                      .prot = in_process % 2 ? PROT_READ | PROT_WRITE : PROT_READ};
}

static void touch(const struct place *place)
{
	vm_access(place->process, place->va, 1, VM_ACCESS_READ, NULL, NULL);
}

static void areas_init(struct areas *areas, uint64_t processes, uint64_t each)
{
	*areas = (struct areas){.machine = bench_machine(16 * MIB), .each = each, .seed = 1};
	areas->processes = g_ptr_array_new_with_free_func((GDestroyNotify)vm_process_unref);
	for (uint64_t i = 0; i < processes; i++)
		g_ptr_array_add(areas->processes, bench_spawn(areas->machine));
	for (uint64_t i = processes * each; i > 0; i--) {
		struct place place = place_of(areas, i - 1);
		areas->base = bench_map(place.process, 0, AREA_BYTES, place.prot);
	}
	for (uint64_t i = 0; i < processes * each; i++) {
		struct place place = place_of(areas, i);
		touch(&place);
	}
}

static void areas_clear(struct areas *areas)
{
	g_ptr_array_unref(areas->processes);
	vm_machine_free(areas->machine);
}

static void pick(struct areas *areas, struct place places[BATCH])
{
	for (int i = 0; i < BATCH; i++)
		places[i] = place_of(
		    areas, bench_random(&areas->seed, areas->processes->len * areas->each));
}

/* Restore these areas. */
static void restore(const struct place places[BATCH])
{
	for (int i = 0; i < BATCH; i++) {
		bench_map(places[i].process, places[i].va, AREA_BYTES, places[i].prot);
		touch(&places[i]);
	}
}

enum call { CALL_MUNMAP, CALL_MMAP, CALL_FAULT, CALLS };

/*
 * Unmap some areas, map as many new ones, which fill the holes, and fault in others that were not
 * used lately.
 */
static void areas_batch(struct areas *areas, double seconds[CALLS])
{
	struct place holes[BATCH], faults[BATCH];
	double at[CALLS + 1];

	pick(areas, holes);
	pick(areas, faults);
	at[0] = bench_cpu();
	for (int i = 0; i < BATCH; i++)
		vm_munmap(holes[i].process, holes[i].va, AREA_BYTES);
	at[1] = bench_cpu();
	for (int i = 0; i < BATCH; i++)
		bench_map(holes[i].process, 0, AREA_BYTES, PROT_READ | PROT_EXEC);
	at[2] = bench_cpu();
	for (int i = 0; i < BATCH; i++)
		vm_access(faults[i].process, faults[i].va + VM_PAGE_SIZE, 1, VM_ACCESS_READ, NULL,
		          NULL);
	at[3] = bench_cpu();
	for (int call = 0; call < CALLS; call++)
		seconds[call] += (at[call + 1] - at[call]) / (BATCH * BATCHES);
	restore(holes);
	restore(faults);
}

/* One round. SECONDS gets the time of each call. */
static void areas_round(struct areas *areas, double seconds[CALLS])
{
	memset(seconds, 0, CALLS * sizeof *seconds);
	for (int i = 0; i < BATCHES; i++)
		areas_batch(areas, seconds);
}

/*
 * The reference has 1,000 areas, which fit into the processor's caches. A third case has as many
 * areas as the large one, but 1,000 in each of 1,000 processes. It separates the cost of the
 * algorithms from the cost of memory.
 */
static void bench_areas(void)
{
	static const char *const labels[CALLS] = {[CALL_MUNMAP] = "munmap, 1,000,000 areas",
	                                          [CALL_MMAP] =
	                                              "mmap without a hint, 1,000,000 areas",
	                                          [CALL_FAULT] = "fault, 1,000,000 areas"};
	struct bench_pair small[CALLS], spread[CALLS];
	struct areas areas[3];
	double seconds[3][CALLS];

	areas_init(&areas[0], 1, MANY);
	areas_init(&areas[1], 1, FEW);
	areas_init(&areas[2], MANY / FEW, FEW);
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		for (int i = 0; i < 3; i++)
			areas_round(&areas[i], seconds[i]);
		for (int call = 0; call < CALLS; call++) {
			small[call].ours[round] = spread[call].ours[round] = seconds[0][call];
			small[call].theirs[round] = seconds[1][call];
			spread[call].theirs[round] = seconds[2][call];
		}
	}
	for (int call = 0; call < CALLS; call++) {
		bench_at_most(labels[call], &small[call], "1,000 areas", 3);
		bench_note("  on as much memory", &spread[call], "1,000 areas", false);
	}
	for (int i = 0; i < 3; i++)
		areas_clear(&areas[i]);
}

/* --- Many processes --------------------------------------------------------------------------- */

enum { PROCESSES = 100000, THOUSAND = 1000 };

static struct vm_file *open_file(void *ctx, const char *path, bool executable, int *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*error = fd < 0 ? -errno : 0;
	return fd < 0 ? NULL : vm_file_new(ctx, fd, O_RDONLY, 0, error);
}

static struct vm_process *exec_ls(struct vm_machine *machine)
{
	static const char *const argv[] = {"ls", NULL}, *const envp[] = {"PATH=/bin", NULL};
	struct vm_process *process = bench_spawn(machine);
	struct vm_exec_args args = {.path = "/bin/ls",
	                            .argv = argv,
	                            .envp = envp,
	                            .opener = {.open = open_file, .ctx = machine}};
	uint64_t entry;
	int error = vm_exec(process, &args, &entry);

	errno = -error;
	if (error != 0)
		bench_die("vm_exec");
	return process;
}

/* Fork PROCESS COUNT times. Returns the seconds for one fork. */
static double fork_many(struct vm_process *process, int count)
{
	double start = bench_cpu();

	for (int i = 0; i < count; i++)
		vm_process_unref(bench_fork_process(process));
	return (bench_cpu() - start) / count;
}

/* End the last COUNT processes. */
static void end_last(struct vm_machine *machine, guint count)
{
	struct vm_machine_info info;
	uint64_t n = 0;

	vm_machine_info(machine, &info);
	for (pid_t pid = 0; (pid = vm_machine_next_pid(machine, pid)) != 0; n++)
		if (n + count >= info.processes)
			bench_end(vm_process_find(machine, pid));
}

static double time_pids(struct vm_machine *machine)
{
	double start = bench_cpu();

	for (pid_t pid = 0; (pid = vm_machine_next_pid(machine, pid)) != 0;)
		;
	return bench_cpu() - start;
}

/* One machine has few processes. The other has so many that a thousand more make 100,000. */
static void bench_many(const char *kind, struct vm_process *(*make)(struct vm_machine *))
{
	uint64_t before = bench_resident(getpid());
	struct vm_machine *many = bench_machine(16 * MIB), *few = bench_machine(16 * MIB);
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
	bench_below("memory", "%.2f GiB",
	            (double)(bench_resident(getpid()) - before) / (1024.0 * MIB), 1.5, NULL);
	bench_below("listing the pids", "%.4f s", bench_median(listing, BENCH_ROUNDS), 2, NULL);
	bench_at_most("the last thousand forks, one of them", &pair, "of the first", 1.25);
	vm_process_unref(crowded);
	vm_process_unref(alone);
	vm_machine_free(few);
	vm_machine_free(many);
}

static void bench_spawned(void)
{
	bench_many("a spawned process", bench_spawn);
}

static void bench_execed(void)
{
	bench_many("/bin/ls", exec_ls);
}

/* ---------------------------------------------------------------------------------------------- */

static const struct bench_part parts[] = {
    {"areas", bench_areas}, {"spawned", bench_spawned}, {"execed", bench_execed}, {NULL, NULL}};

int main(int argc, char **argv)
{
	bench_main("The engine with many of something", parts, argc, argv);
	return EXIT_SUCCESS;
}
