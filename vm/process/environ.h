/*
 * environ.h - environments, which processes share from a fork until one of them changes its own.
 */
#ifndef VM_PROCESS_ENVIRON_H
#define VM_PROCESS_ENVIRON_H

#include "vm/internal.h"

struct vm_environ {
	int refs;         /* atomic */
	char **variables; /* "NAME=VALUE", NULL-terminated, or NULL; unchanged while it is shared */
};

/* A reference to ENVIRON, which may be NULL. */
struct vm_environ *environ_ref(struct vm_environ *environ);
/* Drop a reference to ENVIRON, which may be NULL. */
void environ_unref(struct vm_environ *environ);

/* The variables of PROCESS, which is locked. NULL: it has none. */
static inline char **environ_variables(const struct vm_process *process)
{
	return process->environ != NULL ? process->environ->variables : NULL;
}

#endif
