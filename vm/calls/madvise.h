/*
 * madvise.h - what the walk over the areas (madvise.c) shares with the advice that reads and writes
 * pages (madvise_page.c). An advice is given for one area at a time.
 */
#ifndef VM_CALLS_MADVISE_H
#define VM_CALLS_MADVISE_H

#include "vm/internal.h"

/* The part of madvise's range that lies in one area. */
struct advice_part {
	struct vm_process *process;
	uint64_t start, end;  /* bytes, multiples of the page size; not empty */
	struct vm_area *area; /* the area around it; only valid while the process is locked */
	/* for what is done without locks */
	struct vm_file *file; /* AREA's file, a reference; or NULL */
	uint64_t first;       /* the page of FILE that START maps */
};

/*
 * The functions below are called with no lock held. The area may have changed since PART was filled
 * in, and the process may have ended: PROCESS and FILE are referenced, AREA must not be used.
 */

/*
 * MADV_WILLNEED: read the pages into the page cache or the swap cache, at most half of all frames.
 * Stops without an error when no frame can be made free, or a page cannot be read. Returns 0.
 * Linux: madvise_willneed.
 */
int advice_willneed(struct advice_part *part);

/*
 * MADV_PAGEOUT: evict the pages that no other process maps. Pages of a file are left alone if the
 * process may not write to it. Pages that cannot be evicted stay. Returns 0. Linux:
 * madvise_cold_or_pageout_pte_range.
 */
int advice_pageout(struct advice_part *part);

/*
 * MADV_REMOVE: punch a hole into the file, or free the pages of shared anonymous memory. FILE is
 * not NULL. Returns 0, or a negative errno of fallocate(2) for a host file. Linux: madvise_remove.
 */
int advice_remove(struct advice_part *part);

#endif
