/*
 * protocol.h - a random program, what came of each step, and the memory through which the test and
 * the host's processes talk.
 *
 * A program is a list of steps, each made by one of a few related processes, its slots. Slot 0
 * stands at the start; a fork fills another slot, an exit empties one. A step of an empty slot, a
 * fork into a full one, and the exit of the last process are skipped, so that any part of a program
 * is a program again.
 *
 * Both sides know no more than this header of a program, and it needs no library: host_machine.c
 * has none.
 */
#ifndef TESTS_DIFFERENTIAL_PROTOCOL_H
#define TESTS_DIFFERENTIAL_PROTOCOL_H

#include <stdint.h>

enum {
	MAX_STEPS = 512,
	SLOTS = 4,
	FILES = 3,
	MODES = 3, /* O_RDONLY, O_WRONLY, O_RDWR */
	MAX_ARGS = 6,
	MAX_RANGES = 512,
	MAX_PAGES = 8192,    /* that one process's dump may hold */
	MINCORE_ROOM = 4096, /* pages that mincore may be asked about */
	MINCORE_BITS = 64,   /* of which so many are compared */
};

/*
 * File descriptor of file F opened with mode M in the host's processes; the engine has a table for
 * it.
 */
enum { SHARED_FD = 3, FIRST_FILE_FD = 4, BAD_FILE = FILES * MODES };

enum call {
	CALL_MMAP, /* addr, len, prot, flags, file * MODES + mode (or BAD_FILE), offset */
	CALL_MUNMAP,
	CALL_MPROTECT,
	CALL_MREMAP,
	CALL_BRK,
	CALL_MSYNC,
	CALL_MLOCK,
	CALL_MLOCK2,
	CALL_MUNLOCK,
	CALL_MLOCKALL,
	CALL_MUNLOCKALL,
	CALL_MADVISE,
	CALL_MINCORE,
	/*
	 * enum limit, soft, hard: those of size and data come on top of what a process starts with
	 */
	CALL_SETRLIMIT,
	CALL_FORK, /* slot of the child */
	CALL_EXIT, /* */
	/* addr, len: byte by byte up to a signal; the result is the number of bytes */
	CALL_LOAD,
	CALL_STORE,       /* addr, len, first byte: the others count up */
	CALL_FETCH,       /* addr: an instruction, which must be a return */
	CALL_FILE_WRITE,  /* file, offset, len, first byte: by somebody who does not map it */
	CALL_FILE_RESIZE, /* file, size */
	CALL_NONE,        /* left out */
	CALLS
};

enum limit { LIMIT_AS, LIMIT_DATA, LIMIT_STACK, LIMIT_MEMLOCK, LIMITS };

struct step {
	uint32_t call, slot;
	uint64_t arg[MAX_ARGS];
};

/* The instruction `ret`. */
enum { RETURN = 0xc3 };

#define SKIPPED INT64_MIN

struct outcome {
	int64_t result; /* as the system call: negative errno; SKIPPED */
	uint64_t value; /* hash of the bytes that the call gave; mincore: a bit a page */
	uint64_t vague; /* bits of VALUE that may differ: the engine says */
	int32_t signal, code;
};

/* A hash of bytes, begun with HASH_START (FNV-1a, by words where whole pages are meant). */
#define HASH_START UINT64_C(0xcbf29ce484222325)
static inline uint64_t hash_step(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x100000001b3);
	return hash ^ (hash >> 29);
}

/* --- Places ----------------------------------------------------------------------------------- */

/*
 * Where things are in the host's processes: all else of their address spaces is as empty as a
 * spawned process of the engine.
 */
#define HOST_CODE UINT64_C(0x400000)
#define HOST_SHARED UINT64_C(0x10000000)
#define HOST_FILL UINT64_C(0x18000000)
#define HOST_END UINT64_C(0x30000000)
#define HEAP_START UINT64_C(0x555555556000)
#define MMAP_BASE UINT64_C(0x7ffff7fff000)
/* The stack of a program without arguments; it may grow below that. */
#define STACK_LOWEST UINT64_C(0x7fffff000000)

/* --- The shared memory ------------------------------------------------------------------------ */

/* Whose turn it is: a slot, or one of these. */
enum turn { TURN_IDLE = 100, TURN_START, TURN_FINISHED };

struct range {
	uint64_t start, end;
};

/* A page as it was read at the end: the hash of its bytes, or the signal. */
struct dumped_page {
	uint64_t va, hash;
	int32_t signal, code;
};

struct shared {
	uint32_t turn; /* a futex */
	uint32_t steps, next;
	uint32_t dumping;      /* from now on who has the turn dumps its ranges and ends */
	int32_t broken;        /* wait status of a process that ended by itself */
	uint32_t unprivileged; /* the program's processes give up root's capabilities */
	uint64_t base[2];      /* bytes of address space and of data that a process starts with */
	/* areas of its own at HOST_FILL that a process starts with, a page each */
	uint32_t fill;
	uint32_t alive[SLOTS];
	int32_t pid[SLOTS];
	uint32_t ranges[SLOTS], pages[SLOTS];
	struct range range[SLOTS][MAX_RANGES];
	struct step step[MAX_STEPS];
	struct outcome outcome[MAX_STEPS];
	struct dumped_page page[SLOTS][MAX_PAGES];
};

#endif
