/*
 * fuzz_fixture.h - the fixture of the fuzzers: a small machine, files that exist only in memory,
 * and checks that must hold after any input.
 *
 *     fuzz_start, fuzz_add_file ...      a machine without a mount
 *       fuzz_check                       its invariants
 *     fuzz_end                           ends every process, checks that nothing of them is left
 *
 * No input reaches a file of the host. The functions of fs/host/hostfile.h are replaced by
 * functions that know only the files added here. They look only at the last component of a path.
 *
 * A fuzzer is a function LLVMFuzzerTestOneInput. It is linked with libFuzzer, or with
 * corpus_main.c, which runs the corpus once. Any failure ends the program.
 */
#ifndef TESTS_FUZZ_FIXTURE_H
#define TESTS_FUZZ_FIXTURE_H

#include "fs/fs.h"

#include <stddef.h>

enum { FUZZ_FILES = 8 };

struct fuzz {
	struct fs_mount mount; /* must be first, so that hostfile_open finds the files */
	struct fs_caller caller;
	struct vm_machine_info fresh; /* the state before the first process */
	struct fuzz_file {
		const char *name;
		int fd;
	} files[FUZZ_FILES];
	size_t file_count;
};

/* Make a machine as CONFIG says, without periodic write-back. */
void fuzz_start(struct fuzz *f, const struct vm_config *config);
void fuzz_check(struct fuzz *f);
void fuzz_end(struct fuzz *f);

/*
 * Make a process whose address space is limited to AS bytes; it cannot raise the limit. Returns a
 * reference.
 */
struct vm_process *fuzz_spawn(struct fuzz *f, uint64_t as);

/* Add an executable file of SIZE bytes. NAME is not copied. */
void fuzz_add_file(struct fuzz *f, const char *name, const void *bytes, size_t size);

/* The descriptor of a new, empty file in memory. */
int fuzz_memory_file(const char *name);

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
