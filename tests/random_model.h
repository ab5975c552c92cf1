/*
 * random_model.h - the naive model of test_random.c: for each process and page, what a reader of the manual pages would
 * hold true.
 *
 * A page is mapped or not, has rights, and shows either bytes of its own or a page of an object that others may see too.
 */
#ifndef TESTS_RANDOM_MODEL_H
#define TESTS_RANDOM_MODEL_H

#include "vm/vm.h"

enum {
	CLUSTERS = 3,
	CLUSTER_PAGES = 48,
	PAGES = CLUSTERS * CLUSTER_PAGES,
	CELLS = 4, /* 8-byte words of a page that are used */
};

/* Where in a page its words are. */
extern const uint64_t cell_offset[CELLS];

/* The words of shared memory: a host file's, or those of one shared anonymous mapping. */
struct words {
	int refs;
	unsigned pages;
	uint64_t (*word)[CELLS];
};

struct page {
	bool mapped;
	int prot;
	bool shared;
	struct words *source; /* what an untouched page shows; NULL: zeros */
	unsigned index;       /* page in it */
	bool own;             /* a private page that was written */
	uint64_t word[CELLS]; /* its words then */
};

struct model {
	struct vm_process *process; /* NULL: a free place */
	struct page page[PAGES];
};

/* Cleared words of PAGES pages; each page that shows them is a reference. */
struct words *words_new(unsigned pages);
struct words *words_ref(struct words *words);
void words_unref(struct words *words);

void page_unmap(struct page *page);

/* The word CELL that PAGE shows, or where a store puts it (WRITE): a private page has words of its own then. */
uint64_t *page_word(struct page *page, unsigned cell, bool write);

/* Where page number PAGE lies. */
uint64_t page_address(unsigned page);

#endif
