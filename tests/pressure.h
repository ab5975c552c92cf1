/*
 * pressure.h - machines with few frames, a swap file, and a medium that fails when a test says so.
 *
 *     struct pressure p;
 *     pressure_begin(&p, &(struct pressure_size){.frames = 3, .slots = 64, .policy = "lru"});
 *     ...                      p.f.machine, p.f.process, and everything of vm_fixture.h
 *     pressure_end(&p);        every invariant holds; every frame, slot and table is back
 */
#ifndef TESTS_PRESSURE_H
#define TESTS_PRESSURE_H

#include "tests/vm_fixture.h"

/* What a transfer is. */
enum {
	FILE_READ = 1 << 0,
	FILE_WRITE = 1 << 1,
	SWAP_READ = 1 << 2,
	SWAP_WRITE = 1 << 3,
	ANY_TRANSFER = FILE_READ | FILE_WRITE | SWAP_READ | SWAP_WRITE,
};

/*
 * The transfers of KINDS are counted from 1. The COUNT of them that begin with number FIRST get ERROR (negative errno; 0: they
 * work), and during each of them DURING runs on a thread of its own, if it is not NULL.
 */
struct medium {
	unsigned kinds, first, count;
	int error;
	void (*during)(void *ctx);
	void *ctx;
	size_t piece;  /* the most that one transfer moves; 0: all */
	unsigned seen; /* transfers of KINDS so far */
	int swap_fd;
};

struct pressure_size {
	unsigned frames, slots;      /* slots 0: no swap */
	const char *policy;          /* NULL: clock */
	unsigned tlb_sets, tlb_ways; /* both 0: the default */
	bool no_tlb;
	unsigned overcommit, overcommit_ratio; /* ratio 0: the default */
	bool oom_kill;
	uid_t uid;
	uint64_t seed, writeback_centisecs;
};

struct pressure {
	struct vm_fixture f;
	struct medium medium;
};

/* 64 frames and as many slots: enough for most tests, and little to fill. */
extern const struct pressure_size roomy;

void pressure_begin(struct pressure *p, const struct pressure_size *size);
void pressure_end(struct pressure *p);

/* From now on COUNT transfers of KINDS fail with ERROR, beginning with number FIRST from here. */
void medium_fails(struct pressure *p, unsigned kinds, unsigned first, unsigned count, int error);
/* When half of the next page of KINDS has been moved, FN runs. */
void medium_calls(struct pressure *p, unsigned kinds, void (*fn)(void *ctx), void *ctx);
/* All is well again. How many transfers of KINDS there were. */
unsigned medium_heals(struct pressure *p);

struct vm_machine_info machine_info(struct pressure *p);
struct vm_process_info process_info(struct vm_process *process);
uint64_t frames_used(struct pressure *p);
uint64_t slots_used(struct pressure *p);

/* Everything that can go goes out of memory. */
void evict_all(struct pressure *p);

/* The kind of the entry for VA; -1 without one. */
int entry_kind(struct vm_process *process, uint64_t va);

/* vm_exec of a program, with files opened as the test's own user. */
void exec_program(struct pressure *p, struct vm_process *process, const char *path);

#endif
