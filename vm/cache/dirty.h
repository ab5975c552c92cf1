/*
 * dirty.h - the bound on dirty pages of host files (knob dirty_ratio). Linux: balance_dirty_pages.
 *
 * A dirty page cannot leave its frame before it is written. So if there were no bound, files that
 * cannot be written could take all frames. A store that is about to make one more page dirty when
 * the bound is reached first writes a page of its own file. If its file has none that are dirty,
 * it goes on: nobody waits for another file, which may hang. So the dirty pages are at most the
 * bound, one page for each file, and one for each store under way.
 *
 * Rule: the machine lock is held for functions named _locked, and no lock for the other.
 */
#ifndef VM_CACHE_DIRTY_H
#define VM_CACHE_DIRTY_H

#include "vm/internal.h"

/* Whether there are as many dirty pages as the bound allows. Those under write-back count too. */
bool dirty_is_full_locked(const struct vm_machine *machine);

/*
 * Write a dirty page of OBJECT, a host file: the one that is dirty for the longest time, or if that
 * fails the next, until one is written or each was tried. If others are writing all that there are,
 * wait until something was written. The caller has a reference to OBJECT and to a file of it that
 * can be written.
 *
 * => 0: *WRITTEN says whether a page was written. If not, look again
 * => a negative errno: none can be written, and this is the error of the last one
 */
int dirty_write_one(struct vm_object *object, bool *written);

#endif
