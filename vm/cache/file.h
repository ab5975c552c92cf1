/*
 * file.h - open host files as mappings and descriptors refer to them (Linux's struct file).
 *
 * A vm_file keeps its object alive. Descriptors of the host are shared: opens of the same file
 * under the same name with the same access mode use one vm_handle.
 *
 * Rule: a reference that may be the last is released with no lock held, since dirty pages may have
 * to be written then.
 */
#ifndef VM_CACHE_FILE_H
#define VM_CACHE_FILE_H

#include "vm/internal.h"

/* A file for a new shared anonymous object of LEN bytes, CHARGED for overcommit or not, or NULL. */
struct vm_file *file_new_shmem(struct vm_machine *machine, uint64_t len, bool charged);

/*
 * An area stopped mapping FILE (may be NULL): write its dirty pages if that was the last, and drop
 * the reference.
 */
void file_release_mapping(struct vm_file *file);

/*
 * The dirty pages that kept OBJECT after its last writer went are written now (or are given up:
 * LOSE): let go of it. The caller holds the object otherwise.
 */
void file_release_kept(struct vm_object *object, bool lose);

/*
 * Files that calls collect under locks, to release them afterwards. A list that cannot grow (no
 * memory) is no failure of the call: GLib's allocation of so few bytes ends the program as its own
 * do.
 */
void file_list_add(GPtrArray **files, struct vm_file *file);
void file_list_release(GPtrArray *files);

/*
 * Read up to LEN bytes at OFFSET of the host file. The number read (less only at the end of the
 * file) or a negative errno.
 */
ssize_t vm_file_pread(struct vm_file *file, void *buf, size_t len, uint64_t offset);

/*
 * Whether a process of CRED owns the host file or may write it, so that it may know what others
 * have of it in the cache (inode_owner_or_capable, file_permission). No lock is held.
 */
bool file_may_write(const struct vm_file *file, const struct vm_cred *cred);

#endif
