/*
 * host_executor.h - runs a program in real processes on the host's kernel (host_machine.c).
 */
#ifndef TESTS_DIFFERENTIAL_HOST_EXECUTOR_H
#define TESTS_DIFFERENTIAL_HOST_EXECUTOR_H

#include "tests/differential/generator.h"

struct host;

/*
 * Start the program HOST_MACHINE with files in DIR. Its processes may have only AREAS more areas
 * than at the start; 0: as many as the host allows. If this host cannot be the oracle, the result
 * is NULL and *WHY is a sentence that says why.
 */
struct host *host_new(const char *host_machine, const char *dir, uint32_t areas, char **why);
void host_free(struct host *host);

/* Find out what the host supports. DIR is the folder for the files. */
void host_abilities(const char *dir, struct abilities *abilities);

/* Run PROGRAM with new files. ANSWERS has been initialised with answers_init. */
void host_run(struct host *host, const struct program *program, struct answers *answers);

#endif
