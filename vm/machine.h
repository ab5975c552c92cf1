/*
 * machine.h - the machine: its memory, its locks, its clock.
 */
#ifndef VM_MACHINE_H
#define VM_MACHINE_H

#include "vm/internal.h"

/* LEN bytes of cleared memory that cost nothing until touched, or NULL; and back. */
void *machine_reserve(size_t len);
void machine_unreserve(void *memory, size_t len);

/*
 * Wait until some page is no longer busy or under write-back. The machine lock is dropped
 * meanwhile.
 */
void machine_wait_io_locked(struct vm_machine *machine);
/* Wait on COND. The machine lock is dropped meanwhile. */
void machine_wait_locked(struct vm_machine *machine, pthread_cond_t *cond);
/*
 * Wait on COND until CLOCK_MONOTONIC shows WHEN: 0 or ETIMEDOUT. The machine lock is dropped
 * meanwhile.
 */
int machine_wait_until_locked(struct vm_machine *machine, pthread_cond_t *cond,
                              const struct timespec *when);

/*
 * Add to the pages that overcommit accounting charges, and to those that are locked (to give back:
 * wrapped around).
 */
void machine_account(struct vm_machine *machine, uint64_t committed, uint64_t locked);

/*
 * Whether SPACE may be charged PAGES more (__vm_enough_memory, without its reserves for root, which
 * a small machine has not).
 */
bool machine_may_commit(const struct vm_space *space, uint64_t pages);

/* Time since the machine's start. */
struct timespec machine_uptime(const struct vm_machine *machine);

/* A value that can be set at run time, read without the lock. */
#define machine_knob(machine, member) __atomic_load_n(&(machine)->config.member, __ATOMIC_RELAXED)

/*
 * Physical page PFN: a frame of RAM, or a table page (the zero page and the vdso's pages among
 * them).
 */
static inline void *machine_page(const struct vm_machine *machine, uint64_t pfn)
{
	if (pfn < machine->nr_frames)
		return machine->ram + (pfn << VM_PAGE_SHIFT);
	return (uint8_t *)machine->table_mem + ((pfn - machine->nr_frames) << VM_PAGE_SHIFT);
}

/* The zero page is table page 0. */
static inline uint64_t machine_zero_pfn(const struct vm_machine *machine)
{
	return machine->nr_frames;
}

#endif
