/*
 * fuzz_fixture.h - what the fuzzers share: a small machine, files that exist in memory only, and
 * what must hold after any input.
 *
 *     fuzz_start, fuzz_add_file ...      a machine without a mount
 *       fuzz_check                       its invariants
 *     fuzz_end                           every process ends, and nothing of theirs is left
 *
 * No input reaches a file of the host: the functions of fs/hostfile.h are replaced by some that
 * know only the files added here, by the last part of whatever path is asked for.
 *
 * A fuzzer is LLVMFuzzerTestOneInput, linked with libFuzzer, or with corpus_main.c, which runs the
 * corpus once. What is wrong ends the program.
 */
#ifndef TESTS_FUZZ_FIXTURE_H
#define TESTS_FUZZ_FIXTURE_H

#include "fs/fs.h"

#include <stddef.h>

enum { FUZZ_FILES = 8 };

struct fuzz {
	struct fs_mount mount; /* the first member, so that hostfile_open finds the files */
	struct fs_caller caller;
	struct vm_machine_info fresh; /* before the first process */
	struct fuzz_file {
		const char *name;
		int fd;
	} files[FUZZ_FILES];
	size_t file_count;
};

/* A machine of CONFIG that writes nothing back by itself. */
void fuzz_start(struct fuzz *f, const struct vm_config *config);
void fuzz_check(struct fuzz *f);
void fuzz_end(struct fuzz *f);

/* A process whose address space is limited to AS bytes for good. A reference. */
struct vm_process *fuzz_spawn(struct fuzz *f, uint64_t as);

/* A file of SIZE bytes, which may be executed. NAME stays the caller's. */
void fuzz_add_file(struct fuzz *f, const char *name, const void *bytes, size_t size);

/* An empty memory file: a descriptor. */
int fuzz_memory_file(const char *name);

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
