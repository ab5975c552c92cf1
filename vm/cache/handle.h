/*
 * handle.h - the host descriptors of an object, shared by all vm_files for which the same user
 * opened the same name with the same access mode. Each is charged to that user (VM_HANDLES), also
 * while others use it, or dirty pages of the file.
 *
 * Rule: the machine lock is held for functions named _locked. No lock is held for handle_put, which
 * may close the descriptor.
 */
#ifndef VM_CACHE_HANDLE_H
#define VM_CACHE_HANDLE_H

#include "vm/internal.h"

/*
 * The handle of OBJECT that USER opened under the name NAME with ACCESS (O_RDONLY, O_WRONLY or
 * O_RDWR), with one more use, or NULL. Release it with handle_put.
 */
struct vm_handle *handle_find_same_locked(struct vm_object *object, const struct vm_user *user,
                                          int access, const char *name);

/* A handle of OBJECT that can be written, with one more user, or NULL. */
struct vm_handle *handle_get_writer_locked(struct vm_object *object);
/* A handle of OBJECT (NEED_READ: one that can be read), with one more user, or NULL. */
struct vm_handle *handle_get_locked(struct vm_object *object, bool need_read);

/* Drop one user of HANDLE, a handle of OBJECT. The last one closes it. OBJECT stays. */
void handle_put(struct vm_object *object, struct vm_handle *handle);

#endif
