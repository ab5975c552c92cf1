/*
 * exhaustion.h - the calls that test_exhaustion makes with too little of something, and what they find.
 */
#ifndef TESTS_EXHAUSTION_H
#define TESTS_EXHAUSTION_H

#include "tests/vm_fixture.h"

/* Memory in pieces of 2 MiB, each under a page table of its own; the first pages of each and the last are looked at. */
enum { PIECES = 8, HEAP = PIECES, LOOKED_AT = 5, SAMPLES = (PIECES + 1) * LOOKED_AT, PIECE_PAGES = 512 };

#define PIECE_SIZE (PIECE_PAGES * PAGE)
#define AT(piece, page) (ARENA + (piece)*PIECE_SIZE + (page)*PAGE)
#define HEAP_AT UINT64_C(0x555555556000)

/* Rights, whether locked, and the byte of each page that is looked at. */
struct state {
	struct sample {
		char perm[5];
		bool locked, empty_in_child;
		uint8_t byte;
	} sample[SAMPLES];
	uint64_t areas;
};

struct state state_of(struct vm_process *process);

/* --- The calls -------------------------------------------------------------------------------------- */

/* What a failure may leave. */
enum contract {
	NOTHING, /* all is as it was */
	FIRST,   /* the first pages are as after the call, the others as they were */
	EITHER,  /* each page is as it was or as after the call */
	TARGET,  /* all is as it was, but what was in piece 4 may be gone */
	LENIENT, /* EITHER, and no error is told */
};

struct call {
	const char *name;
	int64_t (*run)(struct vm_process *process);
	enum contract contract;
	int64_t (*first)(struct vm_process *process); /* what must have been done, with room, before; or NULL */
	bool once;                                    /* what it did is in the way of doing it again */
};

extern const struct call exhaustion_calls[];
extern const size_t exhaustion_call_count;

/* The machine of the process whose call runs. */
extern struct vm_machine *exhaustion_machine;

#endif
