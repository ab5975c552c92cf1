/*
 * torture.c - random use of memory, each load of which is checked.
 *
 *     torture SEED STEPS [FOLDER]
 *
 * Maps, unmaps, protects, moves, frees, forks, truncates, stores and loads at random, and keeps a
 * model of what every byte must be. Prints a number that depends on all that it has read and on
 * nothing else: it is the same wherever the program runs. Exits with 1 after a line on standard
 * error if something is not as the model says. Its two files are in FOLDER (/tmp).
 */
#include "torture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *self;
static int depth; /* of forks */

static void check_everything(void)
{
	for (unsigned p = 0; p < PAGES; p++)
		access_check_page(p);
}

static void random_steps(unsigned steps);

static void *shared_memory(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		wrong("mmap: errno %d", errno);
	return at;
}

/* Wait for CHILD, which must exit with 0. */
static void wait_for(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child)
		wrong("waitpid: errno %d", errno);
	if (status != 0)
		wrong("a child ends with status %#x", (unsigned)status);
}

/* A child goes on from here, and tells its hash. TOGETHER: so does its parent, at the same time. */
static void fork_child(bool together)
{
	unsigned steps = 20 + below(60);
	bool before = concurrent;
	uint64_t *answer = shared_memory(sizeof(*answer));
	pid_t child;

	concurrent = concurrent || together;
	child = fork();
	if (child < 0)
		wrong("fork: errno %d", errno);
	if (child == 0) {
		in_child = true;
		depth++;
		random_number();
		random_steps(steps);
		check_everything();
		*answer = hash_value();
		_exit(0);
	}
	if (together)
		random_steps(steps);
	wait_for(child);
	hash_add(*answer);
	munmap(answer, sizeof(*answer));
	concurrent = before;
}

/* A child that becomes another program. */
static void exec_child(void)
{
	char seed[16];
	char *argv[] = {(char *)self, seed, (char *)"exec", NULL};
	pid_t child;

	snprintf(seed, sizeof(seed), "%u", below(1000));
	child = below(2) ? fork() : vfork();
	if (child < 0)
		wrong("fork: errno %d", errno);
	if (child == 0) {
		execv(self, argv);
		_exit(127);
	}
	wait_for(child);
}

/* What exec_child runs: some memory of its own, with known contents. */
static int exec_main(unsigned seed)
{
	size_t len = (size_t)(16 + seed % 32) * PAGE;
	uint64_t *at = mmap(ARENA, len, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (at != (void *)ARENA)
		return 1;
	for (size_t i = 0; i < len / 8; i++) {
		if (at[i] != 0)
			return 2;
		at[i] = i ^ seed;
	}
	for (size_t i = 0; i < len / 8; i++) {
		if (at[i] != (i ^ seed))
			return 3;
	}
	return 0;
}

static void forks(void)
{
	unsigned what = below(4);

	if (what == 0)
		exec_child();
	else if (depth < 2)
		fork_child(what == 1);
}

/* What a step may be, and how often of 1000 it is. */
static const struct step {
	unsigned weight;
	void (*fn)(void);
} all_steps[] = {
    {200, access_load},    {200, access_store},  {40, access_atomic},      {90, access_copy},
    {50, access_fill},     {30, access_execute}, {70, call_map_anonymous}, {50, call_map_file},
    {20, call_map_shared}, {30, call_unmap},     {50, call_protect},       {30, call_advise},
    {20, call_populate},   {10, call_free},      {30, call_move},          {20, call_move_and_grow},
    {20, call_sync},       {20, call_file},      {4, call_truncate},       {6, call_heap},
    {6, call_pipe},        {4, forks},
};

static void random_step(void)
{
	const size_t count = sizeof(all_steps) / sizeof(all_steps[0]);
	unsigned n = below(1000);
	size_t i = 0;

	while (i + 1 < count && n >= all_steps[i].weight)
		n -= all_steps[i++].weight;
	all_steps[i].fn();
}

static void random_steps(unsigned steps)
{
	for (unsigned i = 0; i < steps; i++)
		random_step();
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[2], "exec") == 0)
		return exec_main((unsigned)atoi(argv[1]));
	if (argc < 3) {
		fprintf(stderr, "usage: torture SEED STEPS [FOLDER]\n");
		return 2;
	}
	self = argv[0];
	random_seed(strtoull(argv[1], NULL, 0));
	common = shared_memory(sizeof(*common));
	access_init();
	calls_init(argc > 3 ? argv[3] : "/tmp");
	for (unsigned steps = (unsigned)strtoul(argv[2], NULL, 0); steps > 0; steps--)
		random_step();
	check_everything();
	printf("%016lx\n", hash_value());
	return 0;
}
