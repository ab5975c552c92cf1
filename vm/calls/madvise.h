/*
 * madvise.h - one advice for the part of a range that lies in one area, between the walk
 * (madvise.c) and what is done to pages with input and output (madvise_page.c).
 */
#ifndef VM_CALLS_MADVISE_H
#define VM_CALLS_MADVISE_H

#include "vm/internal.h"

struct advice_part {
	struct vm_process *process;
	uint64_t start, end;  /* bytes, not empty */
	struct vm_area *area; /* that covers it, while the process is locked */
	/* for what is done without locks */
	struct vm_file *file; /* AREA's, a reference; or NULL */
	uint64_t first;       /* the page of FILE at START */
};

/* No lock is held. 0 or a negative errno. */
int advice_willneed(
    struct advice_part *part); /* into the page cache or the swap cache, as far as frames go */
int advice_pageout(struct advice_part *part); /* evict the pages that nobody else maps */
int advice_remove(struct advice_part *part); /* a hole in the file, or in shared anonymous memory */

#endif
