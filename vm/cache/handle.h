/*
 * handle.h - the host descriptors of an object, shared by all vm_files that opened the same name
 * with the same access mode.
 *
 * Functions named _locked want the machine lock. handle_put may close the descriptor, so it wants no
 * lock.
 */
#ifndef VM_CACHE_HANDLE_H
#define VM_CACHE_HANDLE_H

#include "vm/internal.h"

/* A handle of OBJECT that was opened as NAME with ACCESS, with one more user, or NULL. */
struct vm_handle *handle_find_twin_locked(struct vm_object *object, int access, const char *name);

/* A handle of OBJECT that can be written, kept open until handle_put, or NULL. */
struct vm_handle *handle_get_writer_locked(struct vm_object *object);
/* Any handle of OBJECT, kept open until handle_put, or NULL. NEED_READ: one that can be read. */
struct vm_handle *handle_get_locked(struct vm_object *object, bool need_read);

/* One user of HANDLE less; the last one closes it. */
void handle_put(struct vm_object *object, struct vm_handle *handle);

#endif
