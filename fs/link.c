/*
 * link.c - where the symbolic links of a process point to.
 */
#include "fs/link.h"

#include <errno.h>

char *link_exe(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller, int *error)
{
	char *target = vm_process_exe(process);

	/* Before its first exec a process is as a kernel thread, whose exe is a link to nothing. */
	if (target == NULL)
		*error = -ENOENT;
	return target;
}
