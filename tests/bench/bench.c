#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Shared with the child processes that run the parts. */
static struct {
	int goals, met;
} * tally;

static double clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double bench_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

double bench_cpu(void)
{
	return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(const double *figures, int count)
{
	double sorted[BENCH_FIGURES];

	memcpy(sorted, figures, (size_t)count * sizeof *sorted);
	qsort(sorted, (size_t)count, sizeof *sorted, compare);
	return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

uint64_t bench_random(uint64_t *state, uint64_t limit)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*state >> 33) % limit;
}

uint64_t bench_resident(pid_t pid)
{
	char path[64], line[256];
	unsigned long long kib = 0;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		bench_die(path);
	while (fgets(line, sizeof line, f) != NULL && sscanf(line, "Rss: %llu kB", &kib) != 1)
		;
	fclose(f);
	return kib * 1024;
}

/* --- Parts ------------------------------------------------------------------------------------ */

static void part_run(void (*run)(void))
{
	int status = 0;

	fflush(stdout);
	pid_t child = fork();
	if (child < 0)
		bench_die("fork");
	if (child == 0) {
		run();
		exit(EXIT_SUCCESS);
	}
	waitpid(child, &status, 0);
	if (status != 0)
		exit(EXIT_FAILURE);
}

void bench_main(const char *title, const struct bench_part *parts, int argc, char **argv)
{
	tally =
	    mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED)
		bench_die("mmap");
	bench_title(title);
	fflush(stdout);
	for (; parts->name != NULL; parts++)
		if (argc < 2 || strstr(parts->name, argv[1]) != NULL)
			part_run(parts->run);
	printf("\n%d of %d goals met\n", tally->met, tally->goals);
}

/* --- Printing --------------------------------------------------------------------------------- */

void bench_title(const char *title)
{
	printf("\n%s\n", title);
}

static void line(const char *label, const char *measured, const char *goal, bool ok)
{
	printf("  %-46s %-44s (goal %s)%*s %s\n", label, measured, goal, (int)(11 - strlen(goal)),
	       "", ok ? "ok" : "MISS");
	fflush(stdout);
	tally->goals++;
	tally->met += ok;
}

void bench_below(const char *label, const char *format, double value, double goal, const char *note)
{
	char number[32], measured[128], limit[40];

	snprintf(number, sizeof number, format, value);
	snprintf(measured, sizeof measured, note != NULL ? "%s  (%s)" : "%s", number, note);
	snprintf(number, sizeof number, format, goal);
	snprintf(limit, sizeof limit, "< %s", number);
	line(label, measured, limit, value < goal);
}

/* SECONDS with a unit and four significant digits. */
static void time_print(char text[static 24], double seconds)
{
	static const struct {
		double size;
		const char *name;
	} units[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}};
	size_t i = 0;

	while (i < 3 && seconds < units[i].size)
		i++;
	snprintf(text, 24, "%.4g %s", seconds / units[i].size, units[i].name);
}

/* "1.90x  (780 ns, memset 410 ns)" */
static void ratio_print(char text[static 128], const struct bench_pair *pair, double ratio,
                        const char *against)
{
	char ours[24], theirs[24];

	time_print(ours, bench_median(pair->ours, BENCH_ROUNDS));
	time_print(theirs, bench_median(pair->theirs, BENCH_ROUNDS));
	snprintf(text, 128, "%.2fx  (%s, %s %s)", ratio, ours, against, theirs);
}

/* Our time as a multiple of theirs. */
static double ratio_of(const struct bench_pair *pair)
{
	return bench_median(pair->ours, BENCH_ROUNDS) / bench_median(pair->theirs, BENCH_ROUNDS);
}

void bench_at_most(const char *label, const struct bench_pair *pair, const char *against,
                   double goal)
{
	double ratio = ratio_of(pair);
	char measured[128], limit[32];

	ratio_print(measured, pair, ratio, against);
	snprintf(limit, sizeof limit, "<= %.3gx", goal);
	line(label, measured, limit, ratio <= goal);
}

void bench_at_least(const char *label, const struct bench_pair *pair, const char *against,
                    double goal)
{
	double ratio = 1 / ratio_of(pair);
	char measured[128], limit[32];

	ratio_print(measured, pair, ratio, against);
	snprintf(limit, sizeof limit, ">= %.3gx", goal);
	line(label, measured, limit, ratio >= goal);
}

void bench_note(const char *label, const struct bench_pair *pair, const char *against, bool faster)
{
	char measured[128];

	ratio_print(measured, pair, faster ? 1 / ratio_of(pair) : ratio_of(pair), against);
	printf("  %-46s %s\n", label, measured);
}

void bench_die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}
