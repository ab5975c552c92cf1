/*
 * shrink.h - drop cached pages of a host file that became shorter. Linux: truncate_pagecache,
 * unmap_mapping_range.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_CACHE_SHRINK_H
#define VM_CACHE_SHRINK_H

#include "vm/internal.h"

struct stat;

/*
 * Set OBJECT's size to what STATUS shows; its times are left as they were. If the file has shrunk,
 * its pages past the new end are unmapped and dropped, private copies of them too, and the tail of
 * the last page is cleared. Pages that are being read or written are dropped when that is over. If
 * the file has grown, what was stored past its old end is not written to it.
 *
 * STATUS may be older than what another thread has seen. To drop pages is final, so before that the
 * file, open as FD, is looked at once more, while nobody else changes the size.
 *
 * The lock is dropped meanwhile if the file has shrunk, or another thread is at it. The caller has
 * a reference to OBJECT, and looks again at all else: the size may be another one by now.
 */
void object_take_size_locked(struct vm_object *object, int fd, const struct stat *status);

/* Unmap the page in PFN, one of OBJECT's, everywhere, and drop it from the cache, dirty or not. */
void object_drop_page_locked(struct vm_object *object, vm_pfn pfn);

/* Wait until no other thread drops pages of OBJECT. The lock is dropped meanwhile. */
void object_await_size_locked(struct vm_object *object);

/*
 * Clear the last page behind the file's end: it may hold what was there before the file shrank. A
 * page that is being read is left to its reader, which calls this afterwards.
 */
void object_clear_tail_locked(struct vm_object *object);

#endif
