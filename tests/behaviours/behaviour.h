/*
 * behaviour.h - the notation of the table of behaviours.
 *
 * A row has a description, the function of Linux (or man page) that it follows, what to do, and
 * what must happen:
 *
 *     {"a hole at the end: what lies before is changed", "do_mprotect_pkey",
 *      DO(AREA(0, 2, RW), MPROTECT(P(0), N(3), R)), FAILS(ENOMEM), AREAS("0..2 r--p")},
 *
 * The last step is the one under test; the steps before it prepare. The process starts with an
 * empty address space. The expectations were written from Linux's rules. They must hold for the
 * engine and for the host's kernel. Then both are compared in full: each step's result, all areas,
 * resident pages, bytes and files.
 *
 *     address      P(N) page N of the arena; T(N) N pages below mmap_base; H(N) page N of the heap
 *     length       N(COUNT) this many pages
 *     rights       NONE R W X RW RX RWX
 *     prepare      AREA, COMMON (shared), FILE_P, FILE_S, STACK map PAGES at a PAGE of the arena
 *     file         F0 has 24 pages of "A", "B", ...; F1 has six of "a", "b", ... and 123 bytes of
 *                  "g"; F2 is empty. F0_R, F0_W and F0_RW are descriptors of F0
 *     process      FORK makes a child; CHILD, GRANDCHILD and PARENT say which process makes the
 *                  steps that follow
 *     outcome      OK (any success), GIVES, FAILS, READS, VECTOR (of mincore), SEGV, BUS
 *     also         AREAS, RESIDENT of the process that made the last step: see expect.h
 */
#ifndef TESTS_BEHAVIOURS_BEHAVIOUR_H
#define TESTS_BEHAVIOURS_BEHAVIOUR_H

#include "tests/differential/program.h"
#include "util/linux_constants.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

/* --- Places and rights ------------------------------------------------------------------------ */

#define ARENA UINT64_C(0x30000000)
#define USER_END UINT64_C(0x7ffffffff000)
#define P(page) (ARENA + (page)*PAGE)
#define N(pages) ((pages)*PAGE)
#define T(pages) (MMAP_BASE - (pages)*PAGE)
#define H(pages) (HEAP_START + (pages)*PAGE)

#define NONE PROT_NONE
#define R PROT_READ
#define W PROT_WRITE
#define X PROT_EXEC
#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED_ANON (MAP_SHARED | MAP_ANONYMOUS)

enum descriptor { F0_R, F0_W, F0_RW, F1_R, F1_W, F1_RW, F2_R, F2_W, F2_RW };

/* --- Steps ------------------------------------------------------------------------------------ */

/* clang-format off */
#define STEP(call, ...) {call, 0, {__VA_ARGS__}}
/* Not a step: the process in SLOT makes the steps that follow. */
#define BY(slot) {CALL_NONE, slot, {0}}
/* clang-format on */

#define MMAP(addr, len, prot, flags) STEP(CALL_MMAP, addr, len, prot, flags, BAD_FILE)
/* OFFSET is in bytes. */
#define MMAP_FILE(addr, len, prot, flags, file, offset) \
	STEP(CALL_MMAP, addr, len, prot, flags, file, offset)
#define MUNMAP(addr, len) STEP(CALL_MUNMAP, addr, len)
#define MPROTECT(addr, len, prot) STEP(CALL_MPROTECT, addr, len, prot)
/* NEW_ADDR may be omitted. */
#define MREMAP(addr, old, ...) STEP(CALL_MREMAP, addr, old, __VA_ARGS__)
#define BRK(addr) STEP(CALL_BRK, addr)
#define MSYNC(addr, len, flags) STEP(CALL_MSYNC, addr, len, flags)
#define MLOCK(addr, len) STEP(CALL_MLOCK, addr, len)
#define MLOCK2(addr, len, flags) STEP(CALL_MLOCK2, addr, len, flags)
#define MUNLOCK(addr, len) STEP(CALL_MUNLOCK, addr, len)
#define MLOCKALL(flags) STEP(CALL_MLOCKALL, flags)
#define MUNLOCKALL STEP(CALL_MUNLOCKALL, 0)
/* ADVICE is written without its MADV_. */
#define MADVISE(addr, len, advice) STEP(CALL_MADVISE, addr, len, MADV_##advice)
#define MINCORE(addr, len) STEP(CALL_MINCORE, addr, len)
#define LOAD(addr) STEP(CALL_LOAD, addr, 1)
#define LOADS(addr, len) STEP(CALL_LOAD, addr, len)
#define STORE(addr, byte) STEP(CALL_STORE, addr, 1, byte)
/* Stores BYTE, BYTE + 1, ... */
#define STORES(addr, len, byte) STEP(CALL_STORE, addr, len, byte)
/* BYTE must be RETURN if it can be executed. The result is 1. */
#define FETCH(addr) STEP(CALL_FETCH, addr)
/* LIMIT_AS and LIMIT_DATA are added to what a process has at the start. In bytes. */
#define SETRLIMIT(limit, soft, hard) STEP(CALL_SETRLIMIT, LIMIT_##limit, soft, hard)
/* Writes to the file as somebody who does not map it. */
#define FILE_WRITE(file, offset, byte) STEP(CALL_FILE_WRITE, file, offset, 1, byte)
#define FILE_RESIZE(file, size) STEP(CALL_FILE_RESIZE, file, size)

#define FORK STEP(CALL_FORK, 1)
#define FORK_AGAIN STEP(CALL_FORK, 2)
#define EXIT STEP(CALL_EXIT, 0)
#define PARENT BY(0)
#define CHILD BY(1)
#define GRANDCHILD BY(2)

#define AREA(page, pages, prot) MMAP(P(page), N(pages), prot, ANON | MAP_FIXED)
#define COMMON(page, pages, prot) MMAP(P(page), N(pages), prot, SHARED_ANON | MAP_FIXED)
#define STACK(page, pages) MMAP(P(page), N(pages), RW, ANON | MAP_FIXED | MAP_GROWSDOWN)
/* From page FIRST of the file on. */
#define FILE_P(page, pages, prot, file, first) \
	MMAP_FILE(P(page), N(pages), prot, MAP_PRIVATE | MAP_FIXED, file, N(first))
#define FILE_S(page, pages, prot, file, first) \
	MMAP_FILE(P(page), N(pages), prot, MAP_SHARED | MAP_FIXED, file, N(first))

/* --- Rows ------------------------------------------------------------------------------------- */

enum outcome_kind { ANY_SUCCESS, RESULT, SIGNAL, BYTES, MINCORE_VECTOR };

struct expected {
	enum outcome_kind kind;
	int64_t result; /* with SIGNAL: the bytes done before it */
	int signal, code;
	const char *bytes;            /* or, for mincore, '0' and '1' */
	const char *areas, *resident; /* NULL: not checked */
	const char *linux_resident;   /* if Linux differs, as docs/semantics.md says */
};

/* What the host must provide for a row to run at all, and for the host to be compared with. */
enum need {
	/* to run: limits can be raised or do not apply; low addresses can be mapped */
	NEED_ROOT = 1,
	NEED_HEURISTIC = 2, /* to run: overcommit_memory is 0 */
	/* to compare: no protection keys, which make execute-only memory unreadable */
	NEED_NO_KEYS = 4,
	NEED_ALIGNED = 8, /* to compare: the file system aligns large mappings */
	NEED_GUARDS = 16, /* to compare: the kernel has a flag for guard pages */
	NEED_NOEXEC = 32, /* to run: the files are on a noexec mount, which is made for that */
};

struct row {
	const char *name, *follows;
	const struct step *step, *after;
	unsigned steps, steps_after;
	struct expected expected;
	unsigned needs;    /* bits of enum need */
	bool unprivileged; /* the process has none of root's capabilities */
};

#define LIST(...) ((const struct step[]){__VA_ARGS__})
#define COUNT(...) (sizeof LIST(__VA_ARGS__) / sizeof(struct step))
#define DO(...) .step = LIST(__VA_ARGS__), .steps = COUNT(__VA_ARGS__)
/* Steps after the one under test. They remove what is too large to be looked at. */
#define FINALLY(...) .after = LIST(__VA_ARGS__), .steps_after = COUNT(__VA_ARGS__)
#define NEEDS(what) .needs = NEED_##what
#define AS_USER .unprivileged = true

#define OK .expected.kind = ANY_SUCCESS
#define GIVES(value) .expected.kind = RESULT, .expected.result = (int64_t)(value)
#define FAILS(error) .expected.kind = RESULT, .expected.result = -(error)
#define READS(text) \
	.expected.kind = BYTES, .expected.bytes = text, .expected.result = sizeof(text) - 1
#define VECTOR(text) .expected.kind = MINCORE_VECTOR, .expected.bytes = text
#define SIGNALS(number, why) \
	.expected.kind = SIGNAL, .expected.signal = number, .expected.code = why
#define SEGV(why) SIGNALS(SIGSEGV, SEGV_##why)
#define BUS SIGNALS(SIGBUS, BUS_ADRERR)
/* The signal came after this many bytes. */
#define AFTER(bytes_done) .expected.result = bytes_done
#define AREAS(text) .expected.areas = text
#define RESIDENT(text) .expected.resident = text
#define RESIDENT_ON_LINUX(text) .expected.linux_resident = text

struct family {
	const char *name;
	const struct row *rows;
	unsigned count;
};

/* Define the family NAME with the rows of TABLE. */
#define FAMILY(name, table) const struct family family_##name = {#name, table, G_N_ELEMENTS(table)}

extern const struct family family_brk, family_faults, family_files, family_fork, family_limits,
    family_madvise, family_merging;
extern const struct family family_mincore, family_mlock, family_mmap, family_mprotect,
    family_mremap, family_msync;
extern const struct family family_munmap, family_noexec, family_pages, family_placement,
    family_stack;

#endif
