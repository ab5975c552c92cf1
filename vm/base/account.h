/*
 * account.h - the machine-wide accounts: pages charged for overcommit, and locked pages.
 */
#ifndef VM_BASE_ACCOUNT_H
#define VM_BASE_ACCOUNT_H

#include "vm/internal.h"

/*
 * Add COMMITTED pages to what overcommit accounting charges, and LOCKED pages to what is locked in
 * memory. Pass a negated count to give pages back. Never fails: ask machine_may_commit first.
 * Takes the machine lock.
 */
void machine_account(struct vm_machine *machine, uint64_t committed, uint64_t locked);

/*
 * The limit of charged pages in overcommit mode 2 (vm_commit_limit): overcommit_ratio percent of
 * RAM, and all of swap while it is on. The machine lock is held.
 */
uint64_t account_commit_limit(const struct vm_machine *machine);

/*
 * Whether PAGES more may be charged to SPACE (__vm_enough_memory). Charges nothing. Linux keeps a
 * reserve for root; it is left out, because a small machine has no memory to spare. If it may not,
 * the reason is noted for ENOMEM. Takes the machine lock.
 */
bool machine_may_commit(const struct vm_space *space, uint64_t pages);

#endif
