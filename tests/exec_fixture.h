/*
 * exec_fixture.h - what the tests of exec share: a machine with one process, a folder for the files that it
 * executes, and ELF files made by hand.
 */
#ifndef TESTS_EXEC_FIXTURE_H
#define TESTS_EXEC_FIXTURE_H

#include "vm/vm.h"

#include <elf.h>

struct exec_fixture {
	struct vm_machine *machine;
	struct vm_process *process;
	char *folder;
	uint64_t seed;
	bool aslr;
};

/* A vm_opener's function: opens as the test's own user. CTX is the machine. */
struct vm_file *exec_open(void *ctx, const char *path, bool executable, int *error);

/* For g_test_add. Teardown checks the machine's invariants. */
void exec_setup(struct exec_fixture *f, gconstpointer data);
void exec_teardown(struct exec_fixture *f, gconstpointer data);

/* vm_exec of PATH in the fixture's process; exec_path: with PATH as the only argument, libraries and all. */
int exec_with(struct exec_fixture *f, const char *path, const char *const *argv, bool kernel_only, uint64_t *entry);
int exec_path(struct exec_fixture *f, const char *path);

/* The process's areas, a line each. Free with g_free, as all strings here. */
char *exec_areas(struct exec_fixture *f);

/* The path of NAME in the folder, and executable files there: with BYTES, with TEXT. */
char *exec_path_of(struct exec_fixture *f, const char *name);
char *exec_write(struct exec_fixture *f, const char *name, const void *bytes, size_t size);
char *exec_write_text(struct exec_fixture *f, const char *name, const char *text);

enum { DYNAMIC_AT = 0x800, STRINGS_AT = 0xc00, IMAGE_SIZE = 0x1000, MAX_DYNAMIC = 40 };

/* An ELF file of one page and of TYPE, whose PT_INTERP names INTERPRETER. */
char *exec_write_interpreted(struct exec_fixture *f, const char *name, uint16_t type, const char *interpreter);

/* A library of one page that needs NEEDED (NULL-terminated) and has the DT_RUNPATH RUNPATH, both at DYNAMIC_AT. */
char *exec_write_library(struct exec_fixture *f, const char *name, const char *const *needed, const char *runpath);

#endif
