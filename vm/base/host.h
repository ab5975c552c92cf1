/*
 * host.h - what the engine takes from the host besides files: memory, time, and what /proc says.
 */
#ifndef VM_BASE_HOST_H
#define VM_BASE_HOST_H

#include "vm/internal.h"

/*
 * Open the host's /proc and read what stays the same, so that later neither a limit on descriptors
 * nor a mount over /proc changes it. Without /proc, machine->proc is -1 and the rest empty.
 */
void machine_open_host(struct vm_machine *machine);
void machine_close_host(struct vm_machine *machine);

/*
 * Reserve LEN bytes of cleared memory. The host allocates a page of it when the page is first
 * touched. NULL: the host has no address space left.
 */
void *machine_reserve(size_t len);
/* Give back what machine_reserve returned, with the same LEN. MEMORY may be NULL. */
void machine_unreserve(void *memory, size_t len);

/*
 * Whether the host gives BYTES of memory and a reserve besides. A limit on the address space
 * (RLIMIT_AS) or strict overcommit may forbid it.
 */
bool machine_host_has_room(uint64_t bytes);

/* Nanoseconds since the machine's start, by its clock. */
int64_t machine_uptime(const struct vm_machine *machine);

#endif
