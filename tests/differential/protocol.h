/*
 * protocol.h - a random program, the outcome of each step, and the memory that the test shares with
 * the host's processes.
 *
 * A program is a list of steps. Each step is made by one of a few related processes, which are
 * called slots. Slot 0 exists at the start, a fork fills another slot, and an exit empties one.
 * Three kinds of steps are skipped: a step of an empty slot, a fork into a full one, and the exit
 * of the last process. So any subset of a program's steps is again a program.
 *
 * Both sides know only this header of a program. It needs no library, because host_machine.c has
 * none.
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
	MAX_PAGES = 8192,    /* that the dump of one process may hold */
	MINCORE_ROOM = 4096, /* pages in one mincore call */
	MINCORE_BITS = 64,   /* how many of them are compared */
};

/*
 * In the host's processes, FIRST_FILE_FD + F * MODES + M is the descriptor of file F opened with
 * mode M. The engine has a table of open files in this order.
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
	/* enum limit, soft, hard; size and data are added to what a process has at the start */
	CALL_SETRLIMIT,
	CALL_FORK, /* slot of the child */
	CALL_EXIT,
	/* addr, len: byte by byte until a signal; the result is the number of bytes */
	CALL_LOAD,
	CALL_STORE,       /* addr, len, first byte: each further byte is one larger */
	CALL_FETCH,       /* addr: the instruction there must be a return */
	CALL_FILE_WRITE,  /* file, offset, len, first byte: not through a mapping */
	CALL_FILE_RESIZE, /* file, size */
	CALL_NONE,        /* no step */
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
	int64_t result; /* as the system call returns it: a negative errno, or SKIPPED */
	/* hash of the bytes that the call returned; for mincore, one bit for each page */
	uint64_t value;
	uint64_t vague; /* bits of VALUE that may differ; set by the engine */
	int32_t signal, code;
};

/* A hash of bytes, starting with HASH_START (FNV-1a; whole pages are hashed by words). */
#define HASH_START UINT64_C(0xcbf29ce484222325)
static inline uint64_t hash_step(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x100000001b3);
	return hash ^ (hash >> 29);
}

/* --- Places ----------------------------------------------------------------------------------- */

/*
 * Where things are in the host's processes. The rest of their address space is as empty as in a new
 * process of the engine.
 */
#define HOST_CODE UINT64_C(0x400000)
#define HOST_SHARED UINT64_C(0x10000000)
#define HOST_FILL UINT64_C(0x18000000)
#define HOST_END UINT64_C(0x30000000)
#define HEAP_START UINT64_C(0x555555556000)
#define MMAP_BASE UINT64_C(0x7ffff7fff000)
/* The stack of a program without arguments. It may grow below that. */
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
	uint32_t dumping;      /* set: whoever has the turn dumps its ranges and ends */
	int32_t broken;        /* wait status of a process that ended unexpectedly */
	uint32_t unprivileged; /* the program's processes give up root's capabilities */
	uint64_t base[2]; /* bytes of address space and of data that a process has at the start */
	/* number of areas at HOST_FILL that a process has at the start, one page each */
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
