/*
 * corefile.c - PID/core.
 *
 * The layout (headers, notes, where each byte of memory lies) is made at the open and stays, so
 * that the headers fit the data however the reader goes about. Its memory is bounded by the budget.
 * The memory of the process is read when it is asked for.
 */
#include "fs/files/corefile.h"

#include "fs/files/call.h"
#include "fs/run/control.h"
#include "fs/text/render.h"
#include "vm/vm_core.h"

#include <errno.h>
#include <unistd.h>

/* The layout of a core of PROCESS, or NULL with *ERROR. */
static struct vm_core *layout_of(struct fs_mount *mount, struct vm_process *process, int *error)
{
	struct vm_process_info info;
	struct vm_thread thread;

	vm_process_summary(process, &info);
	control_thread(mount->run, process, &thread);
	return vm_core_new(process, info.dump_filter, &thread, error);
}

static int corefile_open(struct fs_handle *handle)
{
	struct vm_process *process = handle->node.process;
	size_t before = handle->share.held;
	int error = -ENOMEM;

	if (!budget_resize(&handle->share, before + vm_core_estimate(process)))
		return -ENOMEM;
	struct vm_core *core = layout_of(handle->mount, process, &error);
	if (core != NULL && !budget_resize(&handle->share, before + vm_core_memory(core))) {
		g_clear_pointer(&core, vm_core_free);
		error = -ENOMEM;
	}
	handle->state = core;
	return core != NULL ? 0 : error;
}

static void corefile_release(struct fs_handle *handle)
{
	vm_core_free(handle->state);
}

static void corefile_read(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                          size_t size, off_t offset, int flags)
{
	g_autofree char *buf = NULL;

	size = MIN(size, VM_MAX_TRANSFER);
	buf = g_try_malloc(MAX(size, 1));
	size_t got = buf != NULL ? vm_core_read(handle->state, handle->node.process, buf, size,
	                                        (uint64_t)offset)
	                         : 0;
	/* Without the process its memory reads as zeros: who copies it must hear that it ended. */
	bool ended = !vm_process_alive(handle->node.process);
	if (!call_claim())
		return;
	if (buf == NULL || ended)
		fuse_reply_err(req, buf == NULL ? ENOMEM : ESRCH);
	else
		fuse_reply_buf(req, buf, got);
}

static void corefile_seek(fuse_req_t req, struct fs_handle *handle, off_t offset, int whence)
{
	int64_t found = vm_core_seek(handle->state, handle->node.process, (uint64_t)offset,
	                             whence == SEEK_HOLE);

	if (found < 0)
		fuse_reply_err(req, (int)-found);
	else
		fuse_reply_lseek(req, found);
}

/* tar -S looks for holes only if there are fewer blocks than bytes, and stores nothing of none. */
static void corefile_stat(struct fs_mount *mount, const struct vm_process_info *info,
                          struct stat *st)
{
	st->st_size = SIZE_UNKNOWN;
	st->st_blocks = (blkcnt_t)(resident_pages(info) + info->swap + 1) * (VM_PAGE_SIZE / 512);
}

static off_t corefile_measure(struct fs_mount *mount, const struct tree_node *node,
                              const struct fs_caller *caller)
{
	struct vm_process_info info;
	int error;

	if (node->process == NULL)
		return -1;
	vm_process_summary(node->process, &info);
	/* The registers do not matter, and memory is not read: a file may hang. */
	struct vm_core *core = vm_core_new(node->process, info.dump_filter, NULL, &error);
	if (core == NULL)
		return -1;
	off_t size = (off_t)vm_core_size(core);
	vm_core_free(core);
	return size;
}

static off_t corefile_size(const struct fs_handle *handle)
{
	return handle->state != NULL ? (off_t)vm_core_size(handle->state) : -1;
}

const struct file_class corefile_class = {
    .open = corefile_open,
    .release = corefile_release,
    .read = corefile_read,
    .seek = corefile_seek,
    .stat = corefile_stat,
    .measure = corefile_measure,
    .size = corefile_size,
    .slow = true,
    .cached = true,
};
