/*
 * storage_fixture.h - what the tests of storage that fails share: where things are mapped, and a machine with a mapped file.
 */
#ifndef TESTS_STORAGE_FIXTURE_H
#define TESTS_STORAGE_FIXTURE_H

#include "tests/pressure.h"

#define SHARED_AT ARENA
#define PRIVATE_AT (ARENA + 64 * PAGE)
#define ANON_AT (ARENA + 128 * PAGE)
#define SHMEM_AT (ARENA + 192 * PAGE)

/* A machine with a file of four pages mapped shared at SHARED_AT. */
struct scene {
	struct pressure p;
	char *path;
};

void scene_begin(struct scene *scene, unsigned frames, uint64_t writeback_centisecs);
void scene_end(struct scene *scene);

/* msync of all of the file. */
int msync_all(struct scene *scene);

#endif
