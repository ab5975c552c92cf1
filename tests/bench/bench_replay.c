/*
 * bench_replay.c - how many references of a trace the engine replays in a second, through areas,
 * page tables, TLB and policy, and how that compares with a plain loop over a dense array.
 *
 *     bench_replay [WORD]      only the parts whose name contains WORD
 */
#include "tests/bench/bench.h"
#include "tests/bench/bench_vm.h"

#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* References of a stream, and in one call. */
enum { REFERENCES = 10000000, BATCH = 4096, ROUNDS = 3 };

/* What is replayed. The pages lie in one row from BASE on. */
enum { PAGES = 1000000, FRAMES = 76327, SMALL = 64 };
#define BASE UINT64_C(0x10000000)

/* --- Streams ---------------------------------------------------------------------------------- */

/* An arbitrary bijection of the pages, so that popular ones are no neighbours. */
static uint32_t scatter(uint32_t rank)
{
	return (uint32_t)((rank * UINT64_C(514229) + 317811) % PAGES);
}

/* How often each page is used, summed up: the page of rank I has the weight 1 / (I + 1). */
static double *zipf_sums(void)
{
	double *sum = g_new(double, PAGES), total = 0;

	for (uint32_t i = 0; i < PAGES; i++)
		sum[i] = total += 1.0 / (i + 1);
	return sum;
}

static uint32_t zipf_rank(const double *sum, uint64_t *seed)
{
	double at = (double)bench_random(seed, UINT64_C(1) << 31) * 0x1p-31 * sum[PAGES - 1];
	uint32_t low = 0, high = PAGES - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (sum[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Popular pages are used more often (alpha 1); every fourth reference is a store. */
static struct vm_reference *zipf_stream(void)
{
	struct vm_reference *stream = g_new(struct vm_reference, REFERENCES);
	double *sum = zipf_sums();
	uint64_t seed = 7;

	for (uint32_t i = 0; i < REFERENCES; i++)
		stream[i] = (struct vm_reference){
		    .va = BASE + ((uint64_t)scatter(zipf_rank(sum, &seed)) << VM_PAGE_SHIFT),
		    .len = 8,
		    .access = i % 4 == 0 ? VM_ACCESS_WRITE : VM_ACCESS_READ};
	g_free(sum);
	return stream;
}

/*
 * As lackey records a program: three fetches in a row, then a load or store of the stack, a table,
 * or the heap, which moves on now and then.
 */
static struct vm_reference *program_stream(void)
{
	struct vm_reference *stream = g_new(struct vm_reference, REFERENCES);
	uint64_t seed = 11, pc = 0x4000000, heap = 0x5000000;

	for (uint32_t i = 0; i < REFERENCES; i++) {
		uint64_t dice = bench_random(&seed, 1000);
		struct vm_reference *reference = &stream[i];
		if (i % 4 < 3) {
			*reference = (struct vm_reference){pc, 4, VM_ACCESS_EXEC};
			pc += 4;
			if (dice < 20)
				pc = 0x4000000 + bench_random(&seed, 40 << VM_PAGE_SHIFT);
			continue;
		}
		if (dice < 10)
			heap = 0x5000000 + bench_random(&seed, 150 << VM_PAGE_SHIFT);
		reference->va = dice < 600 ? 0x1ffefff000 - bench_random(&seed, 512)
		                           : heap + bench_random(&seed, 256);
		reference->len = 8;
		reference->access = dice % 3 == 0 ? VM_ACCESS_WRITE : VM_ACCESS_READ;
	}
	return stream;
}

/* --- Sides ------------------------------------------------------------------------------------ */

static struct vm_machine *machine_of(const char *policy, uint64_t frames, bool no_contents)
{
	g_autoptr(GError) error = NULL;
	struct vm_config config;

	vm_config_init(&config);
	config.ram = frames << VM_PAGE_SHIFT;
	config.swap = (uint64_t)2 * PAGES << VM_PAGE_SHIFT;
	config.policy = policy;
	config.no_contents = no_contents;
	if (!no_contents) {
		FILE *file = tmpfile();
		int fd = file != NULL ? dup(fileno(file)) : -1;
		if (fd < 0 || ftruncate(fd, (off_t)config.swap) != 0)
			bench_die("swap file");
		fclose(file);
		config.swap_medium = vm_host_medium(fd);
	}
	struct vm_machine *machine = vm_machine_new(&config, &error);
	if (machine == NULL)
		g_error("machine: %s", error->message);
	return machine;
}

/* Replay STREAM. Returns the seconds of a reference; *RATIO: how many of them faulted. */
static double replay(const struct vm_reference *stream, const char *policy, uint64_t frames,
                     bool no_contents, double *ratio)
{
	struct vm_machine *machine = machine_of(policy, frames, no_contents);
	struct vm_process *process = bench_spawn(machine);
	struct vm_replay_counts counts;
	int error = 0;

	double start = bench_cpu();
	for (size_t done = 0; done < REFERENCES && error == 0; done += BATCH)
		vm_replay(process, stream + done, MIN((size_t)BATCH, REFERENCES - done), &error);
	double took = bench_cpu() - start;
	if (error != 0)
		g_error("replay: %s", g_strerror(-error));
	vm_process_replay_counts(process, &counts);
	*ratio = (double)(counts.minor + counts.major) / (double)counts.pages;
	bench_end(process);
	vm_machine_free(machine);
	return took / REFERENCES;
}

/* What no simulator can do without: a look at a table for each page, and a mark. */
static double plain(const struct vm_reference *stream)
{
	uint32_t *used = g_new0(uint32_t, VM_USER_END >> 20 >> VM_PAGE_SHIFT);
	uint64_t mask = (VM_USER_END >> 20 >> VM_PAGE_SHIFT) / 2;

	double start = bench_cpu();
	for (uint32_t i = 0; i < REFERENCES; i++)
		used[(stream[i].va >> VM_PAGE_SHIFT) % mask] = i;
	double took = bench_cpu() - start;
	/* So that the loop is not left out. */
	if (used[(stream[REFERENCES - 1].va >> VM_PAGE_SHIFT) % mask] != REFERENCES - 1)
		g_error("plain loop");
	g_free(used);
	return took / REFERENCES;
}

/* Print millions of references a second of each side. GOAL is for the engine without contents. */
static void compare(const struct vm_reference *stream, uint64_t frames, double goal)
{
	static const char *const policies[] = {"lru", "clock", "fifo"};
	double array[ROUNDS], ratio;

	for (int i = 0; i < ROUNDS; i++)
		array[i] = plain(stream);
	printf("  a plain loop over an array: %.0f M references/s\n",
	       1e-6 / bench_median(array, ROUNDS));
	for (size_t p = 0; p < G_N_ELEMENTS(policies); p++) {
		double ours[ROUNDS], contents[ROUNDS];
		for (int i = 0; i < ROUNDS; i++) {
			ours[i] = replay(stream, policies[p], frames, true, &ratio);
			contents[i] = replay(stream, policies[p], frames, false, &ratio);
		}
		g_autofree char *label = g_strdup_printf("%s, us a reference", policies[p]);
		g_autofree char *note =
		    g_strdup_printf("%.1f M/s, with contents %.1f M/s, %.1f%% fault",
		                    1e-6 / bench_median(ours, ROUNDS),
		                    1e-6 / bench_median(contents, ROUNDS), 100 * ratio);
		bench_below(label, "%.4f", bench_median(ours, ROUNDS) * 1e6, 1 / goal, note);
	}
}

static void program(void)
{
	g_autofree struct vm_reference *stream = program_stream();

	bench_title("a program's references, 64 frames");
	compare(stream, SMALL, 40);
}

static void zipf(void)
{
	g_autofree struct vm_reference *stream = zipf_stream();

	bench_title("Zipf, 1 M pages, 76327 frames");
	compare(stream, FRAMES, 10);
}

int main(int argc, char **argv)
{
	static const struct bench_part parts[] = {
	    {"program", program}, {"zipf", zipf}, {NULL, NULL}};

	bench_main("replay", parts, argc, argv);
	return 0;
}
