/*
 * programs.h - well-formed ELF files of less than a page: a program, its interpreter, and the
 * library that it needs.
 */
#ifndef TESTS_FUZZ_PROGRAMS_H
#define TESTS_FUZZ_PROGRAMS_H

#include "tests/fuzz/fuzz_fixture.h"

/*
 * The names of the files. `program` needs the interpreter /lib/ld.so and libone.so, which needs
 * libtwo.so.
 */
#define PROGRAM "program"
#define INTERPRETER "ld.so"
#define LIBRARY "libone.so"

/* Add all of these files except NAME; NULL: all. */
void programs_add(struct fuzz *f, const char *name);

#endif
