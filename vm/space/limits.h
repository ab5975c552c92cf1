/*
 * limits.h - resource limits of a process that bear on memory (setrlimit(2)).
 *
 * Rule: the process is locked, for writing where a limit changes.
 */
#ifndef VM_SPACE_LIMITS_H
#define VM_SPACE_LIMITS_H

#include "vm/internal.h"

/*
 * What Linux starts the first process with: stack 8 MiB, locked memory 8 MiB, the others unlimited.
 */
void limits_init(struct vm_process *process);

/* The soft limit in bytes, VM_UNLIMITED for none. */
uint64_t limits_soft(const struct vm_process *process, enum vm_limit limit);

/*
 * Whether SPACE may have PAGES more, in an area with FLAGS (may_expand_vm: RLIMIT_AS, RLIMIT_DATA).
 */
bool limits_allow_pages(const struct vm_space *space, unsigned flags, uint64_t pages);

/*
 * Whether PAGES more may be locked: root may always, others up to RLIMIT_MEMLOCK (mlock_future_ok).
 */
bool limits_allow_lock(const struct vm_space *space, uint64_t pages);

/* Whether the process may lock memory at all (can_do_mlock). */
bool limits_can_lock(const struct vm_process *process);

#endif
