/*
 * limits.h - the resource limits of a process that concern memory (setrlimit(2)).
 *
 * Rule: the process is locked, or nobody else can find it. Who says no has noted the reason
 * (reason.h): of limits_allow_... for ENOMEM, of limits_can_lock for EPERM.
 */
#ifndef VM_SPACE_LIMITS_H
#define VM_SPACE_LIMITS_H

#include "vm/internal.h"

/*
 * Set the limits that Linux gives the first process: stack 8 MiB (soft only), locked memory 8 MiB,
 * the others unlimited.
 */
void limits_init(struct vm_process *process);

/* The soft limit in bytes, or VM_UNLIMITED. */
uint64_t limits_soft(const struct vm_process *process, enum vm_limit limit);

/*
 * Whether SPACE may have PAGES more pages in an area with FLAGS (AREA_). Linux: may_expand_vm, with
 * RLIMIT_AS and RLIMIT_DATA.
 */
bool limits_allow_pages(const struct vm_space *space, unsigned flags, uint64_t pages);

/*
 * Whether SPACE may have PAGES more locked pages. Root may always, others up to RLIMIT_MEMLOCK.
 * Linux: mlock_future_ok.
 */
bool limits_allow_lock(const struct vm_space *space, uint64_t pages);

/* Whether PROCESS may lock memory at all (can_do_mlock). */
bool limits_can_lock(const struct vm_process *process);

#endif
