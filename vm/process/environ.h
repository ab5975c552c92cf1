/*
 * environ.h - environments, which processes share from a fork until one of them changes its own.
 *
 * An environment never changes: a process that sets a variable gets a new one. It is one piece of
 * memory, charged to the user who made it (VM_NOTES).
 */
#ifndef VM_PROCESS_ENVIRON_H
#define VM_PROCESS_ENVIRON_H

#include "vm/internal.h"

struct vm_environ {
	int refs;             /* atomic */
	struct vm_user *user; /* a reference */
	size_t size;          /* bytes that are charged */
	char *variables[];    /* "NAME=VALUE", NULL-terminated; their text stands behind them */
};

/* A reference to ENVIRON, which may be NULL. */
struct vm_environ *environ_ref(struct vm_environ *environ);
/* Drop a reference to ENVIRON, which may be NULL. The machine lock is not held. */
void environ_unref(struct vm_machine *machine, struct vm_environ *environ);

/* The variables of PROCESS, which is locked. NULL: it has none. */
static inline char *const *environ_variables(const struct vm_process *process)
{
	return process->environ != NULL ? process->environ->variables : NULL;
}

#endif
