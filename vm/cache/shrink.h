/*
 * shrink.h - a host file that has become shorter. Linux: truncate_pagecache, unmap_mapping_range.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_CACHE_SHRINK_H
#define VM_CACHE_SHRINK_H

#include "vm/internal.h"

struct stat;

/*
 * OBJECT has the size that STATUS shows. If it has shrunk, its pages past the new end go, private
 * copies too, and the tail of its last page is cleared.
 */
void object_take_size_locked(struct vm_object *object, const struct stat *status);

#endif
