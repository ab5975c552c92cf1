/*
 * storm.c - many hostile or careless users of a mount at once. It prints what should not have been:
 * an errno that is not expected, a byte that is wrong, a client that does not end.
 *
 *     storm mix MOUNT SEED CLIENTS STEPS      each client takes STEPS random steps (mix.c)
 *     storm readers FILE COUNT                COUNT readers of events (readers.c)
 *     storm hold COUNT PATH...                opens and reads the paths in turn, COUNT at most;
 *                                             prints how many it holds, and why not more; holds
 *                                             them until the end of standard input
 *     storm hold-only COUNT PATH...           the same without reading
 *     storm lines COUNT FILE                  the same with lines of ctl that have no end
 *     storm interrupt MOUNT SEED ROUNDS       clients that are killed at random moments
 *     storm work MOUNT MODE CLIENTS           clients with long work, until it is killed; prints
 *                                             "working" when all have begun (work.c)
 *     storm probe MOUNT PID ROUNDS            how long short requests take, one a line:
 *                                             NAME MEDIAN LONGEST, in ms; PID is a process
 *
 * The exit status is 0 if nothing was wrong. Randomness comes from SEED alone.
 */
#include "storm.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int args; /* the least number of arguments */
	int (*run)(char **arg);
} commands[] = {
    {"mix", 4, cmd_mix},     {"readers", 2, cmd_readers},
    {"hold", 2, cmd_hold},   {"hold-only", 2, cmd_hold_only},
    {"lines", 2, cmd_lines}, {"interrupt", 3, cmd_interrupt},
    {"work", 3, cmd_work},   {"probe", 3, cmd_probe},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 >= commands[i].args)
			return commands[i].run(argv + 2);
	fputs("storm: unknown command, or too few arguments\n", stderr);
	return 2;
}
