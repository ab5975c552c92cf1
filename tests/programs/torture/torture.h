/*
 * torture.h - what the files of torture share.
 *
 *     torture.c   the random steps
 *     calls.c     system calls that change the arena, and what they do to the model
 *     access.c    loads and stores, and the faults that they may take
 *     model.c     what every byte must be
 *
 * The arena is a range of PAGES pages. It lies across the border of two entries of the highest
 * table, so that tables of all levels come and go with it. The model knows what is mapped at each
 * page, and every byte of it.
 */
#ifndef TESTS_PROGRAMS_TORTURE_H
#define TESTS_PROGRAMS_TORTURE_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/types.h>

enum { PAGE = 4096, PAGES = 256, OBJECTS = 3, OBJECT_PAGES = 32, HEAP_PAGES = 48 };
#define ARENA ((char *)(0x8000000000 - (uintptr_t)(PAGES / 2) * PAGE))

/* --- The model (model.c) ---------------------------------------------------------------------- */

enum kind { NONE, ANON, FILE_PRIVATE, SHARED };

/* A page of the arena. */
struct page {
	unsigned char kind, prot;
	unsigned char object; /* FILE_PRIVATE, SHARED: object 0 is anonymous memory, others files */
	bool owned;           /* FILE_PRIVATE: it has a copy of its own */
	bool lazy;            /* ANON: freed lazily, so it holds what it held, or zeros */
	unsigned short index; /* of the page in the object */
};

/* What all processes share. */
struct common {
	unsigned char bytes[OBJECTS][OBJECT_PAGES * PAGE];
	uint64_t size[OBJECTS]; /* bytes, whole pages */
};

enum outcome { FINE, MAPERR, ACCERR, BUSERR };

extern struct page page[PAGES];
extern struct common *common;
/* Another process runs: shared pages must not be stored to, nor files be changed. */
extern bool concurrent;
/* The parent waits. Files must not be cut: that takes private pages from the parent, too. */
extern bool in_child;

/* A random number below LIMIT, which is not 0. */
unsigned below(unsigned limit);
uint64_t random_number(void);
void random_seed(uint64_t seed);

/* Every result goes into the hash. */
void hash_add(uint64_t value);
uint64_t hash_value(void);
void hash_start(uint64_t value);

/* Print what is wrong, as printf does, and exit with 1. */
_Noreturn void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What an access (PROT_ bit) to page P must give. */
enum outcome outcome_of(unsigned p, int access);
/* What page P holds now; it may only be read. */
const unsigned char *bytes_of(unsigned p);
/* The same, to be stored to: a private page gets a copy first. */
unsigned char *own_bytes_of(unsigned p);
/* Page P holds zeros from now on, or what its file has. */
void page_forget(unsigned p);
/* Page TO becomes what FROM is, and FROM is gone. */
void page_move(unsigned from, unsigned to);

static inline char *address(unsigned p)
{
	return ARENA + (size_t)p * PAGE;
}

/* --- Accesses (access.c) ---------------------------------------------------------------------- */

void access_init(void);
/* One random access, or some, each of which must give what the model says. */
void access_load(void);
void access_store(void);
void access_atomic(void);
void access_copy(void);
void access_fill(void);
void access_execute(void);
/* All bytes of page P, which may be read, are those of the model. */
void access_check_page(unsigned p);
/* Lazily freed pages get new bytes. */
void access_settle(unsigned p);

/* --- System calls (calls.c) ------------------------------------------------------------------- */

void calls_init(const char *folder);
void call_map_anonymous(void);
void call_map_file(void);
void call_map_shared(void);
void call_unmap(void);
void call_protect(void);
void call_advise(void);
void call_populate(void);
void call_free(void);
void call_move(void);
void call_move_and_grow(void);
void call_sync(void);
void call_file(void);
void call_truncate(void);
void call_heap(void);
void call_pipe(void);

#endif
