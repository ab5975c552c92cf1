/*
 * bench.h - what the benchmarks share: a clock, medians, and the lines they print.
 *
 * The machine they run on is noisy. So both sides of a comparison run in turn in every round, the
 * figure is the median of the rounds, and what counts is the ratio.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { BENCH_ROUNDS = 9, BENCH_FIGURES = 256 };

/* One figure of each side, a round: seconds for one operation. */
struct bench_pair {
	double ours[BENCH_ROUNDS], theirs[BENCH_ROUNDS];
};

/*
 * Seconds since some moment: of the clock on the wall, and of this thread on a processor, which
 * others do not disturb.
 */
double bench_now(void);
double bench_cpu(void);

/* The middle one of COUNT figures, at most BENCH_FIGURES. */
double bench_median(const double *figures, int count);

/* A number below LIMIT, in an order without pattern; STATE is any number at first. */
uint64_t bench_random(uint64_t *state, uint64_t limit);

/* Memory of the process PID that is resident, bytes. */
uint64_t bench_resident(pid_t pid);

/* A heading for the lines that follow. */
void bench_title(const char *title);

/*
 * A line: VALUE, printed as FORMAT has it, which should be below GOAL. NOTE goes with it, or is
 * NULL.
 */
void bench_below(const char *label, const char *format, double value, double goal,
                 const char *note);

/*
 * A line: how long ours takes as a multiple of theirs, at most GOAL; or how much faster it is, at
 * least GOAL. AGAINST names the other side.
 */
void bench_at_most(const char *label, const struct bench_pair *pair, const char *against,
                   double goal);
void bench_at_least(const char *label, const struct bench_pair *pair, const char *against,
                    double goal);

/* The same without a goal: how much faster ours is, or else how long it takes. */
void bench_note(const char *label, const struct bench_pair *pair, const char *against, bool faster);

/* The parts of a benchmark, of which the last has no name. */
struct bench_part {
	const char *name;
	void (*run)(void);
};

/*
 * Run the parts, or those whose name contains the word in ARGV, each in a process of its own, and
 * print how many goals were met. Exits if a part fails; to miss a goal is no failure.
 */
void bench_main(const char *title, const struct bench_part *parts, int argc, char **argv);

/* Say what failed, with errno, and exit. */
_Noreturn void bench_die(const char *what);

#endif
