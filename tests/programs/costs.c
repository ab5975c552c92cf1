/*
 * costs.c - how long one thing takes, many times over: for tests/bench/bench_run.sh.
 *
 *     costs user N       N rounds of a loop of additions: ms in all
 *     costs call N       a system call that does nothing: us each
 *     costs fault N      the first store to a page: us each
 *     costs fork N       fork, exit and wait: us each
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void user(long n)
{
	unsigned long sum = 0, add = 3;

	for (long i = 0; i < n; i++)
		__asm__ volatile("addq %1, %0\n\trorq $7, %0" : "+r"(sum) : "r"(add) : "cc");
}

static void call(long n)
{
	for (long i = 0; i < n; i++)
		syscall(SYS_getppid);
}

static void fault(long n)
{
	char *at = mmap(NULL, (size_t)n * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	                -1, 0);

	/* One fault a page, on the host too. */
	madvise(at, (size_t)n * 4096, MADV_NOHUGEPAGE);
	for (long i = 0; i < n; i++)
		at[i * 4096] = 1;
}

static void forks(long n)
{
	for (long i = 0; i < n; i++) {
		if (fork() == 0)
			_exit(0);
		wait(NULL);
	}
}

int main(int argc, char **argv)
{
	long n = argc > 2 ? atol(argv[2]) : 1;
	double start, took;

	if (argc < 2)
		return 2;
	start = now_us();
	if (strcmp(argv[1], "user") == 0)
		user(n);
	else if (strcmp(argv[1], "call") == 0)
		call(n);
	else if (strcmp(argv[1], "fault") == 0)
		fault(n);
	else if (strcmp(argv[1], "fork") == 0)
		forks(n);
	took = now_us() - start;
	printf("%.3f\n", strcmp(argv[1], "user") == 0 ? took / 1e3 : took / (double)n);
	return 0;
}
