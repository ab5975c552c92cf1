/*
 * object.h - the page cache. There is one object for each host file (device and inode) and for each
 * piece of shared anonymous memory.
 *
 * Pages are found through one hash table of the machine, whose chains run through the frame
 * descriptors. A page is read when it is first used. It stays until it is evicted or the object is
 * freed. The life of a page:
 *
 *     absent -> busy (being read) -> clean <-> dirty
 *                                      ^         |
 *                                      +- write-back: entries lose RW, then pwrite
 *
 * The size and times of a file show that others have changed it. We look at them at each fault that
 * needs a page of the file, at msync with MS_INVALIDATE, and about once a second (flusher.h). Times
 * that are not yet two seconds old show nothing, because the host's time stamps may be coarse: then
 * we look at the bytes. Pages are then read again and replaced in place, so mappings stay as they
 * are. What was stored to them here stays (twin.h). Pages past a new end are unmapped and dropped,
 * private copies of them too (Linux: truncate_pagecache, unmap_mapping_range).
 *
 * Rule: the machine lock is held for functions named _locked. The others take it themselves or do
 * input and output; for them no lock is held. object_size_pages is the exception: it takes no lock,
 * and may be called with or without one.
 */
#ifndef VM_CACHE_OBJECT_H
#define VM_CACHE_OBJECT_H

#include "vm/internal.h"

struct stat;

/* Make the table of host files, by device and inode. False: no memory. */
bool object_table_init(struct vm_machine *machine);
void object_table_fini(struct vm_machine *machine);
/* The object of the host file INO of device DEV, or NULL. */
struct vm_object *object_find_locked(const struct vm_machine *machine, dev_t dev, ino_t ino);

/*
 * The object of the host file that STATUS describes, found or made. It has no reference for the
 * caller yet: the caller adds one (object->files) before it drops the lock. NULL: no memory.
 */
struct vm_object *object_of_file_locked(struct vm_machine *machine, const struct stat *status);

/*
 * A new object of SIZE bytes of shared anonymous memory, with one reference. CHARGED: all of its
 * pages are charged for overcommit until it is freed. NULL: no memory.
 */
struct vm_object *object_new_shmem(struct vm_machine *machine, uint64_t size, bool charged);

/*
 * A new object for a view (view.h) of the host file that SOURCE caches, with one reference and the
 * handle HANDLE. It is found by no device and inode, and its size is VM_USER_END for ever. NULL: no
 * memory.
 */
struct vm_object *object_new_view(const struct vm_object *source, struct vm_handle *handle);

/*
 * An object with the LEN bytes BYTES as contents (the vdso). They lie in table pages, not in frames
 * of RAM, and are never evicted. The object is in no list; the machine frees it at its end. *ERROR
 * is 0, or NULL is returned and *ERROR is -ENOMEM (no memory or no table pages).
 */
struct vm_object *object_new_special(struct vm_machine *machine, const void *bytes, size_t len,
                                     int *error);

/*
 * Drop one reference to OBJECT (object->files). The last one frees it, with its frames and swap
 * slots. If there are many, the lock is dropped meanwhile.
 */
void object_put_locked(struct vm_object *object);

/*
 * A walk over all objects of MACHINE:
 *
 *     for (object = object_next_locked(machine, NULL); object != NULL;
 *          object = object_next_locked(machine, object))
 *
 * The object at which the walk stands is kept by a reference, so the walker may drop the lock. A
 * walk that does not go to the end drops that reference. Objects that are made meanwhile come last.
 * A step may drop the lock, too.
 */
struct vm_object *object_next_locked(struct vm_machine *machine, struct vm_object *object);

/*
 * Bring what object_lookup_locked looks at into the caches of the host's processor: its bucket,
 * which is returned and stays where it is; and when that is there the first frame of BUCKET.
 */
const vm_pfn *object_prefetch_bucket(const struct vm_object *object, uint64_t index);
void object_prefetch_frame_locked(const struct vm_machine *machine, const vm_pfn *bucket);

/* The frame of page INDEX, which may be busy, or VM_PFN_NONE. */
vm_pfn object_lookup_locked(const struct vm_object *object, uint64_t index);

/* Enter PFN, a frame allocated for OBJECT, in the cache as its page INDEX, clean. */
void object_insert_locked(struct vm_object *object, uint64_t index, vm_pfn pfn);

/*
 * Take PFN, which no entry maps, out of OBJECT's cache, whether clean or dirty. The frame is freed
 * at once or, if it is pinned, when it is unpinned.
 */
void object_remove_locked(struct vm_object *object, vm_pfn pfn);

/*
 * Numbers of pages, to look at them one after the other while the object changes. A few fit without
 * memory of their own, so that some progress is always possible. {0} is an empty list.
 */
struct page_list {
	uint64_t few[64];
	size_t few_len;
	/* those after the first few, in pieces: one array would be copied as it grows, under a lock */
	struct array pieces; /* uint64_t * */
	size_t more_len;
	bool cut; /* there were more, but no memory */
};

uint64_t page_list_length(const struct page_list *list);
uint64_t page_list_at(const struct page_list *list, uint64_t i);
/* Free what LIST has. It is empty then. */
void page_list_clear(struct page_list *list);

/*
 * Append to PAGES the numbers of the pages of [FIRST, LAST) in LIST, OBJECT's `clean` or `dirty`,
 * that have one of FLAGS; 0: all. The lock is dropped meanwhile: a page that moves between the
 * lists may be added twice, or be missing. Without memory, PAGES is cut.
 */
void object_list_pages_locked(struct vm_object *object, struct list_link *list, unsigned flags,
                              uint64_t first, uint64_t last, struct page_list *pages);

/*
 * Mark the page in FRAME dirty: newer than its file. Nothing happens for shared anonymous memory.
 */
void object_dirty_locked(struct vm_frame *frame);

/* Mark the page in FRAME clean. */
void object_clean_locked(struct vm_frame *frame);

/* Whether page INDEX of OBJECT is being removed (MADV_REMOVE), so that nobody may read it in. */
bool object_in_hole_locked(const struct vm_object *object, uint64_t index);

/* OBJECT's size as last seen, in pages, rounded up. */
uint64_t object_size_pages(const struct vm_object *object);

/* Note that page INDEX lies past the end of OBJECT. Returns -EIO, for SIGBUS. */
int object_past_end(const struct vm_object *object, uint64_t index);

/* Where object_page_in found a page: in the cache, or it was read from the file. */
enum object_source { OBJECT_CACHED, OBJECT_READ };

/*
 * Bring page INDEX of FILE, a host file that can be read, into the cache. If the file may have
 * changed since the last look, a page in the cache is read again. Linux: filemap_fault. No lock is
 * held, and the caller has a reference to FILE.
 *
 * => 0: *PFN is the page's frame, pinned, and *SOURCE says where the page came from. The file may
 *    have shrunk meanwhile: under the lock, look whether the frame is still the object's
 * => -EIO: INDEX is past the end of the file, or the file cannot be read. -ENOMEM: no frame is
 *    free. Nothing is pinned, and *PFN has no meaning
 */
int object_page_in(struct vm_file *file, uint64_t index, vm_pfn *pfn, enum object_source *source);

/*
 * Write what was stored to the dirty pages [FIRST, LAST) (page numbers) to the host file, but no
 * byte past its end. Then wait until no page of OBJECT, inside the range or not, is being written.
 * The caller has a reference to OBJECT and holds no lock. Linux: filemap_write_and_wait_range.
 *
 * => 0, or the first error of our own writes: a negative errno of fstat or of the medium. A page
 *    that could not be written is dirty again. Errors of other threads' writes are left to
 *    object_take_error
 * => 0 too if OBJECT has no handle that can write: then its pages stay dirty
 * => a page that was made dirty again while another thread wrote it is not written a second time
 * => if two threads write different ranges of OBJECT at once, either may miss pages of its own
 *    range
 */
int object_write_back(struct vm_object *object, uint64_t first, uint64_t last);

/* Whether the size and times in STATUS are those that OBJECT last saw. */
bool object_stamp_equals_locked(const struct vm_object *object, const struct stat *status);
/*
 * Whether STATUS, which was asked for just now, shows times so long past that any later change of
 * the file has others.
 */
bool object_is_settled(const struct stat *status);
/*
 * Our own write to the file gave it the size and times in STATUS: make them those that OBJECT last
 * saw. No page is dropped.
 */
void object_set_stamp_locked(struct vm_object *object, const struct stat *status);
/* See the times only. */
void object_set_times_locked(struct vm_object *object, const struct stat *status);

/*
 * Write page PFN of OBJECT, which is dirty and not under write-back. The lock is dropped meanwhile
 * and held again on return. The caller has a reference to OBJECT and has pinned PFN.
 *
 * => 0: it was written. It may be dirty again, mapped, or no longer OBJECT's: look again
 * => -EBADF: OBJECT has no handle that can write; the page is still dirty. Another negative errno
 *    of fstat or of the medium: it is dirty again, or was dropped because the file has shrunk
 */
int object_write_page_locked(struct vm_object *object, vm_pfn pfn);

/*
 * Look whether the host file may have changed, by its size and times. If it may, or BYTES_TOO, drop
 * pages past its end and read the others again. Pages that cannot be read stay as they are. Nothing
 * happens for shared anonymous memory, for a view, or without a handle that can be read. The caller
 * has a reference to OBJECT and holds no lock.
 */
void object_refresh(struct vm_object *object, bool bytes_too);

/*
 * Make what was written to OBJECT's file since the last call last through a crash of the host. 0,
 * or the host's errno (-EIO, -ENOSPC, -EDQUOT, ...): some errors are only known then. No lock is
 * held. Linux: vfs_fsync_range.
 */
int object_sync(struct vm_object *object);

/*
 * The error of the latest write-back of OBJECT that failed since the last call, a negative errno,
 * or 0. So each error is reported once (Linux's errseq_t with one reader). No lock is held.
 */
int object_take_error(struct vm_object *object);

#endif
