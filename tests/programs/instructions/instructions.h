/*
 * instructions.h - what the files of `instructions` share: single instructions and faults, the
 * outcome of which is printed. It must be the same wherever the program runs.
 *
 *     main.c        the order of the cases, and the handler that takes faults
 *     faults.c      instructions that fault
 *     compute.c     instructions that do not: vectors, flags, strings, code that changes
 *     handlers.c    signal handlers: what they see, what they may change, on which stacks
 */
#ifndef TESTS_PROGRAMS_INSTRUCTIONS_H
#define TESTS_PROGRAMS_INSTRUCTIONS_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

enum { PAGE = 4096 };

/* A case: a name, and a function that prints lines after it, or faults. */
struct test {
	const char *name;
	void (*fn)(void);
};
/* Each ends with a NULL name. */
extern const struct test fault_tests[], compute_tests[], handler_tests[];

/* The name of the case that runs, and a text as printf prints it, as one line. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Memory for faults, the same for all cases: four pages, of which the first and the third may be
 * read and written, the second not be accessed, the fourth only be read. Nothing is behind it.
 */
extern char *arena;

/* From now on SIGSEGV and the like end the case, which prints what came. Handlers of a case go. */
void take_faults(void);

/* Set FN as the handler of NUMBER, with FLAGS besides SA_SIGINFO. */
void handle(int number, void (*fn)(int, siginfo_t *, void *), int flags);

/* A register of the interrupted code: REG_RIP and the like. */
static inline greg_t *reg(void *context, int number)
{
	return &((ucontext_t *)context)->uc_mcontext.gregs[number];
}

/* New pages with RIGHTS. */
void *pages(size_t count, int rights);

/* Print SIZE bytes as a number that depends on all of them. */
void say_bytes(const char *what, const void *bytes, size_t size);

#endif
