/*
 * twin.h - what of a dirty page was stored here, and what is the file's.
 *
 * On Linux a mapped page is the file. Here it is a copy, and others may write to the file while the
 * copy is dirty. So a page gets a twin when it becomes dirty: its bytes before the first store,
 * which are those of the file as it was last read. A byte in which the page differs from its twin
 * was stored here. Such bytes are written back, with those between two of them in one word of eight
 * bytes, and only where the file ended behind them when its size was last seen. All others are the
 * file's: what others write there is taken over, even while the page is dirty. (Twins and diffs
 * come from distributed shared memory: Munin, TreadMarks.)
 *
 * A page has a twin while it is dirty or under write-back. A transfer that stores to it all the
 * while makes it dirty again when it ends, so the twin stays until then. Twins lie in a region of
 * their own. Like RAM it costs the host nothing until it is used, and what was used once is used
 * again: as many twins as pages were dirty at the same time.
 *
 * Rule: the machine lock is held for functions named _locked, and PFN holds a page of a host file.
 * The others only look at their arguments.
 */
#ifndef VM_CACHE_TWIN_H
#define VM_CACHE_TWIN_H

#include "vm/internal.h"

/* One bit for each byte of a page: it was stored here, and is to be written. */
struct twin_map {
	uint64_t bits[VM_PAGE_SIZE / 64];
};

/* At the machine's start: reserve the region. False: no memory. At its end: free it. */
bool twin_init(struct vm_machine *machine);
void twin_fini(struct vm_machine *machine);

/* The page in PFN becomes dirty now. Its bytes become its twin, unless it has one. */
void twin_take_locked(struct vm_machine *machine, vm_pfn pfn);
/* Free the twin of PFN, if it has one. */
void twin_drop_locked(struct vm_machine *machine, vm_pfn pfn);

/*
 * A write-back of the bytes in MAP has failed. Some of them may be in the file, so all are to be
 * written again, even where the page is stored to as it was before.
 */
void twin_failed_locked(struct vm_machine *machine, vm_pfn pfn, const struct twin_map *map);
/* The LEN bytes BUF were written to the file: store them to PFN, from byte START of the page on. */
void twin_store_locked(struct vm_machine *machine, vm_pfn pfn, unsigned start, const void *buf,
                       size_t len);
/* Find what of BYTES, a copy of the page in PFN, was stored here. */
void twin_compare_locked(const struct vm_machine *machine, vm_pfn pfn, const uint8_t *bytes,
                         struct twin_map *map);
/*
 * BYTES, a copy of the page in PFN made when its write-back began, are in the file now. If the page
 * was stored to since, or is about to be, they become its twin.
 */
void twin_written_locked(struct vm_machine *machine, vm_pfn pfn, const uint8_t *bytes);

/*
 * Whether the file's bytes can be taken over into PFN now. They cannot while a transfer stores to
 * it, or while it is under write-back.
 */
bool twin_can_take_over_locked(const struct vm_machine *machine, vm_pfn pfn);
/* BYTES are the file's. Take over those in whose place nothing was stored here. */
void twin_take_over_locked(struct vm_machine *machine, vm_pfn pfn, const uint8_t *bytes);
/*
 * The file has grown, and PFN is the page of its old end: what was stored past that end is not to
 * be written.
 */
void twin_grow_locked(struct vm_machine *machine, vm_pfn pfn);
/* The file was cut at byte END (1 to 4095) of the page in PFN: clear the rest. */
void twin_cut_locked(struct vm_machine *machine, vm_pfn pfn, unsigned end);

/*
 * The first piece of bytes at or behind FROM (0 to 4096) that are all in MAP: [*START, *END).
 * False: there is none.
 */
bool twin_next_piece(const struct twin_map *map, unsigned from, unsigned *start, unsigned *end);
/* Replace in BYTES, a page, those that are not in MAP by those of FILE. */
void twin_fill(const struct twin_map *map, uint8_t *bytes, const uint8_t *file);

#endif
