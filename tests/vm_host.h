/*
 * vm_host.h - the host's kernel as the oracle: a script of calls runs in the engine and in a child process of the host; each
 * call's result and the areas that stand afterwards must agree.
 *
 * The child has other things mapped, so addresses are compared where they lie in the arena, and elsewhere only whether
 * there is one. It makes raw system calls only, so that sanitizers do not meddle.
 */
#ifndef TESTS_VM_HOST_H
#define TESTS_VM_HOST_H

#include "tests/vm_fixture.h"

enum host_call { MMAP, MUNMAP, MPROTECT, MREMAP, MSYNC, MADVISE, STORE, LOAD, CODE, BYTE, CHILD_BYTE, MINCORE };

/* How the file that an mmap step names is opened. Its size is four pages. */
enum host_file { NO_FILE, RDONLY, RDWR, WRONLY, BAD_FD };

/*
 * One call. ADDR to LAST are its arguments in the system call's order, but mmap's: addr, len, prot, flags, file, offset.
 * STORE (of a 1) and LOAD access a byte at ADDR: 0, or SIGSEGV or SIGBUS; CODE, a load, gives the signal's code. BYTE
 * gives the byte, CHILD_BYTE the one that a fork's child finds, or 256 + the signal. MINCORE gives a bit for each page,
 * at most 11. An argument in [ARENA, ARENA_END) is an address.
 */
struct host_step {
	enum host_call call;
	uint64_t addr, len;
	uint64_t a, b, c, d;
};

/* Run the STEPS in both, from empty arenas. The message names the step that differs. */
void assert_same(struct vm_fixture *f, const struct host_step *steps, size_t count);
#define ASSERT_SAME(f, ...) \
	do { \
		static const struct host_step steps[] = {__VA_ARGS__}; \
		assert_same(f, steps, G_N_ELEMENTS(steps)); \
	} while (0)

/* Each of the STEPS on its own, after the PREPARATION. */
void assert_each_same(struct vm_fixture *f, const struct host_step *preparation, size_t preparing,
                      const struct host_step *steps, size_t count);

#endif
