/*
 * object_fixture.h - what the tests of objects share: a file that is mapped.
 */
#ifndef TESTS_OBJECT_FIXTURE_H
#define TESTS_OBJECT_FIXTURE_H

#include "tests/vm_fixture.h"

#define A(page) (ARENA + (page)*PAGE)

/* A test's file of SIZE bytes, page I full of 'a' + I, mapped whole at A(0) as PROT and FLAGS say. */
struct mapped {
	char *path;
	struct vm_file *file;
};

struct mapped map_new(struct vm_fixture *f, uint64_t size, int prot, int flags);

/* The test is done with the file; mappings keep it. */
void forget(struct mapped *m);

#endif
