/*
 * engine.h - a program on its way through the engine: what engine_executor.c, which runs it, and
 * engine_look.c, which looks at what came of it, share.
 */
#ifndef TESTS_DIFFERENTIAL_ENGINE_H
#define TESTS_DIFFERENTIAL_ENGINE_H

#include "tests/differential/program.h"
#include "vm/vm.h"

struct engine {
	struct vm_machine *machine;
	struct vm_process *process[SLOTS], *watcher;
	bool forked[SLOTS];
	struct sizes base; /* of a process that has not done anything */
	struct vm_file *file[FILES * MODES];
	char *path[FILES];
	int64_t stamp; /* seconds of the last change of a file */
};

/* Index of the file that has the inode number INO, FILES if it is none of ours, -1 for 0. */
int engine_which_file(struct engine *e, ino_t ino);

/* The signal that the last access of PROCESS ended with, ERROR being what it returned. */
void engine_take_signal(struct vm_process *process, ssize_t error, int32_t *signal, int32_t *code);

struct sizes engine_sizes(struct vm_process *process);

/* What SLOT looks like now. */
void engine_look(struct engine *e, unsigned slot, struct picture *picture);
/* The pages of the picture's areas, read. Their rights change. */
void engine_dump(struct vm_process *process, struct picture *picture);

#endif
