/*
 * reason.h - why a call fails, noted where that is decided (struct vm_reason in vm.h).
 *
 * A function that decides to fail notes its reason and returns the errno. What a call tries first
 * and does in another way then may leave a reason behind; it is not the reason of the call unless
 * the errno is the same. A function that turns one errno into another says so with reason_turn.
 *
 * Rule: any lock may be held or not; the reason belongs to the thread.
 */
#ifndef VM_BASE_REASON_H
#define VM_BASE_REASON_H

#include "vm/vm.h"

/* Note WHY a call fails with ERROR (negative), with the numbers that enum vm_why says. */
int reason_set(int error, enum vm_why why, uint64_t asked, uint64_t used, uint64_t limit);

/* What was noted for FROM explains TO (both negative). Returns TO. */
int reason_turn(int from, int to);

#endif
