/*
 * view.h - a view: an object whose pages are put together from ranges of a host file, the source.
 * It lets areas map a file whose bytes do not lie at multiples of the page size, as those of a core
 * file, and tells bytes that the file has from bytes that it has not.
 *
 * The place of a byte in a view is the address at which the process has it. A page that no ranges
 * cover wholly cannot be read: SIGBUS. What the source gains or loses later is not noticed, except
 * that a page cannot be read where the source has become too short. A view is mapped privately and
 * never written.
 *
 * Rule: no lock is held.
 */
#ifndef VM_CACHE_VIEW_H
#define VM_CACHE_VIEW_H

#include "vm/internal.h"

/* The bytes [START, END) of the view are those of the source from OFFSET on. */
struct view_range {
	uint64_t start, end, offset;
};

/*
 * A view of SOURCE, a host file that can be read: COUNT ranges, by address, which do not overlap.
 * They are copied. The view counts as a host file that the opener of SOURCE has opened, and it
 * takes a reference to SOURCE. Returns a reference, or NULL with *ERROR -ENOMEM or -ENFILE.
 */
struct vm_file *view_new(struct vm_file *source, const struct view_range *ranges, size_t count,
                         int *error);

/* VIEW, which is not in use yet, takes over a charge of BYTES (VM_SNAPSHOTS) to who opened it. */
void view_take_charge(struct vm_file *view, uint64_t bytes);

/* How many bytes from START on, at most up to END, the view has without a gap. */
uint64_t view_extent(const struct vm_file *view, uint64_t start, uint64_t end);

/*
 * The first place of [AT, END), multiples of the page size, that is in no hole of the source (HOLE:
 * that is in one, or in no range), rounded to pages so that no byte is left out; or END. It asks
 * the host for the holes.
 */
uint64_t view_next(const struct vm_file *view, uint64_t at, uint64_t end, bool hole);

#endif
