/*
 * physfile.c - physmem.
 */
#include "fs/files/physfile.h"

#include <errno.h>

static uint64_t physical_size(struct fs_mount *mount)
{
	struct vm_machine_info info;

	vm_machine_info(mount->machine, &info);
	return (info.tables_at + info.tables_total) * VM_PAGE_SIZE;
}

static void physfile_read(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                          size_t size, off_t offset, int flags)
{
	uint64_t end = physical_size(handle->mount), address = (uint64_t)offset;
	g_autofree char *buf = NULL;

	size = address < end ? (size_t)MIN(MIN(size, VM_MAX_TRANSFER), end - address) : 0;
	buf = g_try_malloc(MAX(size, 1));
	if (buf == NULL) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	vm_machine_physical(handle->mount->machine, address, size, buf);
	fuse_reply_buf(req, buf, size);
}

static void physfile_stat(struct fs_mount *mount, const struct vm_process_info *info,
                          struct stat *st)
{
	struct vm_machine_info machine;

	vm_machine_info(mount->machine, &machine);
	st->st_size = (off_t)physical_size(mount);
	st->st_blocks = (blkcnt_t)(machine.frames_total - machine.frames_free + machine.tables) *
	                (VM_PAGE_SIZE / 512);
}

const struct file_class physfile_class = {.read = physfile_read, .stat = physfile_stat};
