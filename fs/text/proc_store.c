/*
 * proc_store.c - writes to the files of a process that hold one value: comm, clear_refs.
 */
#include "fs/text/render.h"
#include "util/number.h"

#include <errno.h>
#include <limits.h>

int store_comm(struct fs_mount *mount, struct vm_process *process, const char *text)
{
	return vm_process_set_comm(process, text);
}

int store_clear_refs(struct fs_mount *mount, struct vm_process *process, const char *text)
{
	uint64_t what;

	if (!number_parse(text, &what) || what > INT_MAX)
		return -EINVAL;
	return vm_process_clear_refs(process, (int)what);
}
