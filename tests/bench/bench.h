/*
 * bench.h - helpers of the benchmarks: a clock, medians, and the lines that are printed.
 *
 * The machine that runs them is noisy. So both sides of a comparison run in turn in every round,
 * the figure is the median of the rounds, and the goals are set for the ratio.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { BENCH_ROUNDS = 9, BENCH_FIGURES = 256 };

/* One figure of each side in one round: seconds for one operation. */
struct bench_pair {
	double ours[BENCH_ROUNDS], theirs[BENCH_ROUNDS];
};

/*
 * A time in seconds, counted from some moment: bench_now by the wall clock, bench_cpu by the
 * processor time of this thread, which other programs do not disturb.
 */
double bench_now(void);
double bench_cpu(void);

/* The median of COUNT figures, at most BENCH_FIGURES. */
double bench_median(const double *figures, int count);

/* A random number below LIMIT. STATE may start as any number. */
uint64_t bench_random(uint64_t *state, uint64_t limit);

/* Resident memory of process PID, in bytes. */
uint64_t bench_resident(pid_t pid);

/* Print a heading for the lines that follow. */
void bench_title(const char *title);

/* Print VALUE with FORMAT. It should be below GOAL. NOTE is printed too, if not NULL. */
void bench_below(const char *label, const char *format, double value, double goal,
                 const char *note);

/*
 * Print how long ours takes as a multiple of theirs, which should be at most GOAL; or how much
 * faster ours is, which should be at least GOAL. AGAINST names the other side.
 */
void bench_at_most(const char *label, const struct bench_pair *pair, const char *against,
                   double goal);
void bench_at_least(const char *label, const struct bench_pair *pair, const char *against,
                    double goal);

/* Print the same without a goal: how much faster ours is, or else how long it takes. */
void bench_note(const char *label, const struct bench_pair *pair, const char *against, bool faster);

/* One part of a benchmark. The last entry of a table has no name. */
struct bench_part {
	const char *name;
	void (*run)(void);
};

/*
 * Run the parts, or those whose name contains the word in ARGV, each in a process of its own. Then
 * print how many goals were met. Exits if a part fails; a missed goal is not a failure.
 */
void bench_main(const char *title, const struct bench_part *parts, int argc, char **argv);

/* Print what failed, with errno, and exit. */
_Noreturn void bench_die(const char *what);

#endif
