/*
 * work.c - clients with long work, and how long short requests take meanwhile.
 */
#include "storm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Long work -------------------------------------------------------------------------------- */

static int work_access(unsigned pid, unsigned long long at)
{
	char answer[256];
	int error = ctl(pid, answer, "access r 0x%llx 16G\n", at);

	/* So that the next round has something to do. */
	return error != 0 ? error : ctl(pid, answer, "madvise 0x%llx 16G dontneed\n", at);
}

static int work_populate(unsigned pid, unsigned long long at)
{
	char answer[256];
	int error = ctl(pid, answer, "madvise 0x%llx 16G populate_read\n", at);

	return error != 0 ? error : ctl(pid, answer, "madvise 0x%llx 16G dontneed\n", at);
}

static int work_write(unsigned pid, unsigned long long at)
{
	static char bytes[MIB];
	int fd = open_in(O_RDWR, "%u/mem", pid), error = fd < 0 ? fd : 0;

	for (int i = 0; error == 0 && i < 100000; i++)
		if (pwrite(fd, bytes, MIB, (off_t)(at + (unsigned)i % 4 * MIB)) < 0)
			error = -errno;
	return error;
}

static const struct {
	const char *name;
	const char *area;
	int (*run)(unsigned pid, unsigned long long at);
} modes[] = {
    {"access", "mmap 0 16G rw- private,anon,noreserve", work_access},
    {"populate", "mmap 0 16G rw- private,anon,noreserve", work_populate},
    {"write", "mmap 0 4M rw- private,anon", work_write},
};

int cmd_work(char **arg)
{
	uint64_t clients = number(arg[2]), at;
	size_t mode = 0;

	mount_dir = arg[0];
	while (mode < sizeof modes / sizeof modes[0] && strcmp(modes[mode].name, arg[1]) != 0)
		mode++;
	if (mode == sizeof modes / sizeof modes[0])
		return 2;
	for (uint64_t i = 0; i < clients; i++) {
		unsigned pid = must_spawn(modes[mode].area, &at);
		if (child_new() != 0)
			continue;
		int error = 0;
		while (error == 0)
			error = modes[mode].run(pid, at);
		printf("%s: %s\n", modes[mode].name, strerrorname_np(-error));
		exit(1);
	}
	puts("working");
	fflush(stdout);
	return wait_all() > 0;
}

/* --- Short requests --------------------------------------------------------------------------- */

static int probe_ls(const char *pid)
{
	return list(false);
}

static int probe_ls_l(const char *pid)
{
	return list(true);
}

static int probe_status(const char *pid)
{
	return read_whole(pid, "status");
}

static int probe_maps(const char *pid)
{
	return read_whole(pid, "maps");
}

static int probe_spawn(const char *pid)
{
	char answer[256];
	int child = new_pid(0, "spawn probe");

	return child < 0 ? child : ctl(0, answer, "kill %d KILL\n", child);
}

static const struct {
	const char *name;
	int (*run)(const char *pid);
} probes[] = {
    {"ls", probe_ls},     {"ls-l", probe_ls_l},   {"status", probe_status},
    {"maps", probe_maps}, {"spawn", probe_spawn},
};

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int cmd_probe(char **arg)
{
	size_t rounds = (size_t)number(arg[2]), kinds = sizeof probes / sizeof probes[0];
	double *took = calloc(rounds * kinds, sizeof *took);
	int wrong = 0;

	mount_dir = arg[0];
	if (took == NULL || rounds == 0)
		return 2;
	/* One after the other, so that all meet the same moments. */
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < kinds; i++) {
			double start = now_ms();
			int error = probes[i].run(arg[1]);
			took[i * rounds + round] = now_ms() - start;
			if (error != 0)
				printf("%s: %s\n", probes[i].name, strerrorname_np(-error));
			wrong += error != 0;
		}
	for (size_t i = 0; i < kinds; i++) {
		double *mine = took + i * rounds;
		qsort(mine, rounds, sizeof *mine, compare_doubles);
		printf("%s %.1f %.1f\n", probes[i].name, mine[rounds / 2], mine[rounds - 1]);
	}
	return wrong > 0;
}
