/*
 * engine.h - a program while the engine runs it. engine_executor.c runs the program, and
 * engine_look.c inspects the processes; both use this header.
 */
#ifndef TESTS_DIFFERENTIAL_ENGINE_H
#define TESTS_DIFFERENTIAL_ENGINE_H

#include "tests/differential/program.h"
#include "vm/vm.h"

struct engine {
	struct vm_machine *machine;
	struct vm_process *process[SLOTS], *watcher;
	bool forked[SLOTS];
	struct sizes base; /* of a process that has not done anything yet */
	struct vm_file *file[FILES * MODES];
	char *path[FILES];
	int64_t stamp; /* time of the last change of a file, in seconds */
};

/* The index of the file with inode number INO. FILES if it is another file, -1 if INO is 0. */
int engine_which_file(struct engine *e, ino_t ino);

/* The signal of PROCESS's last access, which returned ERROR. */
void engine_take_signal(struct vm_process *process, ssize_t error, int32_t *signal, int32_t *code);

struct sizes engine_sizes(struct vm_process *process);

/* Record what SLOT looks like now. */
void engine_look(struct engine *e, unsigned slot, struct picture *picture);
/* Read all pages of the picture's areas. This changes their rights. */
void engine_dump(struct vm_process *process, struct picture *picture);

#endif
