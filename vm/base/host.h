/*
 * host.h - what the engine takes from the host besides files: memory and time.
 */
#ifndef VM_BASE_HOST_H
#define VM_BASE_HOST_H

#include "vm/internal.h"

/*
 * LEN bytes of cleared memory that cost nothing until they are touched, or NULL; and give them
 * back.
 */
void *machine_reserve(size_t len);
void machine_unreserve(void *memory, size_t len);

/* Nanoseconds since the machine's start. */
int64_t machine_uptime(const struct vm_machine *machine);

#endif
