/*
 * command_why.h - sentences for the reasons that the engine notes (struct vm_reason).
 */
#ifndef FS_CTL_COMMAND_WHY_H
#define FS_CTL_COMMAND_WHY_H

#include "vm/vm.h"

/* BYTES exactly, in the largest unit that divides it: "1 GiB", "132 KiB", "17 bytes". */
char *why_bytes(uint64_t bytes);

/*
 * Why the last call of this thread failed with ERROR (negative), as the engine noted it since
 * vm_reason_clear. NULL: it noted nothing for that errno. Free with g_free.
 */
char *why_sentence(struct vm_machine *machine, int error);

#endif
