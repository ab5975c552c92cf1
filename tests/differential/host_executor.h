/*
 * host_executor.h - a program run by real processes on the host's kernel (host_machine.c).
 */
#ifndef TESTS_DIFFERENTIAL_HOST_EXECUTOR_H
#define TESTS_DIFFERENTIAL_HOST_EXECUTOR_H

#include "tests/differential/generator.h"

struct host;

/*
 * Start the program HOST_MACHINE with files in DIR. Its processes may have only so many AREAS more
 * than they start with, or if that is 0, as many as the host allows. NULL with *WHY a sentence:
 * this host cannot be the oracle.
 */
struct host *host_new(const char *host_machine, const char *dir, uint32_t areas, char **why);
void host_free(struct host *host);

/* DIR is where the files go. */
void host_abilities(const char *dir, struct abilities *abilities);

/* Run PROGRAM with the files made anew. ANSWERS has been begun with answers_init. */
void host_run(struct host *host, const struct program *program, struct answers *answers);

#endif
