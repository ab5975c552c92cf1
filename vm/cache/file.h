/*
 * file.h - open files, to which mappings and descriptors refer (Linux's struct file).
 *
 * A vm_file keeps its object alive. Host descriptors are shared: opens of the same file by the same
 * user under the same name with the same access mode use one vm_handle.
 *
 * Rule: release a reference with no lock held, unless another reference surely remains. The last
 * one may have to write dirty pages.
 */
#ifndef VM_CACHE_FILE_H
#define VM_CACHE_FILE_H

#include "vm/internal.h"

/* A file with one reference and without contents. NULL: no memory. */
struct vm_file *file_alloc(struct vm_machine *machine, int access);
/* Free FILE, which file_alloc made, and nothing that it refers to. */
void file_free(struct vm_file *file);

/*
 * A reference to a file around a new shared anonymous object of LEN bytes. CHARGED: all of its
 * pages are charged for overcommit. NULL: no memory. The machine lock must not be held.
 */
struct vm_file *file_new_shmem(struct vm_machine *machine, uint64_t len, bool charged);

/*
 * Keep FILE, a host file, from being opened for writing, until file_allow_write (deny_write_access,
 * allow_write_access). Any number of callers may do that at a time. The machine lock guards the
 * count, so of an exec and an open for writing that meet, one fails. -ETXTBSY: it is open for
 * writing. The machine lock must not be held.
 */
int file_deny_write(struct vm_file *file);
void file_allow_write(struct vm_file *file);

/*
 * Release the reference to FILE that an area had. If no area maps the host file any more, write its
 * dirty pages first; an error is kept for object_take_error. FILE may be NULL. No lock is held.
 */
void file_release_mapping(struct vm_file *file);

/*
 * Drop the handle and the reference that OBJECT kept for its dirty pages (object->kept), if it kept
 * any and has no dirty page left. LOSE: drop them although dirty pages are left, which are lost. A
 * caller without a reference of its own must not use OBJECT afterwards. No lock is held.
 */
void file_release_kept(struct vm_object *object, bool lose);

/*
 * Dirty pages of OBJECT could not be written. If nobody can ever see them, drop them and what
 * file_release_kept drops, and record that (VM_FAULT_LOST): nobody here uses OBJECT but the caller,
 * with one reference, and its file has no name any more. The caller has written OBJECT back without
 * success. No lock is held.
 */
void file_drop_unseen(struct vm_object *object);

/*
 * Read up to LEN bytes at OFFSET (bytes) of FILE, a host file that can be read. Returns the number
 * read, which is less than LEN only at the end of the file, or a negative errno: -EOVERFLOW if
 * OFFSET + LEN is too large for a file, else what the medium answers. No lock is held.
 */
ssize_t vm_file_pread(struct vm_file *file, void *buf, size_t len, uint64_t offset);

/*
 * Whether a process with CRED owns the host file or may write it. Only then may it know which pages
 * others brought into the cache (inode_owner_or_capable, file_permission). Only the permission bits
 * count, not ACLs. True for root and for shared anonymous memory. No lock is held.
 */
bool file_may_write(const struct vm_file *file, const struct vm_cred *cred);

#endif
