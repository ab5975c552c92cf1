/*
 * programs.h - well-formed ELF files of less than a page: a program, its interpreter, and the
 * library that it needs.
 */
#ifndef TESTS_FUZZ_PROGRAMS_H
#define TESTS_FUZZ_PROGRAMS_H

#include "tests/fuzz/fuzz_fixture.h"

/* The names of the files. `program` asks for /lib/ld.so and libone.so, which asks for libtwo.so. */
#define PROGRAM "program"
#define INTERPRETER "ld.so"
#define LIBRARY "libone.so"

/* Add those of the files that are not NAME; NULL: all. */
void programs_add(struct fuzz *f, const char *name);

#endif
