/*
 * object.h - the page cache: what is mapped, one object per host file (device, inode) or shared
 * anonymous memory.
 *
 * An object's pages are found through one hash table of the machine, chained through the frame
 * descriptors. They are read on first use and stay until the last vm_file of the object goes. A
 * page's life:
 *
 *     absent -> busy (being read) -> clean <-> dirty
 *                                      ^         |
 *                                      +- write-back: entries lose RW, then pwrite
 *
 * Changes that others make to the file are found by its size and times: at each fault of it, at
 * msync with invalidate, and by the write-back thread once a second. A page that differs is
 * replaced in place, so mappings stay as they are; pages past a new end go, private copies too
 * (Linux: truncate_pagecache, unmap_mapping_range).
 *
 * Rule: functions named _locked want the machine lock. The others do input or output and want no
 * lock at all.
 */
#ifndef VM_CACHE_OBJECT_H
#define VM_CACHE_OBJECT_H

#include "vm/internal.h"

struct stat;

/* An empty table of host files, by device and inode. */
GHashTable *object_table_new(void);

/*
 * The object of the host file that STAT describes, found or made; the caller enters its vm_file.
 * NULL: no memory.
 */
struct vm_object *object_of_file_locked(struct vm_machine *machine, const struct stat *status);

/*
 * A new shared anonymous object of SIZE bytes, CHARGED for overcommit as a whole or not, or NULL.
 */
struct vm_object *object_new_shmem(struct vm_machine *machine, uint64_t size, bool charged);

/*
 * An object of LEN bytes with the contents BYTES that no frames of RAM hold (the vdso). It lives as
 * long as the machine. NULL with *ERROR -ENOMEM.
 */
struct vm_object *object_new_special(struct vm_machine *machine, const void *bytes, size_t len,
                                     int *error);

/* Drop what OBJECT caches and free it: its last vm_file went. */
void object_free_locked(struct vm_object *object);

/* One of those who keep OBJECT (object->files) no longer does. */
void object_put_locked(struct vm_object *object);

/* The frame of page INDEX, or VM_PFN_NONE. */
vm_pfn object_lookup_locked(const struct vm_object *object, uint64_t index);

/* Enter PFN, allocated for OBJECT, as its page INDEX. */
void object_insert_locked(struct vm_object *object, uint64_t index, vm_pfn pfn);

/* Take PFN, which no entry maps, out of the cache. It is freed unless it is pinned. */
void object_remove_locked(struct vm_object *object, vm_pfn pfn);

/* The page in FRAME is newer than the file now. */
void object_dirty_locked(struct vm_frame *frame);

/* ... and is no longer. */
void object_clean_locked(struct vm_frame *frame);

/* Pages that lie inside OBJECT's present size. */
uint64_t object_size_pages(const struct vm_object *object);

/* How page INDEX came. */
enum object_source { OBJECT_CACHED, OBJECT_READ };

/*
 * Have page INDEX of FILE's object in the cache, as fresh as the host file is now. *PFN is its
 * frame, pinned. -EIO: past the end, or it cannot be read. -ENOMEM: no frame.
 */
int object_page_in(struct vm_file *file, uint64_t index, vm_pfn *pfn, enum object_source *source);

/*
 * Write the dirty pages of [FIRST, LAST) to the host file, clipped to its size, and wait for those
 * that others write. 0, or the first error; a page that could not be written stays dirty.
 */
int object_write_back(struct vm_object *object, uint64_t first, uint64_t last);

/* Whether size and times are as last seen; and see them. */
bool object_stamp_equals_locked(const struct vm_object *object, const struct stat *status);
void object_set_stamp_locked(struct vm_object *object, const struct stat *status);
/* See the times only. */
void object_set_times_locked(struct vm_object *object, const struct stat *status);

/*
 * Write the dirty page PFN, not yet under write-back; the lock is dropped meanwhile. 0, or the
 * error: it is dirty again.
 */
int object_write_page_locked(struct vm_object *object, vm_pfn pfn);

/* Look whether the host file has changed, and take over what has. */
void object_refresh(struct vm_object *object);

/* The first error of a write-back since the last call, or 0 (Linux's errseq, one reader). */
int object_take_error(struct vm_object *object);

#endif
