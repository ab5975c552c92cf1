/*
 * account.h - what is charged: pages for overcommit accounting, and locked pages.
 */
#ifndef VM_BASE_ACCOUNT_H
#define VM_BASE_ACCOUNT_H

#include "vm/internal.h"

/*
 * Add COMMITTED to the pages that overcommit accounting charges, and LOCKED to those that are
 * locked in memory. Pass a negated count to give pages back. Takes the machine lock.
 */
void machine_account(struct vm_machine *machine, uint64_t committed, uint64_t locked);

/*
 * Pages that may be charged where overcommit is forbidden, mode 2 (vm_commit_limit). Machine lock
 * held.
 */
uint64_t account_commit_limit(const struct vm_machine *machine);

/*
 * Whether PAGES more may be charged to SPACE (__vm_enough_memory). The reserves that Linux keeps
 * for root are left out, because a small machine has no room for them. Takes the machine lock.
 */
bool machine_may_commit(const struct vm_space *space, uint64_t pages);

#endif
